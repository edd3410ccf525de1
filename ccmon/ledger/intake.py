"""What came into the context with a request, and how many tokens of its growth each thing is.

The answer before is as large as its output count says; the rest of the growth came from outside and
is shared out by weight. What nothing explains is named as well, so that all of it adds up to the
growth. Source: accounting.md section 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ccmon.entries import Block
from ccmon.ledger.weights import (
    Family,
    Shares,
    call_tokens,
    content_tokens,
    family,
    image_tokens,
    portions,
    share,
    text_tokens,
    thinking_tokens,
)
from ccmon.requests import Entered, Kind, Method, Request

THINKING_FRAME = 45
TEXT_FRAME = 25
CALL_FRAME = 85
"""Bytes of JSON around the signature of a thinking block, a text, the input of a call."""
THINKING = ("thinking", "redacted_thinking")
TOOL_SEARCH = "ToolSearch"


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
    method: Method = "estimated" if things else "exact"
    first = Entered("overhead", "overhead", "system, tools, CLAUDE.md", 0, fixed, (), method)
    items = [first] if fixed else []
    if copied and rest > fixed:
        label = "conversation copied by the fork"
        items.append(Entered("unattributed", "unattributed", label, 0, rest - fixed, (), method))
    return _whole([*items, *_sized(things, predicted, "estimated")], context)


def before_any(things: Sequence[Entered], context: int, model: str | None) -> int:
    """The fixed overhead in a first context that held these things beside it."""
    kind = family(model)
    return max(0, context - sum(_predicted(kind, item) for item in things))


def foretold(things: Sequence[Entered], model: str | None) -> int:
    """What things from outside are worth before the growth is known."""
    kind = family(model)
    return sum(_predicted(kind, item) for item in things)


def growing(
    things: Sequence[Entered],
    answer: Sequence[Block],
    before: Request,
    growth: int,
    model: str | None,
) -> tuple[Entered, ...]:
    """What a request added to the one before, in the order of the prompt.

    ``answer`` are the blocks of ``before``. ``growth`` may be negative: something left that no line
    tells of.
    """
    kind = family(model)
    blocks = [block for block in answer if block.size]
    predicted = [_predicted(kind, item) for item in things]
    if before.output_is_lower_bound:
        weights = [round(_weight(block, kind)) for block in blocks]
        shares = share(growth, [*weights, *predicted])
        given, tokens = shares.tokens[: len(blocks)], shares.tokens[len(blocks) :]
        method: Method = "split"
    else:
        given = _output_tokens(blocks, before, kind)
        shares = _share(things, growth - before.usage.output_tokens, predicted)
        tokens = shares.tokens
        method = "exact" if shares.exact else "split"
    items = [_output(before, blocks, given), *_sized(things, tokens, method)]
    if shares.unattributed > 0 and any(item.name == TOOL_SEARCH for item in things):
        loaded = shares.unattributed
        items.append(Entered("loaded_tools", "tools", "by ToolSearch", 0, loaded, (), "split"))
    return _whole(items, growth)


def _share(things: Sequence[Entered], growth: int, predicted: Sequence[int]) -> Shares:
    """The growth from outside over what came; definitions of loaded tools stand in no line."""
    rest = growth - sum(predicted)
    if rest > 0 and any(item.name == TOOL_SEARCH for item in things):
        return Shares(list(predicted), rest)
    return share(growth, predicted)


def _whole(items: list[Entered], growth: int) -> tuple[Entered, ...]:
    """With what is missing to the growth as unattributed."""
    rest = growth - sum(item.tokens or 0 for item in items)
    if rest:
        items = [*items, Entered("unattributed", "unattributed", "", 0, rest, ())]
    return tuple(items)


def _predicted(kind: Family, item: Entered) -> int:
    text = content_tokens(kind, item.size, item.counted) if item.size else 0
    return text + sum(image_tokens(kind, each.width, each.height) for each in item.pictures)


def _sized(things: Sequence[Entered], tokens: Sequence[int], method: Method) -> list[Entered]:
    return [
        replace(item, tokens=count, method=method)
        for item, count in zip(things, tokens, strict=True)
    ]


def _output(before: Request, blocks: Sequence[Block], tokens: Sequence[int]) -> Entered:
    """The answer before as one thing with its blocks as parts."""
    counted = before.thinking_tokens is not None
    alone = len(blocks) == 1 and not before.output_is_lower_bound
    parts = tuple(
        _part(block, before, count, alone=alone, counted=counted)
        for block, count in zip(blocks, tokens, strict=True)
    )
    size = sum(span.length for span in before.spans)
    method: Method = "split" if before.output_is_lower_bound else "exact"
    label = f"of #{before.n}"
    return Entered("output", "output", label, size, sum(tokens), before.spans, method, parts)


def _part(block: Block, before: Request, tokens: int, *, alone: bool, counted: bool) -> Entered:
    kind: Kind = "tool_use" if block.name else "thinking" if block.type in THINKING else "text"
    label = block.label if block.name else f"of #{before.n}"
    exact = alone or (kind == "thinking" and counted and not before.output_is_lower_bound)
    method: Method = "exact" if exact else "split"
    return Entered(kind, block.name or kind, label, block.size, tokens, before.spans, method)


def _weight(block: Block, kind: Family) -> float:
    if block.type in THINKING:
        return thinking_tokens(block.size - THINKING_FRAME)
    if block.name:
        return call_tokens(kind, max(0, block.size - CALL_FRAME), 1)
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
    thought = (min(thought, output) if outer else output) if inner else 0
    thoughts, others = iter(portions(thought, inner)), iter(portions(output - thought, outer))
    return [next(thoughts if is_thought else others) for is_thought in thinks]
