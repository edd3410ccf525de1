"""What the sessions of a snapshot add up to."""

from collections.abc import Sequence

from ccmon.ledger.stats import add_costs
from ccmon.measures import Usage
from ccmon.snapshot import Session, Totals


def totals_of(sessions: Sequence[Session]) -> Totals:
    """The totals of these sessions; no cost is known where none of them has a price."""
    cost: float | None = None
    usage = Usage()
    for session in sessions:
        cost = add_costs(cost, session.cost)
        usage += session.usage
    return Totals(
        sessions=len(sessions),
        active_sessions=sum(session.active for session in sessions),
        requests=sum(session.request_count for session in sessions),
        usage=usage,
        cost=cost,
        cost_is_lower_bound=any(session.cost_is_lower_bound for session in sessions),
        unpriced_requests=sum(session.unpriced_requests for session in sessions),
    )
