"""One request per ``message.id`` over all files, and who paid for it.

A response may stand in several files: forks, resumes and side questions copy it. It counts once,
for the session that paid, with the largest usage any file has. Source: transcripts.md, sections
1, 6 and 7.
"""

from functools import cmp_to_key

from msgspec import Struct

from ccmon.entries import UsageLine
from ccmon.ledger.stream import Sighting, Stream
from ccmon.snapshot import MAIN


class Known(Struct, frozen=True, gc=False):
    """What all files together know of one response; ``final`` once some line has a stop reason."""

    usage: UsageLine | None
    final: bool


class Copies:
    """The responses that stand in more than one file."""

    def __init__(self) -> None:
        self.sightings: dict[str, list[Sighting]] = {}
        self._own: dict[tuple[str, str], float] = {}

    def __contains__(self, message_id: str) -> bool:
        return message_id in self.sightings

    @property
    def spare(self) -> int:
        """How many sightings count nowhere."""
        return sum(len(sightings) - 1 for sightings in self.sightings.values())

    def forget_order(self) -> None:
        """Files have grown: which one has lines of its own must be looked up again."""
        self._own.clear()

    def owner(self, message_id: str) -> tuple[str, Sighting]:
        """The session that paid, and the sighting that stands for it.

        Order: the session that the lines name; a session file before an agent's; the file with
        the earlier first stamp (a fork opens with a stamp of its own); the file whose first
        response of its own is older, or that has none; the path.
        """
        sightings = self._by_path(message_id)
        named = next((item.claim for item in sightings if item.claim is not None), None)
        pool = [item for item in sightings if item.stream.owner_id == named] or sightings
        winner = min(pool, key=cmp_to_key(self._compare))
        return named or winner.stream.owner_id, winner

    def best(self, message_id: str, owner: Sighting) -> Known:
        """The usage with the largest output over all files; on a tie the owner's, then by path."""
        best = owner.usage
        sightings = self._by_path(message_id)
        for sighting in sightings:
            usage = sighting.usage
            if usage is not None and (best is None or usage.tokens.output > best.tokens.output):
                best = usage
        return Known(best, any(sighting.final for sighting in sightings))

    def _by_path(self, message_id: str) -> list[Sighting]:
        return sorted(self.sightings[message_id], key=lambda item: item.stream.source.path)

    def _compare(self, one: Sighting, other: Sighting) -> int:
        first, second = self._rank(one, other.stream), self._rank(other, one.stream)
        return -1 if first < second else int(first > second)

    def _rank(self, sighting: Sighting, other: Stream) -> tuple[bool, float, float, str]:
        stamp, path = sighting.stream.sort_key
        return (sighting.agent != MAIN, stamp, self._first_own(sighting.stream, other), path)

    def _first_own(self, stream: Stream, other: Stream) -> float:
        """When the file's first response that the other lacks came; before all times if none."""
        key = (stream.source.path, other.source.path)
        if key not in self._own:
            own = (
                sighting.at or 0.0
                for message_id, sighting in stream.sightings.items()
                if message_id not in other.sightings
            )
            self._own[key] = next(own, float("-inf"))
        return self._own[key]
