"""One line of a transcript to what accounting needs of it.

Most records are told apart by a look at their first bytes and passed over
undecoded; the rest is decoded strictly, and leniently where that fails. A line
that is no record is searched for whole ones (transcripts.md, section 3).
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ccmon.transcripts.build import (
    Decoded,
    build_assistant,
    build_attempt,
    build_chain,
    build_cost,
    build_title,
    build_user,
)
from ccmon.transcripts.records import (
    AssistantRecord,
    AttemptRecord,
    ChainRecord,
    CostRecord,
    Stamped,
    TitleRecord,
    UserRecord,
    fitted,
    parsed,
    seconds,
)
from ccmon.transcripts.salvage import salvage

__all__ = ["Decoded", "decode", "first_stamp"]

_NOT_NEEDED = frozenset(
    {
        "agent-color",
        "agent-name",
        "agent-setting",
        "api-request-blob",
        "api-request-shape",
        "atis-latch",
        "attribution-snapshot",
        "bridge-session",
        "content-replacement",
        "continued-in",
        "ended-by-model",
        "file-history-delta",
        "file-history-snapshot",
        "fork-context-ref",
        "frame-link",
        "memory-mode",
        "mode",
        "permission-mode",
        "pr-link",
        "queue-operation",
        "relocated",
        "tag",
        "tools-used",
        "worktree-state",
    }
)

_FAILURES = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


_SKIPPED = Decoded(skipped=True)
_UNKNOWN = Decoded(unknown=True)
_NOTHING = Decoded()
_LOST = Decoded(malformed=1)


def decode(line: bytes) -> Decoded:
    """The entries of one line, given without its newline. Never raises."""
    head = _head_type(line)
    reader = _BY_HEAD.get(head)
    if reader is None:
        if head and b"\\" not in head and not _may_hide_a_record(line):
            return _passed_over(head.decode("utf-8", "replace"))
        reader = _guess(line)
    try:
        record = reader.strict(line)
        if (right := _READERS.get(record.type or "")) is None:
            return _passed_over(record.type)
        if right is not reader:
            record = right.strict(line)
        return right.build(record)
    except _FAILURES:
        return _decode_leniently(line)


def first_stamp(line: bytes) -> float | None:
    """Time of a record of any kind, in epoch seconds; None if it has none."""
    try:
        return seconds(_STAMPED(line).timestamp)
    except _FAILURES:
        pass
    try:
        return seconds(fitted(Stamped, parsed(line.decode("utf-8", "replace"))).timestamp)
    except (ValueError, RecursionError):
        return None


def _head_type(line: bytes) -> bytes:
    """The record's type, if it stands before the record's second brace; else nothing.

    Up to there the depth is one, and no string can hold an unescaped quote
    behind a comma or brace: what is found is the key of the record itself. The
    last one counts, as in every JSON reader.
    """
    second = line.find(b"{", 1)
    at = line.rfind(b'"type":"', 0, second if second > 0 else len(line))
    if at < 1 or line[at - 1] not in b"{," or not line.startswith(b"{"):
        return b""
    return line[at + 8 : line.find(b'"', at + 8)]


def _guess(line: bytes) -> "_Reader":
    """The reader to begin with where the type stands behind the content."""
    second = line.find(b"{", 1)
    return _ASSISTANT if line[:second].endswith(b'"message":') else _CHAIN


def _may_hide_a_record(line: bytes) -> bool:
    """Whether a lost newline may have put a second record on the line."""
    return b'}{"' in line or line.find(b'{"parentUuid":', 1) > 0


def _passed_over(kind: str | None) -> Decoded:
    return _SKIPPED if kind in _NOT_NEEDED else _UNKNOWN


def _decode_leniently(line: bytes) -> Decoded:
    text = line.decode("utf-8", "replace")
    try:
        return _from_value(parsed(text))
    except (ValueError, RecursionError):
        pass
    if not text.strip():
        return _NOTHING
    records, lost = salvage(text)
    found = [_from_value(record) for record in records]
    return Decoded(
        entries=tuple(entry for one in found for entry in one.entries),
        malformed=lost + sum(one.malformed for one in found),
        salvaged=len(found),
        skipped=any(one.skipped for one in found),
        unknown=any(one.unknown for one in found),
        synthetic=sum(one.synthetic for one in found),
    )


def _from_value(value: object) -> Decoded:
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return _UNKNOWN
    if (reader := _READERS.get(kind)) is None:
        return _passed_over(kind)
    try:
        return reader.build(fitted(reader.record, value))
    except RecursionError:
        return _LOST


class _Reader:
    """How the records of one kind are read: their shape, and what is made of them."""

    def __init__(self, record: type[Any], build: Callable[[Any], Decoded]) -> None:
        self.record = record
        self.build = build
        self.strict: Callable[[bytes], Any] = msgspec.json.Decoder(record).decode


_ASSISTANT = _Reader(AssistantRecord, build_assistant)
_USER = _Reader(UserRecord, build_user)
_CHAIN = _Reader(ChainRecord, build_chain)
_ATTEMPT = _Reader(AttemptRecord, build_attempt)
_COST = _Reader(CostRecord, build_cost)
_TITLE = _Reader(TitleRecord, build_title)

_READERS = {
    "assistant": _ASSISTANT,
    "user": _USER,
    "system": _CHAIN,
    "attachment": _CHAIN,
    "progress": _CHAIN,
    "api-request": _ATTEMPT,
    "cost-state": _COST,
    "custom-title": _TITLE,
    "ai-title": _TITLE,
    "summary": _TITLE,
    "last-prompt": _TITLE,
}
_BY_HEAD = {kind.encode(): reader for kind, reader in _READERS.items()}

_STAMPED = msgspec.json.Decoder(Stamped).decode
