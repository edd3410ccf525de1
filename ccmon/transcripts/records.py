"""The records of a transcript as written: the few fields that matter, all optional.

Strict decoding is the fast path. Where one field of a record is odd, ``fitted``
takes the record field by field instead, so that a bad title or an absurd count
never costs the rest (transcripts.md, sections 4 and 5).
"""

import json
import math
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta, Raw, Struct

Count = Annotated[int, Meta(ge=0, le=2**53)]
"""A count that can be meant; anything else is worth 0."""
Dollars = Annotated[float, Meta(ge=0, le=1e9)]
"""A sum of money that can be meant."""


NO_JSON = Raw(b"")
"""Stands for JSON that is absent. (Raw in a union with None does not decode as Raw.)"""


class Split(Struct, gc=False):
    """``usage.cache_creation``: cache writes by lifetime."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputDetails(Struct, gc=False):
    """``usage.output_tokens_details``."""

    thinking_tokens: Count | None = None


class ServerToolUse(Struct, gc=False):
    """``usage.server_tool_use``."""

    web_search_requests: Count | None = None


class Counts(Struct, gc=False):
    """The token counts that a usage object and its iterations share."""

    input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation: Split | None = None


class UsageIteration(Counts, gc=False):
    """One entry of ``usage.iterations``."""

    type: str | None = None
    model: str | None = None


class Usage(Counts, gc=False):
    """``message.usage`` of an assistant record."""

    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerToolUse | None = None
    iterations: list[UsageIteration] | None = None
    speed: str | None = None
    inference_geo: str | None = None


class MissReason(Struct, gc=False):
    """``message.diagnostics.cache_miss_reason``: the API's verdict on a cache miss."""

    type: str | None = None


class Diagnostics(Struct, gc=False):
    """``message.diagnostics``."""

    cache_miss_reason: MissReason | None = None


class Transformation(Struct, gc=False):
    """One of ``message.input_transformations``: what the API did to the prompt."""

    reason: str | None = None


class AssistantMessage(Struct):
    """``message`` of an assistant record."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    content: str | list[Raw] | None = None
    usage: Usage | None = None
    diagnostics: Diagnostics | None = None
    input_transformations: list[Transformation] | None = None


class UserMessage(Struct):
    """``message`` of a user record."""

    content: str | list[Raw] | None = None


class ForkedFrom(Struct, rename="camel", gc=False):
    """``forkedFrom``: the session a copied line comes from."""

    session_id: str | None = None


class Origin(Struct, gc=False):
    """``origin``: who caused a user line."""

    kind: str | None = None


class ToolUseResult(Struct, rename="camel", gc=False):
    """``toolUseResult``, of which only the agent matters; ``is_async``: it was only started."""

    agent_id: str | None = None
    is_async: bool | None = None


class CompactMetadata(Struct, rename="camel", gc=False):
    """``compactMetadata`` of a compaction boundary."""

    trigger: str | None = None
    pre_tokens: Count | None = None
    post_tokens: Count | None = None


class Envelope(Struct, rename="camel"):
    """What every record of the message chain has."""

    type: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    timestamp: datetime | None = None
    session_id: str | None = None
    cwd: str | None = None
    version: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None


class AssistantRecord(Envelope, rename="camel"):
    """A record of type ``assistant``."""

    message: AssistantMessage | None = None
    request_id: str | None = None
    request_session_id: str | None = None
    forked_from: ForkedFrom | None = None
    requested_model: str | None = None
    effort: str | None = None
    request_ref: str | None = None
    is_api_error_message: bool | None = None
    error: str | None = None
    api_error_status: int | None = None


class UserRecord(Envelope, rename="camel"):
    """A record of type ``user``."""

    message: UserMessage | None = None
    tool_use_result: ToolUseResult | str | list[Raw] | None = None
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: Origin | None = None
    prompt_source: str | None = None
    turn_origin: str | None = None


class Attachment(Struct, rename="camel"):
    """``attachment`` of a record of that type: which kind it is, and what it brings."""

    type: str | None = None
    content: Raw = NO_JSON
    text: Raw = NO_JSON
    hook_name: str | None = None
    added_names: list[str] | None = None
    removed_names: list[str] | None = None
    added_types: list[str] | None = None
    removed_types: list[str] | None = None


class ApiError(Struct, gc=False):
    """``error`` of an ``api_error`` record; no status where the connection broke."""

    status: int | None = None
    formatted: str | None = None
    message: str | None = None


class ChainRecord(Envelope, rename="camel"):
    """A record of type ``system``, ``attachment`` or ``progress``."""

    subtype: str | None = None
    compact_metadata: CompactMetadata | None = None
    attachment: Attachment | None = None
    rendered: Raw = NO_JSON
    original_model: str | None = None
    fallback_model: str | None = None
    error: ApiError | str | None = None


class RequestParams(Struct, gc=False):
    """``params`` of an ``api-request`` record."""

    model: str | None = None


class AttemptRecord(Struct, rename="camel"):
    """A record of type ``api-request``; there is one for each request, so it is kept short."""

    type: str | None = None
    id: str | None = None
    timestamp: datetime | None = None
    session_id: str | None = None
    agent_id: str | None = None
    params: RequestParams | None = None


class ModelUse(Struct, rename="camel", gc=False):
    """One model's sums in a ``cost-state`` record; the split of the writes is newer."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    five_minutes: Count | None = msgspec.field(
        default=None, name="cacheCreationEphemeral5mInputTokens"
    )
    one_hour: Count | None = msgspec.field(default=None, name="cacheCreationEphemeral1hInputTokens")
    web_search_requests: Count = 0
    cost: Dollars | None = msgspec.field(default=None, name="costUSD")


