"""One chain of requests in order: the main chain of a session, or one sub-agent.

Rows are accounted again from the first one that changed; a row that did not change keeps its
identity, so that folds over the rows can go on where they stopped.
"""

from bisect import bisect_left
from collections.abc import Sequence

from ccmon.ledger.account import Carried, Parent, account
from ccmon.ledger.compactions import compaction
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Known
from ccmon.ledger.stream import Lane, Sighting, Stream
from ccmon.ledger.usage import tier_of
from ccmon.measures import Ttl
from ccmon.requests import Compaction, Entered, Request

FRESH = Carried()


class Thread:
    """The requests of one chain; ``rows`` and ``compactions`` are right after ``settle``."""

    def __init__(self, session_id: str, agent: str) -> None:
        self.session_id = session_id
        self.agent = agent
        self.rows: list[Request] = []
        self._members: list[Sighting] = []
        self._carried: list[Carried] = []
        self._peaks: list[int] = []
        self._compactions: list[Compaction] = []
        self._waiting: list[Compaction] = []
        self._dirty = 0
        self._looked = 0

    def __len__(self) -> int:
        return len(self._members)

    @property
    def compactions(self) -> tuple[Compaction, ...]:
        """All compactions, the last ones perhaps not followed by a request yet."""
        return (*self._compactions, *self._waiting)

    @property
    def compacted_to(self) -> int | None:
        """Estimated context after a compaction that no request has followed yet."""
        return self._waiting[-1].context_after if self._waiting else None

    @property
    def last(self) -> Sighting | None:
        """The newest response."""
        return self._members[-1] if self._members else None

    @property
    def carried(self) -> Carried:
        """What the newest request hands on."""
        return self._carried[-1] if self._carried else FRESH

    @property
    def handed_on(self) -> Sequence[Carried]:
        """What each request hands on to the next."""
        return self._carried

    def add(self, sighting: Sighting) -> None:
        """Take a response in, in its place."""
        members = self._members
        place = len(members)
        if members and sighting.sort_key < members[-1].sort_key:
            place = bisect_left(members, sighting.sort_key, key=lambda member: member.sort_key)
        members.insert(place, sighting)
        self._renumber(place)

    def remove(self, sighting: Sighting) -> None:
        """Let a response go: its file went, or another session paid for it."""
        del self._members[sighting.index]
        self._renumber(sighting.index)

    def reorder(self) -> None:
        """A file has told its first stamp late: the order of the files may be another now."""
        self._members.sort(key=lambda member: member.sort_key)
        self._renumber(0)

    def touch(self, sighting: Sighting) -> None:
        """A response has new lines: account again from there."""
        self._dirty = min(self._dirty, sighting.index)

    def row_of(self, sighting: Sighting | None) -> Request | None:
        """The account of a response; None when it is another session's or stands elsewhere."""
        if sighting is None or not self._holds(sighting):
            return None
        return self.rows[sighting.index]

    def member(self, row: Request) -> Sighting:
        """The response behind an account."""
        return self._members[row.n - 1]

    def tier_at(self, row: Request) -> Ttl | None:
        """The cache tier that the thread wrote to when it made a request, or else later."""
        before = self._carried[row.n - 2].tier if row.n > 1 else None
        return before or tier_of(row.usage) or self.carried.tier

    def begun_before(self, stream: Stream, responses: int, until: float | None) -> int:
        """How many requests began before a place in a session's own file.

        The place is behind so many ``responses`` there. A sub-agent's own file has no such place:
        there the time counts, ``until`` (None: all of them).
        """
        members = self._members
        if members and members[0].stream.source.agent_id is None:
            return bisect_left(
                members, (*stream.sort_key, responses), key=lambda member: member.sort_key
            )
        count = len(members)
        while until is not None and count and (members[count - 1].at or 0.0) >= until:
            count -= 1
        return count

    def uncounted(self) -> list[Sighting]:
        """Responses with which things entered whose shares rest on predictions, newest first.

        Each is told once: its texts can be read back and counted. ``rows`` must be settled.
        """
        found = []
        for sighting in reversed(self._members[self._looked :]):
            entered = self.rows[sighting.index].entered
            # What came with a request beside the context entered with a later one.
            predicted = any(map(_is_predicted, entered)) if entered else bool(sighting.entered)
            if predicted and not sighting.read_back:
                sighting.read_back = True
                found.append(sighting)
        self._looked = len(self._members)
        return found

    def settle(self, prices: PriceTable, best: dict[str, Known], waiting: Lane | None) -> None:
        """Bring ``rows`` up to date.

        ``best`` holds what is known of responses that stand in more than one file; ``waiting`` is
        the chain of the session's newest file, with what no response has followed yet.
        """
        start = min(self._dirty, len(self.rows))
        if start < len(self._members) or start < len(self.rows):
            del self.rows[start:], self._carried[start:], self._peaks[start:]
            self._looked = min(self._looked, start)
            self._compactions = [item for item in self._compactions if item.before_request <= start]
            for sighting in self._members[start:]:
                self._account(sighting, best.get(sighting.message_id), prices)
            self._dirty = len(self._members)
        self._waiting = []
        before = self.carried.before
        if before is not None and waiting is not None:
            size, factor = waiting.summary_size, self.carried.calibration.factor
            self._waiting = [
                compaction(boundary, size, len(self.rows), before, None, prices, factor)
                for boundary in waiting.boundaries
            ]

    def _renumber(self, start: int) -> None:
        for index in range(start, len(self._members)):
            self._members[index].index = index
        self._dirty = min(self._dirty, start)

    def _account(self, sighting: Sighting, known: Known | None, prices: PriceTable) -> None:
        last = self.rows[-1] if self.rows else None
        before = self.carried.before
        known = known or Known(sighting.usage, sighting.final)
        parent = self._rewound_to(sighting)
        row, carried = account(
            sighting,
            known,
            self.rows,
            self._peaks,
            self.carried,
            parent=parent,
            prices=prices,
        )
        if last is not None and before is not None:
            self._compactions += [
                compaction(boundary, sighting.summary_size, last.n, before, row, prices)
                for boundary in sighting.boundaries
            ]
        self.rows.append(row)
        self._carried.append(carried)
        self._peaks.append(carried.peak)

    def _rewound_to(self, sighting: Sighting) -> Parent | None:
        """What the chain goes on from, where that is a request before the predecessor."""
        before = self.carried.before
        if sighting.parent_id is None or before is None:
            return None
        parent = sighting.stream.sightings.get(sighting.parent_id)
        if parent is None or parent.agent != sighting.agent or not self._holds(parent):
            return None
        # A parent that did not read the context itself stands for the last one that did.
        held = self._carried[parent.index]
        if held.before is None or held.source is None or held.before.n >= before.n:
            return None
        return Parent(held.before, held.source, held)

    def _holds(self, sighting: Sighting) -> bool:
        index = sighting.index
        return 0 <= index < len(self._members) and self._members[index] is sighting


def _is_predicted(item: Entered) -> bool:
    return item.kind != "output" and item.method != "exact" and bool(item.size and item.spans)
