"""What is shown of requests: one API response, fully accounted, and what lies between two.

Money is USD at list price, tokens are integers, times are epoch seconds (UTC). None means "not
known" or "not applicable", never 0. The structs compare by identity, as all of a snapshot do.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ccmon.measures import Asked, Picture, Price, Span, Split, Usage

MAIN = "main"
"""The thread name of a session's main chain; sub-agents go by their agent id."""

Method = Literal["exact", "split", "estimated"]
Kind = Literal[
    "overhead",
    "prompt",
    "text",
    "thinking",
    "tool_use",
    "tool_result",
    "attachment",
    "image",
    "loaded_tools",
    "summary",
    "unattributed",
]
"""What can be in a context: accounting, section 9."""
Cause = Literal[
    "server_forgot",
    "tools_loaded",
    "model_switch",
    "idle_past_ttl",
    "client_changed",
    "resume",
    "effort_or_speed",
    "tool_list_changed",
    "image_or_setting",
    "thinking_stripped",
    "thinking_dropped",
    "long_pause",
    "unknown",
]
Confidence = Literal["server", "exact", "timestamps", "inferred", "unknown"]
Reach = Literal["everything", "system kept", "partial"]


class Entered(Struct, frozen=True, eq=False, gc=False):
    """Something that entered the context with a request.

    ``size`` is bytes of JSON on disk, 0 where no line shows it. ``tokens`` are its share of the
    growth, which is exact as a sum: ``method`` says whether the share is exact as well (counted, or
    the only thing that came), split by weight, or estimated. An ``output`` is the answer before,
    with its blocks as ``parts``; ``unattributed`` is what nothing explains, and may be negative, or
    what left (``dropped`` thinking, ``cleared`` results).
    ``asked`` is what the call behind a tool result asked for, where another one can supersede it.
    ``size`` leaves out the data of ``pictures``. ``counted`` are tokens of the public tokenizer,
    where the text was read back to be counted; they weigh, they are no size by themselves.
    ``is_error`` marks the result of a call that failed or was denied.
    """

    kind: Kind | Literal["output"]
    name: str
    label: str
    size: int
    tokens: int | None
    spans: tuple[Span, ...]
    method: Method = "exact"
    parts: tuple[Entered, ...] = ()
    asked: Asked | None = None
    pictures: tuple[Picture, ...] = ()
    counted: int | None = None
    is_error: bool = False


class Why(Struct, frozen=True, eq=False, gc=False):
    """Why a request found less in the cache than expected: accounting, section 6.

    ``server_reason`` is the API's own verdict as written. ``detail`` names what changed
    (``sonnet-5-5 -> opus-5-5``, ``TaskCreate``), empty where there is nothing to name. ``idle`` is
    the pause before the request and ``ttl`` the lifetime it is held against, in seconds. ``reach``
    says how much of the prefix was lost; ``broke_at`` names the first thing not found any more,
    where the loss is partial. ``stuck`` marks the third request in a row that read the same
    part while the context grew, where no cause is known.
    """

    cause: Cause
    confidence: Confidence
    server_reason: str | None = None
    detail: str = ""
    idle: float | None = None
    ttl: float | None = None
    reach: Reach = "everything"
    broke_at: str | None = None
    stuck: bool = False


class Request(Struct, frozen=True, eq=False, gc=False):
    """One API response, fully accounted. Definitions: accounting, section 2.

    ``n`` counts from 1 within its thread. ``context`` is what the model read
    last, ``cached`` how much of that came from the cache, ``first_read`` what the first call found
    there (``usage`` sums over several calls where server tools made them); ``growth`` may be
    negative; ``new`` and ``reread`` split the context;
    ``rewritten`` is 0 unless the request busts. ``idle`` is the time from the
    start of the request before to the start of this one. ``cost`` and
    ``split`` are None when the model has no price. ``estimated`` says that the
    cost rests on a guess (TTL split absent, unconfirmed price row).
    ``verb``/``label`` name the next step (tool and argument); ``prompt`` is the
    text that started the turn, on its first request only. ``resumes`` is the request that
    it goes on from after a rewind. ``machine_prompt`` marks the first
    request after a prompt that no person typed (schedule, notification, peer). ``why`` is None
    unless the request busts, and for a bust too small to be explained without the server's word.
    ``miss_reason`` is the API's own verdict on its cache miss, as written, also where it is none.
    ``names`` are the base names of files that the answer speaks of.
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
    resumes: int | None = None
    machine_prompt: bool = False
    miss_reason: str | None = None
    why: Why | None = None
    names: tuple[str, ...] = ()
    first_read: int = 0

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
    """A request that found less in the cache than the one before had left there.

    ``cache_read`` is what it did find. ``request`` may shift as more lines of a session are found,
    ``message_id`` stays. ``estimated`` says that ``avoidable`` rests on a guess.
    """

    request: int
    thread: str
    at: float | None
    expected_read: int
    cache_read: int
    rewritten: int
    avoidable: float | None
    why: Why | None = None
    message_id: str = ""
    estimated: bool = False


class Attempt(Struct, frozen=True, eq=False, gc=False):
    """A request that was sent and that no response answers.

    ``refused`` ones came back with an error and are not billed. What a ``lost`` one is billed is
    not known: ``usage`` and ``cost`` are its prompt as its repetition shows it, without any output.
    """

    thread: str
    at: float | None
    state: Literal["in_flight", "refused", "lost"]
    reason: str
    usage: Usage | None = None
    cost: float | None = None
