"""Which part of the past a screen shows: spans up to today, and the days of a group."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from ccmon.past import By, Query

SPANS: tuple[int | None, ...] = (30, 90, None, 7)
"""Days up to today, in the order of the key; None: all there is."""
GROUPINGS: tuple[By, ...] = ("day", "week", "month", "project", "model", "session")


def today(now: float) -> date:
    """The local day."""
    return datetime.fromtimestamp(now, UTC).astimezone().date()


def spanned(by: By, days: int | None, now: float) -> Query:
    """A query over the last ``days`` with today, in the machine's own time zone.

    Weeks and months are whole: it begins with the first day of the one that the span begins in.
    """
    if days is None:
        return Query(by=by)
    since = today(now) - timedelta(days=days - 1)
    if by == "week":
        since -= timedelta(days=since.weekday())
    elif by == "month":
        since = since.replace(day=1)
    return Query(by=by, since=since)


def span_name(query: Query, days: int | None) -> str:
    """``last 30 days``, ``all``; ``since 2026-10-01`` where weeks or months are whole."""
    if days is None or query.since is None:
        return "all"
    return f"since {query.since}" if query.by in ("week", "month") else f"last {days} days"


def sessions_in(query: Query, key: str) -> Query | None:
    """What asks for the sessions of one group of an answer; None where days cannot tell them.

    A model does not narrow the question down: its sessions are those that name it.
    """
    inside = replace(query, by="session")
    if query.by == "project":
        return replace(inside, project=key)
    if query.by == "model":
        return inside
    days = _days(query.by, key)
    if days is None:
        return None
    first, last = days
    since = max(first, query.since) if query.since is not None else first
    until = min(last, query.until) if query.until is not None else last
    return replace(inside, since=since, until=until)


def _days(by: By, key: str) -> tuple[date, date] | None:
    """The first and the last day of a day, week or month."""
    try:
        if by == "day":
            first = date.fromisoformat(key)
            return first, first
        if by == "week":
            first = date.fromisoformat(f"{key}-1")
            return first, first + timedelta(days=6)
        if by == "month":
            first = date.fromisoformat(f"{key}-01")
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    except ValueError:
        return None
    return None
