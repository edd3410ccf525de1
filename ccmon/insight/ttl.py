"""What a thread's pauses cost in either tier of the cache.

Source: accounting.md section 7. Everything is written once, and once more after each pause that
the tier does not outlive.
"""

from __future__ import annotations

from copy import copy

from msgspec import Struct

from ccmon.ledger.stats import ThreadStats
from ccmon.measures import COMPARABLE_PAUSES, TTL_SECONDS, Price, Ttl
from ccmon.requests import Request
from ccmon.snapshot import TtlCheck


class Pauses(Struct, frozen=True, gc=False):
    """Pauses between the starts of requests, and the context (tokens) that stood at stake.

    ``between`` counts those that only the longer tier outlives; ``lapsed_5m`` and ``lapsed_1h``
    sum the contexts before the pauses beyond each tier.
    """

    over_5m: int = 0
    over_1h: int = 0
    lapsed_5m: int = 0
    lapsed_1h: int = 0

    @property
    def between(self) -> int:
        """Pauses of five to sixty minutes."""
        return self.over_5m - self.over_1h

    def after(self, gap: float, context: int) -> Pauses:
        """With one pause more; ``gap`` in seconds, ``context`` what was cached before it."""
        if gap <= TTL_SECONDS["5m"]:
            return self
        long = gap > TTL_SECONDS["1h"]
        return Pauses(
            self.over_5m + 1,
            self.over_1h + long,
            self.lapsed_5m + context,
            self.lapsed_1h + (context if long else 0),
        )


class Tiers(Struct, frozen=True, gc=False):
    """What either tier costs one session, in USD, and the pauses that tell them apart.

    ``used`` is the tier that it really writes to.
    """

    cost_5m: float
    cost_1h: float
    between: int
    used: Ttl | None = None


def tiers(unique: int, pauses: Pauses, price: Price, used: Ttl | None = None) -> Tiers:
    """Price of both tiers for a thread that had ``unique`` tokens to write."""
    return Tiers(
        price.write_5m * unique + (price.write_5m - price.read) * pauses.lapsed_5m,
        price.write_1h * unique + (price.write_1h - price.read) * pauses.lapsed_1h,
        pauses.between,
        used,
    )


class PauseFold:
    """The pauses of one thread up to a request: a left fold over its rows.

    Section 7 charges each pause with the context before it. That departs from it where a segment
    starts: after a compaction or a rewind nothing reads the old context again, and the new one is
    written once already. There a pause stakes no more than what the request found in the cache.
    """

    def __init__(self) -> None:
        self.pauses = Pauses()
        self._context = 0
        self._prices: dict[str | None, Price] = {}

    def copy(self) -> PauseFold:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin._prices = copy(self._prices)
        return twin

    def push(self, row: Request) -> None:
        """Take in the next request."""
        if row.idle is not None:
            stake = self._context
            if row.starts_segment:
                stake = min(stake, row.first_read)
            self.pauses = self.pauses.after(row.idle, stake)
        self._context = row.context
        if row.price is not None:
            self._prices[row.model] = row.price

    def tiers(self, stats: ThreadStats) -> Tiers | None:
        """Both tiers at the prices of the model that cost most; None when it has none."""
        costs = ((totals.cost or 0.0, model) for model, totals in stats.models.items())
        _, main = max(costs, key=lambda pair: pair[0], default=(0.0, None))
        price = self._prices.get(main)
        return tiers(stats.unique, self.pauses, price, stats.tier) if price is not None else None

    def check(self, stats: ThreadStats) -> TtlCheck:
        """The comparison as it is shown: no costs while too few pauses tell the tiers apart."""
        both = self.tiers(stats)
        if both is None or both.between < COMPARABLE_PAUSES:
            return TtlCheck(over_5m=self.pauses.over_5m, over_1h=self.pauses.over_1h)
        return TtlCheck(both.cost_5m, both.cost_1h, self.pauses.over_5m, self.pauses.over_1h)
