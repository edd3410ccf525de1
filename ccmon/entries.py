"""What one transcript line says, reduced to what accounting needs.

``transcripts.decode`` makes these from bytes; ``ledger`` consumes them. They
hold no transcript text beyond short clipped labels: where text is wanted again
it is read back from the file by the position of its line.
"""

from typing import Literal

from msgspec import Struct

from ccmon.measures import Asked, Picture

LABEL_LIMIT = 200
"""Longest label kept from transcript text, in characters."""


class Tokens(Struct, frozen=True, array_like=True, gc=False):
    """The counts of one usage object as written, missing or absurd ones as 0.

    ``cache_creation`` is the larger of the total and the sum of its split;
    ``split_known`` is False when the line gave no 5m/1h split.
    """

    input: int = 0
    cache_creation: int = 0
    cache_creation_5m: int = 0
    cache_creation_1h: int = 0
    cache_read: int = 0
    output: int = 0
    split_known: bool = True


class Iteration(Struct, frozen=True, array_like=True, gc=False):
    """One entry of ``usage.iterations``: ``message``, ``compaction``, ``advisor_message`` …"""

    type: str
    model: str | None
    tokens: Tokens


class UsageLine(Struct, frozen=True, array_like=True, gc=False):
    """A usage object: its top-level counts and what else decides the price."""

    tokens: Tokens
    thinking_tokens: int | None = None
    web_search_requests: int = 0
    speed: str | None = None
    inference_geo: str | None = None
    iterations: tuple[Iteration, ...] = ()


class Block(Struct, frozen=True, gc=False):
    """One content block of an assistant line.

    ``name`` is the tool's name and ``label`` the telling argument of the call
    (path, command, pattern …), both for tool calls only. ``size`` is the length
    of the block's JSON in bytes, ``arguments`` how many a call has. ``asked`` is what a call asked
    for, where a later one can supersede its result; ``names`` are the base names of files that the
    block speaks of.
    """

    type: str
    size: int
    name: str = ""
    tool_use_id: str = ""
    label: str = ""
    asked: Asked | None = None
    names: tuple[str, ...] = ()
    arguments: int = 0


class ToolResult(Struct, frozen=True, gc=False):
    """One tool_result block of a user line; ``size`` in bytes of its JSON without its pictures."""

    tool_use_id: str
    size: int
    is_error: bool = False
    pictures: tuple[Picture, ...] = ()


class Entry(Struct, frozen=True, gc=False, kw_only=True):
    """What every record of the message chain carries.

    ``timestamp`` is epoch seconds (UTC), None when absent or unreadable.
    ``session_id`` is the line's own claim; the file name decides the session.
    """

    uuid: str | None = None
    parent_uuid: str | None = None
    timestamp: float | None = None
    session_id: str | None = None
    cwd: str | None = None
    version: str | None = None
    is_sidechain: bool = False
    agent_id: str | None = None


class AssistantEntry(Entry, frozen=True, gc=False, kw_only=True):
    """One ``assistant`` line: part of the response ``message_id``.

    ``attempt_id`` names the attempt that it answers (see ``AttemptEntry``). ``miss_reason`` is the
    API's own verdict on a cache miss, as written; ``thinking_dropped`` says
    that it dropped earlier thinking that did not belong to the prefix any more.
    """

    message_id: str
    model: str | None = None
    stop_reason: str | None = None
    usage: UsageLine | None = None
    blocks: tuple[Block, ...] = ()
    request_id: str | None = None
    request_session_id: str | None = None
    forked_from: str | None = None
    requested_model: str | None = None
    effort: str | None = None
    attempt_id: str | None = None
    miss_reason: str | None = None
    thinking_dropped: bool = False


class UserEntry(Entry, frozen=True, gc=False, kw_only=True):
    """One ``user`` line.

    ``prompt`` is ``human`` for something a person asked, ``machine`` for a
    prompt that came from elsewhere (task notification, schedule, peer), None
    for tool results, injected text, command output and interrupts.
    ``cut_notice`` marks the notice that the response before was cut off in
    mid-stream; ``interrupted`` the line "[Request interrupted by user]", ``stopped_tool`` the one
    that says that a tool was stopped and not a request. ``result_is_receipt``: the agent of
    ``result_agent_id`` has only been started.
    ``has_image`` says that it brought an image, alone or in a tool result; ``pictures`` are those
    that are in none, and ``size`` is bytes of JSON without their data.
    """

    prompt: Literal["human", "machine"] | None = None
    label: str = ""
    size: int = 0
    results: tuple[ToolResult, ...] = ()
    result_agent_id: str | None = None
    result_is_receipt: bool = False
    is_meta: bool = False
    is_compact_summary: bool = False
    cut_notice: bool = False
    interrupted: bool = False
    stopped_tool: bool = False
    has_image: bool = False
    pictures: tuple[Picture, ...] = ()


class CompactionEntry(Entry, frozen=True, gc=False, kw_only=True):
    """A ``system`` line of subtype ``compact_boundary``."""

    trigger: str = "unknown"
    pre_tokens: int | None = None
    post_tokens: int | None = None


class AttachmentEntry(Entry, frozen=True, gc=False, kw_only=True):
    """An ``attachment``: text that the client put into the prompt by itself.

    ``size`` is bytes of JSON of what entered, 0 where nothing did. ``change`` says that something
    in front of the conversation has changed with it: the list of ``tools``, MCP servers or agents
    (``detail`` names what), or that the session was resumed (``resume``).
    """

    kind: str
    size: int = 0
    change: Literal["tools", "resume"] | None = None
    detail: str = ""


class FallbackEntry(Entry, frozen=True, gc=False, kw_only=True):
    """From here on another model answers, for safety; ``detail`` names both."""

    detail: str = ""


class AttemptEntry(Entry, frozen=True, gc=False, kw_only=True):
    """An ``api-request`` line: a request was sent. One a response refers to was answered."""

    attempt_id: str
    model: str | None = None


class ErrorEntry(Entry, frozen=True, gc=False, kw_only=True):
    """What became of an attempt that failed; ``reason`` in a few words.

    ``refused`` says that the server answered with an error; the connection was lost otherwise.
    """

    reason: str
    refused: bool


class ChainEntry(Entry, frozen=True, gc=False, kw_only=True):
    """Any other record of the chain (attachment, progress, system): only its links matter."""


class TitleEntry(Struct, frozen=True, gc=False):
    """A line that names the session; ``source`` is the record type."""

    source: Literal["custom-title", "ai-title", "summary", "last-prompt"]
    text: str


class ModelBill(Struct, frozen=True, gc=False):
    """The client's own sums for one model; ``cost`` in USD, None when it gave none."""

    model: str
    tokens: Tokens
    web_search_requests: int = 0
    cost: float | None = None


class CostEntry(Struct, frozen=True, gc=False):
    """A ``cost-state`` line: the client's own totals of the session up to there.

    ``cost`` in USD; ``models`` is empty when it gave no usage. ``guessed`` says that the client had
    no price for one of the models.
    """

    session_id: str | None
    cost: float
    guessed: bool = False
    models: tuple[ModelBill, ...] = ()


AnyEntry = (
    AssistantEntry
    | UserEntry
    | CompactionEntry
    | AttachmentEntry
    | FallbackEntry
    | AttemptEntry
    | ErrorEntry
    | ChainEntry
    | TitleEntry
    | CostEntry
)
