"""Plays a bundled recording into a scratch config home, for ``ccmon --demo``.

The recording is invented and made by ``tests.make_demo``. It is a zlib file of
JSON lines: a head, then one ``[moment, live, path, text]`` for each write of the
client, oldest first. Moments count in seconds from the end of the recording and
stand in the text as ``"@-140.250"``; phrases that repeat are replaced by one
private-use character each. Played live, the last part of the main session is
appended write by write, faster than it was recorded and stamped with the
moment of its writing.
"""

import json
import os
import re
import signal
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NamedTuple

_RECORDING = Path(__file__).with_name("recording.z")
_MOMENT = re.compile(r'"@(-?\d+\.\d+)"')
_FIRST_PHRASE = 0xE000
_PHRASE = re.compile(f"[{chr(_FIRST_PHRASE)}-{chr(0xF8FF)}]")

_PACE = 0.05
"""Live, a recorded second takes this long …"""
_SHORTEST_WAIT, _LONGEST_WAIT = 0.3, 1.2
"""… but a write comes never sooner nor later than this many seconds after the one before."""


class _Write(NamedTuple):
    """Whole lines that the client appended to one file at once."""

    moment: float
    live: bool
    path: str
    text: str


class _Recording(NamedTuple):
    writes: Sequence[_Write]
    live_from: float
    registry: Sequence[Mapping[str, object]]


def play(destination: Path, *, live: bool, now: float, stop: threading.Event | None = None) -> None:
    """Plays the recording below ``destination``, a config home that may not exist yet.

    With ``live`` False all of it is there on return, its end at ``now`` (epoch
    seconds). With ``live`` True the call returns when the last line is written,
    about a minute later, or soon after ``stop`` is set.
    """
    recording = _load()
    _lay_down(recording, destination, live=live, now=now)
    if live:
        _grow(recording, destination, stop or threading.Event())


@contextmanager
def start(*, live: bool) -> Iterator[Path]:
    """A scratch config home with the recording in it; with ``live`` it goes on growing.

    The folder and everything in it is removed on leaving, also by Ctrl-C, when the
    process is told to end and when its terminal is closed.
    """
    stop = threading.Event()
    with (
        _signals_as_exits(),
        tempfile.TemporaryDirectory(prefix="ccmon-demo-", ignore_cleanup_errors=True) as scratch,
    ):
        home = Path(scratch)
        recording = _load()
        _lay_down(recording, home, live=live, now=time.time())
        player = threading.Thread(
            target=_grow, args=(recording, home, stop), name="ccmon-demo", daemon=True
        )
        if live:
            player.start()
        try:
            yield home
        finally:
            stop.set()
            if live:
                player.join(timeout=2)


@contextmanager
def _signals_as_exits() -> Iterator[None]:
    """Lets the signals that would end the process at once unwind it instead.

    Python allows this in the main thread only; elsewhere signals stay as they are.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _load() -> _Recording:
    lines = zlib.decompress(_RECORDING.read_bytes()).decode().splitlines()
    head = json.loads(lines[0])
    phrases: list[str] = head["phrases"]

    def spelled_out(match: re.Match[str]) -> str:
        return phrases[ord(match[0]) - _FIRST_PHRASE]

    writes = [_Write(*json.loads(line)) for line in lines[1:]]
    return _Recording(
        [write._replace(text=_PHRASE.sub(spelled_out, write.text)) for write in writes],
        head["live_from"],
        head["registry"],
    )


def _lay_down(recording: _Recording, destination: Path, *, live: bool, now: float) -> None:
    """Writes what is there from the start: all of it, or all but the live part."""
    files: dict[str, list[str]] = {}
    changed: dict[str, float] = {}
    for write in recording.writes:
        if live and write.live and write.moment > recording.live_from:
            continue
        end = now - recording.live_from if live and write.live else now
        files.setdefault(write.path, []).append(_dated(write.text, end))
        changed[write.path] = end + write.moment
    for path, texts in files.items():
        _append(destination / path, "".join(texts))
        os.utime(destination / path, (changed[path], changed[path]))
    for entry, pid in zip(recording.registry, _living_processes(), strict=False):
        _register(destination, entry, pid, now)


def _grow(recording: _Recording, destination: Path, stop: threading.Event) -> None:
    """Appends the live part in its own order, at a pace that can be followed."""
    before = recording.live_from
    for write in recording.writes:
        if not write.live or write.moment <= recording.live_from:
            continue
        wait = (write.moment - before) * _PACE
        if stop.wait(min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)):
            return
        _append(destination / write.path, _dated(write.text, time.time() - write.moment))
        before = write.moment


def _dated(text: str, end: float) -> str:
    """The text with every moment as the client would have written it."""
    return _MOMENT.sub(lambda match: f'"{_iso(end + float(match[1]))}"', text)


def _iso(moment: float) -> str:
    stamp = datetime.fromtimestamp(moment, UTC)
    return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _append(path: Path, text: str) -> None:
    """One write of whole lines, as the client does it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(text.encode())


def _living_processes() -> Iterator[int]:
    """Ids to register sessions under: a session counts as live while its process lives."""
    yield os.getpid()
    if os.getppid() > 1:
        yield os.getppid()


def _register(destination: Path, entry: Mapping[str, object], pid: int, now: float) -> None:
    moments = ("startedAt", "statusUpdatedAt", "updatedAt")
    shifted = {
        key: round((now + value) * 1000) if key in moments and isinstance(value, float) else value
        for key, value in entry.items()
    }
    stamp = _process_start(pid)
    record = {"pid": pid, **shifted, **({"procStart": stamp} if stamp else {})}
    _append(destination / "sessions" / f"{pid}.json", json.dumps(record))


def _process_start(pid: int) -> str:
    """Field 22 of ``/proc/<pid>/stat``, by which a registry entry proves its process; or ""."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
