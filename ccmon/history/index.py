"""The index of all transcripts: an SQLite file in ccmon's cache folder, safe to delete any time.

It holds what was read of every file, and what followed from it for every request. Of transcripts
that are there nothing in it is needed for right totals: an index that is corrupt or foreign is put
aside and made anew, one of an older version is brought up to date, one of a newer version is left
alone. Where none can be kept the same tables live in memory. Several processes may use one index.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ccmon.errors import CcmonError
from ccmon.format import plural
from ccmon.history import INDEX_FILE
from ccmon.history.broken import aside_of, delete, put_aside, rescued
from ccmon.history.schema import MIGRATIONS, SCHEMA, SCHEMA_VERSION

PATIENCE = 5.0
"""Seconds to wait for another process before the index counts as locked."""
IMPATIENCE = 0.1
"""The same where nothing depends on it: the answer can do without the index."""
PAUSE = 30.0
"""Seconds before it is tried to keep the index on disk again; twice as long each time."""
LONGEST_PAUSE = 3600.0

_LOCK_NAME = "history.lock"
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk fails or is full",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_BUSY: "another process keeps it locked",
    sqlite3.SQLITE_LOCKED: "another process keeps it locked",
    sqlite3.SQLITE_NOLFS: "the disk is full",
    sqlite3.SQLITE_PROTOCOL: "another process keeps it locked",
}
_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOLFS}


class Broken(Exception):
    """The index is corrupt, or is not ours: it has to be made anew."""


class Unkept(Exception):
    """The index cannot be written, for the reason that the message gives.

    ``no_room`` when that is the disk, which is not made fuller by an index that serves nobody.
    """

    def __init__(self, reason: str, *, no_room: bool = False) -> None:
        super().__init__(reason)
        self.no_room = no_room


class Index:
    """The tables, on disk or in memory; ``warning`` says why they are not kept, and what is lost.

    ``execute`` and the rest raise Broken and Unkept, after which the caller calls ``renew`` or
    ``leave_disk`` and begins again with whatever the index then holds. Any thread, one at a time.
    """

    def __init__(
        self,
        folder: Path | None,
        unkept: str = "",
        *,
        connection: sqlite3.Connection | None = None,
    ) -> None:
        self._folder = folder
        self._unkept, self._lost, self._spoilt = unkept, "", 0
        self._inode: int | None = None
        self._is_new = False
        self._failures = 0
        self._pause, self._retry_at = PAUSE, 0.0
        self._data_version: int | None = None
        self._connection = connection or self._open()

    @property
    def warning(self) -> str:
        """What the user has to know; empty when everything is kept."""
        spoilt = (
            f"{plural(self._spoilt, 'request')} of transcripts that are no longer on disk could not"
            " be read from the index, and cannot be had again."
            if self._spoilt
            else ""
        )
        return " ".join(filter(None, (self._unkept, self._lost, spoilt)))

    def lose(self, requests: int) -> None:
        """Note that what the index held of so many requests is spoilt."""
        self._spoilt += requests

    def is_current(self) -> bool:
        """False when the file was deleted or replaced while it was open."""
        return self._inode is None or self._inode == _inode_of(self._file)

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with _translated():
            return self._connection.execute(sql, values)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for many rows."""
        with _translated():
            self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """All rows of a query."""
        with _translated():
            return self._connection.execute(sql, values).fetchall()

    def stream(self, sql: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """The rows of a query, a few at a time; it is run at once."""
        return _fetched(self.execute(sql, values))

    def changed_elsewhere(self) -> bool:
        """Whether somebody else has written to the file since this was asked last."""
        ((version,),) = self.rows("PRAGMA data_version")
        before, self._data_version = self._data_version, version
        return before is not None and before != version

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Everything inside sees the index at one moment, whatever others write meanwhile."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            for end in ("COMMIT", "ROLLBACK"):
                with contextlib.suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute(end)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written, or nothing; no other process writes meanwhile."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            raise

    def compact(self) -> None:
        """Have nothing left of deleted rows in the file, unless somebody reads it right now."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def reopen(self) -> None:
        """Open what stands in the place of the file by now."""
        self.close()
        self._connection = self._open()

    def renew(self) -> None:
        """Make a broken index anew. One that breaks again and again is left where it is."""
        self._fail()
        self.close()
        if self._failures > 2:
            self._folder = None
            self._unkept = "The history is not kept: its index breaks again and again."
        self._connection = self._open(discard=self._inode)

    def leave_disk(self, error: Unkept) -> None:
        """Go on in memory, with what could be read so far, until ``return_to_disk``."""
        self._fail()
        if self._inode is not None:
            self._stay_away(error)
        before, inode = self._connection, self._inode
        self._connection, self._inode = _in_memory(before), None
        self._data_version = None
        with contextlib.suppress(sqlite3.Error):
            before.close()
        if error.no_room and self._is_new and self._folder is not None:
            with contextlib.suppress(OSError, Unkept), _locked(self._folder, IMPATIENCE):
                if _inode_of(self._file) == inode:
                    delete(self._file)

    def return_to_disk(self) -> bool:
        """Try to keep the index on disk again after a while; True when it is, whatever it holds."""
        if self._folder is None or self._inode is not None or time.monotonic() < self._retry_at:
            return False
        before = self._connection
        try:
            with _locked(self._folder, IMPATIENCE):
                self._connection = self._writable(self._open_locked(IMPATIENCE))
        except (OSError, Unkept) as error:
            self._stay_away(error)
            return False
        self._unkept = ""
        before.close()
        return True

    def settle_down(self) -> None:
        """Note that all that there was to write has been written: earlier failures are over.

        Raises Unkept when a new index has no room beside its log, which then stays for ever.
        """
        if self._is_new and self._inode is not None:
            self.rows("PRAGMA wal_checkpoint(PASSIVE)")
        self._failures = 0
        if self._inode is not None:
            self._pause, self._is_new = PAUSE, False

    def delete_broken(self) -> None:
        """Delete the damaged index that was put aside, if there is one."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                delete(aside_of(self._file))

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _fail(self) -> None:
        """Raises CcmonError when not even memory holds the tables."""
        self._failures += 1
        if self._failures > 5:
            raise CcmonError("the history cannot be summed up: its tables fail again and again")

    @property
    def _file(self) -> Path:
        assert self._folder is not None
        return self._folder / INDEX_FILE

    def _stay_away(self, error: OSError | Unkept) -> None:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        self._unkept = f"The history is not kept in {self._folder}: {reason}."
        # A disk that is full makes all be read anew for nothing.
        is_full = isinstance(error, Unkept) and error.no_room
        self._retry_at = time.monotonic() + (LONGEST_PAUSE if is_full else self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _writable(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """A connection that nobody keeps from writing. Raises Unkept."""
        try:
            with _translated():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE:.0f}")
        except (Broken, Unkept) as error:
            connection.close()
            self._inode = None
            raise Unkept(str(error)) from error
        return connection

    def _open(self, discard: int | None = None) -> sqlite3.Connection:
        """Open the file, made anew if it has to be; the tables in memory where it cannot be.

        ``discard`` is the inode of a file that is known to be broken.
        """
        self._inode = self._data_version = None
        if self._folder is None:
            return _in_memory(None)
        try:
            with _locked(self._folder, PATIENCE):
                return self._open_locked(PATIENCE, discard)
        except (OSError, Unkept) as error:
            self._stay_away(error)
        return _in_memory(_readable(self._file))

    def _open_locked(self, patience: float, discard: int | None = None) -> sqlite3.Connection:
        saved = None
        if discard is not None and _inode_of(self._file) == discard:
            saved = rescued(self._file)
            put_aside(self._file)
        for attempt in (1, 2):
            self._is_new = not self._file.exists()
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            connection: sqlite3.Connection | None = None
            try:
                with _translated():
                    connection = _connect(str(self._file), patience)
                    _prepare(connection)
                    if saved is not None:
                        saved.fill(connection)
            except (Broken, Unkept) as error:
                if connection is not None:
                    connection.close()
                if isinstance(error, Unkept) or attempt == 2:
                    if self._is_new:
                        delete(self._file)
                    no_room = isinstance(error, Unkept) and error.no_room
                    raise Unkept(str(error), no_room=no_room) from error
                saved = rescued(self._file)
                put_aside(self._file)
            else:
                if saved is not None:
                    self._lost = saved.told(aside_of(self._file))
                self._inode = _inode_of(self._file)
                return connection
        raise AssertionError


def _fetched(cursor: sqlite3.Cursor) -> Iterator[Any]:
    while True:
        with _translated():
            some = cursor.fetchmany(500)
        if not some:
            return
        yield from some


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _CORRUPT or "no such table" in str(error):
            raise Broken(str(error)) from error
        if code not in _REASONS:
            raise
        raise Unkept(_REASONS[code], no_room=code in _NO_ROOM) from error


@contextlib.contextmanager
def _locked(folder: Path, patience: float) -> Iterator[None]:
    """Nobody else opens or discards the index meanwhile. Raises OSError.

    Deleting a file that another process is just opening would leave it with the log of the next.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(descriptor, patience)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Unkept(_REASONS[sqlite3.SQLITE_BUSY]) from None
            time.sleep(0.01)


def _connect(name: str, patience: float, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=patience, isolation_level=None, check_same_thread=False, uri=uri
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8000")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none, and bring older ones up to date.

    Raises Broken when there are other ones, Unkept when they are of a later version.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise Unkept("a newer ccmon has made its index")
    tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    if version not in (SCHEMA_VERSION, *MIGRATIONS) and (version or tables):
        raise Broken(f"schema version {version}")
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    # A first scan would write the same pages many times: message ids come in no order.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    if not version:
        _run(connection, SCHEMA, SCHEMA_VERSION)
        return
    while version < SCHEMA_VERSION:
        _run(connection, MIGRATIONS[version], version + 1)
        version += 1


def _run(connection: sqlite3.Connection, sql: str, version: int) -> None:
    """Have the tables of a version, or those that were there."""
    connection.executescript(f"BEGIN IMMEDIATE; {sql} PRAGMA user_version = {version}; COMMIT;")


def _in_memory(source: sqlite3.Connection | None) -> sqlite3.Connection:
    """Tables in memory, with what the source holds if that can be read."""
    connection = _connect(":memory:", PATIENCE)
    if source is not None:
        try:
            with contextlib.closing(source), _translated():
                if source.in_transaction:
                    source.execute("ROLLBACK")
                # A reader that has begun is not kept waiting; backup() would wait for ever.
                source.execute("BEGIN")
                (version,) = source.execute("PRAGMA user_version").fetchone()
                if not 0 < version <= SCHEMA_VERSION:
                    raise Broken
                source.backup(connection)
                _prepare(connection)
                return connection
        except (Broken, Unkept):
            connection.close()
            connection = _connect(":memory:", PATIENCE)
    _prepare(connection)
    return connection


def consulted(folder: Path) -> Index | None:
    """The index as it is, to be read only; None where there is none of this version, or it is busy.

    Nothing is made, mended or waited for.
    """
    with contextlib.suppress(OSError, sqlite3.Error, Broken, Unkept):
        file = folder / INDEX_FILE
        with _translated():
            connection = _connect(f"{file.absolute().as_uri()}?mode=ro", IMPATIENCE, uri=True)
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == SCHEMA_VERSION:
                return Index(None, connection=connection)
            connection.close()
    return None


def _readable(file: Path) -> sqlite3.Connection | None:
    """The file for reading only, None where even that cannot be.

    Its log has to be empty: without write access nobody can take in what stands there.
    """
    log = file.with_name(f"{file.name}-wal")
    with contextlib.suppress(OSError, sqlite3.Error):
        if log.exists() and log.stat().st_size:
            return _connect(f"{file.absolute().as_uri()}?mode=ro", PATIENCE, uri=True)
        if file.exists():
            return _connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", PATIENCE, uri=True)
    return None


def _inode_of(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None
