"""Records to entries: the records of each kind reduced to what accounting needs."""

from collections.abc import Callable
from typing import Any, Literal, cast

import msgspec
from msgspec import Raw, Struct

from ccmon.entries import (
    AnyEntry,
    AssistantEntry,
    Block,
    ChainEntry,
    CompactionEntry,
    Iteration,
    TitleEntry,
    Tokens,
    ToolResult,
    UsageLine,
    UserEntry,
)
from ccmon.transcripts.labels import call_label, clipped, command_typed, prompt_label
from ccmon.transcripts.prompts import nature
from ccmon.transcripts.records import (
    AssistantBlock,
    AssistantRecord,
    ChainRecord,
    CompactMetadata,
    Counts,
    Envelope,
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

_TitleSource = Literal["custom-title", "ai-title", "summary", "last-prompt"]

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
        "version": record.version,
        "is_sidechain": record.is_sidechain is True,
        "agent_id": record.agent_id,
    }


def _link(record: Envelope) -> Decoded:
    return Decoded((ChainEntry(**_envelope(record)),))


def build_assistant(record: AssistantRecord) -> Decoded:
    message = record.message
    if message is None:
        return _link(record)
    if message.model == SYNTHETIC_MODEL:
        return Decoded((ChainEntry(**_envelope(record)),), synthetic=1)
    if not message.id:
        return _link(record)
    entry = AssistantEntry(
        **_envelope(record),
        message_id=message.id,
        model=message.model,
        stop_reason=message.stop_reason,
        usage=None if message.usage is None else _usage(message.usage),
        blocks=_blocks(message.content, record.cwd),
        request_id=record.request_id,
        request_session_id=record.request_session_id,
        forked_from=record.forked_from.session_id if record.forked_from else None,
        requested_model=record.requested_model,
        effort=record.effort,
    )
    return Decoded((entry,))


def _usage(usage: Usage) -> UsageLine:
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
        return (Block("text", _bytes_of(content)),)
    return tuple(_block(raw, cwd) for raw in content or ())


def _block(raw: Raw, cwd: str | None) -> Block:
    block = _decoded_block(raw, AssistantBlock, _ASSISTANT_BLOCK)
    size, kind = memoryview(raw).nbytes, block.type or ""
    if not kind.endswith("tool_use"):
        return Block(kind, size)
    name = clipped(block.name or "")
    return Block(kind, size, name, block.id or "", call_label(name, block.input, cwd))


def build_user(record: UserRecord) -> Decoded:
    content = record.message.content if record.message else None
    blocks = [
        (memoryview(raw).nbytes, _decoded_block(raw, UserBlock, _USER_BLOCK))
        for raw in (content if isinstance(content, list) else ())
    ]
    results = tuple(
        ToolResult(block.tool_use_id or "", size, block.is_error is True)
        for size, block in blocks
        if block.type == "tool_result"
    )
    if isinstance(content, str):
        text, size = content, _bytes_of(content)
    else:
        text = "\n".join(block.text for _, block in blocks if block.text)
        size = sum(size for size, _ in blocks)
    media = next((b.type for _, b in blocks if b.type in ("image", "document")), None)
    what = nature(record, text, is_result=bool(results), has_media=media is not None)
    entry = UserEntry(
        **_envelope(record),
        prompt=what.prompt,
        label=_user_label(text, what.prompt is not None, media),
        size=size,
        results=results,
        result_agent_id=_result_agent(record.tool_use_result),
        is_meta=record.is_meta is True,
        is_compact_summary=what.compact_summary,
        cut_notice=what.cut_notice,
        interrupted=what.interrupted,
    )
    return Decoded((entry,))


def _user_label(text: str, asked: bool, media: str | None) -> str:
    if asked:
        return prompt_label(text) or f"[{media}]"
    return clipped(command_typed(text) or "")


def _result_agent(result: ToolUseResult | str | list[Raw] | None) -> str | None:
    return result.agent_id if isinstance(result, ToolUseResult) else None


def build_chain(record: ChainRecord) -> Decoded:
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
