"""What becomes of an index that is damaged: it is put aside, and what nothing else holds is saved.

Transcripts that are still there are read again. Those that are gone live on in the index alone.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ccmon.format import plural
from ccmon.history.seen import Seen

_DECODER = msgspec.msgpack.Decoder(Seen)
_COLUMNS = "id, home, path, session, device, inode, size, mtime_ns, malformed, seen"


class Rescued(Struct):
    """What could be read of a damaged index: transcripts that are gone, and their homes.

    ``lost`` counts the requests of such transcripts that could not, None: nobody knows.
    """

    homes: dict[int, bytes]
    files: list[tuple[Any, ...]]
    lost: int | None

    def told(self, aside: Path) -> str:
        """What a user has to know of it: nothing when nothing is lost."""
        if self.lost == 0:
            return ""
        what = (
            "what it held of transcripts that are no longer on disk is lost where it could not be"
            " read"
            if self.lost is None
            else f"{plural(self.lost, 'request')} of transcripts that are no longer on disk"
            f" {'is' if self.lost == 1 else 'are'} lost"
        )
        return f"The index of the history was damaged: {what}. It is kept as {aside}."

    def fill(self, connection: sqlite3.Connection) -> None:
        """Put it into an index that is empty. Raises sqlite3.Error when that cannot be written."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT INTO homes (id, path) VALUES (?, ?)", self.homes.items())
            connection.executemany(
                f"INSERT INTO files ({_COLUMNS}, version, gone)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1)",
                self.files,
            )
            connection.execute("COMMIT")
        except sqlite3.IntegrityError:
            # The damage was such that what was read of it makes no sense.
            connection.execute("ROLLBACK")
            self.lost = None


def aside_of(file: Path) -> Path:
    """Where a damaged index is put."""
    return file.with_name(f"{file.name}.broken")


def delete(file: Path) -> None:
    """The file goes first: a log without its file is thrown away, the reverse is not so."""
    for path in (file, *_beside(file)):
        path.unlink(missing_ok=True)


def put_aside(file: Path) -> None:
    """Keep a damaged index under another name; of several the largest, which says the most."""
    aside = aside_of(file)
    with contextlib.suppress(FileNotFoundError):
        if aside.stat().st_size > file.stat().st_size:
            delete(file)
            return
    delete(aside)
    file.replace(aside)
    aside.chmod(0o600)
    log, shared = _beside(file)
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size:
            log.replace(_beside(aside)[0])
        log.unlink()
    shared.unlink(missing_ok=True)


def rescued(file: Path) -> Rescued:
    """All that can be read of transcripts that are gone from an index that is damaged."""
    found = Rescued({}, [], None)
    with contextlib.suppress(sqlite3.Error):
        name = f"{file.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(name, uri=True, timeout=0.1)) as connection:
            found.homes = _homes(connection)
            messages: set[str] = set()
            for row in _files(connection):
                ids = _messages(row, found.homes)
                if ids is not None:
                    found.files.append(row)
                    messages |= ids
            found.lost = len(_gone(connection) - messages)
    return found


def _homes(connection: sqlite3.Connection) -> dict[int, bytes]:
    rows = connection.execute("SELECT id, path FROM homes").fetchall()
    return {number: path for number, path in rows if isinstance(path, bytes)}


def _files(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """The rows of files from both ends, up to the first that cannot be read."""
    reached: set[int] = set()
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in connection.execute(f"SELECT {_COLUMNS} FROM files ORDER BY id {order}"):
                if row[0] in reached:
                    break
                reached.add(row[0])
                yield row


def _messages(row: tuple[Any, ...], homes: dict[int, bytes]) -> set[str] | None:
    """The responses of a file that is gone; None for one that is there or says nothing."""
    _, home, place, *_, data = row
    try:
        if os.path.lexists(os.path.join(homes[home], place)):  # noqa: PTH118  bytes are no Path
            return None
        return {response.message_id for response in _DECODER.decode(data).responses}
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError):
        return None


def _gone(connection: sqlite3.Connection) -> set[str]:
    """The requests whose transcripts were gone when the index was written last."""
    return {
        message_id
        for (message_id,) in connection.execute(
            "SELECT DISTINCT message_id FROM requests WHERE NOT on_disk"
        )
    }


def _beside(file: Path) -> tuple[Path, Path]:
    """The log and the shared memory of an index."""
    return file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")
