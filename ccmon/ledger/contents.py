"""What stands in the context of a thread, and what carrying it has cost so far.

A left fold over the requests of a thread. Growth between two requests is exact and shared out over
what entered; what nothing explains is kept as unattributed, so that the items always add up to the
context. Carrying is billed by position in the prompt: a request reads its beginning from the cache
and pays the rest anew, so what stood behind a break pays for the rewriting. The bills add up to the
contexts in tokens and to the cost of all input in money. Source: accounting.md section 9.
"""

from __future__ import annotations

from array import array
from copy import copy

from msgspec import Struct

from ccmon.ledger.account import TINY_CONTEXT
from ccmon.requests import Entered, Kind, Request

Group = tuple[Kind, str]
"""Items are summed by kind, tool results by tool as well."""


def group_of(item: Entered) -> Group:
    """Under which an item is summed."""
    assert item.kind != "output"
    return item.kind, item.name if item.kind == "tool_result" else ""


class Bill(Struct, gc=False):
    """The sums of a group: what it holds now, and what all it ever held was billed.

    ``since`` and ``paid`` are sums over the items now in the context of tokens times what the
    thread's counters stood at when each entered; ``extra`` is money beyond the price of reading.
    """

    items: int = 0
    split: int = 0
    estimated: int = 0
    tokens: int = 0
    since: int = 0
    paid: float = 0.0
    extra: float = 0.0
    gone_tokens: int = 0
    gone_cost: float = 0.0

    def tokens_billed(self, requests: int) -> int:
        """Tokens times requests that carried them, over all items of the group."""
        return self.gone_tokens + self.tokens * requests - self.since

    def cost_billed(self, read: float) -> float:
        """What carrying them cost; ``read`` is the thread's running price of reading."""
        return self.gone_cost + self.tokens * read - self.paid + self.extra


class Held(Struct, frozen=True, gc=False):
    """One item now in the context, with its bill."""

    what: Entered
    entered: int
    tokens: int
    carried: int
    bill: int
    cost: float


