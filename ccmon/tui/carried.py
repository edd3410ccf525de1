"""What came with a request costs again: every later request of its segment reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile

from ccmon.requests import MAIN, Request
from ccmon.snapshot import Session


@dataclass(frozen=True, slots=True)
class Carried:
    """The bill for carrying what entered with a request.

    Each of ``later`` has read ``tokens`` more, for ``cost`` USD in all (None: unpriced).
    ``left_at`` is the request that no longer had them; before there is one, a prompt of
    ``prompt_requests`` requests will pay ``per_prompt`` USD for them.
    """

    later: Sequence[Request]
    tokens: int
    cost: float | None
    per_prompt: float | None
    prompt_requests: float | None
    left_at: Request | None


def carried(session: Session, thread: Sequence[Request], request: Request) -> Carried:
    """The bill of what entered with ``request``; ``thread`` is the thread it belongs to.

    What it kept when it went back in the conversation has not entered with it.

    Requests per prompt are known of the main thread; its newest request has the price in force.
    """
    after = islice(thread, request.n, None)
    later = tuple(takewhile(lambda row: row.segment == request.segment, after))
    end = request.n + len(later)
    left_at = thread[end] if end < len(thread) else None
    prices = [row.price.read for row in later if row.price is not None]
    tokens = request.new
    if request.resumes is not None:
        tokens = request.context - kept_by(thread, request)
    cost = sum(prices) * tokens if len(prices) == len(later) else None
    rate = session.context.requests_per_turn if session.context is not None else None
    price = thread[-1].price
    if left_at is not None or request.thread != MAIN or rate is None or price is None:
        return Carried(later, tokens, cost, None, None, left_at)
    return Carried(later, tokens, cost, price.read * tokens * rate, rate, None)


def kept_by(thread: Sequence[Request], request: Request) -> int:
    """Tokens of the context that a request went on from after a rewind; 0 where there was none."""
    if request.resumes is None or request.resumes >= request.n:
        return 0
    return min(request.context, thread[request.resumes - 1].context)
