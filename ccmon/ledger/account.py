"""From the lines of one response and the request before it to one accounted Request.

Source: accounting.md sections 1 and 2 (definitions), 6 (bust rule).
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccmon.entries import Block, Tokens, UsageLine
from ccmon.ledger.cache import rewritten_tokens
from ccmon.ledger.causes import Case, Habit, explain
from ccmon.ledger.costs import split_cost
from ccmon.ledger.intake import (
    DROPPED,
    TOOL_SEARCH,
    Growth,
    before_any,
    foretold,
    growing,
    leaves,
    opening,
    unmeasured,
)
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.reach import Reads, reach
from ccmon.ledger.requests import Known
from ccmon.ledger.stream import Sighting
from ccmon.ledger.usage import BILLED_BESIDES, calls_of, prompt_tokens, settle, tier_of
from ccmon.ledger.versions import is_complete
from ccmon.ledger.weights import Calibration, keeps_thinking
from ccmon.measures import Price, Split, Ttl
from ccmon.requests import Entered, Request, Why

NO_USAGE = UsageLine(Tokens())
NOTHING = Split()
TINY_CONTEXT = 1_000
"""Requests that read less say nothing about their thread (section 2)."""


class Carried(Struct, frozen=True, eq=False, gc=False):
    """What a thread hands from one request to the next.

    ``before`` is the request the next one compares with: the last that read the thread's context.
    ``left`` is what it left in the cache, the next one's expected read. ``tier`` is the cache
    tier of the greater part of the last write whose split is known. ``reset`` says that the
    context was compacted and no request has read it since. ``source``, ``habit`` and ``reads`` are
    what the causes of busts turn on. ``start`` is the index of the present segment's first request,
    ``peak`` the largest context since. ``overhead`` is what the thread began with beside what its
    lines show, ``calibration`` how far off predictions of sizes were so far. ``pending`` is what
    came with requests that did not read the context, ``thought`` how many tokens of thinking the
    context holds.
    """

    before: Request | None = None
    left: int = 0
    tier: Ttl | None = None
    reset: bool = False
    source: Sighting | None = None
    habit: Habit = Habit()
    reads: Reads = Reads()
    start: int = 0
    peak: int = 0
    overhead: int | None = None
    calibration: Calibration = Calibration()
    pending: tuple[Entered, ...] = ()
    thought: int = 0

    @property
    def context(self) -> int | None:
        """Context of the request that the next one compares with."""
        return self.before.context if self.before is not None else None


class Parent(Struct, frozen=True, eq=False, gc=False):
    """The response that a chain goes on from after a rewind, and what that handed on."""

    row: Request
    sighting: Sighting
    carried: Carried


class Comparison(Struct, frozen=True, gc=False):
    """A request against the one before it; the terms of section 2."""

    opens: bool
    growth: int
    reread: int
    expected: int
    rewritten: int


def compare(
    before: int | None, left: int, first: Tokens, context: int, *, resets: bool
) -> Comparison:
    """Compare a request with its predecessor.

    ``before`` is the context of the request to compare with (None: there is none), ``left`` what
    that left in the cache. ``first`` is the first call of this one, ``context`` what its last call
    read; ``resets`` says that a compaction or a rewind lies between the two.
    """
    if is_aside(before, context):
        reread = min(first.cache_read, context)
        return Comparison(False, context - reread, reread, 0, 0)
    grew_up = before is not None and before < TINY_CONTEXT <= context
    growth = context if before is None or grew_up else context - before
    if before is None or resets or grew_up:
        return Comparison(True, growth, min(first.cache_read, context), 0, 0)
    rewritten = rewritten_tokens(first, context, left, before)
    return Comparison(False, growth, min(context, before), left, rewritten)


def is_aside(before: int | None, context: int) -> bool:
    """A request that did not read the thread's context: a title, a warm-up, one without usage."""
    return before is not None and context < TINY_CONTEXT <= before


