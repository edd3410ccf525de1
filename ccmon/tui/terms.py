"""What all filter lines share: terms side by side, each of which has to hold.

``!`` before a term turns it round. A screen says what its rows are and what can be asked of them:
a ``Language``. Words are looked for without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    "=": lambda value, limit: value == limit,
}

_COMPARISON = re.compile(r"([a-z]+)(>=|<=|>|<|=)(.*)", re.IGNORECASE)
_NUMBER = re.compile(r"\$?(\d+(?:\.\d+)?|\.\d+)([kmg%]?)", re.IGNORECASE)
_UNITS = {"": 1.0, "%": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_NUMBERED = re.compile(r"#(\d{1,9})(?:\.\.#?(\d{1,9}))?")


@dataclass(frozen=True)
class Filter(Generic[Row]):
    """A parsed filter line: what rows must satisfy, and which terms made no sense."""

    text: str = ""
    tests: tuple[Callable[[Row], bool], ...] = ()
    errors: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, row: Row) -> bool:
        """Whether a row satisfies every term."""
        return all(test(row) for test in self.tests)


@dataclass(frozen=True)
class Language(Generic[Row]):
    """What can be asked of a row.

    ``fields`` are compared with numbers (``ctx>200k``; None never holds), ``flags`` stand alone,
    ``keys`` name where a word is looked for (``tool:read``), ``word`` looks everywhere.
    ``other`` reads terms of another form first, None for those it does not know: the answer tells
    whether the term has that form, and the test, unless it makes no sense.
    """

    fields: Mapping[str, Callable[[Row], float | None]]
    flags: Mapping[str, Callable[[Row], bool]]
    keys: Mapping[str, Callable[[Row, str], bool]]
    word: Callable[[Row, str], bool]
    other: Callable[[str], tuple[Callable[[Row], bool] | None] | None] = lambda term: None

    def parse(self, text: str) -> Filter[Row]:
        """The filter of a line. Terms that do not parse are kept aside as errors."""
        tests: list[Callable[[Row], bool]] = []
        errors: list[str] = []
        for term in text.split():
            bare = term.removeprefix("!")
            test = self._term(bare)
            if test is None:
                errors.append(term)
            else:
                tests.append(_negated(test) if bare != term else test)
        return Filter(text, tuple(tests), tuple(errors))

    def _term(self, term: str) -> Callable[[Row], bool] | None:
        if not term:
            return None
        comparison = _COMPARISON.fullmatch(term)
        if comparison and comparison[1].lower() in self.fields:
            return self._compared(*comparison.groups())
        if (found := self.other(term)) is not None:
            return found[0]
        if comparison and comparison[2] != "=" and number(comparison[3]) is not None:
            return None  # A field of another screen, or of none: no word looks like that.
        key, colon, value = term.casefold().partition(":")
        if colon and key in self.keys:
            return _asking(self.keys[key], value) if value else None
        return self.flags.get(term.casefold()) or _asking(self.word, term.casefold())

    def _compared(self, field: str, operator: str, text: str) -> Callable[[Row], bool] | None:
        limit = number(text)
        if limit is None:
            return None
        value_of, compare = self.fields[field.lower()], COMPARISONS[operator]

        def test(row: Row) -> bool:
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


def _negated(test: Callable[[Row], bool]) -> Callable[[Row], bool]:
    return lambda row: not test(row)


def _asking(test: Callable[[Row, str], bool], value: str) -> Callable[[Row], bool]:
    return lambda row: test(row, value)
