"""What a project's sessions find out again and again, from transcripts on disk to advice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from ccmon.history import studies
from ccmon.history.archive import Archive
from ccmon.history.index import Index
from ccmon.history.study import Student
from ccmon.monitor import Scope
from ccmon.past import Candidate, Memory
from ccmon.settings import PriceOverride, Settings
from ccmon.transcripts.locate import config_homes
from tests.e2e.test_once import ccmon
from tests.homes import FIRST, NOW, ConfigHome, read
from tests.sittings import OPUS_5_5, ROOT, SLUG, Sitting, numbered

DAY = 86_400.0
GUIDE = numbered(*(f"rule {number}" for number in range(40)))
NAMES = [str(UUID(int=number << 96 | 0x4000_8000 << 64 | number)) for number in range(20)]
IN_WORKTREES = (7, 12)
RARE = (3, 4)


def sitting(number: int, *, now: float = NOW) -> Sitting:
    """One of twenty sessions of a project: three files, a test run, and what only two look at."""
    tree = f"/.claude/worktrees/fix-{number}" if number in IN_WORKTREES else ""
    made = Sitting(NAMES[number], cwd=ROOT + tree, start=now - (number + 1) * DAY)
    made.run(f"npm test -- --seed {number}", "passed", 3_000)
    made.read("docs/guide.md", GUIDE, 9_000)
    made.read("src/flow.py", numbered(*(f"step {number} {line}" for line in range(40))), 12_000)
    made.read("notes.txt", numbered("buy milk"), 500)
    if number in RARE:
        made.read("lib/rare.py", GUIDE, 20_000)
    return made.say(40)


def slug_of(number: int) -> str:
    return f"{SLUG}--claude-worktrees-fix-{number}" if number in IN_WORKTREES else SLUG


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    home = ConfigHome(tmp_path / "config")
    for number in range(20):
        sitting(number).write(home, slug_of(number))
    return home


@pytest.fixture
def archive(home: ConfigHome, tmp_path: Path) -> Iterator[Archive]:
    archive = opened(home, tmp_path)
    yield archive
    archive.close()


def opened(home: ConfigHome, tmp_path: Path) -> Archive:
    homes = config_homes([str(home.path)], {}, home.path)
    return Archive(homes, Settings(), tmp_path / "cache", clock=lambda: NOW)


def remembered(archive: Archive, *, days: int = 30, project: str | None = None) -> Memory:
    archive.look_again()
    while archive.step(1.0):
        pass
    while archive.study(1.0, days=days, project=project):
        pass
    return archive.memory(days=days, project=project)


def kept_bytes(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((tmp_path / "cache").iterdir()))


def by_key(memory: Memory) -> dict[str, Candidate]:
    return {candidate.key: candidate for candidate in memory.candidates}


@pytest.fixture
def studied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sessions that were studied."""
    seen: list[str] = []

    class Noted(Student):
        def __init__(self, session_id: str, *rest: object) -> None:
            seen.append(session_id)
            super().__init__(session_id, *rest)  # type: ignore[arg-type]  # passed on as given

    monkeypatch.setattr(studies, "Student", Noted)
    return seen


