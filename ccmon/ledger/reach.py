"""How much of the prefix a bust lost, and where it broke.

Source: accounting.md section 6. A request's context is known exactly, so the place where the cache
ended lies in what entered with the first request whose context reached beyond it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from ccmon.requests import Entered, Reach, Request

NEAR = 0.03
"""Reads that differ by less are the same part of the prefix."""
STUCK_AFTER = 3
"""So many busts in a row that read the same while the context grew are one stuck cache."""


class Reads(Struct, frozen=True, gc=False):
    """What the busts of a thread have still found in the cache.

    ``floor`` is the least of it, first requests after a compaction included, 0 left out: the system
    prefix. ``flat`` counts the busts in a row, up to the last request, that found about
    ``latest`` tokens.
    """

    floor: int | None = None
    latest: int = 0
    flat: int = 0

    def after(self, read: int, *, compacted: bool, bust: bool, grew: bool) -> Reads:
        """The same after one more request."""
        floor = self.floor
        if read and (compacted or bust):
            floor = read if floor is None else min(floor, read)
        if not bust:
            return Reads(floor)
        again = self.flat and grew and is_near(read, self.latest)
        return Reads(floor, read, self.flat + 1 if again else 1)

    @property
    def stuck(self) -> bool:
        """Whether the same part was read again and again while the context grew.

        Where nothing was read, there is no part that it stuck to.
        """
        return self.latest > 0 and self.flat >= STUCK_AFTER


def is_near(read: int, other: int) -> bool:
    """Whether two reads are about the same."""
    return abs(read - other) <= NEAR * max(read, other)


def reach(
    read: int, floor: int | None, rows: Sequence[Request], peaks: Sequence[int], start: int
) -> tuple[Reach, str | None]:
    """How much was lost, and the first thing not found any more where that is a part.

    ``floor`` is the least that was found before. ``rows`` are the thread's requests so far, those
    from ``start`` on in the present segment; ``peaks`` hold the largest context up to each of them.
    """
    if read == 0:
        return "everything", None
    if floor is not None and read <= floor * (1 + NEAR):
        return "system kept", None
    index = bisect_right(peaks, read, lo=start)
    if index >= len(rows):
        return "partial", None
    broken = rows[index]
    if index == start:
        # Behind what the first request found there stands what it brought itself.
        inside = read < broken.cached and not is_near(read, broken.cached)
        return ("partial" if inside else "system kept"), None
    largest = max(broken.entered, key=_size, default=None)
    named = f" {largest.name} {largest.label}".rstrip() if largest else ""
    return "partial", f"#{broken.n}{named}"


def _size(item: Entered) -> int:
    return item.size
