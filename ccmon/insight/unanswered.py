"""The attempts of a session that no response answers: as shown, counted and perhaps billed."""

from __future__ import annotations

from collections import Counter, deque
from itertools import islice
from math import inf

from msgspec import Struct
from msgspec.structs import replace

from ccmon.insight.calls import Call, Totals, is_totalled
from ccmon.insight.running import UNSETTLED
from ccmon.ledger.attempts import AGENT_ENDED, ENDED, Sent, State, attempt
from ccmon.ledger.prices import PriceTable, normalised
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.stream import Stream
from ccmon.measures import Ttl
from ccmon.requests import MAIN, Attempt, Request
from ccmon.snapshot import AttemptCounts

SHOWN_ATTEMPTS = 50
"""So many attempts are shown, the newest ones, beside those still in flight."""

Place = tuple[float, str, int]
"""Where an attempt stands among others: its time, its file, its line there."""


class Looked(Struct, frozen=True, eq=False, gc=False):
    """What is to be told of a session's attempts.

    ``shown`` are those in flight and the newest others, in the order of time; ``counts`` is of all,
    ``lost`` has those that may be billed.
    """

    shown: tuple[Attempt, ...]
    counts: AttemptCounts
    lost: list[Call]


class Tally:
    """Attempts of one file taken together."""

    def __init__(self) -> None:
        self.counts: Counter[State] = Counter()
        self.lost: dict[tuple[object, ...], Call] = {}
        self.in_flight: list[tuple[Place, Attempt]] = []
        self.ended: deque[tuple[Place, Attempt]] = deque(maxlen=SHOWN_ATTEMPTS)

    def copy(self) -> Tally:
        """One that goes on from here without touching this one."""
        twin = Tally()
        twin.counts, twin.lost = self.counts.copy(), self.lost.copy()
        twin.in_flight, twin.ended = self.in_flight.copy(), self.ended.copy()
        return twin

    def push(self, stream: Stream, sent: Sent, shown: Attempt, *, totalled: bool) -> None:
        """Take in the next attempt. What the totals may hold is kept apart, one by one."""
        self.counts[shown.state] += 1
        place = (sent.at or 0.0, stream.source.path, sent.place)
        (self.in_flight if shown.state == "in_flight" else self.ended).append((place, shown))
        if shown.state != "lost":
            return
        usage, cost = shown.usage, shown.cost
        apart = sent.place if totalled else None
        kind = (sent.agent, sent.model, usage is None, cost is None, apart)
        before = self.lost.get(kind)
        if before is None:
            name = normalised(sent.model or "")
            self.lost[kind] = Call("attempt", sent.agent, name, usage, cost, totalled)
            return
        self.lost[kind] = replace(
            before,
            usage=None if usage is None or before.usage is None else before.usage + usage,
            cost=None if cost is None or before.cost is None else before.cost + cost,
            requests=before.requests + 1,
        )


class Folded:
    """The tally of a file's settled attempts, as far as the requests behind them are settled too.

    ``basis`` is all it rests on beside these requests, ``done`` how many settled attempts are in
    it. ``anchors`` are the last of these requests by chain, with the tier the chain then wrote to.
    """

    def __init__(self, basis: tuple[object, ...]) -> None:
        self.basis = basis
        self.done = 0
        self.tally = Tally()
        self.anchors: dict[str, tuple[Request, Ttl | None]] = {}

    def holds(self, ledger: SessionLedger, basis: tuple[object, ...]) -> bool:
        """Whether nothing has changed; a change in a chain replaces every request behind it."""
        if self.basis != basis:
            return False
        for agent, (row, tier) in self.anchors.items():
            thread = ledger.threads.get(agent)
            if thread is None or len(thread.rows) < row.n or thread.rows[row.n - 1] is not row:
                return False
            if thread.carried.tier != tier:
                return False
        return True


