"""Texts that entered contexts, counted in tokens by a process of its own.

The tokenizer takes a tenth of a second to load without letting any other thread run, and 45 MB: in
this process a key press would wait for it. The other one reads the lines from the transcripts
itself, so that no text passes between the two, only places in files and counts. It ends when this
process does, however that ends: its input is closed then.

Lines are hostile: one that the process dies of, or that it does not get done with, has no counts,
and those behind it are given to the next one.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from ccmon import child
from ccmon.errors import CcmonError
from ccmon.measures import Span

if TYPE_CHECKING:
    from ccmon.ledger.stream import Sighting
    from ccmon.ledger.tokens import Tokenizer

AHEAD = 32
"""So many lines are asked for at once: what is written for them fits into a pipe."""
IDLE_SECONDS = 60.0
"""The process ends when it has had nothing to do for so long."""
PATIENCE_SECONDS = 10.0
"""A process that has lines to count and answers none of them for so long never will."""
REPLACEMENTS = 3
"""So many processes are started in place of ones that died or hung; then characters have to do."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from ccmon.counting import serve; serve()"
"""The other process finds modules where this one does, and nowhere else."""
_ANSWER: Decoder[bool | list[int]] = Decoder(bool | list[int])
"""At first whether there is a tokenizer, then the counts of line after line."""


class Counted(Struct, frozen=True, eq=False):
    """A line that entered with a response, and the tokens of its texts in their order."""

    sighting: Sighting
    span: Span
    counts: Sequence[int]


class _Batch(Struct, eq=False):
    """Lines that were asked for together and are answered together."""

    left: int
    found: list[Counted]


class Counting:
    """Asks for lines to be counted, and takes the counts in when they come."""

    def __init__(self) -> None:
        self.works = False
        self._failed = False
        self._replaced = 0
        self._waiting: deque[tuple[_Batch, Sighting, Span]] = deque()
        self._asked: deque[tuple[_Batch, Sighting, Span]] = deque()
        self._done: list[Counted] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], Counting] | None = None
        self._answers = b""
        self._ready = False
        self._used_at = 0.0
        self._heard_at = 0.0

    @property
    def busy(self) -> bool:
        """Whether counts are still to come."""
        return bool(self._waiting or self._asked or self._done)

    def ask(self, sightings: Iterable[Sighting]) -> None:
        """Have the texts counted that entered with these responses."""
        if self._failed:
            return
        lines = [
            (sighting, span)
            for sighting in sightings
            for span in dict.fromkeys(item.spans[0] for item in sighting.entered if item.size)
        ]
        batch = _Batch(len(lines), [])
        self._waiting.extend((batch, sighting, span) for sighting, span in lines)

    def collect(self, wait: float) -> list[Counted]:
        """Counts of whole batches that have come; waits at most ``wait`` seconds for some."""
        if self._waiting and self._process is None:
            self._start()
        self._send()
        if self._asked:
            self._receive(wait)
            self._send()
        elif self._process is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            self._stop()
        done, self._done = self._done, []
        return done

    def _start(self) -> None:
        try:
            self._process = child.start(_START)
        except OSError:
            self._fail()
            return
        self._answers, self._ready = b"", False
        self._heard_at = time.monotonic()
        self._end = weakref.finalize(self, child.end, self._process)

    def _stop(self) -> None:
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _fail(self) -> None:
        """There is no tokenizer, or what answers is none: characters have to do."""
        self.works, self._failed = False, True
        self._stop()
        self._waiting.clear()
        self._asked.clear()

    def _replace(self) -> None:
        """The process died of the line that it was at, or hangs there: others are still counted."""
        if not self._ready or self._replaced >= REPLACEMENTS:
            self._fail()
            return
        self._replaced += 1
        self._stop()
        self._settle(*self._asked.popleft(), ())
        while self._asked:
            self._waiting.appendleft(self._asked.pop())
        if self._waiting:
            self._start()

    def _send(self) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        now = time.monotonic()
        if self._asked or self._waiting:
            self._used_at = now
        if not self._asked:
            self._heard_at = now  # nothing was to be heard
        try:
            while self._waiting and len(self._asked) < AHEAD:
                line = self._waiting.popleft()
                self._asked.append(line)
                process.stdin.write(json.dumps(_place(line[2])).encode() + b"\n")
        except OSError:
            return  # what it answered before it died is still to be read

    def _receive(self, wait: float) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        poll = select.poll()
        poll.register(process.stdout, select.POLLIN)
        if poll.poll(wait * 1_000):
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                self._replace()
                return
            *answers, self._answers = (self._answers + data).split(b"\n")
            if not all(map(self._take, answers)):
                self._fail()
        if self._asked and time.monotonic() - self._heard_at > PATIENCE_SECONDS:
            self._replace()

    def _take(self, line: bytes) -> bool:
        """Take in one answer; False for what is none."""
        try:
            answer = _ANSWER.decode(line)
        except MsgspecError:
            return False
        if isinstance(answer, bool) == self._ready or (self._ready and not self._asked):
            return False
        self._heard_at = time.monotonic()
        if isinstance(answer, bool):
            self.works = self._ready = answer
        else:
            self._settle(*self._asked.popleft(), answer)
        return True

    def _settle(self, batch: _Batch, sighting: Sighting, span: Span, counts: Sequence[int]) -> None:
        """A line is done with, perhaps without any counts."""
        batch.left -= 1
        if counts:
            batch.found.append(Counted(sighting, span, counts))
        if not batch.left:
            self._done.extend(batch.found)


def _place(span: Span) -> tuple[str, int, int]:
    return span.path, span.offset, span.length


def serve() -> None:
    """Be the other process: count the lines whose places come in, until no more can come."""
    from ccmon.ledger.tokens import Tokenizer

    tokenizer = Tokenizer()
    works = tokenizer.count("") is not None
    _answer(works)
    if works:
        for place in sys.stdin.buffer:
            path, offset, length = json.loads(place)
            _answer(counts_at(tokenizer, path, offset, length))


def _answer(value: object) -> None:
    sys.stdout.buffer.write(json.dumps(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def counts_at(tokenizer: Tokenizer, path: str, offset: int, length: int) -> list[int]:
    """Tokens of the texts of a line; none at all where one could not be read or counted."""
    from ccmon.transcripts.pieces import pieces

    try:
        counts = [tokenizer.count(text) for text in pieces(path, offset, length)]
    except (CcmonError, MemoryError, RecursionError, ValueError):
        return []
    known = [count for count in counts if count is not None]
    return known if len(known) == len(counts) else []
