"""Why the cache broke: the precedence table of accounting.md section 6, first match wins.

Nothing is blamed that is known not to break the cache (CLAUDE.md, output style, permission mode,
skills), and ``unavailable`` or a verdict not known here is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from ccmon import format
from ccmon.ledger.prices import normalised
from ccmon.ledger.stream import Sighting
from ccmon.measures import TTL_SECONDS, Ttl
from ccmon.requests import Cause, Confidence, Request, Why

EXPLAINED_TOKENS = 4_000
"""A smaller deficit is explained only by the server's own verdict."""
CLOCK_SLACK = 5.0
"""A pause that falls short of the TTL by less counts as longer, in seconds."""
SETTLED_THINKING = 5
"""So many requests in a row with, or without, thinking make the next change one of the setting."""
SHORT_TTL = TTL_SECONDS["5m"]
FORGOTTEN = "previous_message_not_found"
TOOL_SEARCH = "ToolSearch"

_KEEPS_THINKING = re.compile(r"claude-(opus-(4-[5-9]|[5-9])|sonnet-(4-[6-9]|[5-9])|fable|mythos)")


class Habit(Struct, frozen=True, eq=False, gc=False):
    """What a thread has shown so far that the next cause may turn on.

    ``tools_loaded`` is the query of a ToolSearch call in the response before; ``thinking`` counts
    the requests in a row that thought alike; ``thought`` says that one has since the last prompt.
    """

    tools_loaded: str | None = None
    speed: str | None = None
    thinking: int = 0
    thinks: bool = False
    thought: bool = False

    def after(self, sighting: Sighting, speed: str | None) -> Habit:
        """What the response after this one has behind it."""
        thinks = any(block.type in ("thinking", "redacted_thinking") for block in sighting.blocks)
        asked = sighting.signs.prompts > 0
        searches = (block.label for block in sighting.blocks if block.name == TOOL_SEARCH)
        return Habit(
            tools_loaded=next(searches, None),
            speed=speed,
            thinking=self.thinking + 1 if thinks is self.thinks else 1,
            thinks=thinks,
            thought=thinks or (self.thought and not asked),
        )


class Case(Struct, frozen=True, eq=False, gc=False):
    """A bust and what is known around it: the request before, its file, and what lies between."""

    sighting: Sighting
    before: Request
    before_sighting: Sighting
    habit: Habit
    speed: str | None
    idle: float | None
    tier: Ttl | None

    @property
    def ttl(self) -> float:
        """Lifetime of what the thread wrote last, in seconds; the short one where unknown."""
        return TTL_SECONDS[self.tier] if self.tier else SHORT_TTL

    @property
    def outlived(self) -> bool:
        """Whether the pause was longer than the cache lives."""
        return self.idle is not None and self.idle > self.ttl - CLOCK_SLACK


class Verdict(Struct, frozen=True, gc=False):
    """A cause with how sure it is, and what is to be named."""

    cause: Cause
    confidence: Confidence
    detail: str = ""


Row = Callable[[Case], Verdict | None]
"""One row of the table: a verdict when its signature is there."""


def explain(case: Case, deficit: int) -> Why | None:
    """Why a bust happened; None when it is too small to say without the server's word."""
    reason = case.sighting.miss_reason
    verdict = _server(case, reason)
    if verdict is None:
        if deficit < EXPLAINED_TOKENS:
            return None
        verdict = _first(case, _ROWS) or _by_time(case)
    return Why(
        cause=verdict.cause,
        confidence=verdict.confidence,
        server_reason=reason,
        detail=verdict.detail,
        idle=case.idle,
        ttl=case.ttl,
    )


