"""Reads the text of one line back from disk, for those who want to look at it.

No transcript text is kept in memory; a line is named by its file, offset and
length. The text is given as it stands: whoever shows it makes it harmless.
"""

import os
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from ccmon.errors import CcmonError
from ccmon.transcripts.opening import open_to_read
from ccmon.transcripts.records import parsed, scrubbed

TEXT_LIMIT = 1 << 20
"""Most text given for one line, in characters."""

DEPTH_LIMIT = 20
"""Deepest nesting that is spelled out; what lies below is an ellipsis."""

_ENVELOPE = frozenset(
    {
        "agentId",
        "cwd",
        "entrypoint",
        "gitBranch",
        "isSidechain",
        "parentUuid",
        "sessionId",
        "session_id",
        "slug",
        "timestamp",
        "type",
        "userType",
        "uuid",
        "version",
    }
)

BlockKind = Literal["text", "thinking", "tool_use", "tool_result", "prompt", "image", "other"]


class TextBlock(Struct, frozen=True):
    """One piece of a line: what it is, a title (tool, role …), and its text."""

    kind: BlockKind
    title: str
    text: str


def read_blocks(path: str, offset: int, length: int) -> tuple[TextBlock, ...]:
    """The blocks of the line at an offset, at most ``TEXT_LIMIT`` characters of text.

    Raises CcmonError, and nothing else, if the file is gone or no longer holds that line.
    """
    return tuple(_bounded(_blocks(record_at(path, offset, length))))


def record_at(path: str, offset: int, length: int) -> dict[str, object]:
    """The record in the line at an offset.

    Raises CcmonError, and nothing else, if the file is gone or no longer holds that line.
    """
    return _record(path, _line(path, offset, length))


def _line(path: str, offset: int, length: int) -> bytes:
    try:
        fd = open_to_read(path)
    except FileNotFoundError:
        raise CcmonError(f"{path} is gone", exit_code=3) from None
    except OSError as error:
        raise CcmonError(f"cannot read {path}: {error.strerror}", exit_code=3) from None
    try:
        data = os.pread(fd, length, offset)
    except OSError as error:
        raise CcmonError(f"cannot read {path}: {error.strerror}", exit_code=3) from None
    finally:
        os.close(fd)
    if len(data) < length:
        raise CcmonError(f"{path} is shorter than it was", exit_code=3)
    return data


def _record(path: str, line: bytes) -> dict[str, object]:
    try:
        value = parsed(line.decode("utf-8", "replace").strip("\0 \t\r\n"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CcmonError(f"{path} has changed: no record is left at this place", exit_code=3)
    return value


def _blocks(record: dict[str, object]) -> Iterator[TextBlock]:
    kind = _str(record.get("type"))
    message = record.get("message")
    if not isinstance(message, dict):
        rest = {key: value for key, value in record.items() if key not in _ENVELOPE}
        yield TextBlock("other", kind or "record", _readable(rest))
        return
    content = message.get("content")
    role = _str(message.get("role")) or kind
    for block in content if isinstance(content, list) else [content]:
        yield _block(block, role)


def _block(block: object, role: str) -> TextBlock:
    if isinstance(block, str):
        return _spoken(block, role)
    if not isinstance(block, dict):
        return TextBlock("other", role, _readable(block))
    kind = _str(block.get("type"))
    if kind == "text":
        return _spoken(_str(block.get("text")), role)
    if kind == "thinking":
        return TextBlock("thinking", "thinking", _str(block.get("thinking")))
    if kind.endswith("tool_use"):
        return TextBlock("tool_use", _str(block.get("name")), _readable(block.get("input")))
    if kind == "tool_result":
        title = "error" if block.get("is_error") is True else "result"
        return TextBlock("tool_result", title, _readable(block.get("content")))
    if kind in ("image", "document"):
        return TextBlock("image", kind, _readable(block))
    rest = {key: value for key, value in block.items() if key != "type"}
    return TextBlock("other", kind or role, _readable(rest))


def _spoken(text: str, role: str) -> TextBlock:
    return TextBlock("prompt" if role == "user" else "text", role, text)


def _readable(value: object, depth: int = 0) -> str:
    """A value as indented ``key: value`` text; strings stand as they are."""
    if isinstance(value, str):
        return value
    if depth > DEPTH_LIMIT and isinstance(value, dict | list) and value:
        return "…"
    if isinstance(value, dict):
        return _media_note(value) or "\n".join(
            _keyed(str(key), item, depth) for key, item in value.items()
        )
    if isinstance(value, list):
        if depth == 0 or all(_is_content(item) for item in value):
            return "\n".join(_listed(item, depth) for item in value)
        return "\n".join(_keyed("-", item, depth) for item in value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_content(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") in ("text", "image", "document")


def _listed(item: object, depth: int) -> str:
    if isinstance(item, dict) and item.get("type") == "text":
        return _str(item.get("text"))
    return _readable(item, depth + 1)


def _keyed(key: str, item: object, depth: int) -> str:
    mark = key if key == "-" else f"{key}:"
    text = _readable(item, depth + 1)
    if "\n" not in text and (text == "…" or not (isinstance(item, dict | list) and item)):
        return f"{mark} {text}".rstrip()
    indented = "\n".join(f"  {line}" for line in text.split("\n"))
    return f"{mark}\n{indented}"


def _media_note(block: dict[object, object]) -> str:
    """A note in place of the base64 text of an image or document."""
    source = block.get("source")
    if block.get("type") not in ("image", "document") or not isinstance(source, dict):
        return ""
    data = source.get("data")
    if not isinstance(data, str):
        return f"[{block['type']}, {_str(source.get('type')) or 'elsewhere'}]"
    return f"[{block['type']}, {_amount(len(data))} of base64]"


def _amount(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size >= 1000 else f"{size} bytes"


def _bounded(blocks: Iterator[TextBlock]) -> Iterator[TextBlock]:
    left = TEXT_LIMIT
    for block in blocks:
        text = scrubbed(block.text)
        if len(text) > left:
            note = f"\n[cut: {len(text) - left:,} more characters]"
            yield TextBlock(block.kind, block.title, text[:left] + note)
            left = 0
            continue
        left -= len(text)
        yield TextBlock(block.kind, scrubbed(block.title), text)


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""
