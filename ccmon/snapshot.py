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

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from ccmon.measures import TTL_SECONDS, Span, Split, Ttl, Usage
from ccmon.requests import MAIN, Attempt, Bust, Compaction, Kind, Method, Request

Status = Literal["busy", "idle", "waiting", "ended", "unknown"]
DragState = Literal["off", "high", "dominates"]
CacheState = Literal["warm", "cold", "off", "unknown"]
AlertState = Literal["off", "high", "severe"]
WindowSource = Literal["table", "observed", "config", "statusline", "unknown"]
Severity = Literal["info", "warn", "high"]

_BELIEVABLE = 366 * 86_400.0
"""Seconds from which on the age of a cache tells of a wrong clock, not of a cache."""


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

    @property
    def current(self) -> int:
        """Tokens that the next request begins with: what a compaction left, else ``tokens``."""
        return self.tokens if self.compacted_to is None else self.compacted_to


class NextRequest(Struct, frozen=True, eq=False, gc=False):
    """Price of the next request, cache warm and cold; ``reread`` + ``fresh`` = warm.

    ``lapse`` is what writing again what it would have re-read costs beyond ``reread``.
    ``estimated`` after a compaction, while only an estimate says what that left.
    """

    warm: float | None
    cold: float | None
    reread: float | None
    fresh: float | None
    lapse: float | None = None
    estimated: bool = False


class CacheAlert(Struct, frozen=True, eq=False, gc=False):
    """Is rewriting dominating: accounting, section 11.

    ``share`` of the cost of the last 50 requests that went into rewriting (None before 20 of
    them), ``busts`` and ``rewritten`` tokens among them; ``since_request`` where the present state
    was entered.
    """

    state: AlertState = "off"
    share: float | None = None
    busts: int = 0
    rewritten: int = 0
    since_request: int | None = None


class TtlCheck(Struct, frozen=True, eq=False, gc=False):
    """What this thread's pauses would have cost in either cache tier: accounting, section 7.

    ``cost_5m`` and ``cost_1h`` are writing everything once and again after each pause beyond the
    tier, None while fewer than three pauses lie between the tiers or a price is missing.
    ``over_5m`` and ``over_1h`` count pauses.
    """

    cost_5m: float | None = None
    cost_1h: float | None = None
    over_5m: int = 0
    over_1h: int = 0

    @property
    def cheaper(self) -> Ttl | None:
        """The tier that would have cost less; None when they cannot be compared."""
        if self.cost_5m is None or self.cost_1h is None:
            return None
        return "5m" if self.cost_5m < self.cost_1h else "1h"


class Cache(Struct, frozen=True, eq=False, gc=False):
    """Cache behaviour of one thread.

    ``caching`` is False when no request ever read or wrote the cache.
    ``expires_at`` counts from the start of the last request (the safer
    reading). ``avoidable`` is what busts cost beyond a normal read; ``written`` the tokens ever
    written to the cache. ``ttl_is_estimated`` where no write said to which tier it went.
    """

    caching: bool
    ttl: Ttl | None
    expires_at: float | None
    hit_rate: float | None
    hit_rate_last20: float | None
    write_factor: float | None
    busts: int
    avoidable: float | None
    written: int = 0
    alert: CacheAlert = CacheAlert()
    ttl_check: TtlCheck = TtlCheck()
    ttl_is_estimated: bool = False

    def state_at(self, now: float) -> CacheState:
        """Warm or cold at ``now``; ``off`` without caching, ``unknown`` without a deadline."""
        if not self.caching:
            return "off"
        if self.expires_at is None:
            return "unknown"
        return "warm" if now < self.expires_at else "cold"

    def left_at(self, now: float) -> float | None:
        """Seconds until the cache goes cold, None unless it is warm.

        Never more than it lives: the clock that wrote the transcript may be ahead of ours.
        """
        if self.expires_at is None or self.state_at(now) != "warm":
            return None
        return min(self.expires_at - now, TTL_SECONDS[self.ttl or "1h"])

    def cold_for(self, now: float) -> float | None:
        """Seconds since the cache went cold, None unless it is, and where no clock can be right."""
        if self.expires_at is None or self.state_at(now) != "cold":
            return None
        since = now - self.expires_at
        return since if since < _BELIEVABLE else None


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
    """Billed requests that no transcript line shows; never inside ``cost``.

    ``requests`` is the least number known of. ``method`` is ``exact`` where the client's own
    totals gave the figure, ``usage`` is None where only a price could be estimated.
    """

    requests: int
    cost: float | None
    method: Method
    usage: Usage | None = None


