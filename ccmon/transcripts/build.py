"""Records to entries: the records of each kind reduced to what accounting needs."""

import sys
from collections.abc import Callable
from typing import Any, Literal, cast

import msgspec
from msgspec import Raw, Struct

from ccmon.entries import (
    AnyEntry,
    AssistantEntry,
    AttachmentEntry,
    AttemptEntry,
    Block,
    ChainEntry,
    CompactionEntry,
    CostEntry,
    ErrorEntry,
    FallbackEntry,
    Iteration,
    ModelBill,
    TitleEntry,
    Tokens,
    ToolResult,
    UsageLine,
    UserEntry,
)
from ccmon.format import model
from ccmon.transcripts.labels import (
    call_label,
    clipped,
    command_typed,
    decode_arguments,
    prompt_label,
)
from ccmon.transcripts.naming import asked, files_named, files_spoken_of
from ccmon.transcripts.pictures import Pictures, pictures_in
from ccmon.transcripts.prompts import nature
from ccmon.transcripts.records import (
    ApiError,
    AssistantBlock,
    AssistantMessage,
    AssistantRecord,
    Attachment,
    AttemptRecord,
    ChainRecord,
    CompactMetadata,
    CostRecord,
    Counts,
    Envelope,
    ModelUse,
    StructT,
    TitleRecord,
    ToolUseResult,
    Usage,
    UserBlock,
    UserRecord,
    fitted,
    parsed,
    seconds,
)

SYNTHETIC_MODEL = "<synthetic>"
"""The model named in the client's own messages, which no API answered."""

PREFIX_MISMATCH = "prefix_binding_mismatch"
"""Why the API drops thinking from a prompt: it belongs to another prefix."""

_TitleSource = Literal["custom-title", "ai-title", "summary", "last-prompt"]

_LISTINGS = {
    "deferred_tools_delta": "tools",
    "mcp_instructions_delta": "MCP",
    "agent_listing_delta": "agents",
}
_NOT_SENT = frozenset({"prompt_snapshot", "session_context", "deferred_tools_record"})
"""Attachments that are notes of the client to itself."""
_EMPTY = (b"", b"null", b'""', b"[]")
_NAMED = 2
"""So many names of a changed list are told; the rest is counted."""
_FALLBACKS = ("model_fallback", "model_refusal_fallback")

_ASSISTANT_BLOCK = msgspec.json.Decoder(AssistantBlock).decode
_USER_BLOCK = msgspec.json.Decoder(UserBlock).decode


class Decoded(Struct, frozen=True, gc=False):
    """What one line brought.

    ``malformed`` counts records of which nothing can be had, ``salvaged``
    those saved from a line that was not one record. ``skipped`` says that the
    record is of a kind nobody needs, ``unknown`` that its kind is not known.
    ``synthetic`` counts messages of the client's own making.
    """

    entries: tuple[AnyEntry, ...] = ()
    malformed: int = 0
    salvaged: int = 0
    skipped: bool = False
    unknown: bool = False
    synthetic: int = 0


def _envelope(record: Envelope) -> dict[str, Any]:
    return {
        "uuid": record.uuid,
        "parent_uuid": record.parent_uuid,
        "timestamp": seconds(record.timestamp),
        "session_id": record.session_id,
        "cwd": record.cwd,
        "version": _once(record.version),
        "is_sidechain": record.is_sidechain is True,
        "agent_id": record.agent_id,
    }


def _once(text: str | None) -> str | None:
    """The same text as one object, however many lines say it: what is kept of lines adds up."""
    return None if text is None else sys.intern(text)


def _link(record: Envelope) -> Decoded:
    return Decoded((ChainEntry(**_envelope(record)),))


def build_assistant(record: AssistantRecord) -> Decoded:
    message = record.message
    if message is None:
        return _link(record)
    if message.model == SYNTHETIC_MODEL:
        return Decoded((_own_message(record),), synthetic=1)
    if not message.id:
        return _link(record)
    entry = AssistantEntry(
        **_envelope(record),
        message_id=message.id,
        model=_once(message.model),
        stop_reason=_once(message.stop_reason),
        usage=None if message.usage is None else usage_line(message.usage),
        blocks=_blocks(message.content, record.cwd),
        request_id=record.request_id,
        request_session_id=record.request_session_id,
        forked_from=record.forked_from.session_id if record.forked_from else None,
        requested_model=record.requested_model,
        effort=record.effort,
        attempt_id=record.request_ref,
        miss_reason=_miss_reason(message),
        thinking_dropped=any(
            one.reason == PREFIX_MISMATCH for one in message.input_transformations or ()
        ),
    )
    return Decoded((entry,))