class TestPlantedRepetition:
    def test_it_is_ranked_and_only_what_pays_is_recommended(self, archive: Archive) -> None:
        memory = remembered(archive)
        assert (memory.sessions, memory.projects, memory.days) == (20, 1, 30)
        told = [(each.key, each.belongs, each.recommended) for each in memory.candidates]
        assert told == [
            ("src/flow.py", "map", True),
            ("docs/guide.md", "CLAUDE.md", True),
        ]

    def test_the_figures_are_those_of_the_transcripts(self, archive: Archive) -> None:
        memory = by_key(remembered(archive))
        guide = memory["docs/guide.md"]
        assert (guide.sessions, guide.reads, guide.tokens) == (20, 20, 9_000)
        assert (guide.contents, guide.is_stable, guide.project) == (1, True, "shop-api")
        # Carried by 42 requests of 44, or by one more where a rare file was read.
        life = 42 + len(RARE) / 20
        assert guide.saving == pytest.approx(19 * 9_000 * (8 + 0.2 * life) / 1e6)
        assert guide.cost == pytest.approx(20 * 9_000 * (8 + 0.2 * (life - 1)) / 1e6)
        assert guide.session_saving == pytest.approx(9_000 * (8 + 0.2 * life) / 1e6)
        requests = 44 + len(RARE) / 20
        assert guide.memory_cost == pytest.approx(2_000 * (8 + 0.2 * requests) / 1e6)
        assert memory["src/flow.py"].contents == 20
        assert guide.root == ROOT

    def test_a_span_counts_the_sessions_in_it(self, archive: Archive) -> None:
        assert remembered(archive, days=10).sessions == 10
        assert remembered(archive, days=2).candidates == ()

    def test_a_project_is_named(self, home: ConfigHome, archive: Archive) -> None:
        Sitting(str(UUID(int=99)), cwd="/home/dev/web").say().write(home, "-home-dev-web")
        assert (remembered(archive).sessions, remembered(archive).projects) == (21, 2)
        assert remembered(archive, project="shop-api").sessions == 20

    def test_a_project_of_the_same_name_has_files_of_its_own(
        self, home: ConfigHome, archive: Archive
    ) -> None:
        other = Sitting(FIRST, cwd="/home/other/shop-api").read("docs/guide.md", GUIDE, 9_000).say()
        other.write(home, "-home-other-shop-api")
        memory = remembered(archive)
        assert memory.projects == 2
        assert {(each.root, each.sessions) for each in memory.candidates} == {(ROOT, 20)}
        monitor = home.monitor(Scope(everything=True))
        read(monitor)
        monitor.know(memory.candidates)
        told = {
            session.cwd: [each.id for each in session.findings if each.id == "F11"]
            for session in read(monitor).sessions
        }
        assert told["/home/other/shop-api"] == []
        assert told[ROOT] == ["F11", "F11"]

    def test_the_session_on_screen_is_told(self, home: ConfigHome, archive: Archive) -> None:
        monitor = home.monitor()
        read(monitor)
        monitor.know(remembered(archive).candidates)
        for session in read(monitor).sessions:
            files = [dict(each.evidence)["file"] for each in session.findings if each.id == "F11"]
            assert sorted(map(str, files)) == ["docs/guide.md", "src/flow.py"]


def test_every_face_tells_it_once_the_past_was_looked_at(config_home: Path) -> None:
    now = time.time()
    for number in range(20):
        made = sitting(number, now=now)
        made.write(ConfigHome(config_home), slug_of(number))
    assert files_told_of() == []
    memory = json.loads(ccmon("memory", "--json").stdout)
    recommended = [each["key"] for each in memory["candidates"] if each["recommended"]]
    assert recommended == ["src/flow.py", "docs/guide.md"]
    assert files_told_of() == ["docs/guide.md"] * 20 + ["src/flow.py"] * 20


def files_told_of() -> list[str]:
    """What the findings of all sessions say is read again and again."""
    document = json.loads(ccmon("--once", "--all", "--json").stdout)
    found = [each for session in document["sessions"] for each in session["findings"]]
    return sorted(each["evidence"]["file"] for each in found if each["id"] == "F11")


