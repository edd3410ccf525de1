"""The index file: whatever keeps it from the disk, the totals are right, and a warning says so."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ccmon.history import INDEX_FILE, index, scan
from ccmon.history.index import Broken, Index, Unkept
from ccmon.history.seen import Seen
from ccmon.past import Query
from tests.archives import Row, archive_of, caught_up, read_once, rows_of
from tests.indexes import HOME, OTHER, mode, nothing_is_read, warned


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


def test_only_the_user_can_read_it(kept: Path) -> None:
    assert mode(kept.parent) == 0o700
    archive = caught_up(archive_of(HOME, OTHER, folder=kept.parent))
    files = list(kept.parent.iterdir())
    assert len(files) > 2
    assert {mode(file) for file in files} == {0o600}
    archive.close()


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
