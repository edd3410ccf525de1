"""How near a session's cache is to going cold: what changes by the mere passing of time."""

from __future__ import annotations

from math import inf
from typing import Literal

from ccmon.measures import TTL_SECONDS
from ccmon.snapshot import Cache

Phase = Literal["unknown", "fresh", "ending", "cold"]

ENDING = 0.20
"""Share of the cache's lifetime that is left when it is about to end."""


def phase_at(cache: Cache | None, now: float) -> Phase:
    """The phase at ``now``; ``unknown`` without caching or without a deadline."""
    if cache is None or not cache.caching or cache.expires_at is None or cache.ttl is None:
        return "unknown"
    if now >= cache.expires_at:
        return "cold"
    return "ending" if now >= cache.expires_at - ENDING * TTL_SECONDS[cache.ttl] else "fresh"


def next_change(cache: Cache | None, now: float) -> float:
    """When the next phase begins, infinity if none does."""
    phase = phase_at(cache, now)
    if cache is None or cache.expires_at is None or cache.ttl is None or phase == "unknown":
        return inf
    if phase == "fresh":
        return cache.expires_at - ENDING * TTL_SECONDS[cache.ttl]
    return cache.expires_at if phase == "ending" else inf
