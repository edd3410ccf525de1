"""Which tool results are carried for nothing, and what that has cost. Source: accounting.md, 8."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ccmon.ledger.uses import Use, Uses
from ccmon.requests import Entered

COLD_AFTER = 20
"""Requests without a mention of its file from which on a result is cold."""


Waste = Literal["superseded", "unused", "cold"]
"""Why a result is carried in vain."""


class Result(Struct, frozen=True, gc=False):
    """One tool result in the context, as far as it is of use.

    ``useless_tokens`` and ``useless_cost`` (USD) are what re-reading it has come to since it was
    superseded, or since its file was last named.
    """

    what: Entered
    entered: int
    tokens: int
    flag: Waste | None
    named: int | None
    useless_tokens: int
    useless_cost: float


def results_of(uses: Uses) -> tuple[Result, ...]:
    """The tool results now in the context, in the order of the prompt."""
    return tuple(_result(use, uses) for use in uses.results())


def _result(use: Use, uses: Uses) -> Result:
    tokens = use.what.tokens or 0
    flag, since = _flag(use, uses)
    if flag is None:
        return Result(use.what, use.entered, tokens, None, use.named, 0, 0.0)
    read, price = uses.requests_since(since), uses.price_since(since)
    return Result(use.what, use.entered, tokens, flag, use.named, tokens * read, tokens * price)


def _flag(use: Use, uses: Uses) -> tuple[Waste | None, int]:
    """The flag with the last request that the result was of use to."""
    if use.superseded is not None:
        return "superseded", use.superseded - 1
    last = use.named or use.entered
    what = use.what
    if what.name != "Read" or what.asked is None or not what.asked.file:
        return None, last
    if uses.requests_since(last) < COLD_AFTER:
        return None, last
    return "unused" if use.named is None else "cold", last