def _own_message(record: AssistantRecord) -> ErrorEntry | ChainEntry:
    """A message of the client's own making: it may stand for an answer that was an error."""
    if not record.is_api_error_message:
        return ChainEntry(**_envelope(record))
    status = record.api_error_status
    words = [str(status) if status is not None else "", record.error or ""]
    reason = clipped(" ".join(filter(None, words)) or "API error")
    return ErrorEntry(**_envelope(record), reason=reason, refused=True)


def _miss_reason(message: AssistantMessage) -> str | None:
    reason = message.diagnostics.cache_miss_reason if message.diagnostics else None
    return clipped(reason.type) if reason and reason.type else None


def usage_line(usage: Usage) -> UsageLine:
    """A usage object as written to what accounting needs of it."""
    details, server = usage.output_tokens_details, usage.server_tool_use
    return UsageLine(
        tokens=_tokens(usage),
        thinking_tokens=details.thinking_tokens if details else None,
        web_search_requests=(server.web_search_requests or 0) if server else 0,
        speed=usage.speed,
        inference_geo=usage.inference_geo,
        iterations=tuple(
            Iteration(one.type or "", one.model, _tokens(one)) for one in usage.iterations or ()
        ),
    )


def _tokens(counts: Counts) -> Tokens:
    split = counts.cache_creation
    short = (split.ephemeral_5m_input_tokens or 0) if split else 0
    long = (split.ephemeral_1h_input_tokens or 0) if split else 0
    return Tokens(
        input=counts.input_tokens or 0,
        # A gateway may leave the total at 0 and fill in only the split.
        cache_creation=max(counts.cache_creation_input_tokens or 0, short + long),
        cache_creation_5m=short,
        cache_creation_1h=long,
        cache_read=counts.cache_read_input_tokens or 0,
        output=counts.output_tokens or 0,
        split_known=split is not None,
    )


def _blocks(content: str | list[Raw] | None, cwd: str | None) -> tuple[Block, ...]:
    if isinstance(content, str):
        return (Block("text", _bytes_of(content), names=files_spoken_of(content)),)
    return tuple(_block(raw, cwd) for raw in content or ())


def _block(raw: Raw, cwd: str | None) -> Block:
    block = _decoded_block(raw, AssistantBlock, _ASSISTANT_BLOCK)
    size, kind = memoryview(raw).nbytes, sys.intern(block.type or "")
    if not kind.endswith("tool_use"):
        return Block(kind, size, names=files_named(raw) if kind == "text" else ())
    name, given = sys.intern(clipped(block.name or "")), decode_arguments(block.input)
    return Block(
        kind,
        size,
        name,
        block.id or "",
        call_label(name, given, cwd),
        asked(name, given, block.input, cwd),
        files_named(block.input),
        len(given),
    )


def build_user(record: UserRecord) -> Decoded:
    content = record.message.content if record.message else None
    blocks = [_user_block(raw) for raw in (content if isinstance(content, list) else ())]
    results = tuple(
        ToolResult(block.tool_use_id or "", size, block.is_error is True, pictures.each)
        for size, block, pictures in blocks
        if block.type == "tool_result"
    )
    if isinstance(content, str):
        text, size = content, _bytes_of(content)
    else:
        text = "\n".join(block.text for _, block, _ in blocks if block.text)
        size = sum(size for size, _, _ in blocks)
    media = next((b.type for _, b, _ in blocks if b.type in ("image", "document")), None)
    agent = _agent_of(record.tool_use_result)
    what = nature(record, text, is_result=bool(results), has_media=media is not None)
    entry = UserEntry(
        **_envelope(record),
        prompt=what.prompt,
        label=_user_label(text, what.prompt is not None, media),
        size=size,
        results=results,
        result_agent_id=agent.agent_id,
        result_is_receipt=agent.is_async is True,
        is_meta=record.is_meta is True,
        is_compact_summary=what.compact_summary,
        cut_notice=what.cut_notice,
        interrupted=what.interrupted,
        stopped_tool=what.stopped_tool,
        has_image=media == "image" or any(pictures.has_image for _, _, pictures in blocks),
        pictures=tuple(
            picture
            for _, block, pictures in blocks
            if block.type != "tool_result"
            for picture in pictures.each
        ),
    )
    return Decoded((entry,))


def _user_block(raw: Raw) -> tuple[int, UserBlock, Pictures]:
    """A block with its size in bytes, its pictures left out, and what is to be known of those."""
    pictures = pictures_in(bytes(raw))
    size = memoryview(raw).nbytes - pictures.size
    return size, _decoded_block(raw, UserBlock, _USER_BLOCK), pictures


def _user_label(text: str, asked: bool, media: str | None) -> str:
    if asked:
        return prompt_label(text) or f"[{media}]"
    return clipped(command_typed(text) or "")


def _agent_of(result: ToolUseResult | str | list[Raw] | None) -> ToolUseResult:
    return result if isinstance(result, ToolUseResult) else ToolUseResult()


