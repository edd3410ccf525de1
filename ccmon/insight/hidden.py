"""What was billed beside the responses of the transcript, and why a cost is a lower bound.

Where the client left its own totals (``cost-state``) they say it, elsewhere compactions and lost
attempts do, by estimate; nothing is added twice. Source: accounting.md sections 5 and 13,
transcripts.md section 9.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccmon.insight.billed import Difference, Visible
from ccmon.insight.calls import Call, Totals, is_totalled
from ccmon.insight.unanswered import Unanswered
from ccmon.ledger.prices import PriceTable, normalised
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.stats import ThreadStats
from ccmon.ledger.stream import Stream
from ccmon.ledger.thread import Thread
from ccmon.ledger.traces import Bill
from ccmon.measures import Usage
from ccmon.requests import Attempt, Compaction
from ccmon.snapshot import AttemptCounts, Hidden

COMPACTION_AGENT = "acompact"
"""Agent files of old clients that hold the compaction call itself begin so."""
SAME_COMPACTION = 900.0
"""Longest time between such a call and the boundary it led to, in seconds."""
LEAST_SHARE = 0.89
"""``preTokens`` is at least this share of what the compaction call reads (measured)."""
HIDDEN_REASONS = ("compaction", "attempt", "interrupt", "side")
"""Why a cost may lack hidden requests, in the order of telling."""


class Reckoning(Struct, frozen=True, eq=False, gc=False):
    """What is known of a session's hidden requests, and whose cost they make a lower bound.

    ``counts`` are of all attempts, ``attempts`` the newest. ``reasons`` are those of compaction,
    attempt, interrupt and side that hold. ``threads`` and ``models`` (by normalised id) are those
    with hidden requests. ``conflict`` says that the
    client's own totals contradict each other or the responses.
    """

    hidden: Hidden | None
    attempts: tuple[Attempt, ...]
    counts: AttemptCounts
    reasons: frozenset[str]
    threads: frozenset[str]
    models: frozenset[str]
    conflict: bool


class Reckoner:
    """Reckons up the hidden requests of one session, again and again while it grows."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        self._visible = Visible()
        self._unanswered = Unanswered(prices)

    def reckon(
        self,
        ledger: SessionLedger,
        compactions: Mapping[str, Sequence[Compaction]],
        *,
        ended: bool,
        finished: frozenset[str],
        unsure: bool,
    ) -> Reckoning:
        """The hidden requests of a settled ledger; ``compactions`` by thread.

        ``ended`` says that the session runs no more, ``finished`` names sub-agents that do not.
        ``unsure``: the output of some request is a lower bound, which the client's totals may know
        better.
        """
        totals, difference = ledger.bill(), None
        if totals is not None:
            difference = self._visible.difference(
                ledger, *totals, self._prices, _largest(compactions)
            )
        conflict = ledger.torn() or (difference is not None and difference.negative)
        if difference is None or difference.negative:
            totals = difference = None
        attempts = self._unanswered.look(ledger, totals, ended=ended, finished=finished)
        calls = [*_compaction_calls(ledger, compactions, totals), *attempts.lost]
        inside, outside = _sorted_out(calls, difference)
        more = difference is not None and _shows_more(difference, inside, unsure)
        known = [*inside, *outside]
        interrupted = frozenset(_interrupted(ledger, totals))
        reasons = {call.reason for call in known}
        reasons |= ({"interrupt"} if interrupted else set()) | ({"side"} if more else set())
        return Reckoning(
            hidden=_sum(difference, inside, outside, more, unsure),
            attempts=attempts.shown,
            counts=attempts.counts,
            reasons=frozenset(reasons),
            threads=frozenset(call.thread for call in known) | interrupted,
            models=frozenset(call.model for call in known)
            | frozenset(difference.by_model if difference else ()),
            conflict=conflict,
        )


def with_calls(
    compactions: Sequence[Compaction], agents: Mapping[str, tuple[Thread, ThreadStats]]
) -> tuple[Compaction, ...]:
    """Old clients left the compaction call in an agent file: then its cost is counted there.

    Each call belongs to the boundary nearest in time, and to one only.
    """
    calls = [
        stats.newest
        for agent, (_, stats) in agents.items()
        if agent.startswith(COMPACTION_AGENT) and stats.newest is not None
    ]
    distances = sorted(
        (abs(item.at - call.at), index, number)
        for index, item in enumerate(compactions)
        for number, call in enumerate(calls)
        if item.at is not None and call.at is not None
    )
    found: dict[int, int] = {}
    for distance, index, number in distances:
        if distance <= SAME_COMPACTION and index not in found and number not in found.values():
            found[index] = number
    return tuple(
        replace(item, cost=calls[found[index]].cost, method="exact") if index in found else item
        for index, item in enumerate(compactions)
    )


def lower_bound_reasons(every: Sequence[ThreadStats], reckoning: Reckoning) -> tuple[str, ...]:
    """Why the cost of a session is a lower bound, in a fixed order; empty if it is none."""
    reasons = {name: name in reckoning.reasons for name in HIDDEN_REASONS}
    reasons["output"] = any(each.output_lower_bounds for each in every)
    reasons["unpriced"] = any(each.unpriced for each in every)
    return tuple(reason for reason, holds in reasons.items() if holds)


