"""What a face shows: one immutable Snapshot.

Every face (Textual app, ``--once`` text, JSON) prints from these structs, so
the numbers agree by construction. Money is USD at list price, tokens are
integers, times are epoch seconds (UTC), ratios run from 0 to 1. None means
"not known" or "not applicable", never 0. Terms follow accounting: request,
turn, thread, segment, context, re-read.

Structs compare by identity (``eq=False``): a snapshot is rebuilt, never edited,
and a reactive that compared fifty thousand requests would cost more than it
saves.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ccmon.measures import Price, Span, Split, Ttl, Usage

MAIN = "main"
"""The thread name of a session's main chain; sub-agents go by their agent id."""

Status = Literal["busy", "idle", "waiting", "ended", "unknown"]
DragState = Literal["off", "high", "dominates"]
CacheState = Literal["warm", "cold", "off", "unknown"]
WindowSource = Literal["table", "observed", "config", "statusline", "unknown"]
Method = Literal["exact", "split", "estimated"]


class Entered(Struct, frozen=True, eq=False, gc=False):
    """Something that entered the context with a request.

    ``tokens`` is known only where arithmetic gives it (the output before; the
    rest when exactly one thing came). ``size`` is bytes of JSON on disk.
    """

    kind: Literal["output", "prompt", "tool_result", "summary", "injected"]
    name: str
    label: str
    size: int
    tokens: int | None
    spans: tuple[Span, ...]


class Request(Struct, frozen=True, eq=False, gc=False):
    """One API response, fully accounted. Definitions: accounting, section 2.

    ``n`` counts from 1 within its thread. ``context`` is what the model read
    last, ``cached`` how much of that came from the cache (``usage`` sums over several calls where
    server tools made them); ``growth`` may be negative; ``new`` and ``reread`` split the context;
    ``rewritten`` is 0 unless the request busts. ``idle`` is the time from the
    start of the request before to the start of this one. ``cost`` and
    ``split`` are None when the model has no price. ``estimated`` says that the
    cost rests on a guess (TTL split absent, unconfirmed price row).
    ``verb``/``label`` name the next step (tool and argument); ``prompt`` is the
    text that started the turn, on its first request only.
    """

    n: int
    thread: str
    message_id: str
    request_id: str | None
    at: float | None
    started_at: float | None
    model: str | None
    effort: str | None
    version: str | None
    stop_reason: str | None
    usage: Usage
    thinking_tokens: int | None
    web_searches: int
    context: int
    cached: int
    growth: int
    new: int
    reread: int
    expected_read: int
    rewritten: int
    bust: bool
    price: Price | None
    cost: float | None
    extra_cost: float
    split: Split | None
    avoidable: float | None
    output_is_lower_bound: bool
    estimated: bool
    turn: int
    starts_turn: bool
    segment: int
    starts_segment: bool
    idle: float | None
    verb: str
    label: str
    thinks: bool
    prompt: str | None
    entered: tuple[Entered, ...]
    spans: tuple[Span, ...]

    @property
    def read_share(self) -> float | None:
        """Share of the context that came from the cache; None for an empty prompt."""
        return self.cached / self.context if self.context else None


class Compaction(Struct, frozen=True, eq=False, gc=False):
    """A compaction before request ``before_request`` (may be one past the last).

    ``cost`` is the call itself, which the transcript does not show: estimated
    from ``pre_tokens`` unless an agent file holds it (``method`` exact).
    """

    before_request: int
    at: float | None
    trigger: str
    pre_tokens: int | None
    summary_tokens: int
    context_before: int
    context_after: int
    cost: float | None
    method: Method


class Bust(Struct, frozen=True, eq=False, gc=False):
    """A request that found less in the cache than the one before had left there."""

    request: int
    thread: str
    at: float | None
    expected_read: int
    cache_read: int
    rewritten: int
    avoidable: float | None


class Context(Struct, frozen=True, eq=False, gc=False):
    """The context of the newest main request, and how it grows.

    ``compacted_to`` is the estimated context after a compaction that no request followed yet.
    """

    tokens: int
    compacted_to: int | None
    window: int | None
    window_source: WindowSource
    fill: float | None
    growth_per_request: float | None
    requests_per_turn: float | None
    crossing_point: float | None


class NextRequest(Struct, frozen=True, eq=False, gc=False):
    """Price of the next request, cache warm and cold; ``reread`` + ``fresh`` = warm."""

    warm: float | None
    cold: float | None
    reread: float | None
    fresh: float | None


class Cache(Struct, frozen=True, eq=False, gc=False):
    """Cache behaviour of the main thread.

    ``caching`` is False when no request ever read or wrote the cache.
    ``expires_at`` counts from the start of the last request (the safer
    reading). ``avoidable`` is what busts cost beyond a normal read.
    """

    caching: bool
    ttl: Ttl | None
    expires_at: float | None
    hit_rate: float | None
    hit_rate_last20: float | None
    write_factor: float | None
    busts: int
    avoidable: float | None

    def state_at(self, now: float) -> CacheState:
        """Warm or cold at ``now``; ``off`` without caching, ``unknown`` without a deadline."""
        if not self.caching:
            return "off"
        if self.expires_at is None:
            return "unknown"
        return "warm" if now < self.expires_at else "cold"


