"""What one request costs, and which part of it is re-reading.

Source: accounting.md section 2 (cost split, additive by construction).
"""

from ccmon.measures import Price, Split, Ttl, Usage


def split_cost(usage: Usage, price: Price, rewritten: int) -> Split:
    """Cost of one request in four parts.

    ``rewritten`` tokens count as rewrite, taken from the writes first, then from the fresh input;
    the rest of both is new content.
    """
    writes = usage.cache_creation_input_tokens
    write_cost = (
        usage.cache_creation_5m_input_tokens * price.write_5m
        + usage.cache_creation_1h_input_tokens * price.write_1h
    )
    per_write = write_cost / writes if writes else 0.0
    rewritten_writes = min(rewritten, writes)
    rewritten_input = rewritten - rewritten_writes
    return Split(
        carry=price.read * usage.cache_read_input_tokens,
        rewrite=per_write * rewritten_writes + price.input * rewritten_input,
        fresh=per_write * (writes - rewritten_writes)
        + price.input * (usage.input_tokens - rewritten_input),
        output=price.output * usage.output_tokens,
    )


def write_price(price: Price, ttl: Ttl | None) -> float:
    """USD per token for writing to the tier that the thread uses; 5m while it wrote nothing."""
    return price.write_1h if ttl == "1h" else price.write_5m
