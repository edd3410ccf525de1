"""The index file: whatever befalls it, the totals are right, and a warning says what is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ccmon.history import INDEX_FILE, index, scan
from ccmon.history.archive import Archive
from ccmon.history.index import Broken, Index, Unkept
from ccmon.history.seen import Seen
from ccmon.past import Query
from tests.archives import Row, archive_of, at, caught_up, read_once, rows_of
from tests.homes import CORPUS, SECOND, ConfigHome

HOME = CORPUS / "resume"
"""Sessions that copy from each other: what is accounted wrongly shows at once."""
OTHER = CORPUS / "subagents"


@pytest.fixture(scope="module")
def expected() -> list[Row]:
    return rows_of(caught_up(archive_of(HOME)))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def kept(cache: Path, expected: list[Row]) -> Path:
    """An index that holds all of the home."""
    assert read_once(HOME, folder=cache)[1] == expected
    return cache / INDEX_FILE


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seen: Seen, limit: int = 0) -> bool:
        raise AssertionError(f"{seen.path} was read again")

    monkeypatch.setattr(scan, "read_on", refuse)


def settled(cache: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything is right, and is kept for the next run; what the first one warns of."""
    first, rows = read_once(HOME, folder=cache)
    assert rows == expected
    nothing_is_read(monkeypatch)
    again, rows = read_once(HOME, folder=cache)
    assert (rows, again.warning) == (expected, "")
    return first.warning


def test_only_the_user_can_read_it(kept: Path) -> None:
    assert mode(kept.parent) == 0o700
    archive = caught_up(archive_of(HOME, OTHER, folder=kept.parent))
    files = list(kept.parent.iterdir())
    assert len(files) > 2
    assert {mode(file) for file in files} == {0o600}
    archive.close()


def garbage(file: Path) -> None:
    file.write_bytes(b"this is no database " * 1000)


