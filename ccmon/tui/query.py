"""The filter language of the request list.

Terms stand side by side and all have to hold; ``!`` before one turns it round.

- words: looked for without regard to case in tool, argument, prompt and cause of a bust
- ``tool:Read path:cart model:opus agent:main`` (``agent:all``: every thread,
  ``agent:sub``: all but the main one)
- ``ctx>200k new>5k out>1k think>500 cost>0.1 rew>0 read<90``
- ``#120`` ``#120..180`` ``13:00..13:30``
- ``bust prompt lower``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite

from ccmon import words
from ccmon.requests import MAIN, Request, Why
from ccmon.snapshot import Session
from ccmon.tui.terms import Filter, Language, numbered

Test = Callable[[Request], bool]

FIELDS: dict[str, Callable[[Request], float | None]] = {
    "ctx": lambda row: row.context,
    "new": lambda row: row.growth,
    "out": lambda row: row.usage.output_tokens,
    "think": lambda row: row.thinking_tokens,
    "cost": lambda row: row.cost,
    "rew": lambda row: row.rewritten,
    "read": lambda row: None if row.read_share is None else row.read_share * 100,
}
FLAGS: dict[str, Test] = {
    "bust": lambda row: row.bust,
    "prompt": lambda row: row.starts_turn,
    "lower": lambda row: row.output_is_lower_bound,
}

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\.\.(\d{1,2}):(\d{2})")
_MINUTES = 24 * 60


SUBAGENTS = "sub"
"""What ``agent:`` is followed by for all threads but the main one."""


@dataclass(frozen=True)
class Query(Filter[Request]):
    """A parsed filter, and which threads are meant; None: the main one."""

    agents: str | None = None

    def __bool__(self) -> bool:
        return bool(self.tests) or self.agents is not None

    def threads(self, session: Session) -> list[tuple[Request, ...]]:
        """The threads that the filter looks at: the main one, unless it names agents."""
        if self.agents is None or self.agents == MAIN:
            return [session.requests]
        wanted = self.agents
        every = wanted in ("all", SUBAGENTS)
        found = [] if wanted != "all" else [session.requests]
        found += [
            agent.requests
            for agent in session.subagents
            if every
            or agent.agent_id.casefold().startswith(wanted)
            or (agent.type or "").casefold() == wanted
        ]
        return found


def parse(text: str) -> Query:
    """The query of a filter line. Terms that do not parse are kept aside as errors."""
    agents: str | None = None
    rest: list[str] = []
    nameless: list[str] = []
    for term in text.split():
        if not term.casefold().startswith("agent:"):
            rest.append(term)
            continue
        agents = term[6:].casefold() or None
        if agents is None:
            nameless.append(term)
    found = _REQUESTS.parse(" ".join(rest))
    return Query(text, found.tests, (*nameless, *found.errors), agents)


def _formed(term: str) -> tuple[Test | None] | None:
    """Numbers of requests, and times of day."""
    if term.startswith("#"):
        span = numbered(term)
        return (None,) if span is None else (lambda row: row.n in span,)
    if ".." in term and ":" in term:
        return (_between(term),)
    return None


def _between(term: str) -> Test | None:
    match = _CLOCK.fullmatch(term)
    if match is None:
        return None
    hours = [int(part) for part in match.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if max(start, end) > _MINUTES or hours[1] > 59 or hours[3] > 59:
        return None

    def test(row: Request) -> bool:
        minute = _minute_of_day(row.at)
        if minute is None:
            return False
        # A span such as 23:00..01:00 runs over midnight.
        inside = start <= minute <= end
        return inside if start <= end else minute >= start or minute <= end

    return test


def _minute_of_day(at: float | None) -> int | None:
    return None if at is None or not isfinite(at) else _local_minute(at // 60)


@lru_cache(4096)
def _local_minute(minutes: float) -> int | None:
    """Minute of the local day, for whole minutes since the epoch: many requests share one."""
    try:
        moment = datetime.fromtimestamp(minutes * 60, UTC).astimezone()
    except (OverflowError, ValueError, OSError):
        return None
    return moment.hour * 60 + moment.minute


def _path(row: Request, value: str) -> bool:
    return value in row.label.casefold() or any(
        value in item.label.casefold() for item in row.entered if item.kind == "tool_result"
    )


def _word(row: Request, word: str) -> bool:
    return (
        word in row.verb.casefold()
        or word in row.label.casefold()
        or word in (row.prompt or "").casefold()
        or (row.why is not None and word in _cause(row.why))
    )


def _cause(why: Why) -> str:
    """A cause by all its names."""
    names = (why.cause, why.server_reason, words.cause(why), why.detail, why.broke_at)
    return " ".join(name for name in names if name).casefold()


_REQUESTS: Language[Request] = Language(
    fields=FIELDS,
    flags=FLAGS,
    keys={
        "tool": lambda row, value: value in row.verb.casefold(),
        "path": _path,
        "model": lambda row, value: value in (row.model or "").casefold(),
    },
    word=_word,
    other=_formed,
)
