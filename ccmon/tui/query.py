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
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    "=": lambda value, limit: value == limit,
}

_COMPARISON = re.compile(r"(ctx|new|out|think|cost|rew|read)(>=|<=|>|<|=)(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"\$?(\d+(?:\.\d+)?|\.\d+)([kmg%]?)", re.IGNORECASE)
_UNITS = {"": 1.0, "%": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_NUMBERED = re.compile(r"#(\d{1,9})(?:\.\.#?(\d{1,9}))?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})\.\.(\d{1,2}):(\d{2})")
_MINUTES = 24 * 60


SUBAGENTS = "sub"
"""What ``agent:`` is followed by for all threads but the main one."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter: what rows must satisfy, which threads are meant, what made no sense."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    agents: str | None = None
    errors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests) or self.agents is not None

    def matches(self, row: Request) -> bool:
        """Whether a request satisfies every term."""
        return all(test(row) for test in self.tests)

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
    tests: list[Test] = []
    errors: list[str] = []
    agents: str | None = None
    for term in text.split():
        bare = term.removeprefix("!")
        if bare.casefold().startswith("agent:") and bare == term:
            agents = bare[6:].casefold() or None
            if agents is None:
                errors.append(term)
            continue
        test = _term(bare)
        if test is None:
            errors.append(term)
        else:
            tests.append(_negated(test) if bare != term else test)
    return Query(text, tuple(tests), agents, tuple(errors))


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _term(term: str) -> Test | None:
    if not term:
        return None
    if comparison := _COMPARISON.fullmatch(term):
        return _compared(*comparison.groups())
    if term.startswith("#"):
        span = numbered(term)
        return None if span is None else lambda row: row.n in span
    if ".." in term and ":" in term:
        return _between(term)
    key, colon, value = term.partition(":")
    if colon and key.casefold() in ("tool", "path", "model"):
        return _keyed(key.casefold(), value.casefold()) if value else None
    return FLAGS.get(term.casefold()) or _word(term.casefold())


def _compared(field: str, operator: str, text: str) -> Test | None:
    limit = number(text)
    if limit is None:
        return None
    value_of, compare = FIELDS[field.lower()], COMPARISONS[operator]

    def test(row: Request) -> bool:
        value = value_of(row)
        return value is not None and compare(value, limit)

    return test


def number(text: str) -> float | None:
    """``200k`` as 200,000; None for what is no number."""
    found = _NUMBER.fullmatch(text)
    return None if found is None else float(found[1]) * _UNITS[found[2].lower()]


def numbered(term: str) -> range | None:
    """The numbers of ``#120`` or ``#120..180``; None for anything else."""
    match = _NUMBERED.fullmatch(term)
    if match is None:
        return None
    first = int(match[1])
    return range(first, (int(match[2]) if match[2] else first) + 1)


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


def _keyed(key: str, value: str) -> Test:
    if key == "tool":
        return lambda row: value in row.verb.casefold()
    if key == "model":
        return lambda row: value in (row.model or "").casefold()
    return lambda row: (
        value in row.label.casefold()
        or any(value in item.label.casefold() for item in row.entered if item.kind == "tool_result")
    )


def _word(word: str) -> Test:
    return lambda row: (
        word in row.verb.casefold()
        or word in row.label.casefold()
        or word in (row.prompt or "").casefold()
        or (row.why is not None and word in _cause(row.why))
    )


def _cause(why: Why) -> str:
    """A cause by all its names."""
    names = (why.cause, why.server_reason, words.cause(why), why.detail, why.broke_at)
    return " ".join(name for name in names if name).casefold()