class Finding(Struct, frozen=True, eq=False, gc=False):
    """Something worth doing: accounting, section 12.

    ``key`` tells it apart from other findings of the session, also later: what is dismissed is
    dismissed by it. ``title`` says what was found, ``action`` in one sentence what to do, ``basis``
    what both rest on. ``value`` is the money expected over the next two prompts, by which findings
    rank; ``saving`` is one sum, ``saving_per_request`` a rate. ``thread`` and ``request`` lead to
    the evidence. ``past`` says that what it tells of is long over: it is still worth knowing, and
    no reason to fail (``--fail-on``).
    """

    id: str
    key: str
    severity: Severity
    title: str
    action: str
    basis: str
    value: float = 0.0
    saving: float | None = None
    saving_per_request: float | None = None
    thread: str = MAIN
    request: int | None = None
    evidence: tuple[tuple[str, str | int | float | None], ...] = ()
    past: bool = False


class Limit(Struct, frozen=True, gc=False):
    """A usage limit of the plan: ``name`` (``5h``, ``7d``), share used, when it resets."""

    name: str
    used: float
    resets_at: float | None


class Reported(Struct, frozen=True, gc=False):
    """What Claude Code told its status line at ``at``, where that is kept (``ccmon statusline``).

    ``cost`` is the client's own total in USD, hidden requests included. ``cache_at`` is when
    ``ttl`` and ``expires_at`` were told, where that was before ``at``.
    """

    at: float
    window: int | None = None
    ttl: Ttl | None = None
    expires_at: float | None = None
    cost: float | None = None
    limits: tuple[Limit, ...] = ()
    cache_at: float | None = None


class Notice(Struct, frozen=True, eq=False, gc=False):
    """Something the user is told of once; ``serial`` grows with each."""

    serial: int
    severity: Severity
    session_id: str
    title: str
    text: str
    finding: str


Flag = Literal["fixed", "superseded", "unused", "cold"]
"""What is known of an item's use: accounting, section 8."""


class Composition(Struct, frozen=True, eq=False, gc=False):
    """All items of one kind (tool results: of one tool), accounting, section 9.

    ``items`` and ``tokens`` are what is in the context now; ``bill_tokens`` and ``cost`` what all
    that ever was there has been billed for, ``cost`` None without any price. That of
    ``unattributed`` holds fees for web searches as well, and what calls of server tools inside a
    response read besides the context.
    """

    kind: Kind
    tool: str | None
    items: int
    tokens: int
    bill_tokens: int
    cost: float | None
    method: Method


class Item(Struct, frozen=True, eq=False, gc=False):
    """One thing that is in the context now, and what carrying it has cost.

    ``entered`` is the request it came with, ``carried`` how many requests have read it since, the
    first included. ``named`` is the last request that named it, ``useless_tokens`` and
    ``useless_cost`` the part of its bill since it was last named or was superseded.
    """

    kind: Kind
    tool: str | None
    label: str
    entered: int
    tokens: int
    carried: int
    bill_tokens: int
    cost: float | None
    method: Method
    spans: tuple[Span, ...]
    flag: Flag | None = None
    named: int | None = None
    useless_tokens: int = 0
    useless_cost: float | None = None


class Inventory(Struct, frozen=True, eq=False):
    """What is in the context of one thread: the sums, and every item on demand.

    The items are made anew by each call of ``items`` from what was folded when the snapshot was
    taken; they stand in the order of the prompt. ``cost_is_lower_bound`` says that requests without
    a price carried them too: the bills in tokens count those, the money does not.
    """

    composition: tuple[Composition, ...]
    items: Callable[[], tuple[Item, ...]]
    cost_is_lower_bound: bool = False


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
    cache: Cache | None = None
    next_request: NextRequest | None = None
    inventory: Inventory | None = None


class AttemptCounts(Struct, frozen=True, gc=False):
    """How many requests were sent that no response answers, by what became of them."""

    in_flight: int = 0
    refused: int = 0
    lost: int = 0


class Session(Struct, frozen=True, eq=False, gc=False):
    """One session: the main thread's requests and the sums with its sub-agents.

    ``request_count``, ``usage``, ``cost`` and ``spend.session`` include
    sub-agents; ``context``, ``cache``, ``reread``, ``drag``, ``compactions`` are
    the main thread. ``lower_bound_reasons`` says why ``cost`` is a lower bound.
    The objects from ``context`` to ``drag`` are None while no request is known. ``findings`` are
    ranked, the most pressing first. ``attempts`` are all in flight and the newest of the others,
    ``attempt_counts`` counts all of them. ``went_on`` is the session that its process left it for
    (``/clear``), as far as that was seen.
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
    attempts: tuple[Attempt, ...] = ()
    attempt_counts: AttemptCounts = AttemptCounts()
    findings: tuple[Finding, ...] = ()
    reported: Reported | None = None
    inventory: Inventory | None = None
    went_on: str | None = None


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

    ``unreadable_files`` counts folders that may not be looked into, and what only has the name of a
    transcript, as well; ``cost_state_conflicts`` sessions whose own totals are less than what their
    lines add up to.
    ``estimator`` is what sizes are predicted from where several things entered at once.
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
    cost_state_conflicts: int = 0
    estimator: Literal["cl100k", "characters"] = "characters"


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
    notices: tuple[Notice, ...] = ()