def account(
    sighting: Sighting,
    known: Known,
    rows: Sequence[Request],
    peaks: Sequence[int],
    carried: Carried,
    *,
    parent: Parent | None,
    prices: PriceTable,
) -> tuple[Request, Carried]:
    """Account one response.

    ``known`` is what all files say of it (no usage at all counts as nothing read), ``rows`` the
    requests before it, ``peaks`` the largest context of its segment up to each of them.
    ``parent`` is what the chain goes on from where it went back behind the predecessor.
    """
    last = rows[-1] if rows else None
    line = known.usage or NO_USAGE
    usage, guessed = settle(line.tokens, carried.tier or "5m")
    first_call, last_call = calls_of(line)
    context = prompt_tokens(last_call)
    resets = bool(sighting.boundaries) or parent is not None or carried.reset
    compared = compare(carried.context, carried.left, first_call, context, resets=resets)
    price = prices.price(
        sighting.model,
        sighting.at,
        prompt_tokens=context,
        fast=line.speed == "fast",
        geo=line.inference_geo,
    )
    beside = besides(line, sighting.model, sighting.at, price, carried.tier or "5m", prices)
    split = None
    if price is not None and beside.split is not None:
        split = split_cost(usage, price, compared.rewritten) + beside.split
    idle = _gap(carried.before, sighting)
    reads = carried.reads.after(
        first_call.cache_read,
        compacted=compared.opens and (carried.reset or bool(sighting.boundaries)),
        bust=compared.rewritten > 0,
        grew=compared.growth > 0,
    )
    if sighting.boundaries:
        parent = None
    resumed = parent.carried if parent is not None and compared.opens else carried
    waits, aside = context < TINY_CONTEXT, is_aside(carried.context, context)
    things = (*(() if sighting.boundaries else resumed.pending), *sighting.entered)
    here = sighting.entered if waits else things
    entered = () if aside else _entered(sighting, here, resumed, compared, context, parent)
    verb, label = next_step(sighting.blocks)
    starts_turn = sighting.prompt is not None
    row = Request(
        n=last.n + 1 if last else 1,
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
        cached=last_call.cache_read,
        growth=compared.growth,
        new=context - compared.reread,
        reread=compared.reread,
        expected_read=compared.expected,
        rewritten=compared.rewritten,
        bust=compared.rewritten > 0,
        price=price,
        cost=split.total if split else None,
        extra_cost=beside.split.total if beside.split else 0.0,
        split=split,
        avoidable=avoidable(split, price, compared.rewritten),
        output_is_lower_bound=not known.final or sighting.cut,
        estimated=guessed or beside.guessed or (price is not None and price.estimated),
        turn=(last.turn if last else 0) + starts_turn,
        starts_turn=starts_turn,
        segment=(last.segment if last else 0) + compared.opens,
        starts_segment=compared.opens,
        idle=idle,
        verb=verb,
        label=label,
        thinks=any(block.type in ("thinking", "redacted_thinking") for block in sighting.blocks),
        prompt=sighting.prompt,
        entered=entered,
        spans=tuple(sighting.spans),
        resumes=parent.row.n if parent and compared.opens else None,
        machine_prompt=sighting.signs.machine and not starts_turn,
        miss_reason=sighting.miss_reason,
        names=tuple(dict.fromkeys(name for block in sighting.blocks for name in block.names)),
        why=why(sighting, first_call, rows, peaks, carried, reads, line.speed, idle)
        if compared.rewritten
        else None,
        first_read=first_call.cache_read,
    )
    if not context:
        # Its usage was not written down: it was no request beside the context, or was the first.
        things += unmeasured(sighting.blocks, row.n, row.spans, row.model)
    if aside:
        reset = carried.reset or bool(sighting.boundaries)
        return row, replace(carried, reset=reset, pending=things)
    left = last_call.cache_read + last_call.cache_creation
    tier = carried.tier if guessed else tier_of(usage) or carried.tier
    habit = carried.habit.after(sighting, line.speed)
    overhead = carried.overhead
    if overhead is None and not waits:
        overhead = _overhead(entered)
    learnt = _learnt(sighting, things, entered, carried, compared)
    return row, Carried(
        before=row,
        left=left,
        tier=tier,
        source=sighting,
        habit=habit,
        reads=reads,
        start=len(rows) if compared.opens else carried.start,
        overhead=overhead,
        calibration=learnt,
        peak=context if compared.opens else max(carried.peak, context),
        pending=things if waits else (),
        thought=_thinking(entered, resumed, began=compared.opens and parent is None),
    )


def why(
    sighting: Sighting,
    call: Tokens,
    rows: Sequence[Request],
    peaks: Sequence[int],
    carried: Carried,
    reads: Reads,
    speed: str | None,
    idle: float | None,
) -> Why | None:
    """The cause of a bust with how far it reached; None when it is too small to be explained."""
    if carried.before is None or carried.source is None:
        return None
    case = Case(sighting, carried.before, carried.source, carried.habit, speed, idle, carried.tier)
    found = explain(case, carried.left - call.cache_read)
    if found is None:
        return None
    lost, broke_at = reach(call.cache_read, carried.reads.floor, rows, peaks, carried.start)
    # What has a cause, or a verdict of the server, is that and not a cache that got stuck.
    stuck = reads.stuck and found.confidence == "unknown"
    return replace(found, reach=lost, broke_at=broke_at, stuck=stuck)


class Beside(Struct, frozen=True, gc=False):
    """Calls beside the message: what they cost (None: one has no price), and if that is a guess."""

    split: Split | None
    guessed: bool


