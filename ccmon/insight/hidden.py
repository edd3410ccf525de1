"""What was billed beside the responses of the transcript, and why a cost is a lower bound.

Source: accounting.md sections 4 and 5.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ccmon.ledger.stats import ThreadStats
from ccmon.ledger.thread import Thread
from ccmon.requests import Compaction
from ccmon.snapshot import Hidden

COMPACTION_AGENT = "acompact"
"""Agent files of old clients that hold the compaction call itself begin so."""
SAME_COMPACTION = 900.0
"""Longest time between such a call and the boundary it led to, in seconds."""


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


def hidden_of(compactions: Sequence[Compaction]) -> Hidden | None:
    """The compaction calls that no file holds, priced by estimate."""
    calls = [item for item in compactions if item.method == "estimated"]
    if not calls:
        return None
    costs = [item.cost for item in calls if item.cost is not None]
    return Hidden(len(calls), sum(costs) if len(costs) == len(calls) else None, "estimated")


def lower_bound_reasons(every: Sequence[ThreadStats], hidden: Hidden | None) -> tuple[str, ...]:
    """Why the cost of a session is a lower bound, in a fixed order; empty if it is none."""
    reasons = {
        "compaction": hidden is not None,
        "output": any(each.output_lower_bounds for each in every),
        "unpriced": any(each.unpriced for each in every),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)
