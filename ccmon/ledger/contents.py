"""What stands in the context of a thread, and what carrying it has cost so far.

A left fold over the requests of a thread. Growth between two requests is exact and shared out over
what entered; what nothing explains is kept as unattributed, so that the items always add up to the
context. Carrying is billed by position in the prompt: a request reads its beginning from the cache
and pays the rest anew, so what stood behind a break pays for the rewriting. The bills add up to the
contexts in tokens and to the cost of all input in money. What leaves without a record is said by
the request after it. Source: accounting.md section 9.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from copy import copy

from msgspec import Struct

from ccmon.ledger.account import TINY_CONTEXT
from ccmon.ledger.intake import CLEARED, leaves, weakest
from ccmon.ledger.tariff import Tariff
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
    thread's counters stood at when each entered; ``extra`` is money beyond what ``paid`` counts.
    ``split`` and ``estimated`` count all items that ever were in the bill: a sum takes the weakest
    label of its parts, also of those that left.
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

    def cost_billed(self, rate: float) -> float:
        """What carrying them cost; ``rate`` is the sum of the thread's prices of most tokens."""
        return self.gone_cost + self.tokens * rate - self.paid + self.extra


class Held(Struct, frozen=True, gc=False):
    """One item now in the context, with its bill."""

    what: Entered
    entered: int
    tokens: int
    carried: int
    bill: int
    cost: float


class Past(Struct, frozen=True, eq=False, gc=False):
    """The items that a segment held when it ended, of requests ``first`` to ``last``."""

    first: int
    last: int
    what: tuple[Entered, ...]
    entered: array[int]
    tokens: array[int]


