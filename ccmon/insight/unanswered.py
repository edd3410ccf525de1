"""The attempts of a session that no response answers, as they are shown and counted."""

from collections import Counter
from collections.abc import Sequence
from math import inf

from msgspec import Struct

from ccmon.ledger.attempts import AGENT_ENDED, ENDED, Sent, State, attempt
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.stream import Stream
from ccmon.measures import Ttl
from ccmon.requests import MAIN, Attempt, Request
from ccmon.snapshot import AttemptCounts

SHOWN_ATTEMPTS = 50
"""So many attempts are shown, the newest ones, beside those still in flight."""

Basis = tuple[State, str, Request | None, Ttl | None]
"""What an attempt as shown rests on: state, reason, the next request, the tier of the cache."""


class Waited(Struct, frozen=True, eq=False, gc=False):
    """An attempt as shown, and the line and file that it comes from."""

    stream: Stream
    sent: Sent
    basis: Basis
    shown: Attempt


class Unanswered:
    """Looks at a session's attempts again and again, and reckons each once while it stays."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        self._known: dict[Sent, Waited] = {}

    def look(self, ledger: SessionLedger, *, ended: bool, finished: frozenset[str]) -> list[Waited]:
        """The attempts of a settled ledger in the order of time.

        ``ended`` says that the session runs no more, ``finished`` names sub-agents that do not.
        """
        known, self._known = self._known, {}
        ends = dict.fromkeys(finished, inf)
        for stream, sent in ledger.unanswered():
            over = ""
            if sent.state == "in_flight":
                over = ENDED if ended else _end(ledger, sent, ends)
            basis = _basis(ledger, stream, sent, over)
            waited = known.get(sent)
            if waited is None or not _same(waited.basis, basis):
                waited = Waited(stream, sent, basis, attempt(sent, *basis, self._prices))
            self._known[sent] = waited
        return list(self._known.values())


def counts(attempts: Sequence[Waited]) -> AttemptCounts:
    """How many there are in each state."""
    found = Counter(each.shown.state for each in attempts)
    return AttemptCounts(found["in_flight"], found["refused"], found["lost"])


def newest(attempts: Sequence[Waited]) -> tuple[Attempt, ...]:
    """Those in flight and the newest of the others, in the order of time."""
    left, kept = SHOWN_ATTEMPTS, []
    for each in reversed(attempts):
        if each.shown.state != "in_flight":
            left -= 1
            if left < 0:
                continue
        kept.append(each.shown)
    return tuple(reversed(kept))


def _basis(ledger: SessionLedger, stream: Stream, sent: Sent, over: str) -> Basis:
    state: State = "lost" if over else sent.state
    reason = over or sent.reason
    thread = ledger.threads.get(sent.agent)
    if thread is None or sent.followed_by is None:
        return state, reason, None, None
    after = thread.row_of(stream.sightings.get(sent.followed_by))
    return state, reason, after, thread.tier_at(after) if after is not None else None


def _same(one: Basis, other: Basis) -> bool:
    """A row that did not change is the same object."""
    return one[2] is other[2] and one[:2] == other[:2] and one[3] == other[3]


def _end(ledger: SessionLedger, sent: Sent, ends: dict[str, float]) -> str:
    """Why one that still waits will get no answer; empty while it may."""
    if sent.agent == MAIN:
        return ""
    if sent.agent not in ends:
        ends[sent.agent] = ledger.over_by(sent.agent)
    return AGENT_ENDED if (sent.at or 0.0) <= ends[sent.agent] else ""
