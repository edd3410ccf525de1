"""A damaged index: the totals are right, and what nothing else holds is saved or told."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ccmon.history import INDEX_FILE
from ccmon.past import Query
from tests.archives import Row, archive_of, at, caught_up, read_once, rows_of
from tests.homes import SECOND, ConfigHome
from tests.indexes import HOME, mode, settled, warned


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

    @pytest.mark.parametrize("contents", ["x'00'", "NULL", "'text'", "7"])
    def test_is_not_mistaken_for_what_makes_no_sense(
        self, home: ConfigHome, file: Path, contents: str
    ) -> None:
        self.run(
            file,
            "DROP TABLE sums; CREATE TABLE spoilt AS SELECT * FROM files; DROP TABLE files;"
            f"UPDATE spoilt SET seen = {contents}; ALTER TABLE spoilt RENAME TO files;",
        )
        requests, warning = self.found(home, file)
        assert requests == 1
        assert "2 requests of transcripts that are no longer on disk are lost" in warning

    def test_is_not_saved_into_tables_that_do_not_take_it(
        self, home: ConfigHome, file: Path
    ) -> None:
        self.run(
            file,
            "DROP TABLE sums; CREATE TABLE spoilt AS SELECT * FROM files; DROP TABLE files;"
            "UPDATE spoilt SET session = NULL; ALTER TABLE spoilt RENAME TO files;",
        )
        requests, warning = self.found(home, file)
        assert requests == 1
        assert "is lost where it could not be read" in warning

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
