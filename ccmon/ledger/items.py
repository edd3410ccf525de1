"""The items of a thread, request by request."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from ccmon.ledger.account import TINY_CONTEXT
from ccmon.ledger.contents import Contents
from ccmon.ledger.intake import Sized, Step, growing, opening
from ccmon.ledger.stream import Sighting
from ccmon.requests import Request


class ItemsFold:
    """What stands in the context of one thread up to a request: a left fold over its rows.

    ``overhead`` is what the first segment began with beside what its lines show.
    """

    def __init__(self) -> None:
        self.contents = Contents()
        self.overhead: int | None = None
        self._last: Request | None = None
        self._answer: Sighting | None = None

    def copy(self) -> ItemsFold:
        """A fold that goes on from here without touching this one."""
        twin = copy(self)
        twin.contents = self.contents.copy()
        return twin

    def push(self, rows: Sequence[Request], members: Sequence[Sighting], index: int) -> None:
        """Take in the request at ``index``; ``members`` are the responses behind the rows."""
        row, sighting = rows[index], members[index]
        last = self._last
        if last is not None and row.context < TINY_CONTEXT <= last.context:
            self.contents.bill_aside(row)
            return
        items = self._entering(rows, members, row, sighting)
        self.contents.enter(row.n, items, row.context)
        self.contents.bill(row)
        self._last, self._answer = row, sighting

    def _entering(
        self,
        rows: Sequence[Request],
        members: Sequence[Sighting],
        row: Request,
        sighting: Sighting,
    ) -> list[Sized]:
        if not row.starts_segment:
            step = Step(row, sighting, self._last, self._answer)
            return growing(step, row.growth)
        parent = None if sighting.boundaries else _parent(members, sighting)
        if parent is not None and self._last is not None:
            self.contents.leave_after(parent + 1)
            step = Step(row, sighting, rows[parent], members[parent])
            return growing(step, row.context - self.contents.tokens)
        self.contents.leave()
        items = opening(Step(row, sighting), self.overhead)
        if self.overhead is None:
            self.overhead = sum(tokens for what, tokens in items if what.kind == "overhead")
        return items


def _parent(members: Sequence[Sighting], sighting: Sighting) -> int | None:
    """Where the response stands that a request goes on from, in the same thread."""
    parent = sighting.stream.sightings.get(sighting.parent_id or "")
    if parent is None or not 0 <= parent.index < len(members):
        return None
    return parent.index if members[parent.index] is parent else None
