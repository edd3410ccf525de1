"""What the end of a transcript tells: enough for one line, read in a moment.

Only the last half megabyte is read, and of what lies before it the opening of the segment that is
going on: the compaction and the first response after it, or the first response of the file. From
these the house's own accounting gives the last requests exactly; what carrying the context has cost
is a lower bound then, because the requests between opening and end are missing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from msgspec import Struct

from ccmon.entries import AssistantEntry
from ccmon.insight.running import Running
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Source
from ccmon.ledger.thread import Thread
from ccmon.measures import TTL_SECONDS, Span, Ttl
from ccmon.requests import MAIN, Request
from ccmon.snapshot import DragState
from ccmon.transcripts.decode import decode
from ccmon.transcripts.locate import Home, Transcript, classify

END_BYTES = 512 * 1024
OPENING_BYTES = 512 * 1024
SEARCHED_BYTES = 16 * 1024 * 1024
"""How far before the end the opening of the segment is looked for."""

_BOUNDARY = b'"subtype":"compact_boundary"'
_PART = 1024 * 1024


class Recent(Struct, frozen=True):
    """The main thread's newest requests.

    ``compacted_to`` is the estimated context after a compaction that no request followed yet;
    ``overdue`` is O of the drag, ``overdue_is_lower_bound`` where requests are missing. ``bust`` is
    the newest one that was found. ``ttl`` is the lifetime by which ``expires_at`` is computed.
    """

    last: Request | None
    compacted_to: int | None
    window: int | None
    expires_at: float | None
    drag: DragState
    overdue: float | None
    overdue_is_lower_bound: bool
    bust: Request | None
    ttl: Ttl | None = None


def transcript_at(path: str, homes: Sequence[Home]) -> Transcript | None:
    """The session's own transcript at ``path``, None unless it really lies in one of the homes."""
    if "\0" in path:
        return None
    real = [Home(os.path.realpath(home.path), home.origin, home.found) for home in homes]
    found = classify(os.path.realpath(path), real)
    return found if found and found.session_id and found.agent_id is None else None


def read_recent(transcript: Transcript, prices: PriceTable) -> Recent | None:
    """What the end of the transcript tells; None when it cannot be read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(transcript.path, flags)
    except OSError:
        return None
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            return None
        return _recent(descriptor, info.st_size, transcript, prices)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _recent(descriptor: int, size: int, transcript: Transcript, prices: PriceTable) -> Recent:
    accounts = _Accounts(transcript, prices)
    start = max(0, size - END_BYTES)
    if not start:
        accounts.take(_lines(descriptor, 0, END_BYTES))
        return _told(accounts, accounts.rows, whole=True)
    if (begun := _segment_start(descriptor, start)) is not None:
        length = min(OPENING_BYTES, start - begun)
        accounts.take(_lines(descriptor, begun, length), requests=1)
    opening = len(accounts.rows)
    accounts.take(_lines(descriptor, start, END_BYTES, cut=True))
    # The first request of the end is held against one that did not come right before it.
    return _told(accounts, accounts.rows[opening + 1 :], whole=False)


class _Accounts:
    """The main thread of one transcript, as far as its lines were taken in."""

    def __init__(self, transcript: Transcript, prices: PriceTable) -> None:
        self.prices = prices
        self._source = Source(transcript.path, transcript.session_id)
        self._ledger = Ledger(prices)

    def take(self, lines: Iterable[tuple[int, bytes]], *, requests: float = inf) -> None:
        """Take in lines up to the first one of so many requests."""
        for offset, line in lines:
            span = Span(self._source.path, offset, len(line))
            for entry in decode(line).entries:
                self._ledger.apply(self._source, span, entry)
                requests -= isinstance(entry, AssistantEntry)
            if requests <= 0:
                break
        self._ledger.settle()

    @property
    def thread(self) -> Thread:
        session_id = self._source.session_id or ""
        session = self._ledger.sessions.get(session_id)
        return session.main if session else Thread(session_id, MAIN)

    @property
    def rows(self) -> Sequence[Request]:
        return self.thread.rows


def _told(accounts: _Accounts, sure: Sequence[Request], *, whole: bool) -> Recent:
    """``sure`` are the requests whose predecessor is known."""
    thread = accounts.thread
    folds = Running().over(thread.rows, thread.compactions)
    stats, drag = folds.stats, folds.drag
    last, newest = stats.last, thread.last
    window, expires_at = None, None
    if last is not None:
        window, _ = accounts.prices.window(
            last.model,
            newest.requested_model if newest else None,
            stats.largest_by_model.get(last.model, 0),
        )
        begun = last.started_at or last.at
        if stats.tier and begun is not None:
            expires_at = begun + TTL_SECONDS[stats.tier]
    return Recent(
        last=last,
        compacted_to=thread.compacted_to,
        window=window,
        expires_at=expires_at,
        drag=drag.state,
        overdue=drag.ratios.o,
        overdue_is_lower_bound=not (whole or any(row.starts_segment for row in sure)),
        bust=next((row for row in reversed(sure) if row.bust), None),
        ttl=stats.tier,
    )


def _lines(
    descriptor: int, start: int, length: int, *, cut: bool = False
) -> Iterator[tuple[int, bytes]]:
    """The lines between two places, each with its offset; ``cut``: the first one is no whole one.

    A last line without its newline counts when it looks whole.
    """
    data = os.pread(descriptor, length, start)
    if cut:
        skipped = data.find(b"\n") + 1 or len(data)
        data, start = data[skipped:], start + skipped
    for piece in data.split(b"\n"):
        if piece.rstrip(b"\r").endswith(b"}"):
            yield start, piece.rstrip(b"\r")
        start += len(piece) + 1


def _segment_start(descriptor: int, end: int) -> int | None:
    """Where the last compaction before ``end`` stands, else the file's beginning."""
    floor = max(0, end - SEARCHED_BYTES)
    for stop in range(end, floor, -_PART):
        begin = max(floor, stop - _PART)
        # A little more than the part: a boundary may lie across its end.
        found = os.pread(descriptor, stop - begin + len(_BOUNDARY) - 1, begin).rfind(_BOUNDARY)
        if found >= 0:
            return _line_start(descriptor, begin + found)
    return None if floor else 0


def _line_start(descriptor: int, place: int) -> int:
    before = max(0, place - _PART)
    return before + os.pread(descriptor, place - before, before).rfind(b"\n") + 1
