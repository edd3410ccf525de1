"""One index for several: what other processes do to it meanwhile, and who only looks into it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmon.history import INDEX_FILE, archive, files, scan, sums
from ccmon.history.archive import Archive
from ccmon.history.index import Index
from ccmon.history.seen import Seen
from ccmon.past import Query
from ccmon.settings import PriceOverride, Settings
from ccmon.transcripts.locate import config_homes
from tests.archives import archive_of, at, caught_up, counted, read_once
from tests.homes import NOW, SECOND, ConfigHome
from tests.lines import line

HARMLESS = line({"type": "summary", "summary": "x", "leafUuid": "y"}) + b"\n"


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    """Two sessions, of two projects."""
    home = ConfigHome(tmp_path / "home")
    home.write(at("2026-11-20T09:00:00Z", "m1"))
    home.write(
        at("2026-11-20T09:00:00Z", "m2", SECOND, cwd="/home/dev/docs"), session=SECOND, project="-d"
    )
    return home


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def meanwhile(
    home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Archive], None]], None]:
    """Has another process do something in the middle of the next answer."""

    def plan(work: Callable[[Archive], None]) -> None:
        real = sums.sessions_of

        def interrupted(*asked: object) -> object:
            found = real(*asked)  # type: ignore[arg-type]  # whatever it was called with
            monkeypatch.setattr(sums, "sessions_of", real)
            work(archive_of(home.path, folder=cache))
            return found

        monkeypatch.setattr(sums, "sessions_of", interrupted)

    return plan


Planned = Callable[[Callable[[Archive], None]], None]


class TestAnAnswer:
    def test_is_of_one_moment_while_another_process_accounts(
        self, home: ConfigHome, cache: Path, meanwhile: Planned
    ) -> None:
        one = caught_up(archive_of(home.path, folder=cache))
        before = counted(one.history(Query(by="project")))

        def grow(other: Archive) -> None:
            home.write(HARMLESS)
            home.write(HARMLESS, session=SECOND, project="-d")
            caught_up(other)

        meanwhile(grow)
        assert counted(one.history(Query(by="project"))) == before == {"shop": 1, "docs": 1}
        meanwhile(grow)
        assert len(list(one.requests(Query()))) == 2

    def test_counts_what_is_gone_at_the_same_moment(
        self, home: ConfigHome, cache: Path, meanwhile: Planned
    ) -> None:
        one = caught_up(archive_of(home.path, folder=cache))

        def forget(other: Archive) -> None:
            home.transcript().unlink()
            caught_up(other)

        meanwhile(forget)
        assert one.history(Query()).kept.gone_requests == 0
        assert one.history(Query()).kept.gone_requests == 1

    def test_comes_whole_when_its_scope_was_dropped(self, home: ConfigHome, cache: Path) -> None:
        one = caught_up(archive_of(home.path, folder=cache))
        dear = Settings(prices={"claude-opus-5-5": PriceOverride(output=1000.0)})
        other = caught_up(archive_of(home.path, folder=cache, settings=dear))
        other.forget()
        assert one.history(Query()).totals.requests == 2

    def test_is_news_when_another_process_read_first(self, home: ConfigHome, cache: Path) -> None:
        one, other = archive_of(home.path, folder=cache), archive_of(home.path, folder=cache)
        caught_up(other)
        caught_up(caught_up(one))
        before = one.revision
        assert caught_up(one).revision == before
        home.write(at("2026-11-20T09:01:00Z", "m3"))
        caught_up(other)
        assert caught_up(one).revision > before
        assert one.history(Query()).totals.requests == 3

    def test_keeps_the_numbers_of_its_sessions(self, home: ConfigHome, cache: Path) -> None:
        numbers = "SELECT session_id, id FROM sessions ORDER BY id"
        one = caught_up(archive_of(home.path, folder=cache))
        before = one._index.rows(numbers)
        for session, project in ((SECOND, "-d"), (None, "")):
            if session:
                home.write(HARMLESS, session=session, project=project)
            else:
                home.write(HARMLESS)
            assert caught_up(one)._index.rows(numbers) == before


class TestABrokenIndex:
    @pytest.fixture
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The transcripts that are read from now on."""
        read: list[str] = []
        real = scan.read_on

        def noted(seen: Seen, limit: int = 1 << 20) -> bool:
            read.append(seen.path)
            return real(seen, limit)

        monkeypatch.setattr(scan, "read_on", noted)
        return read

    def broken(self, home: ConfigHome, cache: Path, *, whole: bool) -> Archive:
        homes = config_homes([str(home.path)], {}, home.path)
        one = Archive(homes, Settings(), cache, clock=lambda: NOW, whole=whole)
        while one.step():
            pass
        with contextlib.closing(sqlite3.connect(cache / INDEX_FILE)) as connection:
            connection.execute("DROP TABLE sums")
        return one

    def test_is_filled_before_it_answers(self, home: ConfigHome, cache: Path) -> None:
        one = self.broken(home, cache, whole=True)
        assert one.history(Query()).totals.requests == 2
        one.close()

    def test_answers_at_once_where_nobody_waits_and_is_filled_by_the_next_steps(
        self, home: ConfigHome, cache: Path, reads: list[str]
    ) -> None:
        one = self.broken(home, cache, whole=False)
        reads.clear()
        assert one.history(Query()).totals.requests == 0
        assert not reads
        while one.step():
            pass
        assert one.history(Query()).totals.requests == 2
        one.close()

    def test_is_not_filled_by_a_process_that_ends(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(40):
            session = f"{number:08}-2222-4222-8222-222222222222"
            home.write(at("2026-11-20T09:00:00Z", f"n{number}", session), session=session)
        one = self.broken(home, cache, whole=True)
        read: list[str] = []
        real = scan.read_on

        def slow(seen: Seen, limit: int = 1 << 20) -> bool:
            read.append(seen.path)
            one.stop()
            time.sleep(0.01)
            return real(seen, limit)

        monkeypatch.setattr(scan, "read_on", slow)
        one.history(Query())
        assert 0 < len(read) < 42
        one.close()


class TestLookingAtTheMemory:
    def archive(self, home: ConfigHome, cache: Path) -> Archive:
        return Archive(config_homes([str(home.path)], {}, home.path), Settings(), cache)

    def test_makes_no_index(self, home: ConfigHome, cache: Path) -> None:
        assert self.archive(home, cache).remembered() == ()
        assert not cache.exists()

    def test_writes_nothing_where_there_is_no_scope(self, home: ConfigHome, cache: Path) -> None:
        read_once(home.path / "elsewhere", folder=cache)
        before = (cache / INDEX_FILE).read_bytes()
        assert self.archive(home, cache).remembered() == ()
        assert (cache / INDEX_FILE).read_bytes() == before

    def test_waits_for_nobody_who_writes(self, home: ConfigHome, cache: Path) -> None:
        read_once(home.path, folder=cache)
        other = sqlite3.connect(cache / INDEX_FILE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert self.archive(home, cache).remembered() == ()
        assert time.monotonic() - began < 1.0
        other.execute("ROLLBACK")
        other.close()

    def test_leaves_a_damaged_index_alone(self, home: ConfigHome, cache: Path) -> None:
        read_once(home.path, folder=cache)
        (cache / INDEX_FILE).write_bytes(b"this is no database " * 1000)
        before = (cache / INDEX_FILE).read_bytes()
        assert self.archive(home, cache).remembered() == ()
        assert (cache / INDEX_FILE).read_bytes() == before


class TestScopes:
    """Each holds a copy of all requests."""

    def priced(self, output: float) -> Settings:
        return Settings(prices={"claude-opus-5-5": PriceOverride(output=output)})

    def test_those_that_were_used_last_are_kept(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for hour, output in enumerate([1.0, 2.0, 3.0, 1.0, 4.0, 5.0]):
            monkeypatch.setattr(time, "time", lambda hour=hour: NOW + 7200.0 * hour)
            read_once(home.path, folder=cache, settings=self.priced(output))
        settled: list[int] = []
        real = files.is_there

        def noted(index: Index, scope: files.Scope) -> bool:
            settled.append(scope.id)
            return real(index, scope)

        monkeypatch.setattr(files, "is_there", noted)
        for output in (5.0, 4.0, 1.0):
            read_once(home.path, folder=cache, settings=self.priced(output))
        assert not settled
        one = archive_of(home.path, folder=cache)
        assert one._index.rows("SELECT COUNT(*) FROM scopes") == [(files.SCOPES,)]
        assert one._index.rows("SELECT COUNT(DISTINCT scope) FROM requests") == [(files.SCOPES,)]

    def test_one_that_is_shown_all_day_is_in_use(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: NOW)
        one = caught_up(archive_of(home.path, folder=cache))
        for hour in range(1, 6):
            monkeypatch.setattr(time, "time", lambda hour=hour: NOW + 7200.0 * hour)
            read_once(home.path, folder=cache, settings=self.priced(float(hour)))
            before = one.revision
            caught_up(one)
            caught_up(one)
            assert one.revision - before <= 1  # the other's writing is news, nothing was dropped
        one.close()

    def test_those_of_another_version_go_once_it_is_not_used(
        self, home: ConfigHome, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def scopes() -> int:
            one = archive_of(home.path, folder=cache)
            ((found,),) = one._index.rows("SELECT COUNT(*) FROM scopes")
            return int(found)

        monkeypatch.setattr(time, "time", lambda: NOW)
        read_once(home.path, folder=cache)
        monkeypatch.setattr(archive, "ACCOUNTING_VERSION", 98)
        read_once(home.path, folder=cache)
        assert scopes() == 2
        monkeypatch.setattr(time, "time", lambda: NOW + 3 * 86_400)
        monkeypatch.setattr(archive, "ACCOUNTING_VERSION", 99)
        read_once(home.path, folder=cache)
        assert scopes() == 1
