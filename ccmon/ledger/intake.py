"""What came into the context with a request, and how many tokens of its growth each thing is.

The answer before is as large as its output count says; the rest of the growth came from outside and
is shared out by weight. What left is named as well, with a size below 0, and what nothing explains,
so that all of it adds up to the growth. Source: accounting.md section 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccmon.entries import Block
from ccmon.ledger.weights import (
    Family,
    Shares,
    call_tokens,
    content_tokens,
    family,
    image_tokens,
    is_excess,
    portions,
    share,
    text_tokens,
    thinking_tokens,
)
from ccmon.measures import Span
from ccmon.requests import Entered, Kind, Method, Request

THINKING_FRAME = 45
TEXT_FRAME = 25
CALL_FRAME = 85
"""Bytes of JSON around the signature of a thinking block, a text, the input of a call."""
THINKING = ("thinking", "redacted_thinking")
RESULTS = ("tool_result", "image")
TOOL_SEARCH = "ToolSearch"
DROPPED, CLEARED = "dropped", "cleared"
"""Names of what left the context: all thinking, or the oldest tool results."""
CLEARED_TOKENS = 2_000
CLEARED_SHARE = 0.05
"""A context that shrinks by more than both, of itself, was cleared of something: unless the next
model has another tokenizer."""
_SURENESS: tuple[Method, ...] = ("exact", "split", "estimated")


def opening(
    things: Sequence[Entered],
    context: int,
    overhead: int | None,
    model: str | None,
    *,
    copied: bool = False,
) -> tuple[Entered, ...]:
    """What the first request of a segment holds.

    All that is not predicted of the rest is the fixed overhead: system prompt, tools, memory files.
    After a compaction that is ``overhead`` at most, what the thread began with. ``copied`` says
    that a fork begins so: with the conversation of another session, which is accounted there.
    """
    kind = family(model)
    predicted = [_predicted(kind, item) for item in things]
    rest = context - sum(predicted)
    if rest < 0:
        return _whole(_sized(things, share(context, predicted).tokens, "split"), context)
    fixed = rest if overhead is None else min(rest, overhead)
    method: Method = "exact" if overhead is None and not things else "estimated"
    first = Entered("overhead", "overhead", "system, tools, CLAUDE.md", 0, fixed, (), method)
    items = [first] if fixed else []
    if copied and rest > fixed:
        label = "conversation copied by the fork"
        items.append(Entered("unattributed", "unattributed", label, 0, rest - fixed, (), method))
    return _whole([*items, *_sized(things, predicted, "estimated")], context, method)


def before_any(things: Sequence[Entered], context: int, model: str | None) -> int:
    """The fixed overhead in a first context that held these things beside it."""
    kind = family(model)
    return max(0, context - sum(_predicted(kind, item) for item in things))


def foretold(things: Sequence[Entered], model: str | None) -> int:
    """What things from outside are worth before the growth is known."""
    kind = family(model)
    return sum(_predicted(kind, item) for item in things)


class Growth(Struct, frozen=True, gc=False):
    """What is known of a growth beside what came.

    ``tokens`` may be negative. ``thought`` are the tokens of thinking that the context held and
    that left it; None where thinking stays. ``complete`` says that the client writes down all that
    enters.
    """

    tokens: int
    thought: int | None = None
    complete: bool = True


def growing(
    things: Sequence[Entered],
    answer: Sequence[Block],
    before: Request,
    growth: Growth,
    model: str | None,
) -> tuple[Entered, ...]:
    """What a request added to the one before, in the order of the prompt.

    ``answer`` are the blocks of ``before``. Its thinking never enters the context where the
    thinking before it leaves.
    """
    kind = family(model)
    bound, drops = before.output_is_lower_bound, growth.thought is not None
    said = _parts(answer, before, kind)
    parts = [part for part in said if not (drops and part.kind == "thinking")]
    predicted = [_predicted(kind, item) for item in things]
    thought = growth.thought or 0
    output = 0 if bound else before.usage.output_tokens - _tokens(said) + _tokens(parts)
    outside = growth.tokens + thought - output
    weights = [*(part.tokens or 0 for part in parts), *predicted] if bound else predicted
    lost = -growth.tokens - thought
    shrunk = lost > max(CLEARED_TOKENS, CLEARED_SHARE * before.context)
    shrunk = shrunk and family(before.model) is kind
    cleared = max(0, sum(weights) - outside) if shrunk else 0
    shares = _share(things, outside + cleared, weights)
    tokens = shares.tokens
    unsure = bound or not growth.complete or thought > 0 or len(parts) < len(said)
    method: Method = "split" if unsure and shares.method == "exact" else shares.method
    if cleared:
        method = "estimated"
    if bound:
        parts, tokens = _sized(parts, tokens[: len(parts)], method), tokens[len(parts) :]
    items = [_output(before, parts), *_sized(things, tokens, method)]
    if shares.unattributed > 0 and any(item.name == TOOL_SEARCH for item in things):
        loaded = shares.unattributed
        items.append(Entered("loaded_tools", "tools", "by ToolSearch", 0, loaded, (), "split"))
    if thought:
        items.append(_leaving(DROPPED, "earlier thinking", thought, "split"))
    if cleared:
        items.append(_leaving(CLEARED, "older results", cleared, "estimated"))
    return _whole(items, growth.tokens)


def leaves(item: Entered) -> bool:
    """Whether it says what left the context."""
    return item.kind == "unattributed" and item.name in (DROPPED, CLEARED)


def weakest(things: Sequence[Entered], least: Method = "exact") -> Method:
    """The label of a sum: the weakest of its parts."""
    return max([least, *(item.method for item in things)], key=_SURENESS.index)


def _leaving(name: str, label: str, tokens: int, method: Method) -> Entered:
    return Entered("unattributed", name, label, 0, -tokens, (), method)


def _share(things: Sequence[Entered], growth: int, predicted: Sequence[int]) -> Shares:
    """The growth from outside over what came; definitions of loaded tools stand in no line.

    What the client adds without a record comes with prompts. A result alone may be that dense.
    """
    rest = growth - sum(predicted)
    if rest > 0 and any(item.name == TOOL_SEARCH for item in things):
        return Shares(list(predicted), rest)
    shares = share(growth, predicted)
    alone = len(predicted) == 1 and len(things) == 1
    if shares.method == "estimated" and alone and things[0].kind in RESULTS:
        return Shares([growth], 0, "split")
    return shares


def _whole(items: list[Entered], growth: int, least: Method = "exact") -> tuple[Entered, ...]:
    """With what is missing to the growth as unattributed: no surer than any of the rest."""
    rest = growth - sum(item.tokens or 0 for item in items)
    if rest:
        method = weakest(items, least)
        items = [*items, Entered("unattributed", "unattributed", "", 0, rest, (), method)]
    return tuple(items)


def _predicted(kind: Family, item: Entered) -> int:
    if item.tokens is not None:
        return item.tokens
    text = content_tokens(kind, item.size, item.counted) if item.size else 0
    return text + sum(image_tokens(kind, each.width, each.height) for each in item.pictures)


def _sized(things: Sequence[Entered], tokens: Sequence[int], method: Method) -> list[Entered]:
    return [
        replace(item, tokens=count, method=method)
        for item, count in zip(things, tokens, strict=True)
    ]


def _tokens(things: Sequence[Entered]) -> int:
    return sum(item.tokens or 0 for item in things)


def _output(before: Request, parts: Sequence[Entered]) -> Entered:
    """The answer before as one thing with its blocks as parts."""
    size = sum(span.length for span in before.spans)
    method: Method = "split" if before.output_is_lower_bound else "exact"
    label, tokens = f"of #{before.n}", _tokens(parts)
    return Entered("output", "output", label, size, tokens, before.spans, method, tuple(parts))


def unmeasured(
    answer: Sequence[Block], number: int, spans: tuple[Span, ...], model: str | None
) -> tuple[Entered, ...]:
    """The blocks of an answer that no usage was written down of, as large as they look."""
    kind = family(model)
    return tuple(
        _part(block, number, spans, round(_weight(block, kind)), "estimated")
        for block in answer
        if block.size
    )


def _parts(answer: Sequence[Block], before: Request, kind: Family) -> list[Entered]:
    """The blocks of an answer with their tokens; predicted ones where its output is not known."""
    blocks = [block for block in answer if block.size]
    counted = before.thinking_tokens
    if counted and not any(block.type in THINKING for block in blocks):
        # It was counted and not written down.
        blocks.insert(0, Block("thinking", 0))
    if before.output_is_lower_bound:
        tokens = [round(_weight(block, kind)) for block in blocks]
    else:
        tokens = _output_tokens(blocks, before, kind)
    thoughts = sum(block.type in THINKING for block in blocks)
    parts = []
    for block, count in zip(blocks, tokens, strict=True):
        is_thought = block.type in THINKING
        alone = thoughts == 1 if is_thought else len(blocks) - thoughts == 1
        known = counted is not None or (len(blocks) == 1 and _is_near(block, count, kind))
        exact = alone and known and not before.output_is_lower_bound
        method: Method = "exact" if exact else "split"
        parts.append(_part(block, before.n, before.spans, count, method))
    return parts


def _is_near(block: Block, tokens: int, kind: Family) -> bool:
    """Whether a block alone may well be all of an answer: thinking may not be written down."""
    return block.type in THINKING or not is_excess(tokens, _weight(block, kind))


def _part(
    block: Block, number: int, spans: tuple[Span, ...], tokens: int, method: Method
) -> Entered:
    kind: Kind = "tool_use" if block.name else "thinking" if block.type in THINKING else "text"
    label = block.label if block.name else f"of #{number}"
    return Entered(kind, block.name or kind, label, block.size, tokens, spans, method)


def _weight(block: Block, kind: Family) -> float:
    if block.type in THINKING:
        return thinking_tokens(block.size - THINKING_FRAME)
    if block.name:
        return call_tokens(kind, max(0, block.size - CALL_FRAME), block.arguments)
    return text_tokens(kind, max(0, block.size - TEXT_FRAME))


def _output_tokens(blocks: Sequence[Block], before: Request, kind: Family) -> list[int]:
    """The output shared out over the blocks: thinking as counted, the rest by weight."""
    output = before.usage.output_tokens
    weights = [_weight(block, kind) for block in blocks]
    thinks = [block.type in THINKING for block in blocks]
    inner = [weight for weight, is_thought in zip(weights, thinks, strict=True) if is_thought]
    outer = [weight for weight, is_thought in zip(weights, thinks, strict=True) if not is_thought]
    counted = before.thinking_tokens
    thought = round(sum(inner)) if counted is None else counted
    if not inner:
        thought = 0
    elif not outer and counted is None:
        thought = output
    thought = min(thought, output)
    thoughts, others = iter(portions(thought, inner)), iter(portions(output - thought, outer))
    return [next(thoughts if is_thought else others) for is_thought in thinks]
