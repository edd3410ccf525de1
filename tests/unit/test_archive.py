"""The archive: totals of every corpus, what has changed since, days, projects, retention."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmon.history import scan
from ccmon.history.archive import Archive
from ccmon.history.scan import read_on
from ccmon.history.seen import Seen
from ccmon.past import By, Query
from ccmon.requests import Request
from ccmon.settings import PriceOverride, Settings
from ccmon.snapshot import Session
from ccmon.transcripts.locate import config_homes
from tests.archives import Row, archive_of, at, caught_up, read_once, rows_of
from tests.homes import CORPUS, FIRST, NOW, SECOND, ConfigHome, read
from tests.known import FOLDERS, name_of
from tests.lines import Record, assistant, line, usage

GROUPINGS: tuple[By, ...] = ("day", "week", "month", "project", "model", "session")


@pytest.fixture(params=FOLDERS, ids=name_of)
def corpus(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "home")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on reading any transcript fails the test."""

    def refuse(seen: Seen, limit: int = 0) -> bool:
        raise AssertionError(f"{seen.path} was read again")

    monkeypatch.setattr(scan, "read_on", refuse)


def _row(session: Session, one: Request) -> Row:
    """As ``rows_of`` has it."""
    return (
        one.message_id, session.session_id, session.project, session.cwd, one.thread, one.n,
        one.at, one.request_id, one.model, one.version, one.stop_reason, one.usage, one.context,
        one.rewritten, one.bust, one.cost, one.split, one.avoidable, one.output_is_lower_bound,
        one.estimated,
    )  # fmt: skip