class Contents:
    """The items of one thread up to a request.

    ``read`` and ``rate`` are what one token that was there from the first request on has cost so
    far: at the price of reading, and at the price that each request paid for most items.
    ``kept`` are the tool results that stayed, with the request that each entered with, where
    something left or came back with the last request; None where all stayed.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.read = 0.0
        self.rate = 0.0
        self.bills: dict[Group, Bill] = {}
        self.kept: list[tuple[Entered, int]] | None = None
        self._start = 1
        self._past: tuple[Past, ...] = ()
        self._what: list[Entered] = []
        # Arrays: a snapshot copies them all, and boxed numbers would take most of the memory.
        self._entered = array("q")
        self._tokens = array("q")
        self._since = array("q")
        self._paid = array("d")
        self._extra = array("d")
        self._ends = array("q")
        self._peaks = array("q")
        self._floors = array("q")

    def copy(self) -> Contents:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin.bills = {group: copy(bill) for group, bill in self.bills.items()}
        twin._what, twin._entered = copy(self._what), copy(self._entered)
        twin._tokens, twin._since = copy(self._tokens), copy(self._since)
        twin._paid, twin._extra = copy(self._paid), copy(self._extra)
        twin._ends, twin._peaks = copy(self._ends), copy(self._peaks)
        twin._floors = copy(self._floors)
        return twin

    @property
    def tokens(self) -> int:
        """All items together: the context of the last request."""
        return self._ends[-1] if self._ends else 0

    def push(self, row: Request) -> None:
        """Take in the next request of the thread.

        One that read under a thousand tokens of a larger context did not read it: it is billed to
        nothing that is in there.
        """
        self.kept = None
        if row.context < TINY_CONTEXT <= self.tokens:
            self._bill_aside(row)
            return
        if row.starts_segment:
            self._begin(row)
        coming = [part for item in row.entered for part in item.parts or (item,)]
        leaving = [item for item in coming if leaves(item)]
        for item in leaving:
            self._let_go(item)
        coming = [item for item in coming if item.tokens and not leaves(item)]
        missing = row.context - self.tokens - sum(item.tokens or 0 for item in coming)
        if missing:
            # The branch that it goes on from had been left, or not just so much was cleared.
            label = "of a branch left before" if row.starts_segment else ""
            label = f"of {leaving[-1].label} cleared" if leaving else label
            method = weakest(row.entered)
            rest = Entered("unattributed", "unattributed", label, 0, missing, (), method)
            coming.insert(0, rest)
        for item in coming:
            self._open(item, row.n, item.tokens or 0)
        self._bill(row)

    def _begin(self, row: Request) -> None:
        """A segment begins: empty, or with what stood there at the request that it goes on from."""
        back = row.resumes
        if back is not None and back >= self._start:
            self._remove([n for n, entered in enumerate(self._entered) if entered > back])
        else:
            entered, tokens = copy(self._entered), copy(self._tokens)
            past = Past(self._start, row.n - 1, tuple(self._what), entered, tokens)
            self._remove(range(len(self._what)))
            self._start = row.n
            if back is not None:
                self._restore(back)
            if past.what:
                self._past += (past,)
        self.kept = self._results()

    def _restore(self, request: int) -> None:
        """What a segment held up to that request is back; it is billed from now on."""
        found = [past for past in self._past if past.first <= request <= past.last]
        for past in found[-1:]:
            for what, entered, tokens in zip(past.what, past.entered, past.tokens, strict=True):
                if entered <= request:
                    self._open(what, entered, tokens)

    def _let_go(self, item: Entered) -> None:
        """Thinking was dropped, all of it, or results were cleared: the oldest, about so much."""
        if item.name != CLEARED:
            self._remove([n for n, what in enumerate(self._what) if what.kind == "thinking"])
            return
        left, gone = -(item.tokens or 0), []
        for index, what in enumerate(self._what):
            if what.asked is None and what.kind != "tool_result":
                continue
            if 2 * left < self._tokens[index] or left <= 0:
                break
            left -= self._tokens[index]
            gone.append(index)
        self._remove(gone)
        self.kept = self._results()

    def _results(self) -> list[tuple[Entered, int]]:
        both = zip(self._what, self._entered, strict=True)
        return [(what, entered) for what, entered in both if what.kind == "tool_result"]

    def _remove(self, gone: Sequence[int]) -> None:
        """Items leave the context; their bills stay."""
        if not gone:
            return
        for index in reversed(gone):
            self._close(index)
            for column in self._columns():
                del column[index]
        del self._ends[gone[0] :], self._peaks[gone[0] :], self._floors[gone[0] :]
        for tokens in self._tokens[gone[0] :]:
            self._place(tokens)

    def _bill(self, row: Request) -> None:
        """Charge a request to the items that it carried."""
        self.requests += 1
        if row.price is None or row.split is None:
            return
        tariff = Tariff(row, self.tokens, self._peaks)
        self.read += row.price.read
        self.rate += tariff.most
        spent = row.split.carry + row.split.rewrite + row.split.fresh
        charged = tariff.most * self.tokens + self._charge(tariff)
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
                tokens * (self.rate - self._paid[index]) + self._extra[index],
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
        )

    def _group(self, group: Group) -> Bill:
        bill = self.bills.get(group)
        if bill is None:
            bill = self.bills[group] = Bill()
        return bill

    def _open(self, what: Entered, request: int, tokens: int) -> None:
        self._place(tokens)
        self._what.append(what)
        self._entered.append(request)
        self._tokens.append(tokens)
        self._since.append(self.requests)
        self._paid.append(self.rate)
        self._extra.append(0.0)
        bill = self._group(group_of(what))
        bill.items += 1
        bill.split += what.method == "split"
        bill.estimated += what.method == "estimated"
        bill.tokens += tokens
        bill.since += tokens * self.requests
        bill.paid += tokens * self.rate

    def _place(self, tokens: int) -> None:
        """An item ends where the one before it ends and so much further."""
        end = self.tokens + tokens
        self._peaks.append(max(self._peaks[-1] if self._peaks else 0, end))
        self._ends.append(end)
        floors = self._floors
        before = len(floors) - 1
        floors.append(end)
        while before >= 0 and floors[before] > end:
            floors[before] = end
            before -= 1

    def _close(self, index: int) -> None:
        what, tokens = self._what[index], self._tokens[index]
        since, paid, extra = self._since[index], self._paid[index], self._extra[index]
        bill = self._group(group_of(what))
        bill.items -= 1
        bill.tokens -= tokens
        bill.since -= tokens * since
        bill.paid -= tokens * paid
        bill.extra -= extra
        bill.gone_tokens += tokens * (self.requests - since)
        bill.gone_cost += tokens * (self.rate - paid) + extra

    def _charge(self, tariff: Tariff) -> float:
        """Charge what has another price than most of the prompt, from both ends of the prompt.

        Returns the money beyond that price. An item of negative size takes back what those before
        it were charged, so the sum is right for any order of ends. Peaks and floors tell where
        nothing is left that reaches out of the part with that price.
        """
        last = len(self._ends)
        whole = above = tariff.beyond(self.tokens)
        while last and self._peaks[last - 1] > tariff.end:
            last -= 1
            below = tariff.beyond(self._ends[last - 1] if last else 0)
            self._add(last, above - below)
            above = below
        below, floor = 0.0, 0
        for index in range(last):
            if floor >= tariff.start:
                break
            above = tariff.beyond(self._ends[index])
            self._add(index, above - below)
            below, floor = above, self._floors[index]
        return whole

    def _add(self, index: int, money: float) -> None:
        self._extra[index] += money
        self._group(group_of(self._what[index])).extra += money
