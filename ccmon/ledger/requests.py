"""One request per ``message.id`` over all files, and who paid for it.

A response may stand in several files: forks, resumes and side questions copy it. It counts once,
for the session that paid, with the largest usage any file has. Source: transcripts.md, sections
1, 6 and 7.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from math import inf
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from ccmon.entries import UsageLine
from ccmon.requests import MAIN


class File(Protocol):
    """A transcript file, as far as it matters for who paid for its copies.

    ``sort_key`` is its first stamp and its path, ``owner_id`` the session that it belongs to.
    """

    @property
    def sort_key(self) -> tuple[float, str]: ...
    @property
    def owner_id(self) -> str: ...
    @property
    def sightings(self) -> Mapping[str, Dated]: ...


class Dated(Protocol):
    """A response, as far as the order of two files rests on it."""

    @property
    def at(self) -> float | None: ...


class Copy(Dated, Protocol):
    """What one file says of one response; see ``stream.Sighting``."""

    @property
    def message_id(self) -> str: ...
    @property
    def stream(self) -> File: ...
    @property
    def agent(self) -> str: ...
    @property
    def usage(self) -> UsageLine | None: ...
    @property
    def final(self) -> bool: ...
    @property
    def claim(self) -> str | None: ...
    @property
    def guess(self) -> str | None: ...


CopyT = TypeVar("CopyT", bound=Copy)


class Known(Struct, frozen=True, gc=False):
    """What all files together know of one response; ``final`` once some line has a stop reason."""

    usage: UsageLine | None
    final: bool


class _Lead(Struct, eq=False, gc=False):
    """Where the first response stands in a file that another file lacks, and when that came.

    ``-inf`` while there is none. Files only grow, so the place is never sought from the start.
    """

    file: File
    other: File
    place: int = 0
    at: float = -inf


class Copies(Generic[CopyT]):
    """The responses that stand in more than one file.

    ``sightings`` has those of each response by their paths. ``homes`` are the sessions that have a
    file of their own: only to those can a guess point.
    """

    def __init__(self, homes: Mapping[str, int]) -> None:
        self.sightings: dict[str, list[CopyT]] = {}
        self._homes = homes
        self._news: set[str] = set()
        # Two files are compared only where nothing but their leads tells who paid.
        self._leads: dict[str, dict[str, _Lead]] = {}
        self._orders: dict[str, list[str]] = {}
        # Neighbours mostly stand in the same files: which of them comes first holds for both.
        self._ranked: tuple[list[File], list[str]] = ([], [])
        self._first = 0

    @property
    def spare(self) -> int:
        """How many sightings count nowhere."""
        return sum(len(sightings) - 1 for sightings in self.sightings.values())

    def add(self, first: CopyT, other: CopyT) -> None:
        """A response was seen in one more file; ``first`` is where it was seen before."""
        insort(self.sightings.setdefault(first.message_id, [first]), other, key=_path)
        self._news.add(first.message_id)

    def note(self, message_id: str) -> None:
        """A response has changed in one of its files."""
        if message_id in self.sightings:
            self._news.add(message_id)

    def remove(self, sighting: CopyT) -> list[CopyT]:
        """A file no longer has a response; returns where it still stands."""
        everywhere = self.sightings.pop(sighting.message_id, [])
        left = [item for item in everywhere if item is not sighting]
        self._news.discard(sighting.message_id)
        self._drop_leads(_path(sighting))
        if len(left) > 1:
            self.sightings[sighting.message_id] = left
            self._news.add(sighting.message_id)
        return left

    def unsettled(self, *, everything: bool) -> list[str]:
        """The responses whose owner has to be looked up again, and from now on not any more.

        All of them when the files' order among each other is another than before.
        """
        moved = [self._moves(lead) for leads in self._leads.values() for lead in leads.values()]
        news, self._news = self._news, set()
        self._ranked = ([], [])
        return list(self.sightings) if everything or any(moved) else sorted(news)

    def owner(self, message_id: str) -> tuple[str, CopyT]:
        """The session that paid, and the sighting that stands for it.

        Order: the session that the lines name; a session file before an agent's; the file with
        the earlier first stamp (a fork opens with a stamp of its own); the file whose first
        response of its own is older, or that has none; the path.
        """
        sightings = self.sightings[message_id]
        named = next((item.claim for item in sightings if item.claim is not None), None)
        if named is None:
            named = next((item.guess for item in sightings if item.guess in self._homes), None)
        pool = [item for item in sightings if item.stream.owner_id == named] or sightings
        winner = pool[self._place_of_first(pool)]
        return named or winner.stream.owner_id, winner

    def best(self, message_id: str, owner: CopyT) -> Known:
        """The usage with the largest output over all files; on a tie the owner's, then by path."""
        best = owner.usage
        sightings = self.sightings[message_id]
        for sighting in sightings:
            usage = sighting.usage
            if usage is not None and (best is None or usage.tokens.output > best.tokens.output):
                best = usage
        return Known(best, any(sighting.final for sighting in sightings))

    def _place_of_first(self, pool: Sequence[CopyT]) -> int:
        """Which one comes first of some that stand in the order of their paths."""
        ranked = ([item.stream for item in pool], [item.agent for item in pool])
        if ranked == self._ranked:
            return self._first
        first = 0
        for place, item in enumerate(pool):
            if self._comes_before(item, pool[first]):
                first = place
        self._ranked, self._first = ranked, first
        return first

    def _comes_before(self, one: CopyT, other: CopyT) -> bool:
        """As ``owner`` says, but for the path."""
        file, beside = one.stream, other.stream
        rank, opposed = _rank(one), _rank(other)
        # Of two files of one session neither is a fork of the other.
        if rank != opposed or file.owner_id == beside.owner_id:
            return rank < opposed
        return self._lead(file, beside) < self._lead(beside, file)

    def _lead(self, file: File, other: File) -> float:
        leads = self._leads.setdefault(file.sort_key[1], {})
        lead = leads.get(other.sort_key[1])
        if lead is None:
            lead = leads[other.sort_key[1]] = _Lead(file, other)
            self._moves(lead)
        return lead.at

    def _moves(self, lead: _Lead) -> bool:
        """Whether a lead is another one by what its two files have got meanwhile."""
        order, sightings = self._order(lead.file), lead.file.sightings
        while lead.place < len(order) and order[lead.place] in lead.other.sightings:
            lead.place += 1
        before, lead.at = lead.at, -inf
        if lead.place < len(order):
            lead.at = sightings[order[lead.place]].at or 0.0
        return lead.at != before

    def _order(self, file: File) -> list[str]:
        """The responses of a file by their places."""
        path = file.sort_key[1]
        order = self._orders.get(path)
        if order is None or len(order) != len(file.sightings):
            order = self._orders[path] = list(file.sightings)
        return order

    def _drop_leads(self, path: str) -> None:
        if self._orders.pop(path, None) is not None:
            del self._leads[path]
            for leads in self._leads.values():
                leads.pop(path, None)


def _path(sighting: Copy) -> str:
    return sighting.stream.sort_key[1]


def _rank(sighting: Copy) -> tuple[bool, float]:
    return (sighting.agent != MAIN, sighting.stream.sort_key[0])
