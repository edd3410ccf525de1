"""What a compaction did, and what its call cost, which no line of the transcript shows.

Source: accounting.md section 5; transcripts.md sections 9 and 10.
"""

from ccmon.entries import CompactionEntry
from ccmon.ledger.prices import PriceTable
from ccmon.requests import Compaction, Request

SUMMARY_TOKENS = 5_000
"""Size of a summary where the transcript does not hold it (median of 124 compactions)."""
SUMMARY_TOKENS_PER_BYTE = 0.486
"""Tokens for a byte of the summary's text: good to about 10 %."""
PREFIX_TOKENS = 18_000
"""System prompt and tools that come on top of the messages after a compaction."""


def summary_tokens(size: int) -> int:
    """Estimated size of a summary whose text has ``size`` bytes; the usual one for 0."""
    return round(size * SUMMARY_TOKENS_PER_BYTE) or SUMMARY_TOKENS


def compaction(
    boundary: CompactionEntry,
    summary_size: int,
    last: int,
    before: Request,
    after: Request | None,
    prices: PriceTable,
    factor: float = 1.0,
) -> Compaction:
    """A compaction between two requests; without ``after`` the context it left is an estimate.

    ``last`` is the number of the request right before it, ``before`` the last of them that read the
    context. ``factor`` is what predictions of the thread's sizes are to be multiplied with.
    """
    pre_tokens = boundary.pre_tokens or before.context
    summary = summary_tokens(summary_size)
    left = boundary.post_tokens or round(summary * factor)
    price = prices.price(before.model, boundary.timestamp or before.at, prompt_tokens=pre_tokens)
    return Compaction(
        before_request=last + 1,
        at=boundary.timestamp,
        trigger=boundary.trigger,
        pre_tokens=boundary.pre_tokens,
        summary_tokens=summary,
        context_before=before.context,
        context_after=left + PREFIX_TOKENS if after is None else after.context,
        cost=price.read * pre_tokens + price.output * summary if price else None,
        method="estimated",
    )
