"""What the sessions of one user tell of each other."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from statistics import median

from msgspec import Struct

from ccmon.insight.summary import Summed
from ccmon.insight.ttl import Tiers

LAST_SESSIONS = 5
"""Sessions over which the tiers of the cache are compared."""
OPENINGS_NEEDED = 5
OPENINGS_SECONDS = 30 * 86_400.0


class Peers(Struct, frozen=True):
    """What is known of the sessions before one.

    ``tiers`` of the last five, itself the last of them; ``usual_opening`` the median first context
    of those in the thirty days before it, None where these are fewer than five.
    """

    tiers: tuple[Tiers, ...] = ()
    usual_opening: float | None = None


def peers_of(summed: Iterable[Summed]) -> dict[str, Peers]:
    """What each session may know of those that began before it, by session id."""
    begun = sorted(
        (each.session.started_at, each.session.session_id, each)
        for each in summed
        if each.session.started_at is not None
    )
    peers: dict[str, Peers] = {}
    tiers: deque[Tiers] = deque(maxlen=LAST_SESSIONS)
    openings = Openings()
    for start, session_id, each in begun:
        if each.tiers is not None:
            tiers.append(each.tiers)
        own = tuple(tiers) if each.tiers is not None else ()
        peers[session_id] = Peers(own, openings.usual(start))
        if each.opening is not None:
            openings.add(start, each.opening)
    return peers


class Openings:
    """The first contexts of a user's sessions, told in the order of their starts."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()
        self._ordered: list[int] = []

    def add(self, start: float, opening: int) -> None:
        """A session that began at ``start`` with so many tokens."""
        self._recent.append((start, opening))
        insort(self._ordered, opening)

    def usual(self, start: float) -> float | None:
        """The median of the thirty days before ``start``; None with too few sessions in them."""
        while self._recent and self._recent[0][0] < start - OPENINGS_SECONDS:
            _, opening = self._recent.popleft()
            del self._ordered[bisect_left(self._ordered, opening)]
        return median(self._ordered) if len(self._ordered) >= OPENINGS_NEEDED else None
