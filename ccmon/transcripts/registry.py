"""Which sessions are live, by the clients' own registry ``sessions/<pid>.json``.

Each client keeps one file with its state and rewrites it in place, so that a
read may meet it empty or cut; it removes the file when it ends, but not when it
is killed (transcripts.md, section 2). The key files beside it are never opened.
"""

import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from ccmon.transcripts.locate import Home
from ccmon.transcripts.opening import read_small
from ccmon.transcripts.records import fitted

Status = Literal["busy", "idle", "waiting", "unknown"]

_STATUS: dict[str | None, Status] = {
    "busy": "busy",
    "shell": "busy",
    "idle": "idle",
    "waiting": "waiting",
}
_RETRY_AFTER_S = 0.005


class LiveSession(Struct, frozen=True):
    """What the registry says of one session.

    ``alive`` is False for what a killed client left behind. ``updated_at`` in
    epoch seconds. Clients before 2.1.330 give no status: ``unknown``.
    """

    session_id: str
    pid: int
    status: Status = "unknown"
    waiting_for: str | None = None
    alive: bool = False
    version: str | None = None
    updated_at: float | None = None
    name: str | None = None


class _Entry(Struct, rename="camel"):
    pid: int | None = None
    session_id: str | None = None
    proc_start: str | None = None
    status: str | None = None
    waiting_for: str | None = None
    version: str | None = None
    name: str | None = None
    started_at: float | None = None
    updated_at: float | None = None


class _Known(Struct):
    stamp: tuple[int, int]
    entry: _Entry


class Registry:
    """The last good state of each registry file; only changed files are read again."""

    def __init__(
        self, proc: Path = Path("/proc"), pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._proc = proc
        self._pause = pause
        self._known: dict[str, _Known] = {}
        self._has_proc = False

    def refresh(self, homes: Sequence[Home]) -> dict[str, LiveSession]:
        """The sessions by id. Whether a process lives is asked anew each time."""
        known: dict[str, _Known] = {}
        for path in (path for home in homes for path in _files(home.path)):
            if state := self._state(path):
                known[path] = state
        self._known = known
        self._has_proc = (self._proc / "self").exists()
        sessions: dict[str, LiveSession] = {}
        for state in known.values():
            if live := self._session(state.entry):
                other = sessions.get(live.session_id)
                if other is None or _rank(live) > _rank(other):
                    sessions[live.session_id] = live
        return sessions

    def _state(self, path: str) -> _Known | None:
        before = self._known.get(path)
        stamp = _stamp(path)
        if stamp is None or (before and before.stamp == stamp):
            return before if stamp else None
        if (entry := _read(path)) is None:
            # Caught in the middle of a rewrite: the next moment it is whole.
            self._pause(_RETRY_AFTER_S)
            stamp, entry = _stamp(path) or stamp, _read(path)
        return _Known(stamp, entry) if entry else before

    def _session(self, entry: _Entry) -> LiveSession | None:
        if not entry.session_id or entry.pid is None or entry.pid <= 0:
            return None
        changed = entry.updated_at or entry.started_at
        return LiveSession(
            session_id=entry.session_id,
            pid=entry.pid,
            status=_STATUS.get(entry.status, "unknown"),
            waiting_for=entry.waiting_for,
            alive=self._is_alive(entry.pid, entry.proc_start),
            version=entry.version,
            updated_at=changed / 1000 if changed else None,
            name=entry.name,
        )

    def _is_alive(self, pid: int, started: str | None) -> bool:
        if not self._has_proc:
            return _exists(pid)
        try:
            text = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:
            return False
        # The command in field 2 is in parentheses and may hold blanks and parentheses.
        fields = text[text.rfind(b")") + 1 :].split()
        if len(fields) < 20 or fields[0] in (b"Z", b"X"):
            return False
        return started is None or fields[19].decode("ascii", "replace") == started


def went_on(before: Mapping[str, LiveSession], live: Mapping[str, LiveSession]) -> dict[str, str]:
    """Sessions that their process has left for another one (``/clear``), and which that is."""
    now = {item.pid: item.session_id for item in live.values() if item.alive}
    return {
        session_id: now[item.pid]
        for session_id, item in before.items()
        if item.alive and session_id not in live and item.pid in now
    }


def read_registry(homes: Sequence[Home]) -> dict[str, LiveSession]:
    """The sessions that the registries of the homes name, by id."""
    return Registry().refresh(homes)


def _rank(live: LiveSession) -> tuple[bool, float]:
    return live.alive, live.updated_at or 0.0


def _files(home: str) -> list[str]:
    """The registry files: ``<pid>.json`` and nothing else."""
    try:
        with os.scandir(f"{home}/sessions") as entries:
            return [
                entry.path
                for entry in entries
                if entry.name.endswith(".json") and entry.name[:-5].isdecimal()
            ]
    except OSError:
        return []


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        info = Path(path).stat()
    except OSError:
        return None
    return (info.st_mtime_ns, info.st_size) if stat.S_ISREG(info.st_mode) else None


def _read(path: str) -> _Entry | None:
    try:
        value = msgspec.json.decode(read_small(path))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    entry = fitted(_Entry, value)
    return entry if entry.session_id else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
