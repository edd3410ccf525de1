"""The request rows of the invented session: anchors from the design, deterministic between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import msgspec

from ccmon.measures import Price, Span, Split, Usage
from ccmon.requests import MAIN, Entered, Request, Why

DAY = 1_795_392_000.0
"""2026-11-23 00:00:00 UTC."""

PRICES = {
    "claude-opus-5-5": Price("claude-opus-5-5", 4e-6, 5e-6, 8e-6, 0.2e-6, 20e-6),
    "claude-sonnet-5-5": Price("claude-sonnet-5-5", 2e-6, 2.5e-6, 4e-6, 0.1e-6, 10e-6),
    "claude-fable-5-2": Price("claude-fable-5-2", 8e-6, 10e-6, 16e-6, 0.4e-6, 40e-6),
}

PREFIX = 17_100
"""Tokens that stay in the cache whatever happens: system prompt and tools."""


def at(clock: str) -> float:
    """Epoch seconds of ``HH:MM:SS`` on the day of the sample, UTC."""
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return DAY + 3600 * hours + 60 * minutes + seconds


WHYS = {
    44: Why("model_switch", "exact", "model_changed", "sonnet-5-5 -> opus-5-5", 41.0, 3600.0),
    150: Why("idle_past_ttl", "timestamps", None, "", 3864.0, 3600.0, "system kept"),
    205: Why("tools_loaded", "server", "tools_changed", "TaskCreate", 34.0, 3600.0),
}
"""Why the main thread's busts happened, by the number of the request."""


@dataclass(frozen=True)
class Row:
    """What a request must show; ``got`` is the cache read where it is less than expected."""

    n: int
    clock: str
    context: int
    output: int = 0
    thinking: int | None = None
    verb: str = ""
    label: str = ""
    prompt: str | None = None
    got: int | None = None


_STEPS = (
    ("Read", "src/cart.ts"),
    ("Bash", "npm test -- cart"),
    ("Edit", "src/checkout/flow.ts"),
    ("Grep", "applyCoupon"),
    ("Read", "test/cart.test.ts"),
    ("Edit", "src/cart.ts"),
    ("Bash", "rg --files src"),
    ("Write", "src/coupon.ts"),
    ("Read", "src/generated/schema.ts"),
)
_PROMPTS = (
    "where is Order defined?",
    "fix the coupon total",
    "run the tests again",
    "why is the discount applied twice?",
    "also cover the empty cart",
)


def rows_between(anchors: Sequence[Row], seed: int) -> Iterator[Row]:
    """Every request from the first anchor to the last, invented where no anchor says."""
    random = Random(seed)
    yield anchors[0]
    for start, end in pairwise(anchors):
        gaps = [0.35 + random.random() for _ in range(end.n - start.n)]
        # After a compaction the context starts over: rows before it climb on to their own top.
        top = end.context if end.context > start.context else start.context
        begin, finish = at(start.clock), at(end.clock)
        passed = 0.0
        for step, gap in enumerate(gaps[:-1], 1):
            passed += gap
            share = passed / sum(gaps)
            verb, label = _STEPS[(start.n + step) % len(_STEPS)]
            yield Row(
                start.n + step,
                _clock(begin + (finish - begin) * share),
                round(start.context + (top - start.context) * share),
                round(180 + 900 * random.random()),
                round(500 * random.random()) if random.random() < 0.4 else None,
                verb,
                label,
                _PROMPTS[(start.n + step) % len(_PROMPTS)] if (start.n + step) % 12 == 7 else None,
            )
        yield end


def _clock(seconds: float) -> str:
    whole = int(seconds - DAY)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def requests_of(
    rows: Sequence[Row],
    *,
    thread: str = MAIN,
    models: Sequence[tuple[int, str]] = ((1, "claude-opus-5-5"),),
    compacted_before: int | None = None,
    ttl_5m: bool = False,
) -> tuple[Request, ...]:
    """Fully accounted requests for these rows; ``models`` says from which request on."""
    requests: list[Request] = []
    for row in rows:
        previous = requests[-1] if requests else None
        model = [name for first, name in models if first <= row.n][-1]
        requests.append(_request(row, previous, thread, model, row.n == compacted_before, ttl_5m))
    return tuple(requests)


def _request(
    row: Row, previous: Request | None, thread: str, model: str, resets: bool, ttl_5m: bool
) -> Request:
    price = PRICES[model]
    expected = 0 if previous is None or resets else min(previous.context, row.context)
    read = row.got if row.got is not None else (expected or min(PREFIX, row.context - 2))
    rewritten = max(0, expected - read)
    written = max(0, row.context - read - 2)
    usage = Usage(
        input_tokens=row.context - read - written,
        cache_creation_input_tokens=written,
        cache_creation_5m_input_tokens=written if ttl_5m else 0,
        cache_creation_1h_input_tokens=0 if ttl_5m else written,
        cache_read_input_tokens=read,
        output_tokens=row.output,
    )
    write = price.write_5m if ttl_5m else price.write_1h
    split = Split(
        carry=read * price.read,
        rewrite=rewritten * write,
        fresh=max(0, written - rewritten) * write + usage.input_tokens * price.input,
        output=row.output * price.output,
    )
    started = at(row.clock)
    starts_turn = row.prompt is not None
    return Request(
        n=row.n,
        thread=thread,
        message_id=f"msg_{thread[:4]}{row.n:04d}",
        request_id=f"req_{thread[:4]}{row.n:04d}",
        at=started,
        started_at=started,
        model=model,
        effort="xhigh",
        version="2.1.330",
        stop_reason="tool_use",
        usage=usage,
        thinking_tokens=row.thinking,
        web_searches=0,
        context=row.context,
        cached=read,
        growth=row.context - (previous.context if previous else 0),
        new=row.context - read - rewritten,
        reread=read,
        expected_read=expected,
        rewritten=rewritten,
        bust=rewritten > 0,
        price=price,
        cost=split.total,
        extra_cost=0.0,
        split=split,
        avoidable=rewritten * (write - price.read) if rewritten else None,
        output_is_lower_bound=False,
        estimated=False,
        turn=(previous.turn if previous else 0) + starts_turn,
        starts_turn=starts_turn,
        segment=(previous.segment if previous else 1) + resets,
        starts_segment=previous is None or resets,
        idle=started - (previous.started_at or 0.0) if previous else None,
        verb=row.verb,
        label=row.label,
        thinks=bool(row.thinking),
        prompt=row.prompt,
        entered=_entered(row, previous),
        why=WHYS.get(row.n) if rewritten and thread == MAIN else None,
        spans=(Span("/home/ada/.claude/projects/shop-api/4c1f9a20.jsonl", row.n * 4096, 2048),),
    )


def _entered(row: Row, previous: Request | None) -> tuple[Entered, ...]:
    items: list[Entered] = []
    if previous is not None and previous.usage.output_tokens:
        before = previous.usage.output_tokens
        items.append(Entered("output", "output", f"of #{previous.n}", before * 4, before, ()))
    if row.prompt is not None:
        items.append(Entered("prompt", "prompt", row.prompt, len(row.prompt), None, ()))
    elif previous is not None and previous.verb:
        rest = row.context - previous.context - previous.usage.output_tokens
        tokens = rest if rest > 0 else None
        items.append(
            Entered("tool_result", previous.verb, previous.label, max(rest, 20) * 4, tokens, ())
        )
    return tuple(items)


def with_entered(request: Request, *entered: Entered) -> Request:
    """The request with another list of what entered the context."""
    return msgspec.structs.replace(request, entered=entered)
