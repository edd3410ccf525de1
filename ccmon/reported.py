"""What Claude Code told its status line, kept in ccmon's own cache folder.

``ccmon statusline`` leaves one small file for each session and the Monitor picks it up. Nothing is
written anywhere else, and never below a Claude config home.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ccmon.errors import CcmonError
from ccmon.settings import folder_around, own_folder
from ccmon.snapshot import Reported

KEPT_SECONDS = 30 * 86_400.0
"""Reports that were not renewed for so long are removed."""

_FOLDER = "statusline"
_PLAIN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,127}", re.ASCII)
_LARGEST = 64 * 1024
_Stamp = tuple[int, int, int]


def reports_folder(environ: Mapping[str, str]) -> Path:
    """Where the reports lie: below ``CCMON_CACHE``, else below the user's own cache folder."""
    if named := environ.get("CCMON_CACHE"):
        return Path(named).expanduser() / _FOLDER
    return own_folder("cache") / _FOLDER


def keep(
    folder: Path, session_id: str, reported: Reported, *, forbidden: Iterable[str] = ()
) -> None:
    """Write the report of a session in place of the one before; nobody reads half of one.

    What it lacks is kept from the one before: not every call of the status line tells everything.
    A session's first report also removes those of others that are older than ``KEPT_SECONDS``.
    Raises CcmonError when the id is no plain one, when ``folder`` lies in one of the ``forbidden``
    folders, and when it cannot be written.
    """
    if not _PLAIN_ID.fullmatch(session_id):
        raise CcmonError("cannot keep the report: the session id is not a plain one")
    if folder_around(folder, forbidden) is not None:
        raise CcmonError(f"cannot keep the report: {folder} is in a Claude config folder")
    file = folder / f"{session_id}.json"
    try:
        _make(folder)
        before = _read(file) if _stamp(file) else None
        if not file.exists():
            _prune(folder, reported.at - KEPT_SECONDS)
        _replace(file, msgspec.json.encode(_completed(reported, before)))
    except OSError as error:
        reason = error.strerror or str(error)
        raise CcmonError(f"cannot keep the report in {folder}: {reason}") from error


def _completed(reported: Reported, before: Reported | None) -> Reported:
    """A report with what only the one before it told."""
    if before is None:
        return reported
    named = {limit.name: limit for limit in (*before.limits, *reported.limits)}
    known = replace(
        reported,
        window=reported.window or before.window,
        cost=before.cost if reported.cost is None else reported.cost,
        limits=tuple(named.values()),
    )
    if reported.expires_at is not None or before.expires_at is None:
        return replace(known, ttl=reported.ttl or before.ttl)
    # A deadline holds until the next request, so it matters when it was told.
    told_at = before.at if before.cache_at is None else before.cache_at
    return replace(known, ttl=before.ttl, expires_at=before.expires_at, cache_at=told_at)


class Reports:
    """The reports of all sessions, none without a folder; a file is read only when it changed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, tuple[_Stamp | None, Reported | None]] = {}

    def refresh(self) -> bool:
        """Look whether any report that was asked for is another by now."""
        before = dict(self._known)
        for session_id in before:
            self._look_at(session_id)
        return before != self._known

    def of(self, session_id: str) -> Reported | None:
        """What was last reported of a session, as of the last ``refresh``."""
        if session_id not in self._known:
            self._look_at(session_id)
        return self._known[session_id][1]

    def _look_at(self, session_id: str) -> None:
        known = self._known.get(session_id)
        stamp, reported = None, None
        if self._folder and _PLAIN_ID.fullmatch(session_id):
            file = self._folder / f"{session_id}.json"
            stamp = _stamp(file)
            unchanged = known is not None and known[0] == stamp
            reported = known[1] if known and unchanged else stamp and _read(file)
        self._known[session_id] = (stamp, reported)


def _make(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)


def _replace(file: Path, data: bytes) -> None:
    new = file.with_name(f".{file.stem}.{os.getpid()}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        new.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def _prune(folder: Path, before: float) -> None:
    for file in folder.iterdir():
        if file.suffix in (".json", ".new"):
            with contextlib.suppress(OSError):
                if file.lstat().st_mtime < before:
                    file.unlink()


def _stamp(file: Path) -> _Stamp | None:
    try:
        info = file.lstat()
    except OSError:
        return None
    ours = stat.S_ISREG(info.st_mode) and info.st_size <= _LARGEST
    return (info.st_mtime_ns, info.st_ino, info.st_size) if ours else None


def _read(file: Path) -> Reported | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Reported)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
