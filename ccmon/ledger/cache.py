"""Cache arithmetic of consecutive requests: deficit and busts.

Source: accounting.md sections 2 and 6.
"""

from ccmon.entries import Tokens

SHRINK_PERCENT = 70
"""A context below this share of the one before is a rewind or a clear, not a bust."""
DEFICIT_TOKENS = 2_000
DEFICIT_PERCENT = 5
"""A deficit is a bust when it exceeds both: so many tokens, and this share of what was expected."""


def rewritten_tokens(call: Tokens, context: int, expected: int, context_before: int) -> int:
    """Tokens paid again because the cache had lost them; 0 unless the request busts.

    ``call`` is the first call of the request. The caller passes ``expected`` 0 for the first
    request of a thread or segment.
    """
    deficit = expected - call.cache_read
    if context * 100 < SHRINK_PERCENT * context_before:
        return 0
    if deficit <= DEFICIT_TOKENS or deficit * 100 <= DEFICIT_PERCENT * expected:
        return 0
    return min(deficit, call.cache_creation + call.input)
