"""Which response a line goes on from, looked up backwards in its file.

Few lines need it: where less came from the cache than the response before had left there, the
chain of messages tells a rewind from a loss. Nothing of the chain is kept.
"""

import os

import msgspec
from msgspec import Struct

from ccmon.entries import AssistantEntry, Entry
from ccmon.transcripts.build import SYNTHETIC_MODEL
from ccmon.transcripts.decode import decode
from ccmon.transcripts.tail import LINE_LIMIT

BLOCK = 32 * 1024
"""Bytes that are looked through at a time."""
LONGEST_UUID = 256
LINKS = frozenset({"user", "system", "attachment", "progress"})
"""Kinds of records, beside responses, that hand the chain on."""


class _Message(Struct, gc=False):
    id: str | None = None
    model: str | None = None


class _Link(Struct, rename="camel", gc=False):
    type: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    message: _Message | None = None


_LINK = msgspec.json.Decoder(_Link).decode


class Step(Struct, frozen=True, gc=False):
    """Where a line leads: to a response, or on to another line, or nowhere."""

    message_id: str | None = None
    parent_uuid: str | None = None


def response_before(fd: int, offset: int, uuid: str | None) -> str | None:
    """The response that a line at ``offset`` goes on from; ``uuid`` names the line before it.

    None where the chain ends or leaves the file. Raises OSError.
    """
    while uuid:
        found = _line_of(fd, offset, uuid)
        if found is None:
            return None
        offset, step = found
        if step.message_id is not None:
            return step.message_id
        uuid = step.parent_uuid
    return None


def _line_of(fd: int, end: int, uuid: str) -> tuple[int, Step] | None:
    """The last line before ``end`` that has this uuid: where it starts, and where it leads."""
    needle = msgspec.json.encode(uuid)
    if len(needle) > LONGEST_UUID:
        return None
    high = end
    while high > 0:
        low = max(0, high - BLOCK)
        data = os.pread(fd, high - low, low)
        at = data.rfind(needle)
        if at < 0:
            high = low + len(needle) - 1 if low else 0
            continue
        start, line = _line_at(fd, data, low, at)
        step = _step(line, uuid)
        if step is not None:
            return start, step
        high = start
    return None


def _line_at(fd: int, data: bytes, low: int, at: int) -> tuple[int, bytes]:
    """The line around a place in a block of the file that starts at ``low``."""
    start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    if end >= 0 and (start or not low):
        return low + start, data[start:end]
    begin = _start_of_line(fd, low + at)
    return begin, _line_from(fd, begin)


def _start_of_line(fd: int, at: int) -> int:
    while at > 0:
        low = max(0, at - BLOCK)
        newline = os.pread(fd, at - low, low).rfind(b"\n")
        if newline >= 0:
            return low + newline + 1
        at = low
    return 0


def _line_from(fd: int, start: int) -> bytes:
    parts, at = [], start
    while (part := os.pread(fd, BLOCK, at)) and at - start <= LINE_LIMIT:
        end = part.find(b"\n")
        if end >= 0:
            parts.append(part[:end])
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)


def _step(line: bytes, uuid: str) -> Step | None:
    """Where a line with this uuid leads; None when the line is another one."""
    try:
        record = _LINK(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _odd_step(line, uuid)
    if record.uuid != uuid:
        return None
    if record.type in LINKS:
        return Step(parent_uuid=record.parent_uuid)
    if record.type != "assistant":
        return None
    message = record.message
    if message is None or not message.id or message.model == SYNTHETIC_MODEL:
        return Step(parent_uuid=record.parent_uuid)
    return Step(message.id)


def _odd_step(line: bytes, uuid: str) -> Step | None:
    for entry in reversed(decode(line).entries):
        if isinstance(entry, Entry) and entry.uuid == uuid:
            if isinstance(entry, AssistantEntry):
                return Step(entry.message_id)
            return Step(parent_uuid=entry.parent_uuid)
    return None
