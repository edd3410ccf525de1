"""The texts of one line as they stand in a context, read back from disk to be counted.

Pictures and documents are left out: their base64 is no text to any model.
"""

import json
from collections.abc import Iterator

from ccmon.transcripts.text import DEPTH_LIMIT, record_at

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes; a longer line is not read back."""
_MEDIA = ("image", "document")
_DEEPER = "…"
"""What stands for a value below ``DEPTH_LIMIT``."""


def pieces(path: str, offset: int, length: int) -> tuple[str, ...]:
    """The text of every tool result of a line in order, then all its other text as one.

    The order is that of ``ledger.arrivals``; an attachment is one text. Raises CcmonError, and
    nothing else, if the file is gone or no longer holds that line.
    """
    if length > LONGEST_LINE:
        return ()
    record = record_at(path, offset, length)
    message = record.get("message")
    if isinstance(message, dict):
        return tuple(_said(message.get("content")))
    attachment = record.get("attachment")
    if not isinstance(attachment, dict):
        return ()
    rendered = record.get("rendered")
    if isinstance(rendered, list):
        return (plain_text(rendered),)
    return ("\n".join(plain_text(attachment.get(key)) for key in ("content", "text")),)


def _said(content: object) -> Iterator[str]:
    blocks = content if isinstance(content, list) else [content]
    rest = []
    for block in blocks:
        if isinstance(block, dict) and block.get("type") == "tool_result":
            yield plain_text(block.get("content"))
        else:
            rest.append(block)
    yield plain_text(rest)


def plain_text(value: object, depth: int = 0) -> str:
    """A content as read: text as it stands, a list of blocks as their texts, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if depth > DEPTH_LIMIT:
            return _DEEPER
        return "\n".join(plain_text(each, depth + 1) for each in value)
    if isinstance(value, dict):
        if value.get("type") in _MEDIA:
            return ""
        text = value.get("text", value.get("content"))
        return plain_text(text, depth + 1) if isinstance(text, str | list) else _json(value)
    return "" if value is None else _json(value)


def _json(value: object) -> str:
    return json.dumps(_cut(value), ensure_ascii=False)


def _cut(value: object, depth: int = 0) -> object:
    """The same value down to the depth that is spelled out."""
    if not isinstance(value, dict | list):
        return value
    if depth > DEPTH_LIMIT:
        return _DEEPER
    if isinstance(value, dict):
        return {key: _cut(each, depth + 1) for key, each in value.items()}
    return [_cut(each, depth + 1) for each in value]
