"""From the lines of one response and the request before it to one accounted Request.

Source: accounting.md sections 1 and 2 (definitions), 6 (bust rule).
"""

from msgspec import Struct

from ccmon.entries import Block, Tokens, UsageLine
from ccmon.ledger.cache import left_in_cache, rewritten_tokens
from ccmon.ledger.costs import split_cost
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Known
from ccmon.ledger.stream import Sighting
from ccmon.ledger.usage import BILLED_BESIDES, context_tokens, settle, tier_of
from ccmon.measures import Price, Split, Ttl, Usage
from ccmon.snapshot import Entered, Request

NO_USAGE = UsageLine(Tokens())
NOTHING = Split()


class Carried(Struct, frozen=True, gc=False):
    """What a thread hands from one request to the next besides the request itself.

    ``tier`` is the cache tier of the greater part of the last write whose split is known;
    ``left`` what the request left in the cache, the next one's expected read.
    """

    tier: Ttl | None = None
    left: int = 0


def account(
    sighting: Sighting,
    known: Known,
    before: Request | None,
    carried: Carried,
    *,
    rewound: bool,
    prices: PriceTable,
) -> tuple[Request, Carried]:
    """Account one response.

    ``known`` is what all files say of it (no usage at all counts as nothing read). ``rewound``
    says that the chain went back behind ``before``.
    """
    line = known.usage or NO_USAGE
    usage, guessed = settle(line.tokens, carried.tier or "5m")
    context = context_tokens(line)
    before_context = before.context if before else 0
    opens = before is None or bool(sighting.boundaries) or (rewound and context < before_context)
    reread = usage.cache_read_input_tokens if opens else min(context, before_context)
    reread = min(reread, context)
    expected = 0 if opens else carried.left
    rewritten = 0 if opens else rewritten_tokens(usage, context, expected, before_context)
    price = prices.price(
        sighting.model,
        sighting.at,
        prompt_tokens=context,
        fast=line.speed == "fast",
        geo=line.inference_geo,
    )
    extra = besides(line, sighting, price, prices)
    split = None if price is None or extra is None else split_cost(usage, price, rewritten) + extra
    verb, label = next_step(sighting.blocks)
    starts_turn = sighting.prompt is not None
    row = Request(
        n=before.n + 1 if before else 1,
        thread=sighting.agent,
        message_id=sighting.message_id,
        request_id=sighting.request_id,
        at=sighting.at,
        started_at=sighting.started_at,
        model=sighting.model,
        effort=sighting.effort,
        version=sighting.version,
        stop_reason=sighting.stop_reason,
        usage=usage,
        thinking_tokens=line.thinking_tokens,
        web_searches=line.web_search_requests,
        context=context,
        growth=context - before_context,
        new=context - reread,
        reread=reread,
        expected_read=expected,
        rewritten=rewritten,
        bust=rewritten > 0,
        price=price,
        cost=split.total if split else None,
        extra_cost=extra.total if extra else 0.0,
        split=split,
        avoidable=_avoidable(split, price, rewritten, extra),
        output_is_lower_bound=not known.final or sighting.cut,
        estimated=guessed or (price is not None and price.estimated),
        turn=(before.turn if before else 0) + starts_turn,
        starts_turn=starts_turn,
        segment=(before.segment if before else 0) + opens,
        starts_segment=opens,
        idle=_gap(before, sighting),
        verb=verb,
        label=label,
        thinks=any(block.type in ("thinking", "redacted_thinking") for block in sighting.blocks),
        prompt=sighting.prompt,
        entered=_entered(sighting, before, opens=opens),
        spans=tuple(sighting.spans),
    )
    tier = carried.tier if guessed else tier_of(usage) or carried.tier
    return row, Carried(tier, _left(line, usage))


def besides(
    line: UsageLine, sighting: Sighting, price: Price | None, prices: PriceTable
) -> Split | None:
    """Cost that the top-level counts leave out: advisor and compaction calls, web searches.

    Reads count as re-reading, output as output, the rest as new content. None when one of the
    calls has no price, for then the request's cost is not known either.
    """
    total = NOTHING
    if line.web_search_requests and price is not None:
        total += Split(fresh=line.web_search_requests * price.web_search)
    for iteration in line.iterations:
        if iteration.type not in BILLED_BESIDES:
            continue
        usage, _ = settle(iteration.tokens, "5m")
        own = prices.price(
            iteration.model or sighting.model, sighting.at, prompt_tokens=usage.prompt_tokens
        )
        if own is None:
            return None
        total += split_cost(usage, own, 0)
    return total


def next_step(blocks: list[Block]) -> tuple[str, str]:
    """What the model did next: the tool and its telling argument, else ``answer``."""
    calls = [block for block in blocks if block.type in ("tool_use", "server_tool_use")]
    if not calls:
        return ("answer", "") if any(block.type == "text" for block in blocks) else ("", "")
    first = calls[0]
    more = f" +{len(calls) - 1}" if len(calls) > 1 else ""
    return first.name, f"{first.label}{more}".strip()


def _avoidable(
    split: Split | None, price: Price | None, rewritten: int, extra: Split | None
) -> float | None:
    if split is None or price is None or extra is None:
        return None
    return split.rewrite - price.read * rewritten if rewritten else 0.0


def _gap(before: Request | None, sighting: Sighting) -> float | None:
    if before is None or before.started_at is None or sighting.started_at is None:
        return None
    return max(0.0, sighting.started_at - before.started_at)


def _left(line: UsageLine, usage: Usage) -> int:
    """Expected read of the next request: of the last ``message`` iteration where there are many."""
    for iteration in reversed(line.iterations):
        if iteration.type == "message":
            return iteration.tokens.cache_read + iteration.tokens.cache_creation
    return left_in_cache(usage)


def _entered(sighting: Sighting, before: Request | None, *, opens: bool) -> tuple[Entered, ...]:
    """What the request brought into the context; the answer before it comes first, exact."""
    if before is None or opens:
        return sighting.entered
    known = None if before.output_is_lower_bound else before.usage.output_tokens
    size = sum(span.length for span in before.spans)
    output = Entered("output", "output", f"of #{before.n}", size, known, before.spans)
    return (output, *sighting.entered)
