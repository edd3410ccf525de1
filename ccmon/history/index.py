"""The index of all transcripts: an SQLite file in ccmon's cache folder, safe to delete any time.

It holds what was read of every file, and what followed from it for every request. Nothing in it is
needed for right totals: an index that is corrupt, foreign or of another version is made anew, and
where none can be kept the same tables live in memory. Several processes may use one index.
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
from ccmon.history import INDEX_FILE
from ccmon.history.schema import SCHEMA, SCHEMA_VERSION

PATIENCE = 5.0
"""Seconds to wait for another process before the index counts as locked."""

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


class Broken(Exception):
    """The index is corrupt, or is not ours: it has to be made anew."""


class Unkept(Exception):
    """The index cannot be written, for the reason that the message gives."""


class Index:
    """The tables, on disk or in memory; ``warning`` says why they are not kept on disk.

    ``execute`` and the rest raise Broken and Unkept, after which the caller calls ``renew`` or
    ``leave_disk`` and begins again with whatever the index then holds. Any thread, one at a time.
    """

    def __init__(self, folder: Path | None) -> None:
        self.warning = ""
        self._folder = folder
        self._inode: int | None = None
        self._failures = 0
        self._connection = self._open()

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
            self.warning = "The history is not kept: its index breaks again and again."
        self._connection = self._open(discard=self._inode)

    def leave_disk(self, reason: str) -> None:
        """Go on in memory, with what could be read so far."""
        self._fail()
        if self._inode is not None:
            self.warning = f"The history is not kept in {self._folder}: {reason}."
        before = self._connection
        self._connection, self._inode = _in_memory(before), None
        with contextlib.suppress(sqlite3.Error):
            before.close()

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

    def _open(self, discard: int | None = None) -> sqlite3.Connection:
        """Open the file, made anew if it has to be; the tables in memory where it cannot be.

        ``discard`` is the inode of a file that is known to be broken.
        """
        self._inode = None
        if self._folder is None:
            return _in_memory(None)
        try:
            with _locked(self._folder):
                if discard is not None and _inode_of(self._file) == discard:
                    _delete(self._file)
                return self._open_locked()
        except Unkept as error:
            self.warning = f"The history is not kept in {self._folder}: {error}."
        except OSError as error:
            reason = error.strerror or str(error)
            self.warning = f"The history is not kept in {self._folder}: {reason}."
        return _in_memory(_readable(self._file))

    def _open_locked(self) -> sqlite3.Connection:
        for attempt in (1, 2):
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600))
            self._inode = _inode_of(self._file)
            connection: sqlite3.Connection | None = None
            try:
                with _translated():
                    connection = _connect(str(self._file))
                    _prepare(connection)
                    return connection
            except (Broken, Unkept) as error:
                if connection is not None:
                    connection.close()
                if isinstance(error, Unkept) or attempt == 2:
                    self._inode = None
                    raise Unkept(str(error)) from error
                _delete(self._file)
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
        if code in _CORRUPT or "no such" in str(error):
            raise Broken(str(error)) from error
        if code not in _REASONS:
            raise
        raise Unkept(_REASONS[code]) from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else opens or discards the index meanwhile. Raises OSError.

    Deleting a file that another process is just opening would leave it with the log of the next.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Unkept(_REASONS[sqlite3.SQLITE_BUSY]) from None
            time.sleep(0.01)


def _connect(name: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=PATIENCE, isolation_level=None, check_same_thread=False, uri=uri
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8000")
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none. Raises Broken when there are other ones."""
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    # A first scan would write the same pages many times: message ids come in no order.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if version == 0 and not tables:
        connection.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    elif version != SCHEMA_VERSION:
        raise Broken(f"schema version {version}")


def _in_memory(source: sqlite3.Connection | None) -> sqlite3.Connection:
    """Tables in memory, with what the source holds if that can be read."""
    connection = _connect(":memory:")
    if source is not None:
        try:
            with contextlib.closing(source), _translated():
                if source.in_transaction:
                    source.execute("ROLLBACK")
                # A reader that has begun is not kept waiting; backup() would wait for ever.
                source.execute("BEGIN")
                (version,) = source.execute("PRAGMA user_version").fetchone()
                if version != SCHEMA_VERSION:
                    raise Broken
                source.backup(connection)
                return connection
        except (Broken, Unkept):
            connection.close()
            connection = _connect(":memory:")
    _prepare(connection)
    return connection


def _readable(file: Path) -> sqlite3.Connection | None:
    """The file for reading only, None where even that cannot be.

    Its log has to be empty: without write access nobody can take in what stands there.
    """
    log = file.with_name(f"{file.name}-wal")
    with contextlib.suppress(OSError, sqlite3.Error):
        if log.exists() and log.stat().st_size:
            return _connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        if file.exists():
            return _connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    return None


def _delete(file: Path) -> None:
    """The file goes first: a log without its file is thrown away, the reverse is not so."""
    for path in (file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))):
        path.unlink(missing_ok=True)


def _inode_of(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None
