"""A real terminal for the app: a pseudo-terminal, and an emulator that draws what comes out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]
_PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")
"""Sequences that the emulator would draw as text: keyboard protocols, mode queries."""


class Terminal:
    """``python -m ccmon`` in a terminal of its own."""

    def __init__(self, pid: int, fd: int, columns: int, rows: int) -> None:
        self.output = b""
        self.attributes = termios.tcgetattr(fd)
        self.pid = pid
        self._fd = fd
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._status: int | None = None

    @property
    def lines(self) -> list[str]:
        """What stands on the screen."""
        return list(self._screen.display)

    def pump(self, seconds: float = 0.02) -> bool:
        """Draw what has come; False once the program has closed the terminal."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65_536)
        except OSError:
            return False
        self.output += data
        self._stream.feed(_PRIVATE.sub(b"", data))
        return bool(data)

    def wait_for(self, text: str, seconds: float = 20.0) -> None:
        """Until the text stands on the screen; fails with the screen when it does not."""
        end = time.monotonic() + seconds
        while text not in "\n".join(self.lines):
            assert time.monotonic() < end, f"{text!r} never came:\n" + "\n".join(self.lines)
            assert self.pump(), f"it ended before {text!r}:\n" + "\n".join(self.lines)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def wait_for_exit(self, seconds: float = 20.0) -> int:
        """The exit code; what is written until then is drawn."""
        end = time.monotonic() + seconds
        while self.pump():
            assert time.monotonic() < end, "it does not end"
        _, status = os.waitpid(self.pid, 0)
        self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def close(self) -> None:
        """End the program if it still runs."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self._fd)


@contextlib.contextmanager
def terminal(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    columns: int = 100,
    rows: int = 30,
    errors: Path | None = None,
    under: Sequence[str] = (),
) -> Iterator[Terminal]:
    """Run ccmon with these arguments in a terminal of this size; stderr goes to ``errors``.

    ``under`` is a command that runs the program, such as a tracer.
    """
    pid, fd = pty.fork()
    if pid == 0:
        if errors is not None:
            os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        command = [*under, sys.executable, "-m", "ccmon", *arguments]
        os.execve(command[0], command, {**environ, "PYTHONPATH": str(ROOT)})
    running = Terminal(pid, fd, columns, rows)
    try:
        yield running
    finally:
        running.close()
