"""What a project's sessions find out again and again, from transcripts on disk to advice."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from ccmon.history import studies
from ccmon.history.archive import Archive
from ccmon.history.study import Student
from ccmon.past import Candidate, Memory
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
from tests.e2e.test_once import ccmon
from tests.homes import NOW, ConfigHome, read
from tests.sittings import ROOT, SLUG, Sitting, numbered

DAY = 86_400.0
GUIDE = numbered(*(f"rule {number}" for number in range(40)))
NAMES = [str(UUID(int=number << 96 | 0x4000_8000 << 64 | number)) for number in range(20)]
IN_WORKTREES = (7, 12)
RARE = (3, 4)


def sitting(number: int, *, now: float = NOW) -> Sitting:
    """One of twenty sessions of a project: three files, a test run, and what only two look at."""
    tree = f"/.claude/worktrees/fix-{number}" if number in IN_WORKTREES else ""
    made = Sitting(NAMES[number], cwd=ROOT + tree, start=now - (number + 1) * DAY)
    made.run(f"npm test -- --seed {number}", f"passed in {number}.3 s", 3_000)
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
            ("npm test -- --seed #", "nothing", False),
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
        assert memory["npm test -- --seed #"].tokens == 3_000

    def test_a_span_counts_the_sessions_in_it(self, archive: Archive) -> None:
        assert remembered(archive, days=10).sessions == 10
        assert remembered(archive, days=2).candidates == ()

    def test_a_project_is_named(self, home: ConfigHome, archive: Archive) -> None:
        Sitting(str(UUID(int=99)), cwd="/home/dev/web").say().write(home, "-home-dev-web")
        assert (remembered(archive).sessions, remembered(archive).projects) == (21, 2)
        assert remembered(archive, project="shop-api").sessions == 20

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

    def test_what_was_deleted_since_is_still_known(
        self, home: ConfigHome, archive: Archive
    ) -> None:
        remembered(archive)
        for number in range(10):
            home.transcript(NAMES[number], project=slug_of(number)).unlink()
        assert by_key(remembered(archive))["docs/guide.md"].sessions == 20


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
