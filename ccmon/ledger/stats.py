"""Running sums over the requests of a thread: everything a face shows that is not one request.

A ``ThreadStats`` is a left fold: push the rows in order. Source: accounting.md sections 2 and 3.
"""

from __future__ import annotations

from collections import deque
from copy import copy

from ccmon.ledger.account import TINY_CONTEXT
from ccmon.ledger.usage import tier_of
from ccmon.measures import Split, Ttl, Usage
from ccmon.requests import Request
from ccmon.snapshot import ModelTotals

RECENT_SPEND = 12
RECENT_HITS = 20
ENOUGH = 5
"""Requests a segment needs before its own means are used."""
DEFAULT_GROWTH = 1_400.0
DEFAULT_OUTPUT = 735.0


class Means:
    """Mean growth and mean output over some requests."""

    __slots__ = ("grown", "growth", "output", "requests")

    def __init__(self) -> None:
        self.growth = 0
        self.grown = 0
        self.output = 0
        self.requests = 0

    def push(self, row: Request) -> None:
        """Growth counts where it is positive and inside a segment, output always."""
        self.requests += 1
        self.output += row.usage.output_tokens
        if not row.starts_segment and row.growth > 0:
            self.growth += row.growth
            self.grown += 1


class ThreadStats:
    """Sums, means and recent spans of one thread up to a request."""

    def __init__(self) -> None:
        self.requests = 0
        self.usage = Usage()
        self.cost: float | None = None
        self.split = Split()
        self.unpriced = 0
        self.output_lower_bounds = 0
        self.estimated = False
        self.avoidable = 0.0
        self.contexts = 0
        self.reads = 0
        self.rereads = 0
        self.largest_context = 0
        self.unique = 0
        self.tier: Ttl | None = None
        self.caching = False
        self.segment_split = Split()
        self.whole = Means()
        self.segment = Means()
        self.recent: deque[Request] = deque(maxlen=RECENT_SPEND)
        self.hits: deque[Request] = deque(maxlen=RECENT_HITS)
        self.busts: list[Request] = []
        self.models: dict[str | None, ModelTotals] = {}
        self.largest_by_model: dict[str | None, int] = {}
        self.last: Request | None = None
        self.newest: Request | None = None

    def copy(self) -> ThreadStats:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin.whole, twin.segment = copy(self.whole), copy(self.segment)
        twin.recent, twin.hits = copy(self.recent), copy(self.hits)
        twin.busts, twin.models = copy(self.busts), copy(self.models)
        twin.largest_by_model = copy(self.largest_by_model)
        return twin

    def push(self, row: Request) -> bool:
        """Take in the next request; False when it did not read the thread's context.

        Such a one is counted and paid for, and says nothing else about the thread.
        """
        self.requests += 1
        self.usage += row.usage
        self._spend(row)
        self.models[row.model] = _with(self.models.get(row.model), row)
        self.output_lower_bounds += row.output_is_lower_bound
        self.estimated = self.estimated or row.estimated
        if row.context < TINY_CONTEXT <= self.largest_context:
            self.newest = row
            return False
        self.tier = tier_of(row.usage) or self.tier
        self.caching = self.caching or bool(
            row.usage.cache_read_input_tokens or row.usage.cache_creation_input_tokens
        )
        if row.bust:
            self.busts.append(row)
        if row.starts_segment:
            self.segment, self.segment_split = Means(), Split()
        self.recent.append(row)
        if row.split is not None:
            self.segment_split += row.split
        self.largest_by_model[row.model] = max(self.largest_by_model.get(row.model, 0), row.context)
        if row.context >= TINY_CONTEXT:
            self._measure(row)
        self.last = self.newest = row
        return True

    def means(self) -> tuple[float, float, bool]:
        """Growth and output to expect of the next request, and whether that is measured.

        Of the segment once it has five requests, else of the thread, else the usual ones.
        """
        measured = self.segment if self.segment.requests >= ENOUGH else self.whole
        measured = measured if measured.grown else self.whole
        if not measured.grown:
            return DEFAULT_GROWTH, DEFAULT_OUTPUT, False
        return measured.growth / measured.grown, measured.output / measured.requests, True

    def recent_split(self) -> Split | None:
        """Cost split of the last twelve requests; None when none of them has a price."""
        splits = [row.split for row in self.recent if row.split is not None]
        return sum(splits, Split()) if splits else None

    def hit_rate(self) -> float | None:
        """Share of all that was read that came from the cache; None before two requests."""
        if self.requests < 2 or not self.contexts:
            return None
        return self.reads / self.contexts

    def recent_hit_rate(self) -> float | None:
        """The same over the last twenty requests; the first of a thread cannot hit."""
        rows = [row for row in self.hits if row.n > 1]
        contexts = sum(row.context for row in rows)
        return sum(row.cached for row in rows) / contexts if contexts else None

    def write_factor(self) -> float | None:
        """Cache writes over the largest context; 1.0 means that everything was written once."""
        if self.requests < 2 or not self.largest_context:
            return None
        return self.usage.cache_creation_input_tokens / self.largest_context

    def _spend(self, row: Request) -> None:
        if row.split is None or row.cost is None:
            self.unpriced += 1
            return
        self.cost = (self.cost or 0.0) + row.cost
        self.split += row.split
        self.avoidable += row.avoidable or 0.0

    def _measure(self, row: Request) -> None:
        self.contexts += row.context
        self.reads += row.cached
        self.rereads += row.reread
        self.largest_context = max(self.largest_context, row.context)
        self.unique += row.context if row.starts_segment else max(0, row.growth)
        self.whole.push(row)
        self.segment.push(row)
        self.hits.append(row)


def _with(totals: ModelTotals | None, row: Request) -> ModelTotals:
    before = totals or ModelTotals(row.model, 0, Usage(), None, False)
    return ModelTotals(
        model=row.model,
        requests=before.requests + 1,
        usage=before.usage + row.usage,
        cost=add_costs(before.cost, row.cost),
        cost_is_lower_bound=before.cost_is_lower_bound
        or row.output_is_lower_bound
        or row.cost is None,
    )


def add_costs(one: float | None, other: float | None) -> float | None:
    """Sum of what has a price; None only when neither has."""
    if one is None or other is None:
        return one if other is None else other
    return one + other