class TestKeptStudies:
    def test_each_session_is_studied_once(
        self, home: ConfigHome, tmp_path: Path, studied: list[str]
    ) -> None:
        first = opened(home, tmp_path)
        before = remembered(first)
        assert sorted(studied) == sorted(NAMES)
        first.close()
        second = opened(home, tmp_path)
        after = remembered(second)
        assert len(studied) == 20
        assert by_key(after).keys() == by_key(before).keys()
        second.close()

    def test_one_that_was_written_to_is_studied_again(
        self, home: ConfigHome, archive: Archive, studied: list[str]
    ) -> None:
        remembered(archive)
        path = home.transcript(NAMES[2])
        path.write_bytes(b"")
        sitting(2).read("notes.txt", numbered("buy bread"), 600).say().write(home)
        memory = remembered(archive)
        assert studied[20:] == [NAMES[2]]
        assert by_key(memory)["docs/guide.md"].sessions == 20

    def test_they_are_told_without_reading_any_transcript(
        self, home: ConfigHome, archive: Archive, tmp_path: Path, studied: list[str]
    ) -> None:
        assert archive.remembered() == ()
        assert studied == []
        remembered(archive)
        again = opened(home, tmp_path)
        keys = [each.key for each in again.remembered() if each.recommended]
        again.close()
        assert keys == ["src/flow.py", "docs/guide.md"]
        assert len(studied) == 20

    def test_a_broken_index_tells_nothing(
        self, home: ConfigHome, archive: Archive, tmp_path: Path
    ) -> None:
        remembered(archive)
        archive.close()
        for file in (tmp_path / "cache").glob("history.sqlite*"):
            file.write_bytes(b"no index" * 9_000)
        again = opened(home, tmp_path)
        assert again.remembered() == ()
        assert by_key(remembered(again))["docs/guide.md"].sessions == 20
        again.close()

    def test_files_that_go_one_by_one_take_nothing_along(
        self, home: ConfigHome, archive: Archive, studied: list[str]
    ) -> None:
        for number in range(20):
            agent = Sitting(NAMES[number], agent=f"a{number}", start=NOW - (number + 1) * DAY)
            agent.say(2).write(home, slug_of(number))
        before = by_key(remembered(archive))["docs/guide.md"]
        for number in range(19):
            home.transcript(NAMES[number], project=slug_of(number)).unlink()
        after = by_key(remembered(archive))["docs/guide.md"]
        assert (after.sessions, after.tokens) == (before.sessions, before.tokens) == (20, 9_000)
        assert len(studied) == 20

    def test_each_set_of_homes_and_prices_has_studies_of_its_own(
        self, home: ConfigHome, tmp_path: Path, studied: list[str]
    ) -> None:
        other = ConfigHome(tmp_path / "other")
        Sitting(FIRST, cwd="/home/dev/web").say().write(other, "-home-dev-web")
        cheap = PriceOverride(input=4.0, output=20.0, write_5m=0.5, write_1h=0.8, read=0.02)
        told = []
        for paths, settings in [
            ([home], Settings()), ([home, other], Settings()), ([home], Settings()),
            ([home, other], Settings()), ([home], Settings(prices={OPUS_5_5: cheap})),
        ]:  # fmt: skip
            homes = config_homes([str(each.path) for each in paths], {}, home.path)
            archive = Archive(homes, settings, tmp_path / "cache", clock=lambda: NOW)
            memory = remembered(archive)
            known = [each.session_saving for each in archive.remembered()]
            assert known == [each.session_saving for each in memory.candidates]
            told.append((memory.sessions, round(sum(filter(None, known)), 4)))
            archive.close()
        assert len(studied) == 20 + 21 + 20
        assert [sessions for sessions, _ in told] == [20, 21, 20, 21, 20]
        assert told[0] == told[2]
        assert told[4][1] == pytest.approx(told[0][1] / 10, rel=1e-3)

    def test_what_is_due_takes_a_few_queries_however_many_sessions(
        self, home: ConfigHome, archive: Archive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        remembered(archive)
        asked: list[str] = []
        rows, stream = Index.rows, Index.stream

        def noted(index: Index, sql: str, values: Sequence[object] = ()) -> list[object]:
            asked.append(sql)
            return rows(index, sql, values)

        def noted_stream(index: Index, sql: str, values: Sequence[object] = ()) -> Iterator[object]:
            asked.append(sql)
            return stream(index, sql, values)

        monkeypatch.setattr(Index, "rows", noted)
        monkeypatch.setattr(Index, "stream", noted_stream)
        assert not archive.study(1.0)
        archive.memory()
        assert len([sql for sql in asked if not sql.startswith("PRAGMA")]) <= 8

    def test_what_is_long_past_is_dropped(
        self, home: ConfigHome, tmp_path: Path, archive: Archive
    ) -> None:
        remembered(archive)
        assert kept_bytes(tmp_path)
        archive.close()
        homes = config_homes([str(home.path)], {}, home.path)
        now = NOW
        later = Archive(homes, Settings(), tmp_path / "cache", clock=lambda: now)
        remembered(later)
        now = NOW + 85 * DAY
        assert remembered(later).sessions == 0
        now = NOW
        assert len(later.remembered()) == 2, "a short span does not drop what a longer one needs"
        now = NOW + 120 * DAY
        remembered(later)
        now = NOW
        assert later.remembered() == ()
        later.close()

    def test_what_was_deleted_since_is_still_known(
        self, home: ConfigHome, archive: Archive
    ) -> None:
        remembered(archive)
        for number in range(10):
            home.transcript(NAMES[number], project=slug_of(number)).unlink()
        assert by_key(remembered(archive))["docs/guide.md"].sessions == 20


class TestWhatIsKept:
    def test_commands_and_searches_are_unnamed_until_three_sessions_share_them(
        self, home: ConfigHome, archive: Archive, tmp_path: Path
    ) -> None:
        def look(number: int) -> None:
            sitting = Sitting(NAMES[number], cwd="/home/dev/web", start=NOW - 900 * (number + 1))
            sitting.run("ls -R shared-place", GUIDE, 4_000).search("sharedpattern", GUIDE, 4_000)
            sitting.run(f"ls -R only-{'abc'[number]}", GUIDE, 4_000).search("little", GUIDE, 300)
            sitting.run("curl -H 'Authorization: Bearer secret'", GUIDE, 4_000)
            sitting.say(30).write(home, "-home-dev-web")

        for path in (home.path / "projects").glob("*/*.jsonl"):
            path.unlink()
        look(0)
        look(1)
        assert remembered(archive, project="web").candidates == ()
        named = [b"shared-place", b"sharedpattern", b"only-", b"little", b"secret"]
        assert [each in kept_bytes(tmp_path) for each in named] == [False] * 5
        look(2)
        keys = {each.key: each for each in remembered(archive, project="web").candidates}
        assert keys.keys() == {"ls -R shared-place", "sharedpattern"}
        assert keys["sharedpattern"].sessions == 3
        assert [each in kept_bytes(tmp_path) for each in named] == [True, True, False, False, False]
        for number in (0, 1):
            home.transcript(NAMES[number], project="-home-dev-web").unlink()
        assert len(remembered(archive, project="web").candidates) == 2
        archive.forget()
        assert remembered(archive, project="web").candidates == ()
        assert [each in kept_bytes(tmp_path) for each in named] == [False] * 5

    def test_a_session_studied_again_keeps_the_names(
        self, home: ConfigHome, archive: Archive
    ) -> None:
        for turn in range(3):
            for number in range(4):
                sitting = Sitting(NAMES[number], start=NOW - 900 * (number + 1))
                sitting.run("ls -R src", GUIDE, 4_000).say(30 + turn)
                home.transcript(NAMES[number], project=slug_of(number)).write_bytes(b"")
                sitting.write(home, slug_of(number))
            assert by_key(remembered(archive))["ls -R src"].sessions == 4


def test_a_fork_did_not_find_out_what_it_copied(home: ConfigHome, archive: Archive) -> None:
    original = home.transcript(NAMES[5]).read_bytes()
    for number in range(5):
        fork = str(UUID(int=0xF0 + number))
        # Old clients write their own session into the lines that they copy.
        home.write(
            original.replace(f'Id":"{NAMES[5]}'.encode(), f'Id":"{fork}'.encode()), session=fork
        )
        Sitting(fork, start=NOW - 1_000 + number).say().write(home)
    memory = remembered(archive)
    assert memory.sessions == 25
    assert by_key(memory)["docs/guide.md"].sessions == 20