def _largest(compactions: Mapping[str, Sequence[Compaction]]) -> int:
    return max((item.pre_tokens or 0 for each in compactions.values() for item in each), default=0)


def _compaction_calls(
    ledger: SessionLedger, compactions: Mapping[str, Sequence[Compaction]], totals: Totals | None
) -> Iterator[Call]:
    for agent, items in compactions.items():
        thread = ledger.threads.get(agent)
        if thread is None:
            continue
        for item in items:
            if item.method == "estimated":
                before = thread.rows[item.before_request - 2]
                usage = Usage(
                    cache_read_input_tokens=item.pre_tokens or item.context_before,
                    output_tokens=item.summary_tokens,
                )
                totalled = totals is not None and _is_compaction_totalled(thread, item, *totals)
                name = normalised(before.model or "")
                yield Call("compaction", agent, name, usage, item.cost, totalled)


def _is_compaction_totalled(thread: Thread, item: Compaction, stream: Stream, bill: Bill) -> bool:
    if item.before_request <= thread.begun_before(stream, bill.responses, bill.until):
        return True
    if item.at is None or bill.since is None:
        return False
    return item.at <= bill.since


def _sorted_out(
    calls: Sequence[Call], difference: Difference | None
) -> tuple[list[Call], list[Call]]:
    """The calls that are inside the difference, and those to be added to it.

    Compactions before the totals are inside, and no hidden calls at all where the totals show
    nothing. The client misses attempts that died: one is inside only if it fits into what remains,
    the largest first.
    """
    inside = [call for call in calls if call.totalled and call.reason == "compaction"]
    outside = [call for call in calls if not call.totalled]
    left = (
        {}
        if difference is None
        else {
            model: [
                usage.input_tokens,
                usage.cache_creation_input_tokens,
                usage.cache_read_input_tokens,
            ]
            for model, usage in difference.by_model.items()
        }
    )
    if difference is not None and not difference.found:
        inside = []
    for call in inside:
        if call.usage is not None and call.model in left:
            left[call.model][2] -= call.usage.cache_read_input_tokens
    lost = [call for call in calls if call.totalled and call.reason == "attempt"]
    for call in sorted(lost, key=_prompt, reverse=True):
        remains = left.get(call.model)
        if call.usage is None or remains is None:
            outside.append(call)
            continue
        needs = (
            call.usage.input_tokens,
            call.usage.cache_creation_input_tokens,
            call.usage.cache_read_input_tokens,
        )
        if all(need <= have for need, have in zip(needs, remains, strict=True)):
            left[call.model] = [have - need for have, need in zip(remains, needs, strict=True)]
            inside.append(call)
        else:
            outside.append(call)
    return inside, outside


def _prompt(call: Call) -> int:
    return call.usage.prompt_tokens if call.usage else 0


def _shows_more(difference: Difference, inside: Sequence[Call], unsure: bool) -> bool:
    """Whether the totals show a request that left no other trace."""
    if not difference.found:
        return False
    if difference.usage is None:
        return not inside
    explained = sum(
        _prompt(call) / (LEAST_SHARE if call.reason == "compaction" else 1) for call in inside
    )
    if difference.usage.prompt_tokens > explained:
        return True
    return not inside and not unsure


def _sum(
    difference: Difference | None,
    inside: Sequence[Call],
    outside: Sequence[Call],
    more: bool,
    unsure: bool,
) -> Hidden | None:
    """What the totals show beside the responses, and the estimates of what they do not cover.

    An attempt whose prompt is not known counts as a request and adds nothing else. Where the
    output of a response is ``unsure``, the totals hold the client's guess of the rest of it.
    ``exact`` is what holds no guess, or one that the client's own figure bears out.
    """
    shown = difference if difference is not None and difference.found else None
    if shown is None and not outside:
        return None
    parts = [call for call in outside if call.usage is not None]
    costs = [call.cost for call in parts]
    usages = [call.usage for call in parts if call.usage is not None]
    usage: Usage | None = sum(usages, Usage()) if usages else None
    if shown is not None:
        costs.append(shown.cost)
        usage = None if shown.usage is None else shown.usage + (usage or Usage())
    known = [cost for cost in costs if cost is not None]
    return Hidden(
        requests=sum(call.requests for call in (*inside, *outside)) + more,
        cost=sum(known) if known and len(known) == len(costs) else None,
        method="estimated" if outside or unsure or (shown and shown.estimated) else "exact",
        usage=usage,
    )


def _interrupted(ledger: SessionLedger, totals: Totals | None) -> Iterator[str]:
    """The threads that the user stopped after the last totals."""
    for stream in ledger.streams.values():
        for agent, interrupt in stream.traces.interrupts.items():
            thread = ledger.threads.get(agent)
            if thread is None or stream.is_copied(None, interrupt.at):
                continue
            last = stream.sightings.get(interrupt.after or "")
            if last is not None and thread.row_of(last) is None:
                continue
            if not is_totalled(stream, interrupt.place, interrupt.at, totals):
                yield agent