def _server(case: Case, reason: str | None) -> Verdict | None:
    """Rows 1 and 2: the API has said what changed; the rows below it find the words."""
    if reason == FORGOTTEN:
        return Verdict("idle_past_ttl" if case.outlived else "server_forgot", "server")
    found: Verdict | None
    if reason == "model_changed":
        found = _model(case) or Verdict("model_switch", "server")
    elif reason == "tools_changed":
        changed = Verdict("tool_list_changed", "server", case.sighting.signs.tools)
        found = _tools_loaded(case) or changed
    elif reason == "system_changed":
        found = _first(case, (_client, _resume, _effort, _tool_list))
    elif reason == "messages_changed":
        found = _first(case, (_resume, _effort, _image, _stripped, _dropped))
    else:
        return None
    if found is None:
        return Verdict("unknown", "server")
    # What the transcript shows in black and white needs no verdict; a guess becomes one.
    return found if found.confidence == "exact" else Verdict(found.cause, "server", found.detail)


def _first(case: Case, rows: tuple[Row, ...]) -> Verdict | None:
    return next((found for row in rows if (found := row(case)) is not None), None)


def _tools_loaded(case: Case) -> Verdict | None:
    loaded = case.habit.tools_loaded
    return None if loaded is None else Verdict("tools_loaded", "inferred", loaded)


def _model(case: Case) -> Verdict | None:
    now, then = case.sighting.model, case.before.model
    if now is not None and then is not None and now != then:
        return Verdict("model_switch", "exact", _change(then, now))
    fallback = case.sighting.signs.fallback
    return Verdict("model_switch", "exact", fallback) if fallback else None


def _change(then: str | None, now: str | None) -> str:
    return f"{format.model(then)} -> {format.model(now)}"


def _idle(case: Case) -> Verdict | None:
    if not case.outlived:
        return None
    return Verdict("idle_past_ttl", "timestamps" if case.tier else "inferred")


def _client(case: Case) -> Verdict | None:
    now, then = case.sighting.version, case.before.version
    if now is None or then is None or now == then:
        return None
    return Verdict("client_changed", "exact", f"{then} -> {now}")


def _resume(case: Case) -> Verdict | None:
    signs = case.sighting.signs
    other_file = case.sighting.stream is not case.before_sighting.stream
    if signs.resumed or other_file or signs.prompts > 1:
        return Verdict("resume", "inferred")
    return None


def _effort(case: Case) -> Verdict | None:
    now, then = case.sighting.effort, case.before.effort
    if now and then and now != then:
        return Verdict("effort_or_speed", "inferred", f"effort {then} -> {now}")
    if case.speed and case.habit.speed and case.speed != case.habit.speed:
        detail = f"speed {case.habit.speed} -> {case.speed}"
        return Verdict("effort_or_speed", "inferred", detail)
    thinks = any(block.type in ("thinking", "redacted_thinking") for block in case.sighting.blocks)
    if case.habit.thinking >= SETTLED_THINKING and thinks is not case.habit.thinks:
        return Verdict("effort_or_speed", "inferred", f"thinking {'on' if thinks else 'off'}")
    return None


def _tool_list(case: Case) -> Verdict | None:
    tools = case.sighting.signs.tools
    return Verdict("tool_list_changed", "inferred", tools) if tools else None


def _image(case: Case) -> Verdict | None:
    return Verdict("image_or_setting", "inferred") if case.sighting.signs.image else None


def _stripped(case: Case) -> Verdict | None:
    if not case.sighting.signs.prompts or not case.habit.thought:
        return None
    name = normalised(case.sighting.model or "")
    if not name.startswith("claude-") or _KEEPS_THINKING.match(name):
        return None
    return Verdict("thinking_stripped", "inferred")


def _dropped(case: Case) -> Verdict | None:
    return Verdict("thinking_dropped", "exact") if case.sighting.thinking_dropped else None


def _by_time(case: Case) -> Verdict:
    """Rows 13 and 14: a long pause inside the long TTL, else nothing explains it."""
    if case.tier == "1h" and case.idle is not None and case.idle > SHORT_TTL:
        return Verdict("long_pause", "inferred")
    return Verdict("unknown", "unknown")


_ROWS: tuple[Row, ...] = (
    _tools_loaded,
    _model,
    _idle,
    _client,
    _resume,
    _effort,
    _tool_list,
    _image,
    _stripped,
    _dropped,
)
"""Rows 3 to 12 in their order."""