class CostRecord(Struct, rename="camel"):
    """A record of type ``cost-state``."""

    type: str | None = None
    session_id: str | None = None
    total_cost: Dollars | None = msgspec.field(default=None, name="totalCostUSD")
    model_usage: dict[str, ModelUse] | None = None
    has_unknown_model_cost: bool | None = None


class TitleRecord(Struct, rename="camel"):
    """A record that names the session."""

    type: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None
    summary: str | None = None
    last_prompt: str | None = None


class AssistantBlock(Struct):
    """A content block of an assistant message."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = NO_JSON


class UserBlock(Struct):
    """A content block of a user message; a tool result's content is passed over."""

    type: str | None = None
    tool_use_id: str | None = None
    is_error: bool | None = None
    text: str | None = None


class Stamped(Struct):
    """Any record, of which only the time matters."""

    timestamp: datetime | None = None


StructT = TypeVar("StructT", bound=Struct)


def seconds(stamp: datetime | None) -> float | None:
    """Epoch seconds of a time; one without a zone is taken as UTC."""
    if stamp is None:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def parsed(text: str) -> object:
    """JSON as the standard library reads it, more forgiving than the fast decoder.

    Control characters pass; numbers that are no finite counts become None.
    Raises ValueError or RecursionError.
    """
    value: object = LENIENT.decode(text)
    return value


def _number(text: str) -> int | None:
    return int(text) if len(text) < 20 else None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


LENIENT = json.JSONDecoder(
    strict=False, parse_int=_number, parse_float=_finite, parse_constant=lambda _: None
)
"""The decoder behind ``parsed``, for those that read several values from one text."""


# Resolving the annotations of a struct is slow, and there are a dozen structs.
_fields = cache(msgspec.structs.fields)


def fitted(cls: type[StructT], value: object) -> StructT:
    """A struct of what fits in a parsed JSON object; every misfit is left at its default."""
    fields: dict[str, Any] = {}
    if isinstance(value, dict):
        for field in _fields(cls):
            if field.encode_name in value:
                found = _fit(field.type, value[field.encode_name])
                if found is not None:
                    fields[field.name] = found
    return cls(**fields)


def _fit(wanted: object, value: object) -> object:
    """The value as the wanted type, None if it cannot be had."""
    options = get_args(wanted) or (wanted,)
    if isinstance(value, dict):
        for option in options:
            if isinstance(option, type) and issubclass(option, Struct):
                return fitted(option, value)
    if isinstance(value, list):
        return _fit_list(options, value)
    if Raw in options:
        return raw(value)
    try:
        return msgspec.convert(scrubbed(value) if isinstance(value, str) else value, wanted)
    except msgspec.ValidationError:
        return None


def _fit_list(options: tuple[Any, ...], values: list[object]) -> list[Any] | None:
    for option in options:
        if option is Raw:
            return None
        for item in get_args(option):
            if item is Raw:
                return [raw(value) for value in values]
            if isinstance(item, type) and issubclass(item, Struct):
                return [fitted(item, value) for value in values]
    return None


def raw(value: object) -> Raw:
    """A parsed value as JSON bytes again, about as long as it was written."""
    return Raw(scrubbed(json.dumps(value, ensure_ascii=False, separators=(",", ":"))).encode())


def scrubbed(text: str) -> str:
    """Text with each lone surrogate replaced, so that it can be encoded."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