class Contents:
    """The items of one thread up to a request."""

    def __init__(self) -> None:
        self.requests = 0
        self.bills: dict[Group, Bill] = {}
        self._read = 0.0
        self._what: list[Entered] = []
        # Arrays: a snapshot copies them all, and boxed numbers would take most of the memory.
        self._entered = array("q")
        self._tokens = array("q")
        self._since = array("q")
        self._paid = array("d")
        self._extra = array("d")
        self._ends = array("q")
        self._peaks = array("q")

    def copy(self) -> Contents:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin.bills = {group: copy(bill) for group, bill in self.bills.items()}
        twin._what, twin._entered = copy(self._what), copy(self._entered)
        twin._tokens, twin._since = copy(self._tokens), copy(self._since)
        twin._paid, twin._extra = copy(self._paid), copy(self._extra)
        twin._ends, twin._peaks = copy(self._ends), copy(self._peaks)
        return twin

    @property
    def tokens(self) -> int:
        """All items together: the context of the last request."""
        return self._ends[-1] if self._ends else 0

    @property
    def read(self) -> float:
        """What one token that was there from the first request on has cost to read so far."""
        return self._read

    def _leave(self, keep: int = 0) -> None:
        """All items but the first ``keep`` leave the context; their bills stay."""
        for index in range(keep, len(self._what)):
            self._close(index)
        for column in self._columns():
            del column[keep:]

    def _leave_after(self, request: int) -> None:
        """What entered with a later request leaves: the conversation went back to that one."""
        keep = sum(entered <= request for entered in self._entered)
        self._leave(keep)

    def push(self, row: Request) -> None:
        """Take in the next request of the thread.

        One that read under a thousand tokens of a larger context did not read it: it is billed to
        nothing that is in there.
        """
        if row.context < TINY_CONTEXT <= self.tokens:
            self._bill_aside(row)
            return
        if row.starts_segment and row.resumes is not None:
            self._leave_after(row.resumes)
            self._miss(row)
        elif row.starts_segment:
            self._leave()
        for item in row.entered:
            for part in item.parts or (item,):
                if part.tokens:
                    self._open(part, row.n, part.tokens)
        self._bill(row)

    def _miss(self, row: Request) -> None:
        """What it goes on from may be a branch that had been left: its items are gone by now."""
        missing = row.context - self.tokens - sum(item.tokens or 0 for item in row.entered)
        if missing:
            label = "of a branch left before"
            what = Entered("unattributed", "unattributed", label, 0, missing, ())
            self._open(what, row.n, missing)

    def _bill(self, row: Request) -> None:
        """Charge a request to the items that it carried."""
        self.requests += 1
        if row.price is None or row.split is None:
            return
        self._read += row.price.read
        spent = row.split.carry + row.split.rewrite + row.split.fresh
        charged = row.price.read * self.tokens + self._charge(row)
        if abs(spent - charged) > 1e-12:
            self._group(("unattributed", "")).gone_cost += spent - charged

    def _bill_aside(self, row: Request) -> None:
        """Charge a request that did not read the thread's context: to nothing in it."""
        bill = self._group(("unattributed", ""))
        bill.gone_tokens += row.context
        if row.split is not None:
            bill.gone_cost += row.split.total - row.split.output

    def held(self) -> list[Held]:
        """The items now in the context, in the order of the prompt."""
        return [
            Held(
                what,
                self._entered[index],
                tokens,
                self.requests - self._since[index],
                tokens * (self.requests - self._since[index]),
                tokens * (self._read - self._paid[index]) + self._extra[index],
            )
            for index, (what, tokens) in enumerate(zip(self._what, self._tokens, strict=True))
        ]

    def _columns(self) -> tuple[list[Entered] | array[int] | array[float], ...]:
        return (
            self._what,
            self._entered,
            self._tokens,
            self._since,
            self._paid,
            self._extra,
            self._ends,
            self._peaks,
        )

    def _group(self, group: Group) -> Bill:
        bill = self.bills.get(group)
        if bill is None:
            bill = self.bills[group] = Bill()
        return bill

    def _open(self, what: Entered, request: int, tokens: int) -> None:
        end = self.tokens + tokens
        self._peaks.append(max(self._peaks[-1] if self._peaks else 0, end))
        self._ends.append(end)
        self._what.append(what)
        self._entered.append(request)
        self._tokens.append(tokens)
        self._since.append(self.requests)
        self._paid.append(self._read)
        self._extra.append(0.0)
        bill = self._group(group_of(what))
        bill.items += 1
        bill.split += what.method == "split"
        bill.estimated += what.method == "estimated"
        bill.tokens += tokens
        bill.since += tokens * self.requests
        bill.paid += tokens * self._read

    def _close(self, index: int) -> None:
        what, tokens = self._what[index], self._tokens[index]
        since, paid, extra = self._since[index], self._paid[index], self._extra[index]
        bill = self._group(group_of(what))
        bill.items -= 1
        bill.split -= what.method == "split"
        bill.estimated -= what.method == "estimated"
        bill.tokens -= tokens
        bill.since -= tokens * since
        bill.paid -= tokens * paid
        bill.extra -= extra
        bill.gone_tokens += tokens * (self.requests - since)
        bill.gone_cost += tokens * (self._read - paid) + extra

    def _charge(self, row: Request) -> float:
        """Charge what the request did not read from the cache, from the end of the prompt on.

        Returns the money beyond the price of reading. An item of negative size takes back what
        those before it were charged, so the sum is right for any order of ends.
        """
        beyond = _Beyond(row, self.tokens)
        index = len(self._ends) - 1
        above = beyond.cost(self.tokens)
        whole = above
        while index >= 0 and self._peaks[index] > beyond.cached:
            below = beyond.cost(self._ends[index - 1] if index else 0)
            self._extra[index] += above - below
            self._group(group_of(self._what[index])).extra += above - below
            above = below
            index -= 1
        return whole


class _Beyond:
    """Money beyond the price of reading, by position in the prompt of one request."""

    def __init__(self, row: Request, context: int) -> None:
        assert row.price is not None
        usage, price = row.usage, row.price
        self.cached = row.cached
        self._steps: tuple[tuple[int, float], ...] = (
            (usage.cache_creation_1h_input_tokens, price.write_1h - price.read),
            (usage.cache_creation_5m_input_tokens, price.write_5m - price.read),
        )
        self._rest = price.input - price.read
        if usage.prompt_tokens != context:
            # Several calls in one response: where each wrote is not known, only what it cost.
            self._steps = ()

    def cost(self, position: int) -> float:
        """Of everything before that position."""
        left, cost = position - self.cached, 0.0
        if left <= 0:
            return 0.0
        for tokens, price in self._steps:
            part = min(left, tokens)
            cost += part * price
            left -= part
        return cost + left * self._rest
