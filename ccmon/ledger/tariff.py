"""What one request paid for each position of its prompt: read from the cache, written, or neither.

Source: accounting.md section 9.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from math import inf

from ccmon.requests import Request


class Tariff:
    """Prices by position: the one that most items have, and what the others differ from it.

    ``most`` is the price of a token (USD) from ``start`` to ``end``; ``beyond`` says what the rest
    of the prompt cost more. ``ends`` are where the items of the prompt end, in rising order.
    """

    def __init__(self, row: Request, context: int, ends: Sequence[int]) -> None:
        assert row.price is not None
        usage, price = row.usage, row.price
        steps = [(row.cached, price.read)]
        if usage.prompt_tokens == context:
            steps.append((usage.cache_creation_1h_input_tokens, price.write_1h))
            steps.append((usage.cache_creation_5m_input_tokens, price.write_5m))
        # Of several calls in one response it is not known where each wrote, only what it cost.
        steps.append((context - sum(tokens for tokens, _ in steps), price.input))
        steps = [step for step in steps if step[0] > 0] or [(0, 0.0)]
        starts = list(accumulate((tokens for tokens, _ in steps[:-1]), initial=0))
        items = [bisect_left(ends, start) for start in starts] + [len(ends)]
        index = max(range(len(steps)), key=lambda step: items[step + 1] - items[step])
        self.start, self.most = starts[index], steps[index][1]
        self.end: float = starts[index + 1] if index + 1 < len(starts) else inf
        self._steps = [(tokens, cost - self.most) for tokens, cost in steps[:-1]]
        self._first, self._last = steps[0][1] - self.most, steps[-1][1] - self.most

    def beyond(self, position: int) -> float:
        """What everything before a position cost more than at the price of most of it."""
        if position < 0:
            # What left was larger than what was there: as if that had been the beginning.
            return position * self._first
        left, cost = position, 0.0
        for tokens, more in self._steps:
            part = min(left, tokens)
            cost += part * more
            left -= part
            if not left:
                return cost
        return cost + left * self._last
