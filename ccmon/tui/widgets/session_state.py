"""What a session does at the moment, when its cache goes cold, and which one is next."""

from __future__ import annotations

from collections.abc import Iterable

from ccmon import format as fmt
from ccmon.snapshot import Cache, NextRequest, Session
from ccmon.tui.safe import Part
from ccmon.tui.widgets.vitals import EXPIRES_SOON

_MARKS = {"busy": ("●", "$accent"), "waiting": ("◐", "$warning")}


def mark(session: Session) -> tuple[str, str]:
    """The sign of its state, and the colour."""
    return _MARKS.get(session.status, ("○", "$label"))


def is_quiet(session: Session) -> bool:
    """Whether nothing goes on in it that anybody knows of."""
    return session.status not in _MARKS


def state(session: Session, now: float) -> str:
    """``busy``, ``waiting``, ``idle``, ``ended``; ``quiet 4m`` where no registry tells."""
    if session.status != "unknown":
        return session.status
    if session.last_line_at is None:
        return "quiet"
    return f"quiet {rough_age(now - session.last_line_at)}"


def rough_age(seconds: float) -> str:
    """A span in one unit: 4m, 2h, 3d."""
    hours, h, _ = fmt.age(seconds).partition("h")
    return hours + h


def cold_in(cache: Cache | None, now: float) -> tuple[str, str]:
    """The countdown of the cache, or since when it is cold; and the colour."""
    if cache is None:
        return fmt.NONE, "$faint"
    left = cache.left_at(now)
    if left is not None:
        return fmt.countdown(left), "$warning" if left < EXPIRES_SOON else "$accent"
    state_now = cache.state_at(now)
    if state_now != "cold":
        return (fmt.UNKNOWN if state_now == "unknown" else state_now), "$label"
    since = cache.cold_for(now)
    return f"cold {rough_age(since)}" if since is not None else "cold", "$label"


def next_cold(sessions: Iterable[Session], now: float) -> tuple[float, Session] | None:
    """The session whose cache goes cold next, and in how many seconds."""
    warm = [
        (left, session)
        for session in sessions
        if session.cache is not None and (left := session.cache.left_at(now)) is not None
    ]
    return min(warm, key=lambda pair: pair[0], default=None)


def cold_costs(following: NextRequest | None) -> float | None:
    """What the next request costs more once the cache is cold."""
    if following is None:
        return None
    if following.lapse is not None:
        return following.lapse
    if following.warm is None or following.cold is None:
        return None
    return following.cold - following.warm


def price_of_cold(following: NextRequest | None) -> list[Part]:
    """``, then +$0.21 for one request``; nothing where there is no price."""
    costs = cold_costs(following)
    if costs is None:
        return []
    return [
        (", then ", "$label"),
        (f"+{fmt.money(costs, short=True)}", "$bright"),
        (" for one request", "$label"),
    ]
