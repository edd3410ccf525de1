"""What a line brings into the context: one thing for each result, prompt, text and picture.

The order within a line is that of ``transcripts.pieces``, which reads the texts back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from ccmon.entries import AttachmentEntry, Block, ToolResult, UserEntry
from ccmon.measures import Span
from ccmon.requests import Entered

PICTURE_FRAME = 100
"""Bytes of JSON around the data of a picture, at most: a prompt no longer than these has no text.
"""


def of_user(span: Span, entry: UserEntry, calls: dict[str, Block]) -> Iterator[Entered]:
    """The things of a user line; takes the calls that it answers out of ``calls``."""
    spans = (span,)
    for result in entry.results:
        yield _result(result, calls.pop(result.tool_use_id, None), spans)
    size = entry.size - sum(result.size for result in entry.results)
    text = size > PICTURE_FRAME * len(entry.pictures)
    if entry.is_compact_summary:
        yield Entered("summary", "summary", "of the compaction", size, None, spans)
    elif entry.prompt is not None and text:
        yield Entered("prompt", "prompt", entry.label, size, None, spans)
    elif not entry.interrupted and text:
        yield Entered("attachment", "injected", entry.label, size, None, spans)
    if entry.pictures:
        label = "in the prompt" if entry.prompt else entry.label
        yield Entered("image", "image", label, 0, None, spans, pictures=entry.pictures)


def of_attachment(span: Span, entry: AttachmentEntry) -> Iterator[Entered]:
    """What the client put into the prompt by itself."""
    if entry.size:
        yield Entered("attachment", entry.kind, "", entry.size, None, (span,))


def _result(result: ToolResult, call: Block | None, spans: tuple[Span, ...]) -> Entered:
    error = result.is_error
    item = Entered("tool_result", "tool result", "", result.size, None, spans, is_error=error)
    if call is not None:
        item = replace(item, name=call.name, label=call.label, asked=call.asked)
    if result.pictures:
        item = replace(item, kind="image", pictures=result.pictures)
    return item


def counted(things: tuple[Entered, ...], span: Span, counts: Sequence[int]) -> tuple[Entered, ...]:
    """The same things with the tokens counted in the texts of one of their lines, in its order."""
    left = iter(counts)
    return tuple(
        replace(item, counted=next(left, None)) if span in item.spans else item for item in things
    )
