"""What one file tells of requests that it does not show: attempts, totals, interrupts.

Fed in file order. Source: transcripts.md section 9.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ccmon.entries import CostEntry
from ccmon.ledger.attempts import Attempts

SAME_MONEY = 1e-6
"""Sums of money that differ by less are the same, in USD."""


class Bill(Struct, frozen=True, eq=False, gc=False):
    """The client's own totals, the last of a file, and where they stand in it.

    ``responses`` is how many have begun there before it. ``since`` is the newest time before it,
    ``until`` the first one behind it, None while the file ends with it.
    """

    entry: CostEntry
    place: int
    responses: int
    since: float | None
    until: float | None = None


class Interrupt(Struct, frozen=True, eq=False, gc=False):
    """The user stopped a chain; ``after`` is its last response until then, by message id."""

    place: int
    at: float | None
    after: str | None


class Traces:
    """All traces in one file; places are those of lines, in bytes.

    ``first`` and ``bill`` are the first and the last totals of the file's own session, ``torn``
    says that they fell in between. ``copied`` are attempts that another file owns. ``interrupts``
    are those that may have cut a request off, the last of each chain, ``stops`` when the user
    stopped each chain at last. ``results`` says when the result of a sub-agent came, ``receipts``
    names those that were only said to have been started.
    """

    def __init__(self) -> None:
        self.attempts = Attempts()
        self.copied: frozenset[str] = frozenset()
        self.first: CostEntry | None = None
        self.bill: Bill | None = None
        self.torn = False
        self.interrupts: dict[str, Interrupt] = {}
        self.stops: dict[str, float] = {}
        self.results: dict[str, float] = {}
        self.receipts: set[str] = set()

    def stop(self, agent: str, interrupt: Interrupt, *, answered: bool) -> None:
        """The user stopped a chain.

        ``answered`` says that as far as the lines tell only a tool ran: its last response is whole.
        """
        if interrupt.at is not None:
            self.stops[agent] = interrupt.at
        waited = self.attempts.interrupt(agent)
        if waited or not answered:
            self.interrupts[agent] = interrupt

    def result(self, agent: str, at: float | None, *, receipt: bool) -> None:
        """The result of a sub-agent came, or only the ``receipt`` for one that goes on."""
        if receipt:
            self.receipts.add(agent)
        elif at is not None:
            self.results[agent] = at

    def go_on(self, at: float | None) -> None:
        """The file goes on behind its totals."""
        if self.bill is not None and self.bill.until is None:
            self.bill = replace(self.bill, until=at)

    def total(self, entry: CostEntry, place: int, responses: int, since: float | None) -> None:
        """Note totals of the file's own session."""
        self.attempts.close()
        if self.bill is not None and falls(self.bill.entry, entry):
            self.torn = True
        self.first = self.first or entry
        self.bill = Bill(entry, place, responses, since)


def falls(before: CostEntry, after: CostEntry) -> bool:
    """Whether totals that only ever grow have fallen: two processes wrote them in turn."""
    if after.cost < before.cost - SAME_MONEY:
        return True
    return bool(after.models) and _tokens(after) < _tokens(before)


def _tokens(entry: CostEntry) -> int:
    return sum(
        each.tokens.input + each.tokens.cache_read + each.tokens.cache_creation
        for each in entry.models
    )
