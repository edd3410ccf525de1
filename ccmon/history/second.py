"""A second process that reads transcripts for the history, where there are many to read.

It is given files one by one and answers with what it has read of each, in the same order. It ends
when this process does, however that ends: its input is closed then. Whatever becomes of it, the
files that it has not answered for are read here.
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
from typing import IO, Generic, TypeVar

from ccmon import child
from ccmon.history.files import Spoilt, packed, unpacked
from ccmon.history.scan import begin, read_on
from ccmon.history.seen import Seen
from ccmon.transcripts.locate import Transcript

_AHEAD = 96 << 20
"""Bytes of files that it is given at once: it has enough to do while this process does not look."""
_WRITTEN = 16 << 10
"""Bytes that are written for them at most, about: these fit into a pipe, or both might wait."""
_PATIENCE = 10.0
"""One that has files to read and answers for none of them for so long, never will."""
_LENGTH = 4
"""Bytes in front of each answer that tell how long it is; one of length 0 is none."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from ccmon.history.second import serve; serve()"
"""The other process finds modules where this one does, and nowhere else."""

T = TypeVar("T")


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class SecondReader(Generic[T]):
    """The other process, and the files that it was given; ``works`` is False once it failed.

    A file goes with an ``item``, which comes back with what was read of it.
    """

    def __init__(self) -> None:
        self.works = True
        self._lent: deque[tuple[T, Transcript]] = deque()
        self._written: deque[int] = deque()
        self._ahead = 0
        self._answers = b""
        self._heard_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], SecondReader[T]] | None = None
        self._start()

    @property
    def busy(self) -> bool:
        """Whether it has files of which nothing has come back."""
        return bool(self._lent)

    def has_room(self, left: int) -> bool:
        """Whether it should be given more, of so many bytes that are not read yet."""
        return self.works and self._ahead < min(_AHEAD, left // 2) and sum(self._written) < _WRITTEN

    def give(self, item: T, transcript: Transcript) -> None:
        """Have a file read from its beginning to its end."""
        if not self._lent:
            self._heard_at = time.monotonic()  # nothing was to be heard
        self._lent.append((item, transcript))
        self._ahead += transcript.size
        place = (transcript.path, transcript.home, transcript.slug)
        line = json.dumps((*place, transcript.session_id, transcript.agent_id)).encode() + b"\n"
        self._written.append(len(line))
        try:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(line)
        except OSError:
            return  # what it answered before it died is still to be read

    def take(self, wait: float) -> list[tuple[T, Seen | None]]:
        """What has come back, waiting at most ``wait`` seconds; None: to be read here."""
        process = self._process
        if not self._lent:
            return []
        if process is None or process.stdout is None or not self._receive(process.stdout, wait):
            self.works = False
        done = self._parsed()
        if not self.works or time.monotonic() - self._heard_at > _PATIENCE:
            self.close()
            done += [(item, None) for item, _ in self._lent]
            self._lent.clear()
        return done

    def close(self) -> None:
        """End the process."""
        self.works = False
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def _start(self) -> None:
        try:
            self._process = child.start(_START, pipe_bytes=1 << 20)
        except OSError:
            self.works = False
            return
        self._end = weakref.finalize(self, child.end, self._process)

    def _receive(self, pipe: IO[bytes], wait: float) -> bool:
        """Read what has been written; False when nothing more can come."""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while poll.poll(wait * 1_000):
            data = os.read(pipe.fileno(), 1 << 20)
            if not data:
                return False
            self._answers += data
            self._heard_at, wait = time.monotonic(), 0.0
        return True

    def _parsed(self) -> list[tuple[T, Seen | None]]:
        done: list[tuple[T, Seen | None]] = []
        while self._lent and len(self._answers) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._answers[:_LENGTH], "big")
            if len(self._answers) < end:
                break
            answer, self._answers = self._answers[_LENGTH:end], self._answers[end:]
            item, transcript = self._lent.popleft()
            self._ahead -= transcript.size
            self._written.popleft()
            done.append((item, _seen(answer, transcript.path)))
        return done


def _seen(answer: bytes, path: str) -> Seen | None:
    try:
        return unpacked(answer, path) if answer else None
    except Spoilt:
        return None


def serve() -> None:
    """Be the other process: read the files whose places come in, until no more can come."""
    for line in sys.stdin.buffer:
        path, home, slug, session_id, agent_id = json.loads(line)
        answer = _read(Transcript(path, home, slug, session_id, agent_id, 0, 0.0))
        sys.stdout.buffer.write(len(answer).to_bytes(_LENGTH, "big") + answer)
        sys.stdout.buffer.flush()


def _read(transcript: Transcript) -> bytes:
    seen = begin(transcript)
    try:
        while read_on(seen):
            pass
    except OSError:
        return b""
    return packed(seen)[1]