class Reread(Struct, frozen=True, eq=False, gc=False):
    """How often the main thread's context was read again."""

    share: float | None
    unique_tokens: int
    input_tokens: int
    amplification: float | None
    effective_multiple: float | None


class Drag(Struct, frozen=True, eq=False, gc=False):
    """Is re-reading dominating: accounting, section 11.

    ``base_tokens`` is what a compaction would leave; ``carried`` the money paid
    for carrying more than that since the segment began; ``compact`` the price
    of compacting now; ``o`` = carried / compact; ``payback_requests`` when it
    pays back; ``removes`` the share of the next warm request it would remove;
    ``since_request`` where the present state was entered.
    """

    state: DragState
    d: float | None
    o: float | None
    base_tokens: int | None
    carried: float | None
    compact: float | None
    compact_cold: float | None
    saving_per_request: float | None
    payback_requests: float | None
    removes: float | None
    since_request: int | None


class Spend(Struct, frozen=True, eq=False, gc=False):
    """Cost splits over three spans of the main thread; ``session`` includes sub-agents."""

    last12: Split | None
    segment: Split | None
    session: Split | None


class Hidden(Struct, frozen=True, eq=False, gc=False):
    """Billed requests that no transcript line shows; never inside ``cost``."""

    requests: int
    cost: float | None
    method: Method


class Subagent(Struct, frozen=True, eq=False, gc=False):
    """A sub-agent's thread: counted to its session, with a context of its own."""

    agent_id: str
    type: str | None
    description: str | None
    parent_agent_id: str | None
    model: str | None
    active: bool
    usage: Usage
    cost: float | None
    cost_is_lower_bound: bool
    context_tokens: int | None
    requests: tuple[Request, ...]


class Session(Struct, frozen=True, eq=False, gc=False):
    """One session: the main thread's requests and the sums with its sub-agents.

    ``request_count``, ``usage``, ``cost`` and ``spend.session`` include
    sub-agents; ``context``, ``cache``, ``reread``, ``drag``, ``compactions`` are
    the main thread. ``lower_bound_reasons`` says why ``cost`` is a lower bound.
    The objects from ``context`` to ``drag`` are None while no request is known.
    """

    session_id: str
    title: str | None
    project: str
    cwd: str | None
    model: str | None
    effort: str | None
    version: str | None
    active: bool
    status: Status
    waiting_for: str | None
    started_at: float | None
    last_request_at: float | None
    last_line_at: float | None
    turns: int
    request_count: int
    usage: Usage
    cost: float | None
    cost_is_lower_bound: bool
    cost_is_estimated: bool
    lower_bound_reasons: tuple[str, ...]
    unpriced_requests: int
    output_lower_bound_requests: int
    hidden: Hidden | None
    context: Context | None
    next_request: NextRequest | None
    cache: Cache | None
    reread: Reread | None
    spend: Spend | None
    drag: Drag | None
    busts: tuple[Bust, ...]
    compactions: tuple[Compaction, ...]
    subagents: tuple[Subagent, ...]
    requests: tuple[Request, ...]


class ModelTotals(Struct, frozen=True, eq=False, gc=False):
    """Sums over all requests that name one model (None: no model named)."""

    model: str | None
    requests: int
    usage: Usage
    cost: float | None
    cost_is_lower_bound: bool


class Totals(Struct, frozen=True, eq=False, gc=False):
    """Sums over all sessions shown. ``cost`` is the sum of what has a price."""

    sessions: int
    active_sessions: int
    requests: int
    usage: Usage
    cost: float | None
    cost_is_lower_bound: bool
    unpriced_requests: int


class Health(Struct, frozen=True, eq=False, gc=False):
    """What was read and what could not be: files, bytes, bad lines, skipped records.

    ``unreadable_files`` counts folders that may not be looked into as well.
    """

    files: int
    bytes: int
    unreadable_files: int
    malformed_lines: int
    salvaged_records: int
    synthetic: int
    copies: int
    unknown_types: int
    watching: Literal["events", "polling", "off"]


class Progress(Struct, frozen=True, eq=False, gc=False):
    """How far the first reading has come."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int

    @property
    def loading(self) -> bool:
        """True until everything that was found has been read once."""
        return self.files_done < self.files_total


class Place(Struct, frozen=True, gc=False):
    """A config home that was looked at, and whether it is there."""

    path: str
    origin: str
    found: bool


class Snapshot(Struct, frozen=True, eq=False, gc=False):
    """Everything that can be shown at one moment. Sessions: newest first."""

    generated_at: float
    places: tuple[Place, ...]
    price_table_date: str
    totals: Totals
    sessions: tuple[Session, ...]
    by_model: tuple[ModelTotals, ...]
    health: Health
    progress: Progress