def besides(
    line: UsageLine,
    model: str | None,
    at: float | None,
    price: Price | None,
    tier: Ttl,
    prices: PriceTable,
) -> Beside:
    """Cost that the top-level counts leave out: advisor and compaction calls, web searches.

    Reads count as re-reading, output as output, the rest as new content.
    """
    total, guessed = NOTHING, False
    if line.web_search_requests and price is not None:
        total += Split(fresh=line.web_search_requests * price.web_search)
    for iteration in line.iterations:
        if iteration.type not in BILLED_BESIDES:
            continue
        usage, guess = settle(iteration.tokens, tier)
        own = prices.price(
            iteration.model or model,
            at,
            prompt_tokens=usage.prompt_tokens,
            fast=line.speed == "fast" and iteration.model in (None, model),
            geo=line.inference_geo,
        )
        if own is None:
            return Beside(None, guessed)
        total += split_cost(usage, own, 0)
        guessed = guessed or guess
    return Beside(total, guessed)


def next_step(blocks: list[Block]) -> tuple[str, str]:
    """What the model did next: the tool and its telling argument, else ``answer``."""
    calls = [block for block in blocks if block.type in ("tool_use", "server_tool_use")]
    if not calls:
        return ("answer", "") if any(block.type == "text" for block in blocks) else ("", "")
    first = calls[0]
    more = f" +{len(calls) - 1}" if len(calls) > 1 else ""
    return first.name, f"{first.label}{more}".strip()


def avoidable(split: Split | None, price: Price | None, rewritten: int) -> float | None:
    """What losing the cache cost beyond a normal read of the same; None without a price."""
    if split is None or price is None:
        return None
    return split.rewrite - price.read * rewritten if rewritten else 0.0


def _gap(before: Request | None, sighting: Sighting) -> float | None:
    if before is None or before.started_at is None or sighting.started_at is None:
        return None
    return max(0.0, sighting.started_at - before.started_at)


def _entered(
    sighting: Sighting,
    things: tuple[Entered, ...],
    carried: Carried,
    compared: Comparison,
    context: int,
    parent: Parent | None,
) -> tuple[Entered, ...]:
    """What the request brought into the context; the answer before it comes first.

    ``carried`` is what the request hands on that this one goes on from.
    """
    before, source, model = carried.before, carried.source, sighting.model
    if before is None or source is None or (compared.opens and parent is None):
        copied = before is None and sighting.first is not sighting
        overhead = _copied_overhead(sighting) if copied else carried.overhead
        copied = copied and not sighting.boundaries
        return opening(things, context, overhead, model, copied=copied)
    growth = Growth(
        context - before.context if parent is not None else compared.growth,
        carried.thought if _drops(sighting, things) else None,
        is_complete(sighting.version),
    )
    return growing(things, source.blocks, before, growth, model)


def _drops(sighting: Sighting, things: Sequence[Entered]) -> bool:
    """Whether the thinking of the turns before leaves the context: with a prompt, if at all."""
    if keeps_thinking(sighting.model):
        return False
    signs = sighting.signs
    return bool(signs.prompts) or signs.machine or any(item.kind == "prompt" for item in things)


def _thinking(entered: Sequence[Entered], carried: Carried, *, began: bool) -> int:
    """Tokens of thinking in the context after what entered, or left."""
    parts = [part for item in entered for part in item.parts or (item,)]
    came = sum(part.tokens or 0 for part in parts if part.kind == "thinking")
    if began or any(item.name == DROPPED and leaves(item) for item in entered):
        return came
    return carried.thought + came


def _overhead(entered: Sequence[Entered]) -> int | None:
    return next((item.tokens for item in entered if item.kind == "overhead"), None)


def _copied_overhead(sighting: Sighting) -> int:
    """What the session that was copied began with, by the copy of its first response."""
    _, last_call = calls_of(sighting.first_usage or NO_USAGE)
    return before_any(sighting.first.entered, prompt_tokens(last_call), sighting.model)


def _learnt(
    sighting: Sighting,
    things: Sequence[Entered],
    entered: Sequence[Entered],
    carried: Carried,
    compared: Comparison,
) -> Calibration:
    """The calibration with this request, where what came from outside is known exactly."""
    before = carried.before
    if before is None or compared.opens or before.output_is_lower_bound:
        return carried.calibration
    if any(item.name == TOOL_SEARCH for item in things) or any(map(leaves, entered)):
        return carried.calibration
    if (before.thinks or before.thinking_tokens) and _drops(sighting, things):
        return carried.calibration
    growth = compared.growth - before.usage.output_tokens
    return carried.calibration.after(growth, foretold(things, sighting.model))
