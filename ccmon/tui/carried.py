"""What came with a request costs again: every later request of its segment reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from ccmon.snapshot import Request, Session


@dataclass(frozen=True, slots=True)
class Carried:
    """``requests`` have read ``tokens`` more each so far, for ``cost`` USD (None: unpriced).

    ``per_prompt`` is what a prompt of ``prompt_requests`` requests pays for it from now on; None
    once the content has left the context.
    """

    requests: int
    tokens: int
    cost: float | None
    per_prompt: float | None
    prompt_requests: float | None
    gone: bool


def carried(session: Session, thread: Sequence[Request], request: Request) -> Carried:
    """The bill of what entered with ``request``; ``thread`` is the thread it belongs to."""
    later = list(
        takewhile(lambda row: row.segment == request.segment, thread[request.n : len(thread)])
    )
    gone = request.n + len(later) < len(thread)
    prices = [row.price.read for row in later if row.price is not None]
    cost = sum(prices) * request.new if len(prices) == len(later) else None
    rate = session.context.requests_per_turn if session.context else None
    read = request.price.read if request.price else None
    per_prompt = None if gone or rate is None or read is None else read * request.new * rate
    return Carried(len(later), request.new, cost, per_prompt, rate, gone)
