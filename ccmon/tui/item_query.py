"""The filter language of the Context screen: what is in the context.

Terms stand side by side and all have to hold; ``!`` before one turns it round.

- words: looked for without regard to case in tool, argument and kind
- ``tool:Read path:cart``
- ``tokens>5k bill>1M cost>0.1 age>100``
- ``#85`` ``#85..120``: entered with one of these requests
- ``cold unused superseded``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ccmon.snapshot import Item
from ccmon.tui.query import COMPARISONS, number, numbered

Test = Callable[[Item], bool]

_FIELDS: dict[str, Callable[[Item], float | None]] = {
    "tokens": lambda item: item.tokens,
    "bill": lambda item: item.bill_tokens,
    "cost": lambda item: item.cost,
    "age": lambda item: item.carried,
}
_FLAGS: dict[str, Test] = {
    "cold": lambda item: item.flag in ("cold", "unused"),
    "unused": lambda item: item.flag == "unused",
    "superseded": lambda item: item.flag == "superseded",
}
_COMPARISON = re.compile(r"(tokens|bill|cost|age)(>=|<=|>|<|=)(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """A parsed filter: what items must satisfy, and what made no sense."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    errors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, item: Item) -> bool:
        """Whether an item satisfies every term."""
        return all(test(item) for test in self.tests)


def parse_items(text: str) -> ItemQuery:
    """The query of a filter line. Terms that do not parse are kept aside as errors."""
    tests: list[Test] = []
    errors: list[str] = []
    for term in text.split():
        bare = term.removeprefix("!")
        test = _term(bare)
        if test is None:
            errors.append(term)
        else:
            tests.append(_negated(test) if bare != term else test)
    return ItemQuery(text, tuple(tests), tuple(errors))


def _negated(test: Test) -> Test:
    return lambda item: not test(item)


def _term(term: str) -> Test | None:
    if not term:
        return None
    if comparison := _COMPARISON.fullmatch(term):
        return _compared(*comparison.groups())
    if term.startswith("#"):
        span = numbered(term)
        return None if span is None else lambda item: item.entered in span
    key, colon, value = term.casefold().partition(":")
    if colon and key in ("tool", "path"):
        return _keyed(key, value) if value else None
    return _FLAGS.get(term.casefold()) or _word(term.casefold())


def _compared(field: str, operator: str, text: str) -> Test | None:
    limit = number(text)
    if limit is None:
        return None
    value_of, compare = _FIELDS[field.lower()], COMPARISONS[operator]

    def test(item: Item) -> bool:
        value = value_of(item)
        return value is not None and compare(value, limit)

    return test


def _keyed(key: str, value: str) -> Test:
    if key == "tool":
        return lambda item: value in (item.tool or "").casefold()
    return lambda item: value in item.label.casefold()


def _word(word: str) -> Test:
    return lambda item: (
        word in item.label.casefold()
        or word in (item.tool or "").casefold()
        or word in item.kind.replace("_", " ")
    )
