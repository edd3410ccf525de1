"""What the index knows of transcript files: whose they are, how far they were read, if they exist.

Paths are kept relative to their home and as bytes: a home may go by several names, and a name need
not be text.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from ccmon.history.index import Broken, Index
from ccmon.history.seen import Seen
from ccmon.transcripts.locate import Home, Transcript

Stamp = tuple[int, int, int, int]
"""Device, inode, size in bytes and time of change in nanoseconds: the same while nobody writes."""

UNFINISHED: Stamp = (0, 0, -1, 0)
"""Stamp of a file that has not been read to its end: it equals no real one."""

SCOPES = 3
"""Scopes that are kept: each is a copy of all requests."""

_HOUR = 3600.0
_DAY = 24 * _HOUR
_MASK = (1 << 63) - 1
_DECODER = msgspec.msgpack.Decoder(Seen)
_ENCODER = msgspec.msgpack.Encoder()


class Spoilt(Exception):
    """What the index holds of one file cannot be decoded; ``path`` is the file's."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class File(Struct, gc=False):
    """A file as it stands in the index, without what was read of it.

    ``version`` grows with every change of the row. ``accounted`` is the version whose requests
    stand in the index, as a file of the session ``accounted_for``; None: never.
    """

    id: int
    path: str
    session: str
    version: int
    gone: bool
    stamp: Stamp
    accounted: int | None
    accounted_for: str | None


class Scope(Struct):
    """The homes whose files are accounted together, under one table of prices.

    ``homes`` maps the path of each to its number in the index.
    """

    id: int
    key: bytes
    homes: dict[str, int]

    def place(self, path: str) -> tuple[int, bytes]:
        """The home of a file and its path below that."""
        for home, number in self.homes.items():
            if path.startswith(f"{home}/"):
                return number, os.fsencode(path[len(home) + 1 :])
        raise ValueError(path)

    def among(self) -> str:
        """The numbers of the homes, for a condition."""
        return f"({','.join(map(str, self.homes.values()))})"


def is_folder(path: str) -> bool:
    """Whether there is a folder; one that lies out of reach is none."""
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises where it may not look


def stamp_of(transcript: Transcript) -> Stamp:
    """The stamp of a file that was found."""
    device, inode = transcript.device & _MASK, transcript.inode & _MASK
    return device, inode, transcript.size, transcript.mtime_ns


def scope_of(index: Index, homes: Sequence[Home], fingerprint: bytes, rules: str) -> Scope:
    """The scope of those homes that are there or have been; made when it is new.

    ``rules`` names those of the accounting, and the version of the prices, that ``fingerprint``
    is of as well. Of all scopes, which hold the requests of other homes or older prices, those
    are kept that were used last.
    """
    used, known = _homes_of(index, homes)
    key = _key(used, fingerprint)
    if not used.keys() <= known.keys() or not index.rows(_FIND, (key,)):
        with index.transaction():
            index.executemany(
                "INSERT OR IGNORE INTO homes (path) VALUES (?)", [(path,) for path in used]
            )
            _drop_unused(index, rules)
            index.execute(
                "INSERT INTO scopes (key, rules, used) VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET used = excluded.used",
                (key, rules, time.time()),
            )
        known = dict(index.rows("SELECT path, id FROM homes"))
    ((number, at),) = index.rows(_FIND, (key,))
    _note_use(index, number, at)
    return Scope(number, key, {home.path: known[path] for path, home in used.items()})


def known_scope(index: Index, homes: Sequence[Home], fingerprint: bytes) -> Scope | None:
    """The scope of those homes, None where there is none yet; nothing is written."""
    used, known = _homes_of(index, homes)
    found = index.rows(_FIND, (key := _key(used, fingerprint),))
    if not found or not used.keys() <= known.keys():
        return None
    return Scope(found[0][0], key, {home.path: known[path] for path, home in used.items()})


_FIND = "SELECT id, used FROM scopes WHERE key = ?"


def _homes_of(index: Index, homes: Sequence[Home]) -> tuple[dict[bytes, Home], dict[bytes, int]]:
    """The homes that are there or have been by their real paths, and the numbers of all known."""
    real = {os.fsencode(os.path.realpath(home.path)): home for home in homes}
    known = dict(index.rows("SELECT path, id FROM homes"))
    return {path: home for path, home in real.items() if home.found or path in known}, known


def _key(used: Iterable[bytes], fingerprint: bytes) -> bytes:
    return msgspec.msgpack.encode([sorted(used), fingerprint])


def drop_scopes(index: Index, *, but: Scope) -> None:
    """Delete all other scopes, inside a transaction."""
    for (scope,) in index.rows("SELECT id FROM scopes WHERE id <> ?", (but.id,)):
        _drop(index, scope)


def _drop_unused(index: Index, rules: str) -> None:
    """Make room for one more scope.

    One of other rules is dropped a day after it was used last: until then another version of
    ccmon may be at work beside this one.
    """
    for place, (scope, of, at) in enumerate(
        index.rows("SELECT id, rules, used FROM scopes ORDER BY used DESC, id DESC")
    ):
        if place >= SCOPES - 1 or (of != rules and abs(time.time() - at) > _DAY):
            _drop(index, scope)


def _drop(index: Index, scope: int) -> None:
    index.execute(
        "DELETE FROM sums WHERE session IN (SELECT id FROM sessions WHERE scope = ?)", (scope,)
    )
    for table in ("requests", "sessions", "accounted"):
        index.execute(f"DELETE FROM {table} WHERE scope = ?", (scope,))
    index.execute("DELETE FROM scopes WHERE id = ?", (scope,))


