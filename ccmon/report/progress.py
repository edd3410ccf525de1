"""A progress bar on stderr for what takes a while; nothing of it is left when it is over."""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from ccmon import format
from ccmon.past import Scanning
from ccmon.report import safe

_AFTER = 0.3
_EVERY = 0.1
_BAR_CELLS = 24
_FEWEST_COLUMNS = 20
_ERASE = "\r\x1b[K"


class ProgressBar:
    """Shown from 0.3 seconds on, and only where ``stream`` is a terminal that can erase a line."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        ascii_only: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._encoding = "ascii" if ascii_only else getattr(self._stream, "encoding", "") or "ascii"
        self._clock = clock
        self._next = clock() + _AFTER
        self._shown = ""
        self._wanted = (
            self._stream is not None
            and self._stream.isatty()
            and os.environ.get("TERM") not in ("", "dumb")
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._write(_ERASE)

    def show(self, what: str, scanning: Scanning) -> None:
        """Say how far ``what`` has come, at most ten times a second."""
        if not self._wanted or (now := self._clock()) < self._next:
            return
        self._next = now + _EVERY
        line = progress_line(what, scanning, self._columns(), self._encoding)
        if line != self._shown:
            self._shown = line
            self._write(_ERASE + line)

    def _columns(self) -> int:
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        # In the last column some terminals wrap.
        return max(_FEWEST_COLUMNS, (columns or 80) - 1)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def progress_line(what: str, scanning: Scanning, columns: int, encoding: str) -> str:
    """``reading  12 of 340 files  0.4 of 3.1 GB  ████░░░░  13%``; what does not fit is left out."""
    share = _share(scanning)
    full, empty = ("█", "░") if safe.encodable("█░", encoding) == "█░" else ("#", ".")
    done = round(share * _BAR_CELLS)
    pieces = (
        what,
        f"{format.whole_percent(share):>4}",
        full * done + empty * (_BAR_CELLS - done),
        f"{scanning.files_done:,} of {format.plural(scanning.files, 'file')}",
        f"{format.size(scanning.bytes_done)} of {format.size(scanning.bytes)}",
    )
    line = ""
    for piece in pieces:
        if line and safe.width(line) + 2 + len(piece) > columns:
            break
        line += f"  {piece}" if line else piece
    return line


def _share(scanning: Scanning) -> float:
    if scanning.bytes:
        return min(1.0, scanning.bytes_done / scanning.bytes)
    return min(1.0, scanning.files_done / scanning.files) if scanning.files else 0.0
