"""What Claude Code tells its status line: one JSON object, of which anything may be missing or odd.

Source: transcripts.md, section 14. A field of another kind than expected counts as missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from ccmon.errors import CcmonError
from ccmon.measures import TTL_SECONDS, Ttl
from ccmon.snapshot import Limit, Reported

_LATEST = 1e11
"""No moment in seconds is beyond it, and none in milliseconds before it."""
_EARLIEST = 1_577_836_800.0
"""2020 began; no cache that anybody reports expired before."""
_LONGEST_AHEAD = TTL_SECONDS["1h"] + 300.0
"""A cache lives an hour at most; clocks may differ a little."""
_LARGEST_WINDOW = 1_000_000_000
_LIMITS = {"five_hour": "5h", "seven_day": "7d"}
_CONTEXT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class Told(Struct, frozen=True):
    """One call of the status line. ``context`` is None until a response has come."""

    session_id: str | None
    transcript: str | None
    model: str | None
    context: int | None
    reported: Reported


def read_told(data: bytes, now: float) -> Told:
    """What the client wrote to the status line's stdin at ``now``.

    Raises CcmonError when that is no JSON object.
    """
    try:
        top = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CcmonError("statusline: stdin is not the JSON of a status line") from error
    if not isinstance(top, dict):
        raise CcmonError("statusline: stdin is JSON, but not the object of a status line")
    context, cache = _object(top, "context_window"), _object(top, "prompt_cache")
    reported = Reported(
        at=now,
        window=_count(context.get("context_window_size")),
        ttl=_tier(cache.get("ttl")),
        expires_at=_deadline(cache.get("expires_at"), now),
        cost=_number(_object(top, "cost").get("total_cost_usd")),
        limits=tuple(_limits(_object(top, "rate_limits"))),
    )
    return Told(
        session_id=_word(top.get("session_id")),
        transcript=_word(top.get("transcript_path")),
        model=_word(_object(top, "model").get("id")),
        context=_context(_object(context, "current_usage")),
        reported=reported,
    )


def _context(usage: dict[str, Any]) -> int | None:
    counts = [_count(usage.get(name)) for name in _CONTEXT]
    return sum(count or 0 for count in counts) or None


def _limits(limits: dict[str, Any]) -> Iterator[Limit]:
    for key, name in _LIMITS.items():
        limit = _object(limits, key)
        used = _number(limit.get("used_percentage"))
        if used is not None:
            yield Limit(name, used / 100, _moment(limit.get("resets_at")))


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    value = holder.get(key)
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    """A finite number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 and isfinite(value) else None


def _count(value: object) -> int | None:
    number = _number(value)
    return None if not number or number > _LARGEST_WINDOW else int(number)


def _moment(value: object) -> float | None:
    """Epoch seconds, from seconds, milliseconds or ISO 8601."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return None
    number = _number(value)
    if not number:
        return None
    return number if number < _LATEST else number / 1000


def _deadline(value: object, now: float) -> float | None:
    """When a cache expires; None for what can be no such moment."""
    moment = _moment(value)
    if moment is None or not _EARLIEST <= moment <= now + _LONGEST_AHEAD:
        return None
    return moment


def _tier(value: object) -> Ttl | None:
    """A tier by its name, or by its length in seconds or milliseconds."""
    for tier, seconds in TTL_SECONDS.items():
        if value in (tier, seconds, seconds * 1000):
            return tier
    return None
