"""What the next request costs, and what compacting now would cost and save.

Source: accounting.md sections 2 (forecast), 4 (crossing point) and 5 (break-even).
"""

from __future__ import annotations

from msgspec import Struct

from ccmon.ledger.costs import write_price
from ccmon.ledger.stats import ThreadStats
from ccmon.measures import Price, Ttl
from ccmon.requests import Compaction, Request
from ccmon.snapshot import NextRequest

REDISCOVERY_TOKENS = 15_000
"""What a session reads again in the ten requests after a compaction."""


class Habits(Struct, frozen=True, gc=False):
    """What a compaction leaves behind, in tokens.

    ``context`` is the context after it, ``prefix`` the part of that which stays cached,
    ``summary`` what the call writes. The defaults are medians of 124 compactions.
    """

    context: int = 48_000
    prefix: int = 18_000
    summary: int = 5_000

    def after(self, compaction: Compaction, first: Request) -> Habits:
        """What this session has shown: its own last compaction and the request after it."""
        return Habits(first.context, first.first_read, compaction.summary_tokens)


class Left(Struct, frozen=True, gc=False):
    """What a compaction left, in tokens: the context, and the part of it that stays cached."""

    context: int
    prefix: int


class CompactionPlan(Struct, frozen=True, gc=False):
    """Compacting now, in USD; ``payback`` in requests, None where it would save nothing."""

    cost: float
    cost_cold: float
    saving: float
    payback: float | None


def plan_compaction(context: int, price: Price, ttl: Ttl | None, habits: Habits) -> CompactionPlan:
    """Price of compacting a context of that size, with a warm and with a cold cache."""
    write = write_price(price, ttl)
    rewrite = write * (habits.context - habits.prefix) + write * REDISCOVERY_TOKENS
    summary = price.output * habits.summary
    cost = price.read * context + summary + rewrite
    saving = price.read * (context - habits.context)
    return CompactionPlan(
        cost=cost,
        cost_cold=write * context + summary + rewrite,
        saving=saving,
        payback=cost / saving if saving > 0 else None,
    )


def forecast(
    stats: ThreadStats, price: Price | None, ttl: Ttl | None, left: Left | None = None
) -> NextRequest:
    """The next request with a warm and with a cold cache; the cold price is an upper bound.

    ``left`` is what a compaction left that no request has followed yet: of that only the prefix
    is in the cache, the rest is written for the first time.
    """
    if price is None or stats.last is None:
        return NextRequest(None, None, None, None, estimated=left is not None)
    growth, output, _ = stats.means()
    write = write_price(price, ttl)
    context = stats.last.context if left is None else left.context
    cached = context if left is None else min(left.prefix, left.context)
    reread = price.read * cached
    fresh = write * (context - cached + growth) + price.output * output
    cold = write * (context + growth) + price.output * output
    lapse = (write - price.read) * cached
    return NextRequest(reread + fresh, cold, reread, fresh, lapse, left is not None)


def crossing_point(stats: ThreadStats, price: Price | None, ttl: Ttl | None) -> float | None:
    """The context from which on most of a request's price is re-reading; None when unpriced."""
    if price is None or not price.read:
        return None
    growth, output, _ = stats.means()
    return (write_price(price, ttl) * growth + price.output * output) / price.read