class TestEveryCorpus:
    def test_adds_up_to_the_totals_that_are_known_of_it(self, corpus: Path, cache: Path) -> None:
        expected = json.loads((corpus / "expected.json").read_bytes())
        accepted = expected.get("accepted_range", {})
        archive = caught_up(archive_of(corpus, folder=cache))
        totals = archive.history(Query()).totals
        for count, best in {"requests": expected["requests"], **expected["usage"]}.items():
            low, high = accepted.get(count, (best, best))
            found = totals.requests if count == "requests" else getattr(totals.usage, count)
            assert low <= found <= high, count
        for by in GROUPINGS:
            groups = archive.history(Query(by=by)).groups
            assert sum(group.sums.requests for group in groups) == totals.requests
            assert sum(group.sums.cost or 0.0 for group in groups) == pytest.approx(
                totals.cost or 0.0
            )
        sessions = {group.key for group in archive.history(Query(by="session")).groups}
        assert sessions == expected["by_session"].keys()
        models = {group.key for group in archive.history(Query(by="model")).groups}
        assert models == expected["by_model"].keys()
        archive.close()

    def test_says_of_each_request_what_the_full_engine_says(self, corpus: Path) -> None:
        archive = caught_up(archive_of(corpus))
        sessions = read(ConfigHome(corpus).monitor()).sessions
        assert rows_of(archive) == sorted(
            _row(session, row)
            for session in sessions
            for rows in (session.requests, *(agent.requests for agent in session.subagents))
            for row in rows
        )
        titles = {
            group.key: group.name if group.name != group.key else None
            for group in archive.history(Query(by="session")).groups
        }
        assert titles == {
            session.session_id: session.title
            for session in sessions
            if session.session_id in titles
        }

    def test_is_read_once(self, corpus: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cold, rows = read_once(corpus, folder=cache)
        reads_nothing(monkeypatch)
        warm, again = read_once(corpus, folder=cache)
        assert (warm.totals.requests, again) == (cold.totals.requests, rows)

    def test_grows_in_the_hands_of_two_archives(self, corpus: Path, tmp_path: Path) -> None:
        home, cache = tmp_path / "home", tmp_path / "cache"
        parts = {
            file.relative_to(corpus): file.read_bytes()
            for file in sorted(corpus.glob("projects/**/*.jsonl"))
        }
        one, other = archive_of(home, folder=cache), archive_of(home, folder=cache)
        for third in (1, 2, 3):
            for place, data in parts.items():
                (home / place).parent.mkdir(parents=True, exist_ok=True)
                (home / place).write_bytes(b"")
                with (home / place).open("r+b") as file:
                    file.write(data[: len(data) * third // 3])
            caught_up(one if third % 2 else other)
            one, other = other, one
        for archive in (one, other):
            caught_up(archive)
        expected = rows_of(caught_up(archive_of(home)))
        assert rows_of(one) == rows_of(other) == expected
        assert archive_of(home, folder=cache).step() is False
        one.close()
        other.close()


class TestChanges:
    def test_only_what_was_appended_is_read(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "m1"))
        read_once(home.path, folder=cache)
        size = path.stat().st_size
        offsets: list[int] = []
        real = read_on

        def noted(seen: Seen, limit: int = 0) -> bool:
            offsets.append(seen.offset)
            return real(seen, limit)

        monkeypatch.setattr(scan, "read_on", noted)
        home.write(at("2026-11-20T09:01:00Z", "m2"))
        history, _ = read_once(home.path, folder=cache)
        assert (history.totals.requests, offsets) == (2, [size])

    def test_a_stamp_of_the_past_is_a_change_like_any(self, home: ConfigHome, cache: Path) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"), mtime=2_000_000_000.0)
        read_once(home.path, folder=cache)
        home.write(at("2026-11-20T09:01:00Z", "m2"), mtime=1_000_000_000.0)
        assert read_once(home.path, folder=cache)[0].totals.requests == 2

    @pytest.mark.parametrize("now", [-1e18, 0.0, 1e18])
    def test_a_clock_that_jumps_changes_no_figure(
        self, home: ConfigHome, cache: Path, now: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        read_once(home.path, folder=cache)
        monkeypatch.setattr(time, "time", lambda: now)
        home.write(at("2026-11-20T09:01:00Z", "m2"))
        homes = config_homes([str(home.path)], {}, home.path)
        archive = caught_up(Archive(homes, Settings(), cache, clock=time.time))
        history = archive.history(Query())
        assert (history.totals.requests, history.generated_at) == (2, now)
        while archive.study():
            pass
        assert archive.memory().candidates == ()
        archive.close()

    def test_a_truncated_file_counts_as_it_is_now(self, home: ConfigHome, cache: Path) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2"))
        read_once(home.path, folder=cache)
        path.write_bytes(at("2026-11-20T09:05:00Z", "m3"))
        history, rows = read_once(home.path, folder=cache)
        assert [row[0] for row in rows] == ["m3"]
        assert history.kept.gone_files == 0

    def test_a_file_that_was_rewritten_at_its_old_size_is_read_anew(
        self, home: ConfigHome, cache: Path
    ) -> None:
        first, last = at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2")
        path = home.write(first, last)
        read_once(home.path, folder=cache)
        with path.open("r+b") as file:
            file.write(first.replace(b"m1", b"m9"))
        os.utime(path, (NOW + 60, NOW + 60))
        _, rows = read_once(home.path, folder=cache)
        assert [row[0] for row in rows] == ["m2", "m9"]

    def test_a_copy_that_comes_later_does_not_count_twice(
        self, home: ConfigHome, cache: Path
    ) -> None:
        lines = [at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2")]
        home.write(*lines)
        read_once(home.path, folder=cache)
        fork = at("2026-11-20T10:00:00Z", "m3", SECOND)
        start = line({"type": "system", "timestamp": "2026-11-20T09:59:00Z"}) + b"\n"
        home.write(start, *lines, fork, session=SECOND)
        history, rows = read_once(home.path, folder=cache)
        assert history.totals.requests == 3
        assert rows == rows_of(caught_up(archive_of(home.path)))

    def test_the_original_that_comes_later_takes_its_requests_back(
        self, home: ConfigHome, cache: Path
    ) -> None:
        copied = [at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2")]
        home.write(*copied, at("2026-11-20T10:00:00Z", "m3"), session=SECOND)
        read_once(home.path, folder=cache)
        home.write(*copied)
        archive = caught_up(archive_of(home.path, folder=cache))
        assert rows_of(archive) == rows_of(caught_up(archive_of(home.path)))
        archive.close()

    def test_new_prices_need_no_reading(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        before, _ = read_once(home.path, folder=cache)
        reads_nothing(monkeypatch)
        dear = Settings(prices={"claude-opus-5-5": PriceOverride(output=1000.0)})
        after, _ = read_once(home.path, folder=cache, settings=dear)
        assert before.totals.cost is not None
        assert after.totals.cost is not None
        assert after.totals.cost > before.totals.cost
        again, _ = read_once(home.path, folder=cache)
        assert again.totals.cost == before.totals.cost

    def test_the_revision_grows_with_what_was_found_and_else_not(self, home: ConfigHome) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        archive = caught_up(archive_of(home.path))
        before = archive.revision
        assert caught_up(archive).revision == before
        home.write(at("2026-11-20T09:01:00Z", "m2"))
        assert caught_up(archive).revision > before
        assert archive.scanning.files == archive.scanning.files_done == 1
        archive.close()

    def test_a_name_that_is_no_text_is_read_as_any_other(
        self, home: ConfigHome, cache: Path
    ) -> None:
        path = os.fsdecode(os.fsencode(home.transcript().parent) + b"/\xff\xfe.jsonl")
        half = at("2026-11-20T09:00:00Z", "m1", "HALF").replace(b"HALF", b"\\ud800")
        Path(path).write_bytes(half)
        assert read_once(home.path, folder=cache)[0].totals.requests == 1
        assert read_once(home.path, folder=cache)[0].kept.gone_files == 0

    def test_absurd_counts_add_up(self, home: ConfigHome, cache: Path) -> None:
        most = 2**53
        for number in range(3000):
            message: Record = {"id": f"m{number}", "usage": usage(input_tokens=most)}
            home.write(line(assistant(message=message)) + b"\n")
        history, _ = read_once(home.path, folder=cache)
        assert history.totals.usage.input_tokens == min(3000 * most, 2**63 - 1)
        assert not history.warning


class TestRetention:
    def test_a_deleted_transcript_stays_in_the_sums_until_it_is_forgotten(
        self, home: ConfigHome, cache: Path
    ) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "m1"))
        home.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND)
        read_once(home.path, folder=cache)
        size = path.stat().st_size
        path.unlink()
        archive = caught_up(archive_of(home.path, folder=cache))
        history = archive.history(Query(by="session"))
        assert history.totals.requests == 2
        kept = history.kept
        assert (kept.files, kept.gone_files, kept.gone_sessions, kept.gone_requests) == (2, 1, 1, 1)
        assert {group.key: group.on_disk for group in history.groups} == {FIRST: 0.0, SECOND: 1.0}
        assert [one.on_disk for one in archive.requests(Query())] == [False, True]

        dropped = archive.forget()
        assert (dropped.gone_files, dropped.gone_requests, dropped.bytes) == (1, 1, size)
        assert [row[0] for row in rows_of(archive)] == ["m2"]
        assert archive.history(Query()).kept.gone_files == 0
        assert archive.forget().gone_files == 0
        archive.close()

    def test_what_was_forgotten_is_nowhere_in_the_file(self, home: ConfigHome, cache: Path) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "msg_secret"))
        home.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND)
        dear = Settings(prices={"claude-opus-5-5": PriceOverride(output=1000.0)})
        read_once(home.path, folder=cache, settings=dear)
        archive = caught_up(archive_of(home.path, folder=cache))
        while archive.study(days=30):
            pass
        path.unlink()
        archive.forget()
        archive.close()
        for word in (b"msg_secret", FIRST.encode()):
            assert not any(word in file.read_bytes() for file in cache.iterdir())
        assert read_once(home.path, folder=cache, settings=dear)[0].totals.requests == 1

    def test_a_transcript_that_comes_back_is_on_disk_again(
        self, home: ConfigHome, cache: Path, tmp_path: Path
    ) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "m1"))
        read_once(home.path, folder=cache)
        path.rename(tmp_path / "aside")
        assert read_once(home.path, folder=cache)[0].kept.gone_requests == 1
        (tmp_path / "aside").rename(path)
        kept = read_once(home.path, folder=cache)[0].kept
        assert (kept.gone_files, kept.gone_requests) == (0, 0)

    def test_a_file_that_moved_is_not_gone(self, home: ConfigHome, cache: Path) -> None:
        path = home.write(at("2026-11-20T09:00:00Z", "m1"))
        read_once(home.path, folder=cache)
        path.rename(home.transcript(project="-home-dev-elsewhere"))
        history, rows = read_once(home.path, folder=cache)
        assert (history.kept.files, history.kept.gone_files) == (1, 0)
        assert rows == rows_of(caught_up(archive_of(home.path)))

    def test_a_request_that_a_fork_still_holds_is_on_disk(
        self, home: ConfigHome, cache: Path
    ) -> None:
        first = at("2026-11-20T09:00:00Z", "m1")
        path = home.write(first, at("2026-11-20T09:01:00Z", "m2"))
        fork = [first, at("2026-11-20T10:00:00Z", "m3", SECOND)]
        home.write(*fork, session=SECOND)
        read_once(home.path, folder=cache)
        path.unlink()
        archive = caught_up(archive_of(home.path, folder=cache))
        on_disk = {one.message_id: one.on_disk for one in archive.requests(Query())}
        assert on_disk == {"m1": True, "m2": False, "m3": True}
        archive.close()

    def test_a_home_that_is_not_there_loses_nothing(
        self, home: ConfigHome, cache: Path, tmp_path: Path
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        _, rows = read_once(home.path, folder=cache)
        home.path.rename(tmp_path / "unmounted")
        history, found = read_once(home.path, folder=cache)
        assert (found, history.kept.gone_files) == (rows, 0)


class TestHomes:
    @pytest.fixture
    def other(self, tmp_path: Path) -> ConfigHome:
        return ConfigHome(tmp_path / "other")

    def test_only_the_homes_that_were_asked_for_count(
        self, home: ConfigHome, other: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        other.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND)
        assert read_once(home.path, other.path, folder=cache)[0].totals.requests == 2
        reads_nothing(monkeypatch)
        for asked, message_id in ((home, "m1"), (other, "m2")):
            assert [row[0] for row in read_once(asked.path, folder=cache)[1]] == [message_id]
        assert read_once(other.path, home.path, folder=cache)[0].totals.requests == 2

    def test_a_copy_in_another_home_counts_once_where_both_are_asked_for(
        self, home: ConfigHome, other: ConfigHome, cache: Path
    ) -> None:
        lines = [at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2")]
        home.write(*lines)
        other.write(lines[0])
        assert read_once(home.path, folder=cache)[0].totals.requests == 2
        assert read_once(other.path, folder=cache)[0].totals.requests == 1
        assert read_once(home.path, other.path, folder=cache)[0].totals.requests == 2

    def test_a_home_has_one_history_under_all_its_names(
        self, home: ConfigHome, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        read_once(home.path, folder=cache)
        (tmp_path / "link").symlink_to(home.path)
        reads_nothing(monkeypatch)
        assert read_once(tmp_path / "link", folder=cache)[0].totals.requests == 1

    def test_a_home_that_comes_into_being_is_found(
        self, home: ConfigHome, other: ConfigHome, cache: Path
    ) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        archive = caught_up(archive_of(home.path, other.path, folder=cache))
        other.write(at("2026-11-20T09:00:00Z", "m2", SECOND), session=SECOND)
        assert caught_up(archive).history(Query()).totals.requests == 2
        archive.close()


@pytest.fixture
def generated(tmp_path: Path) -> Callable[[str], Path]:
    """Copies of a corpus to change."""
    return lambda name: Path(shutil.copytree(CORPUS / name, tmp_path / "copy"))


def test_every_transcript_of_a_corpus_may_go_and_come_back(
    generated: Callable[[str], Path], cache: Path
) -> None:
    home = generated("resume")
    _, rows = read_once(home, folder=cache)
    projects = home / "projects"
    hidden = home / "hidden"
    shutil.copytree(projects, hidden)
    for file in projects.glob("**/*.jsonl"):
        file.unlink()
    history, gone = read_once(home, folder=cache)
    assert history.kept.gone_requests == len(rows) == len(gone)
    shutil.rmtree(projects)
    hidden.rename(projects)
    history, back = read_once(home, folder=cache)
    assert (back, history.kept.gone_requests) == (rows, 0)


def test_a_cache_folder_inside_a_config_home_is_not_used(home: ConfigHome) -> None:
    home.write(at("2026-11-20T09:00:00Z", "m1"))
    folder = home.path / "cache"
    history, _ = read_once(home.path, folder=folder)
    assert history.totals.requests == 1
    assert "lies in the config folder" in history.warning
    assert not folder.exists()


def test_no_home_at_all_is_an_empty_history(tmp_path: Path) -> None:
    homes = config_homes([str(tmp_path / "none")], {}, tmp_path)
    assert homes[0].found is False
    history, rows = read_once(tmp_path / "none", folder=tmp_path / "cache")
    assert (history.totals.requests, history.groups, rows) == (0, (), [])
    assert history.totals.cost is None
