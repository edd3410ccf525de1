"""What came into the context with a request, and how many tokens of its growth each thing is.

The answer before is as large as its output count says; the rest of the growth came from outside and
is shared out by weight. Source: accounting.md section 9.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ccmon.entries import Block
from ccmon.ledger.contents import What
from ccmon.ledger.stream import Sighting
from ccmon.ledger.weights import (
    Family,
    call_tokens,
    content_tokens,
    family,
    portions,
    share,
    text_tokens,
    thinking_tokens,
)
from ccmon.measures import Span
from ccmon.requests import Entered, Request

THINKING_FRAME = 45
"""Bytes of JSON around the signature of a thinking block."""
TOOL_SEARCH = "ToolSearch"

Sized = tuple[What, int]
"""An item and its tokens."""


class Step(Struct, frozen=True, eq=False, gc=False):
    """A request with what its file says of it, and the answer that it builds on."""

    row: Request
    sighting: Sighting
    before: Request | None = None
    answer: Sighting | None = None


def opening(step: Step, overhead: int | None) -> list[Sized]:
    """What the first request of a segment holds.

    All that is not predicted of the rest is the fixed overhead: system prompt, tools, memory files.
    After a compaction that is ``overhead`` at most, as the first segment has shown it.
    """
    kind = family(step.row.model)
    things = _outside(step)
    predicted = [_predicted(kind, item) for item in things]
    rest = step.row.context - sum(predicted)
    if rest < 0:
        shares = share(step.row.context, predicted)
        return _sized(things, shares.tokens, exact=shares.exact)
    fixed = rest if overhead is None else min(rest, overhead)
    exact = overhead is None and not things
    first = What("overhead", label="system, tools, CLAUDE.md", exact=exact)
    return [(first, fixed), *_sized(things, predicted, exact=False)]


def growing(step: Step, growth: int) -> list[Sized]:
    """What a request added to the one before, in the order of the prompt.

    ``growth`` may be negative: something left that no line tells of.
    """
    kind = family(step.row.model)
    answered = _answer(step, kind)
    output = step.before.usage.output_tokens if step.before else 0
    known = step.before is not None and not step.before.output_is_lower_bound
    things = _outside(step)
    predicted = [_predicted(kind, item) for item in things]
    if known:
        given = _answer_tokens(step, answered, output)
        shares = share(growth - output, predicted)
    else:
        weights = [round(weight) for _, weight in answered]
        shares = share(growth, [*weights, *predicted])
        given = shares.tokens[: len(answered)]
        shares = type(shares)(shares.tokens[len(answered) :], shares.unattributed)
    items = [(what, tokens) for (what, _), tokens in zip(answered, given, strict=True)]
    items += _sized(things, shares.tokens, exact=shares.exact)
    if shares.unattributed > 0 and any(item.name == TOOL_SEARCH for item in things):
        items.append((What("loaded_tools", label="by ToolSearch"), shares.unattributed))
    return items


def _outside(step: Step) -> list[Entered]:
    return [item for item in step.row.entered if item.kind != "output"]


def _predicted(kind: Family, item: Entered) -> int:
    return content_tokens(kind, item.size)


def _sized(things: Sequence[Entered], tokens: Sequence[int], *, exact: bool) -> list[Sized]:
    return [(_what(item, exact), count) for item, count in zip(things, tokens, strict=True)]


def _what(item: Entered, exact: bool) -> What:
    if item.kind == "tool_result":
        return What("tool_result", item.name, item.label, exact, item.spans)
    if item.kind == "prompt":
        return What("prompt", label=item.label, exact=exact, spans=item.spans)
    if item.kind == "summary":
        return What("summary", label=item.label, exact=exact, spans=item.spans)
    return What("attachment", item.name, item.label, exact, item.spans)


def _answer(step: Step, kind: Family) -> list[tuple[What, float]]:
    """The blocks of the answer before, each with its weight."""
    if step.before is None or step.answer is None:
        return []
    spans = step.before.spans
    label = f"of #{step.before.n}"
    return [
        (_block(block, label, spans), _weight(block, kind))
        for block in step.answer.blocks
        if block.size
    ]


def _block(block: Block, label: str, spans: tuple[Span, ...]) -> What:
    if block.type in ("thinking", "redacted_thinking"):
        return What("thinking", label=label, spans=spans)
    if block.name:
        return What("tool_use", block.name, block.label, spans=spans)
    return What("text", label=label, spans=spans)


def _weight(block: Block, kind: Family) -> float:
    if block.type in ("thinking", "redacted_thinking"):
        return thinking_tokens(block.size - THINKING_FRAME)
    if block.name:
        return call_tokens(kind, block.size, 1)
    return text_tokens(kind, block.size)


def _answer_tokens(step: Step, answered: Sequence[tuple[What, float]], output: int) -> list[int]:
    """The output shared out over the blocks: thinking as counted, the rest by weight."""
    assert step.before is not None
    thinks = [what.kind == "thinking" for what, _ in answered]
    if not answered:
        return []
    thought = step.before.thinking_tokens
    if thought is None:
        thought = round(sum(weight for what, weight in answered if what.kind == "thinking"))
    thought = min(thought, output) if any(thinks) else 0
    if all(thinks):
        thought = output
    weights = [weight for _, weight in answered]
    inner = [weight for weight, is_thought in zip(weights, thinks, strict=True) if is_thought]
    outer = [weight for weight, is_thought in zip(weights, thinks, strict=True) if not is_thought]
    thoughts, others = iter(portions(thought, inner)), iter(portions(output - thought, outer))
    return [next(thoughts if is_thought else others) for is_thought in thinks]
