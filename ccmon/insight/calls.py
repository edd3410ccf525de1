"""Hidden requests that left a trace, and whether the client's own totals came after them."""

from msgspec import Struct

from ccmon.ledger.stream import Stream
from ccmon.ledger.traces import Bill
from ccmon.measures import Usage

Totals = tuple[Stream, Bill]
"""The client's own totals and the file they stand in."""


class Call(Struct, frozen=True, eq=False, gc=False):
    """A hidden request as estimated, or several ``requests`` of one chain and model together.

    ``totalled`` if totals came after it. ``usage`` and ``cost`` are None where nothing tells.
    """

    reason: str
    thread: str
    model: str
    usage: Usage | None
    cost: float | None
    totalled: bool
    requests: int = 1


def is_totalled(stream: Stream, place: int, at: float | None, totals: Totals | None) -> bool:
    """Whether something in a file came before the totals; beside their file the time tells."""
    if totals is None:
        return False
    file, bill = totals
    if stream is file:
        return place < bill.place
    if stream.source.agent_id is None:
        return stream.sort_key < file.sort_key
    return bill.until is None or at is None or at < bill.until
