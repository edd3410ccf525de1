"""The app in a terminal, driven by a script that never stops, and what the system says of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import random
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SIZES = ((60, 20), (80, 24), (120, 35), (160, 45), (30, 5))
"""Columns and rows, one of each class of size, and one that is too small."""
USUAL = (100, 30)
KEPT = 1 << 16
"""Bytes of output that are kept."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Act(NamedTuple):
    """Type these keys, or resize or signal, then leave the app alone for so many dwells."""

    keys: str = ""
    size: tuple[int, int] | None = None
    signal: signal.Signals | None = None
    dwells: float = 1.0
    listens: bool = False
    """Figures that come now are timed: the Sessions screen stands there, all of it."""


class Vitals(NamedTuple):
    """What the system says of a process: memory in bytes, processor time in seconds."""

    memory: int
    descriptors: int
    threads: int
    children: int
    processor: float


BACK = (Act("\x1b", dwells=0.2),) * 3
"""Out of whatever is open: escapes typed at once would be taken for another key."""


def script(dice: random.Random) -> Iterator[Act]:
    """Every screen over and over, with what people do on them."""
    while True:
        yield Act("1")
        yield Act(dice.choice("jn/x[]t"))
        yield Act("\x1b")
        yield Act("2")
        for keys in dice.sample(("j", "G", "s", "r", "b", "o", "f", "n", "N", "g"), 3):
            yield Act(keys, dwells=0.3)
        yield Act("\r", dwells=0.5)
        yield Act("v", dwells=0.5)
        yield from BACK
        yield Act("3")
        for keys in dice.sample((" ", "j", "s", "c", "d", "w", "a", "v"), 3):
            yield Act(keys, dwells=0.3)
        yield from BACK
        yield Act("4")
        yield Act(dice.choice(("n", "s", "\t")), dwells=0.3)
        yield Act("5h")
        yield Act(dice.choice("bdjs"))
        yield Act("m")
        yield Act(dice.choice("adj"))
        yield Act("?", dwells=0.5)
        yield Act("\x1b", dwells=0.3)
        yield Act(size=dice.choice(SIZES))
        yield Act("5", size=USUAL)
        yield Act(dwells=4.0, listens=True)
        chance = dice.random()
        if chance < 0.2:
            yield Act("p", dwells=3.0)
            yield Act("p")
        elif chance < 0.3:
            yield Act(signal=signal.SIGSTOP, dwells=3.0)
            yield Act(signal=signal.SIGCONT)
        elif chance < 0.5:
            yield Act("\x10", dwells=0.5)
            yield Act("\x1b", dwells=0.3)


class Face:
    """``ccmon`` in a pseudo-terminal; ``dwell`` is the pause after an act, in seconds."""

    def __init__(self, environ: Mapping[str, str], *, dwell: float, seed: int) -> None:
        self.recent = b""
        """The end of what it wrote."""
        self.written = 0
        self.failed = False
        self.listens = False
        self.acts = 0
        self._dwell = dwell
        self._script = script(random.Random(seed))
        self._next = 0.0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            command = [sys.executable, "-m", "ccmon"]
            os.execve(sys.executable, command, {**environ, "PYTHONPATH": str(ROOT)})
        self.resize(USUAL)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal so many columns and rows."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())

    def act(self, now: float) -> None:
        """Do the next thing of the script when its time has come."""
        if now < self._next:
            return
        act = next(self._script)
        self.listens = act.listens
        if act.signal:
            os.kill(self.pid, act.signal)
        if act.size:
            self.resize(act.size)
        for key in act.keys:
            self.press(key)
        self.acts += 1
        self._next = now + act.dwells * self._dwell

    def drain(self) -> bytes:
        """What it has written since; empty also when it has ended, which ``failed`` tells."""
        data = b""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                part = os.read(self.fd, KEPT)
            except OSError:
                part = b""
            if not part:
                self.failed = True
                break
            data += part
        self.written += len(data)
        self.recent = (self.recent + data)[-KEPT:]
        return data

    def vitals(self) -> Vitals:
        """The process now. Raises FileNotFoundError once it is gone."""
        proc = Path(f"/proc/{self.pid}")
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        return Vitals(
            memory=int((proc / "statm").read_text().split()[1]) * _PAGE,
            descriptors=sum(1 for _ in (proc / "fd").iterdir()),
            threads=int(fields[17]),
            children=sum(len(each.read_text().split()) for each in proc.glob("task/*/children")),
            processor=(int(fields[11]) + int(fields[12])) / _TICKS,
        )

    def go_back(self) -> None:
        """Close whatever is open."""
        os.kill(self.pid, signal.SIGCONT)
        for act in BACK:
            self.press(act.keys)
            self._rest(0.3)

    def leave(self, seconds: float = 20.0) -> int:
        """Quit as people do; returns the exit code, that of SIGKILL when it does not end."""
        end = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            self.go_back()
            self.press("q")
        while time.monotonic() < end and not self.failed:
            self._rest(0.1)
        if not self.failed:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.failed:
            select.select([self.fd], [], [], left)
            self.drain()
