"""How much of the prefix a bust lost, and where it broke.

Source: accounting.md section 6. A request's context is known exactly, so the place where the cache
ended lies in what entered with the first request whose context reached beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from ccmon.requests import Reach, Request

NEAR = 0.03
"""Reads that differ by less are the same part of the prefix."""
STUCK_AFTER = 3
"""So many busts in a row that read the same while the context grew are one stuck cache."""


class Reads(Struct, frozen=True, gc=False):
    """What the busts of a thread have still found in the cache.

    ``floor`` is the least of it, first requests of segments included, 0 left out: the system
    prefix. ``flat`` counts the busts in a row, up to the last request, that found about
    ``latest`` tokens.
    """

    floor: int | None = None
    latest: int = 0
    flat: int = 0

    def after(self, read: int, *, opens: bool, bust: bool, grew: bool) -> Reads:
        """The same after one more request."""
        floor = self.floor
        if read and (opens or bust):
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


def reach(read: int, floor: int | None, rows: Sequence[Request]) -> tuple[Reach, str | None]:
    """How much was lost, and the first thing not found any more where that is a part.

    ``floor`` is the least that was found before; ``rows`` are the thread's requests so far.
    """
    if read == 0:
        return "everything", None
    if floor is not None and read <= floor * (1 + NEAR):
        return "system kept", None
    broken = next((row for row in _segment(rows) if row.context > read), None)
    if broken is None or broken.starts_segment:
        return "system kept", None
    largest = max(broken.entered, key=lambda item: item.size, default=None)
    named = f" {largest.name} {largest.label}".rstrip() if largest else ""
    return "partial", f"#{broken.n}{named}"


def _segment(rows: Sequence[Request]) -> Iterator[Request]:
    """The requests of the present segment, oldest first."""
    start = next((i for i in range(len(rows) - 1, -1, -1) if rows[i].starts_segment), 0)
    for index in range(start, len(rows)):
        yield rows[index]
