"""One request per ``message.id`` over all files, and who paid for it.

A response may stand in several files: forks, resumes and side questions copy it. It counts once,
for the session that paid, with the largest usage any file has. Source: transcripts.md, sections
1, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cmp_to_key
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


class Copies(Generic[CopyT]):
    """The responses that stand in more than one file.

    ``homes`` are the sessions that have a file of their own: only to those can a guess point.
    """

    def __init__(self, homes: Mapping[str, int]) -> None:
        self.sightings: dict[str, list[CopyT]] = {}
        self._homes = homes
        self._news: set[str] = set()
        self._pairs: dict[tuple[str, str], tuple[File, File]] = {}
        self._own: dict[tuple[str, str], float] = {}

    @property
    def spare(self) -> int:
        """How many sightings count nowhere."""
        return sum(len(sightings) - 1 for sightings in self.sightings.values())

    def add(self, first: CopyT, other: CopyT) -> None:
        """A response was seen in one more file; ``first`` is where it was seen before."""
        self.sightings.setdefault(first.message_id, [first]).append(other)
        self._meet(first.message_id)

    def note(self, message_id: str) -> None:
        """A response has changed in one of its files."""
        if message_id in self.sightings:
            self._news.add(message_id)

    def remove(self, sighting: CopyT) -> list[CopyT]:
        """A file no longer has a response; returns where it still stands."""
        everywhere = self.sightings.pop(sighting.message_id, [])
        left = [item for item in everywhere if item is not sighting]
        self._news.discard(sighting.message_id)
        for pair in [pair for pair in self._pairs if sighting.stream.sort_key[1] in pair]:
            del self._pairs[pair]
        if len(left) > 1:
            self.sightings[sighting.message_id] = left
            self._meet(sighting.message_id)
        return left

    def unsettled(self, *, everything: bool) -> list[str]:
        """The responses whose owner has to be looked up again, and from now on not any more.

        All of them when the files' order among each other is another than before.
        """
        own = {pair: _first_own(*streams) for pair, streams in self._pairs.items()}
        everything = everything or any(self._own.get(pair) != at for pair, at in own.items())
        self._own = own
        news, self._news = self._news, set()
        return list(self.sightings) if everything else sorted(news)

    def owner(self, message_id: str) -> tuple[str, CopyT]:
        """The session that paid, and the sighting that stands for it.

        Order: the session that the lines name; a session file before an agent's; the file with
        the earlier first stamp (a fork opens with a stamp of its own); the file whose first
        response of its own is older, or that has none; the path.
        """
        sightings = self._by_path(message_id)
        named = next((item.claim for item in sightings if item.claim is not None), None)
        if named is None:
            named = next((item.guess for item in sightings if item.guess in self._homes), None)
        pool = [item for item in sightings if item.stream.owner_id == named] or sightings
        winner = min(pool, key=cmp_to_key(self._compare))
        return named or winner.stream.owner_id, winner

    def best(self, message_id: str, owner: CopyT) -> Known:
        """The usage with the largest output over all files; on a tie the owner's, then by path."""
        best = owner.usage
        sightings = self._by_path(message_id)
        for sighting in sightings:
            usage = sighting.usage
            if usage is not None and (best is None or usage.tokens.output > best.tokens.output):
                best = usage
        return Known(best, any(sighting.final for sighting in sightings))

    def _meet(self, message_id: str) -> None:
        """Every two files of a response are compared, both ways."""
        self._news.add(message_id)
        streams = [item.stream for item in self.sightings[message_id]]
        for one in streams:
            for other in streams:
                if one is not other:
                    self._pairs.setdefault((one.sort_key[1], other.sort_key[1]), (one, other))

    def _by_path(self, message_id: str) -> list[CopyT]:
        return sorted(self.sightings[message_id], key=lambda item: item.stream.sort_key[1])

    def _compare(self, one: Copy, other: Copy) -> int:
        first, second = self._rank(one, other.stream), self._rank(other, one.stream)
        return -1 if first < second else int(first > second)

    def _rank(self, sighting: Copy, other: File) -> tuple[bool, float, float, str]:
        stamp, path = sighting.stream.sort_key
        own = 0.0
        # Of two files of one session neither is a fork of the other.
        if sighting.stream.owner_id != other.owner_id:
            own = self._own[path, other.sort_key[1]]
        return (sighting.agent != MAIN, stamp, own, path)


def _first_own(stream: File, other: File) -> float:
    """When the file's first response that the other lacks came; before all times if none."""
    own = (
        sighting.at or 0.0
        for message_id, sighting in stream.sightings.items()
        if message_id not in other.sightings
    )
    return next(own, float("-inf"))