def half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def a_page_or_two(file: Path) -> None:
    os.truncate(file, 6000)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def scribbled(file: Path) -> None:
    """All pages but the first."""
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def foreign(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE files (name TEXT)")
    connection.close()


def of_the_future(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def without_a_table(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE sums")
    connection.close()


def with_spoilt_contents(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE files SET seen = x'00', version = version + 1")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [emptied, without_a_table, with_spoilt_contents, Path.unlink],
    ids=lambda damage: damage.__name__,
)
def test_damage_that_costs_nothing_is_mended_without_a_word(
    damage: Callable[[Path], None],
    kept: Path,
    expected: list[Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage(kept)
    assert settled(kept.parent, expected, monkeypatch) == ""


@pytest.mark.parametrize(
    "damage",
    [garbage, half, a_page_or_two, scribbled, foreign],
    ids=lambda damage: damage.__name__,
)
def test_an_index_that_cannot_be_read_is_put_aside_and_that_is_told(
    damage: Callable[[Path], None],
    kept: Path,
    expected: list[Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    damage(kept)
    before = kept.read_bytes()
    aside = kept.with_name("history.sqlite.broken")
    assert settled(kept.parent, expected, monkeypatch) == (
        "The index of the history was damaged: what it held of transcripts that are no longer on"
        f" disk is lost where it could not be read. It is kept as {aside}."
    )
    assert aside.read_bytes()[:4096] == before[:4096]
    assert mode(aside) == 0o600


def test_an_index_of_a_newer_version_is_left_alone(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_the_future(kept)
    before = kept.read_bytes()
    assert warned(archive_of(HOME, folder=kept.parent), expected) == (
        f"The history is not kept in {kept.parent}: a newer ccmon has made its index."
    )
    assert kept.read_bytes() == before
    assert not kept.with_name("history.sqlite.broken").exists()


VERSION_1 = """
DROP TABLE studies; DROP TABLE study_keys; DROP TABLE sessions; DROP TABLE scopes;
CREATE TABLE scopes (id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE);
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, session_id TEXT NOT NULL,
  cluster INTEGER NOT NULL, project TEXT NOT NULL, cwd TEXT, title TEXT,
  subagents INTEGER NOT NULL, UNIQUE (scope, session_id)
);
CREATE TABLE studies (
  session_id TEXT PRIMARY KEY, fingerprint BLOB NOT NULL, at REAL NOT NULL, data BLOB NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


class TestWhatIsGoneFromDisk:
    """Nothing but the index holds it."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> ConfigHome:
        return ConfigHome(tmp_path / "home")

    @pytest.fixture
    def file(self, home: ConfigHome, cache: Path) -> Path:
        """An index that holds two requests of a transcript that is gone, and one of another."""
        path = home.write(at("2026-11-20T09:00:00Z", "m1"), at("2026-11-20T09:01:00Z", "m2"))
        home.write(at("2026-11-20T09:00:00Z", "m3", SECOND), session=SECOND)
        read_once(home.path, folder=cache)
        path.unlink()
        assert read_once(home.path, folder=cache)[0].kept.gone_requests == 2
        return cache / INDEX_FILE

    def found(self, home: ConfigHome, file: Path) -> tuple[int, str]:
        history, _ = read_once(home.path, folder=file.parent)
        again, _ = read_once(home.path, folder=file.parent)
        assert (again.totals.requests, again.warning) == (history.totals.requests, "")
        return history.totals.requests, history.warning

    def run(self, file: Path, sql: str) -> None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.executescript(sql)

    def test_outlives_an_older_version(self, home: ConfigHome, file: Path) -> None:
        self.run(file, VERSION_1)
        assert self.found(home, file) == (3, "")
        assert not file.with_name("history.sqlite.broken").exists()

    def test_outlives_the_loss_of_what_follows_from_it(self, home: ConfigHome, file: Path) -> None:
        without_a_table(file)
        assert self.found(home, file) == (3, "")

    def test_outlives_damage_elsewhere_in_the_file(self, home: ConfigHome, file: Path) -> None:
        self.run(file, "VACUUM")
        with contextlib.closing(sqlite3.connect(file)) as connection:
            ((page,),) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'sums'"
            )
        with file.open("r+b") as raw:
            raw.seek(4096 * (page - 1))
            raw.write(b"\xa5" * 4096)
        assert self.found(home, file) == (3, "")

    def test_is_counted_where_it_cannot_be_read(self, home: ConfigHome, file: Path) -> None:
        self.run(file, "DROP TABLE sums; DELETE FROM files WHERE gone")
        requests, warning = self.found(home, file)
        assert requests == 1
        assert "2 requests of transcripts that are no longer on disk are lost" in warning

    def test_loses_no_more_than_the_row_that_is_spoilt(self, home: ConfigHome, file: Path) -> None:
        with_spoilt_contents(file)
        assert self.found(home, file) == (
            1,
            "2 requests of transcripts that are no longer on disk could not be read from the index,"
            " and cannot be had again.",
        )

    def test_outlives_the_spoilt_row_of_another(self, home: ConfigHome, file: Path) -> None:
        self.run(file, "UPDATE files SET seen = x'00', version = version + 1 WHERE NOT gone")
        assert self.found(home, file) == (3, "")

    def test_is_put_aside_until_it_is_forgotten(self, home: ConfigHome, file: Path) -> None:
        self.run(file, "DROP TABLE sums; DELETE FROM files WHERE gone")
        self.found(home, file)
        aside = file.with_name("history.sqlite.broken")
        assert aside.exists()
        archive = caught_up(archive_of(home.path, folder=file.parent))
        archive.forget()
        archive.close()
        assert not aside.exists()

    def test_is_put_aside_over_nothing_that_says_more(self, home: ConfigHome, file: Path) -> None:
        aside = file.with_name("history.sqlite.broken")
        aside.write_bytes(bytes(10 << 20))
        garbage(file)
        self.found(home, file)
        assert aside.stat().st_size == 10 << 20


@pytest.mark.parametrize("damage", [garbage, half, scribbled], ids=lambda damage: damage.__name__)
def test_an_index_that_breaks_while_it_is_open_is_made_anew(
    damage: Callable[[Path], None],
    kept: Path,
    expected: list[Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = archive_of(HOME, folder=kept.parent)
    damage(kept)
    assert archive.history(Query()).totals.requests == len(expected)
    assert rows_of(caught_up(archive)) == expected
    archive.close()
    settled(kept.parent, expected, monkeypatch)


def test_an_index_that_is_deleted_while_it_is_open_is_made_anew(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = caught_up(archive_of(HOME, folder=kept.parent))
    for file in kept.parent.iterdir():
        file.unlink()
    assert rows_of(caught_up(archive)) == expected
    archive.close()
    settled(kept.parent, expected, monkeypatch)


def warned(archive: Archive, expected: list[Row]) -> str:
    """The warning of an archive whose totals are right all the same."""
    assert rows_of(caught_up(archive)) == expected
    warning = archive.history(Query()).warning
    archive.close()
    return warning


def test_a_full_disk_costs_no_more_than_the_index(cache: Path, expected: list[Row]) -> None:
    whole = archive_of(HOME, folder=cache)
    whole._index.execute("PRAGMA max_page_count = 1")
    warning = warned(whole, expected)
    assert warning == f"The history is not kept in {cache}: the disk is full."
    assert not [file.name for file in cache.iterdir() if file.name.startswith(INDEX_FILE)]


def test_what_was_kept_before_the_disk_was_full_is_not_read_again(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_of(HOME, OTHER, folder=kept.parent)
    archive._index.execute("PRAGMA max_page_count = 1")
    read: list[str] = []
    real = scan.read_on

    def noted(seen: Seen, limit: int = 1 << 20) -> bool:
        read.append(seen.path)
        return real(seen, limit)

    monkeypatch.setattr(scan, "read_on", noted)
    both = rows_of(caught_up(archive_of(HOME, OTHER)))
    read.clear()
    assert "the disk is full" in warned(archive, both)
    assert read
    assert not [path for path in read if path.startswith(str(HOME))]


def test_an_index_without_room_beside_its_log_is_not_left_behind(
    cache: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Index.rows

    def full(index: Index, sql: str, values: Sequence[object] = ()) -> list[Any]:
        if "checkpoint" in sql:
            raise Unkept("the disk is full", no_room=True)
        return real(index, sql, values)

    monkeypatch.setattr(Index, "rows", full)
    assert "the disk is full" in warned(archive_of(HOME, folder=cache), expected)
    assert [file.name for file in cache.iterdir()] == ["history.lock"]


def test_a_disk_that_fills_up_takes_nothing_of_what_was_kept_before(
    kept: Path, expected: list[Row]
) -> None:
    archive = archive_of(HOME, OTHER, folder=kept.parent)
    archive._index.execute("PRAGMA max_page_count = 1")
    warned(archive, rows_of(caught_up(archive_of(HOME, OTHER))))
    assert kept.stat().st_size
    assert read_once(HOME, folder=kept.parent)[1] == expected


def test_what_was_locked_for_a_while_is_kept_later_on(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "PATIENCE", 0.01)
    monkeypatch.setattr(index, "IMPATIENCE", 0.01)
    monkeypatch.setattr(index, "PAUSE", 0.0)
    both = rows_of(caught_up(archive_of(HOME, OTHER)))
    archive = archive_of(HOME, OTHER, folder=kept.parent)
    for _ in range(9):  # as often as it may happen in the life of a process
        other = sqlite3.connect(kept, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert rows_of(caught_up(archive)) == both
        other.execute("ROLLBACK")
        other.close()
        assert rows_of(caught_up(archive)) == both
        assert archive.history(Query()).warning == ""
    archive.close()
    nothing_is_read(monkeypatch)
    assert read_once(HOME, OTHER, folder=kept.parent)[1] == both


def test_a_lasting_lock_is_not_waited_for_for_ever(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "PATIENCE", 0.05)
    other = sqlite3.connect(kept, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    both = rows_of(caught_up(archive_of(HOME, OTHER)))
    assert "another process keeps it locked" in warned(
        archive_of(HOME, OTHER, folder=kept.parent), both
    )
    other.execute("ROLLBACK")
    other.close()


def test_an_index_that_another_process_has_for_itself_is_not_waited_for_for_ever(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(kept, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("INSERT INTO homes (path) VALUES (x'00')")
    monkeypatch.setattr(index, "PATIENCE", 0.05)
    archive = archive_of(HOME, folder=kept.parent)
    assert "another process keeps it locked" in warned(archive, expected)
    other.execute("ROLLBACK")
    other.close()


def test_a_process_that_stopped_while_opening_is_not_waited_for_for_ever(
    kept: Path, expected: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "PATIENCE", 0.05)
    nothing_is_read(monkeypatch)
    with index._locked(kept.parent, 0.05):
        archive = archive_of(HOME, folder=kept.parent)
    assert "another process keeps it locked" in warned(archive, expected)


def test_a_file_in_the_place_of_the_folder_is_told(cache: Path, expected: list[Row]) -> None:
    cache.write_text("not a folder")
    warning = warned(archive_of(HOME, folder=cache), expected)
    assert warning == f"The history is not kept in {cache}: File exists."


def test_a_folder_in_the_place_of_the_file_is_told(cache: Path, expected: list[Row]) -> None:
    (cache / INDEX_FILE).mkdir(parents=True)
    warning = warned(archive_of(HOME, folder=cache), expected)
    assert warning == f"The history is not kept in {cache}: Is a directory."


class TestReadOnlyFolder:
    @pytest.fixture
    def read_only(self, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The superuser may write everywhere, so that the system has to be asked to refuse."""
        real = os.open

        def refuse(path: str | Path, flags: int, mode: int = 0o777) -> int:
            if str(path).startswith(str(cache)) and flags & (os.O_WRONLY | os.O_RDWR):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
            return real(path, flags, mode)

        monkeypatch.setattr(os, "open", refuse)

    @pytest.mark.usefixtures("read_only")
    def test_nothing_is_kept(self, cache: Path, expected: list[Row]) -> None:
        warning = warned(archive_of(HOME, folder=cache), expected)
        assert warning == f"The history is not kept in {cache}: Read-only file system."

    def test_what_was_kept_is_used(
        self,
        kept: Path,
        expected: list[Row],
        monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest,
    ) -> None:
        request.getfixturevalue("read_only")
        before = kept.read_bytes()
        nothing_is_read(monkeypatch)
        assert "Read-only" in warned(archive_of(HOME, folder=kept.parent), expected)
        assert kept.read_bytes() == before


class TestTransactions:
    def test_what_failed_is_undone(self, cache: Path) -> None:
        kept = Index(cache)

        def fail() -> None:
            with kept.transaction():
                kept.execute("INSERT INTO homes (path) VALUES (x'00')")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert kept.rows("SELECT * FROM homes") == []
        kept.close()

    def test_what_is_read_together_is_of_one_moment(self, cache: Path) -> None:
        one, other = Index(cache), Index(cache)
        with one.reading():
            assert one.rows("SELECT * FROM homes") == []
            other.execute("INSERT INTO homes (path) VALUES (x'00')")
            assert one.rows("SELECT * FROM homes") == []
            some = one.stream("SELECT * FROM homes")
        other.execute("INSERT INTO homes (path) VALUES (x'01')")
        assert list(some) == []
        assert len(one.rows("SELECT * FROM homes")) == 2
        one.close()
        other.close()

    def test_only_what_others_write_is_a_change_elsewhere(self, cache: Path) -> None:
        one, other = Index(cache), Index(cache)
        assert not one.changed_elsewhere()
        one.execute("INSERT INTO homes (path) VALUES (x'00')")
        assert not one.changed_elsewhere()
        other.execute("INSERT INTO homes (path) VALUES (x'01')")
        assert (one.changed_elsewhere(), one.changed_elsewhere()) == (True, False)
        one.close()
        other.close()

    def test_a_query_that_finds_no_table_says_that_the_index_is_broken(self, cache: Path) -> None:
        kept = Index(cache)
        with pytest.raises(Broken):
            kept.rows("SELECT * FROM absent")
        kept.close()

    def test_a_second_writer_has_to_wait(
        self, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(index, "PATIENCE", 0.01)
        one, other = Index(cache), Index(cache)
        with one.transaction():
            one.execute("INSERT INTO homes (path) VALUES (x'00')")
            assert other.rows("SELECT * FROM homes") == []
            with pytest.raises(Unkept, match="locked"), other.transaction():
                pass
        assert len(other.rows("SELECT * FROM homes")) == 1
        one.close()
        other.close()

    def test_without_a_folder_nothing_is_written(self, tmp_path: Path) -> None:
        kept = Index(None)
        assert kept.rows("SELECT * FROM homes") == []
        assert kept.warning == ""
        assert list(tmp_path.iterdir()) == []
        kept.close()

    def test_a_mistake_of_ours_does_not_cost_the_index(self, cache: Path) -> None:
        kept = Index(cache)
        for mistake in ("SELECT FROM", "SELECT absent FROM homes"):
            with pytest.raises(sqlite3.OperationalError):
                kept.execute(mistake)
        kept.close()

    def test_what_somebody_reads_is_not_compacted_yet(self, cache: Path) -> None:
        kept = Index(cache)
        with kept.transaction():
            kept.executemany(
                "INSERT INTO homes (path) VALUES (?)", [(str(n),) for n in range(1000)]
            )
        rows = kept.stream("SELECT path FROM homes")
        next(rows)
        kept.compact()
        assert len(list(rows)) == 999
        kept.close()