class Unanswered:
    """Looks at a session's attempts again and again; what is settled is folded once."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        self._folded: dict[Stream, Folded] = {}

    def look(
        self,
        ledger: SessionLedger,
        totals: Totals | None,
        *,
        ended: bool,
        finished: frozenset[str],
    ) -> Looked:
        """The attempts of a settled ledger.

        ``ended`` says that the session runs no more, ``finished`` names sub-agents that do not.
        """
        known, self._folded = self._folded, {}
        ends = dict.fromkeys(finished, inf)
        tallies = []
        for _, stream in sorted(ledger.streams.items()):
            if not stream.traces.attempts.unanswered:
                continue
            folded = self._folded[stream] = self._fold(ledger, stream, totals, known.get(stream))
            tally = folded.tally.copy()
            for sent in stream.traces.attempts.open_since(folded.done):
                if is_own(stream, sent):
                    over = ""
                    if sent.state == "in_flight":
                        over = ENDED if ended else _end(ledger, sent, ends)
                    self._push(tally, ledger, stream, sent, totals, over)
            tallies.append(tally)
        return _together(tallies)

    def _fold(
        self, ledger: SessionLedger, stream: Stream, totals: Totals | None, known: Folded | None
    ) -> Folded:
        traces, bill = stream.traces, totals and totals[1]
        basis = (traces.attempts.withdrawn, traces.copied, bill, stream.first_stamp)
        folded = known if known and known.holds(ledger, basis) else Folded(basis)
        for sent in islice(traces.attempts.settled, folded.done, None):
            after = _after(ledger, stream, sent)
            if is_own(stream, sent):
                if after is None or after.n > len(ledger.threads[sent.agent].rows) - UNSETTLED:
                    break
                folded.anchors[sent.agent] = after, ledger.threads[sent.agent].carried.tier
                self._push(folded.tally, ledger, stream, sent, totals, "")
            folded.done += 1
        return folded

    def _push(
        self,
        tally: Tally,
        ledger: SessionLedger,
        stream: Stream,
        sent: Sent,
        totals: Totals | None,
        over: str,
    ) -> None:
        state: State = "lost" if over else sent.state
        after, tier = _after(ledger, stream, sent), None
        if after is not None:
            tier = ledger.threads[sent.agent].tier_at(after)
        shown = attempt(sent, state, over or sent.reason, after, tier, self._prices)
        tally.push(stream, sent, shown, totalled=is_totalled(stream, sent.place, sent.at, totals))


def is_own(stream: Stream, sent: Sent) -> bool:
    """Whether an attempt in a file is of that file's session.

    What a fork copied is the original's: its lines name another session, or are older than the
    first stamp, which a fork sets itself, or another file has them too.
    """
    if sent.attempt_id in stream.traces.copied:
        return False
    return not stream.is_copied(sent.session_id, sent.at)


def _after(ledger: SessionLedger, stream: Stream, sent: Sent) -> Request | None:
    """The request that the chain of an attempt got next."""
    thread = ledger.threads.get(sent.agent)
    if thread is None or sent.followed_by is None:
        return None
    return thread.row_of(stream.sightings.get(sent.followed_by))


def _end(ledger: SessionLedger, sent: Sent, ends: dict[str, float]) -> str:
    """Why one that still waits will get no answer; empty while it may."""
    if sent.agent == MAIN:
        return ""
    if sent.agent not in ends:
        ends[sent.agent] = ledger.over_by(sent.agent)
    return AGENT_ENDED if (sent.at or 0.0) <= ends[sent.agent] else ""


def _together(tallies: list[Tally]) -> Looked:
    counts = sum((tally.counts for tally in tallies), Counter[State]())
    ended = sorted((each for tally in tallies for each in tally.ended), key=_place)
    shown = [each for tally in tallies for each in tally.in_flight] + ended[-SHOWN_ATTEMPTS:]
    return Looked(
        tuple(attempt for _, attempt in sorted(shown, key=_place)),
        AttemptCounts(counts["in_flight"], counts["refused"], counts["lost"]),
        [call for tally in tallies for call in tally.lost.values()],
    )


def _place(found: tuple[Place, Attempt]) -> Place:
    return found[0]