def is_there(index: Index, scope: Scope) -> bool:
    """Whether the scope still stands in the index."""
    found = index.rows("SELECT id FROM scopes WHERE id = ? AND key = ?", (scope.id, scope.key))
    return bool(found)


def is_in_use(index: Index, scope: Scope) -> bool:
    """As ``is_there``, and notes that it is used."""
    for number, at in index.rows(_FIND, (scope.key,)):
        _note_use(index, number, at)
        return bool(number == scope.id)
    return False


def _note_use(index: Index, scope: int, at: float) -> None:
    """To the hour: nobody who only looks has to write."""
    if abs(time.time() - at) > _HOUR:
        index.execute("UPDATE scopes SET used = ? WHERE id = ?", (time.time(), scope))


def known_files(index: Index, scope: Scope) -> dict[str, File]:
    """All files of the scope's homes, by their paths."""
    if not scope.homes:
        return {}
    rows = index.rows(
        "SELECT f.id, f.home, f.path, f.session, f.version, f.gone, f.device, f.inode, f.size,"
        " f.mtime_ns, a.version, a.session FROM files f"
        " LEFT JOIN accounted a ON a.scope = ? AND a.file = f.id"
        f" WHERE f.home IN {scope.among()}",
        (scope.id,),
    )
    names = {number: home for home, number in scope.homes.items()}
    found = {}
    for number, home, place, session, version, gone, *stamp, accounted, accounted_for in rows:
        path = f"{names[home]}/{os.fsdecode(place)}"
        device, inode, size, mtime_ns = stamp
        found[path] = File(
            number,
            path,
            session,
            version,
            bool(gone),
            (device, inode, size, mtime_ns),
            accounted,
            accounted_for,
        )
    return found


def orphans(index: Index, scope: Scope) -> list[str]:
    """Sessions that were accounted with a file that no longer stands in the index."""
    rows = index.rows(
        "SELECT DISTINCT session FROM accounted WHERE scope = ?"
        " AND file NOT IN (SELECT id FROM files)",
        (scope.id,),
    )
    return [session for (session,) in rows]


def load(index: Index, file: File) -> Seen | None:
    """What was read of a file; None when it has changed in the index meanwhile."""
    rows = index.rows(
        "SELECT seen FROM files WHERE id = ? AND version = ?", (file.id, file.version)
    )
    return unpacked(rows[0][0], file.path) if rows else None


def save(
    index: Index, scope: Scope, path: str, seen: Seen, stamp: Stamp, version: int | None
) -> tuple[int, int, str] | None:
    """Keep what was read of a file, inside a transaction; its number, new version and session.

    ``version`` is the one that was read on from, None for a file that was new. None when another
    process has changed the row since: then its work counts.
    """
    home, place = scope.place(path)
    seen, data = packed(seen)
    session = seen.session_id or place.decode("utf-8", "replace")
    values = (session, *stamp, seen.malformed, data, home, place)
    if version is None:
        rows = index.rows(
            "INSERT INTO files (session, version, device, inode, size, mtime_ns, malformed, seen,"
            " home, path) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING id, version",
            values,
        )
    else:
        rows = index.rows(
            "UPDATE files SET session = ?, version = version + 1, gone = 0, device = ?, inode = ?,"
            " size = ?, mtime_ns = ?, malformed = ?, seen = ? WHERE home = ? AND path = ?"
            " AND version = ? RETURNING id, version",
            (*values, version),
        )
    return (*rows[0], session) if rows else None


def begin_again(index: Index, scope: Scope, path: str) -> int:
    """Take nothing as read of a file whose row is spoilt, inside a transaction.

    Returns how many requests are lost by that: those of a file that is gone. Raises Broken when
    there is no such row.
    """
    home, place = scope.place(path)
    rows = index.rows(
        "SELECT id, session, gone FROM files WHERE home = ? AND path = ?", (home, place)
    )
    if not rows:
        raise Broken(f"no row for {path}")
    lost = 0
    for number, session, gone in rows:
        if gone:
            ((lost,),) = index.rows(
                "SELECT COUNT(*) FROM requests r JOIN sessions s ON s.id = r.session"
                " WHERE s.scope = ? AND s.session_id = ? AND NOT on_disk",
                (scope.id, session),
            )
            index.execute("DELETE FROM files WHERE id = ?", (number,))
        else:
            empty = _ENCODER.encode(Seen("", "", None, None))
            index.execute(
                "UPDATE files SET version = version + 1, device = ?, inode = ?, size = ?,"
                " mtime_ns = ?, seen = ? WHERE id = ?",
                (*UNFINISHED, empty, number),
            )
    return lost


def mark(index: Index, files: Iterable[File], *, gone: bool) -> None:
    """Note that files are not there any more, or are again."""
    index.executemany(
        "UPDATE files SET gone = ?, version = version + 1 WHERE id = ? AND version = ?",
        [(gone, file.id, file.version) for file in files],
    )


def packed(seen: Seen) -> tuple[Seen, bytes]:
    """As bytes, with what these say: no encoding holds half a surrogate pair."""
    try:
        return seen, _ENCODER.encode(seen)
    except UnicodeEncodeError:
        plain = _without_surrogates(msgspec.to_builtins(seen, builtin_types=(bytes,)))
        clean = msgspec.convert(plain, Seen)
        return clean, _ENCODER.encode(clean)


def unpacked(data: bytes, path: str) -> Seen:
    """What was read of the file at ``path``. Raises Spoilt."""
    try:
        seen = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Spoilt(path) from error
    seen.path = path
    return seen


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(each) for each in value]
    return value
