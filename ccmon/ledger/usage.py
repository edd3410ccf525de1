"""From the usage of a line to the usage of a request.

Source: accounting.md section 1, transcripts.md section 5.
"""

from ccmon.entries import Tokens, UsageLine
from ccmon.measures import Ttl, Usage

BILLED_BESIDES = frozenset({"compaction", "advisor_message"})
"""Iterations that the top-level counts leave out and that are billed as well."""


def settle(tokens: Tokens, tier: Ttl) -> tuple[Usage, bool]:
    """Make 5m + 1h equal the whole cache creation; say whether that took a guess.

    Writes that no split explains take ``tier``, the one the thread wrote to last.
    """
    write_5m, write_1h = tokens.cache_creation_5m, tokens.cache_creation_1h
    unsplit = tokens.cache_creation - write_5m - write_1h
    if tier == "1h":
        write_1h += unsplit
    else:
        write_5m += unsplit
    usage = Usage(
        tokens.input, tokens.cache_creation, write_5m, write_1h, tokens.cache_read, tokens.output
    )
    return usage, unsplit > 0


def calls_of(usage: UsageLine) -> tuple[Tokens, Tokens]:
    """The first and the last call behind a response, both the whole of it where it was one.

    With server tools the top level is the sum of several ``message`` iterations, each of which
    read the context anew: the first one shows what the cache still had, the last one what the
    context is and what is left in the cache.
    """
    if not usage.iterations:
        return usage.tokens, usage.tokens
    calls = [item.tokens for item in usage.iterations if item.type == "message"]
    if not calls:
        return usage.tokens, usage.tokens
    return (calls[0] if len(calls) > 1 else usage.tokens), calls[-1]


def prompt_tokens(tokens: Tokens) -> int:
    """Everything the model read in one call."""
    return tokens.input + tokens.cache_read + tokens.cache_creation


def tier_of(usage: Usage) -> Ttl | None:
    """The tier that took the greater part of a write; None when nothing was written."""
    if not usage.cache_creation_input_tokens:
        return None
    more_1h = usage.cache_creation_1h_input_tokens > usage.cache_creation_5m_input_tokens
    return "1h" if more_1h else "5m"