def build_chain(record: ChainRecord) -> Decoded:
    if record.type == "system" and record.subtype == "api_error":
        return Decoded((_failure(record),))
    if record.type == "attachment" and record.attachment is not None:
        return Decoded((_attachment(record, record.attachment),))
    if record.type == "system" and record.subtype in _FALLBACKS:
        detail = f"{model(record.original_model)} -> {model(record.fallback_model)}"
        return Decoded((FallbackEntry(**_envelope(record), detail=clipped(detail)),))
    if record.type != "system" or record.subtype != "compact_boundary":
        return _link(record)
    metadata = record.compact_metadata or CompactMetadata()
    entry = CompactionEntry(
        **_envelope(record),
        trigger=metadata.trigger or "unknown",
        pre_tokens=metadata.pre_tokens,
        post_tokens=metadata.post_tokens,
    )
    return Decoded((entry,))


def _failure(record: ChainRecord) -> ErrorEntry:
    error = record.error if isinstance(record.error, ApiError) else ApiError()
    status = error.status
    said = error.formatted or error.message or (str(status) if status is not None else "")
    return ErrorEntry(
        **_envelope(record), reason=clipped(said or "API error"), refused=status is not None
    )


def _attachment(record: ChainRecord, attachment: Attachment) -> AttachmentEntry:
    kind = clipped(attachment.type or "attachment")
    change: Literal["tools", "resume"] | None = None
    if kind in _LISTINGS:
        change = "tools"
    elif (attachment.hook_name or "").startswith("SessionStart:resume"):
        change = "resume"
    return AttachmentEntry(
        **_envelope(record),
        kind=kind,
        size=_entered(record.rendered, attachment, kind),
        change=change,
        detail=_listing(attachment) if change == "tools" else "",
    )


def _entered(rendered: Raw, attachment: Attachment, kind: str) -> int:
    """Bytes of what an attachment put into the prompt; newer clients write down the very text."""
    if bytes(rendered).startswith(b"["):
        return memoryview(rendered).nbytes
    if kind in _NOT_SENT:
        return 0
    return sum(
        memoryview(raw).nbytes
        for raw in (attachment.content, attachment.text)
        if bytes(raw) not in _EMPTY
    )


def _listing(attachment: Attachment) -> str:
    """Which list changed, and by what: ``MCP +github -slack``."""
    added = (*(attachment.added_names or ()), *(attachment.added_types or ()))
    removed = (*(attachment.removed_names or ()), *(attachment.removed_types or ()))
    changes = [f"+{name}" for name in added[:_NAMED]] + [f"-{name}" for name in removed[:_NAMED]]
    more = len(added) + len(removed) - len(changes)
    named = " ".join([*changes, *([f"and {more} more"] if more else [])])
    return clipped(f"{_LISTINGS[attachment.type or '']} {named}".strip())


def build_attempt(record: AttemptRecord) -> Decoded:
    if not record.id:
        return Decoded()
    entry = AttemptEntry(
        timestamp=seconds(record.timestamp),
        session_id=record.session_id,
        agent_id=record.agent_id,
        attempt_id=record.id,
        model=record.params.model if record.params else None,
    )
    return Decoded((entry,))


def build_cost(record: CostRecord) -> Decoded:
    if record.total_cost is None:
        return Decoded()
    models = tuple(_model_bill(name, use) for name, use in (record.model_usage or {}).items())
    guessed = record.has_unknown_model_cost is True
    return Decoded((CostEntry(record.session_id, record.total_cost, guessed, models),))


def _model_bill(name: str, use: ModelUse) -> ModelBill:
    short, long = use.five_minutes or 0, use.one_hour or 0
    tokens = Tokens(
        input=use.input_tokens,
        cache_creation=max(use.cache_creation_input_tokens, short + long),
        cache_creation_5m=short,
        cache_creation_1h=long,
        cache_read=use.cache_read_input_tokens,
        output=use.output_tokens,
        split_known=use.five_minutes is not None or use.one_hour is not None,
    )
    return ModelBill(name, tokens, use.web_search_requests, use.cost)


def build_title(record: TitleRecord) -> Decoded:
    texts: dict[_TitleSource, str | None] = {
        "custom-title": record.custom_title,
        "ai-title": record.ai_title,
        "summary": record.summary,
        "last-prompt": record.last_prompt,
    }
    source = cast(_TitleSource, record.type)
    label = prompt_label(texts[source] or "")
    return Decoded((TitleEntry(source, label),)) if label else Decoded()


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _decoded_block(raw: Raw, kind: type[StructT], strict: Callable[[Raw], StructT]) -> StructT:
    try:
        return strict(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return fitted(kind, parsed(bytes(raw).decode("utf-8", "replace")))
