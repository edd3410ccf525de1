"""The tool calls and tool results of single lines, read back from disk.

For those who look at many lines of few files: each file is opened once.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import msgspec
from msgspec import Struct

from ccmon.errors import CcmonError
from ccmon.measures import Span
from ccmon.transcripts.opening import open_to_read
from ccmon.transcripts.pieces import LONGEST_LINE, plain_text
from ccmon.transcripts.text import record_at


class Call(Struct, frozen=True):
    """One tool call; ``cwd`` is the folder that it was made in, empty where nothing tells."""

    tool_use_id: str
    name: str
    arguments: dict[str, Any]
    cwd: str = ""

    def text(self, key: str) -> str:
        """An argument that is a string; empty where there is none."""
        value = self.arguments.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int | None:
        """An argument that is a whole number; None where there is none."""
        value = self.arguments.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class Result(Struct, frozen=True):
    """One tool result with the text that the model read."""

    tool_use_id: str
    text: str
    is_error: bool = False


class _Block(Struct):
    type: Any = None
    id: Any = None
    name: Any = None
    input: Any = None
    tool_use_id: Any = None
    content: Any = None
    is_error: Any = None


class _Message(Struct):
    content: list[_Block] | str | None = None


class _Line(Struct):
    message: _Message | None = None
    cwd: Any = None

    @property
    def blocks(self) -> list[_Block]:
        content = self.message.content if self.message is not None else None
        return content if isinstance(content, list) else []


_DECODE = msgspec.json.Decoder(_Line).decode
_NOTHING = _Line()


class Reader:
    """Reads lines by their places; lines that are gone or broken hold nothing.

    Use it as a context: it keeps the files open.
    """

    def __init__(self) -> None:
        self._files: dict[str, int | None] = {}

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        files, self._files = self._files, {}
        for fd in files.values():
            if fd is not None:
                os.close(fd)

    def calls(self, span: Span) -> list[Call]:
        """The tool calls in a line of an answer."""
        line = self._line(span)
        cwd = line.cwd if isinstance(line.cwd, str) else ""
        return [
            Call(block.id, block.name, block.input, cwd)
            for block in line.blocks
            if block.type == "tool_use"
            and isinstance(block.id, str)
            and isinstance(block.name, str)
            and isinstance(block.input, dict)
        ]

    def results(self, span: Span) -> list[Result]:
        """The tool results in a line of a user, in their order."""
        return [
            Result(block.tool_use_id, plain_text(block.content), block.is_error is True)
            for block in self._line(span).blocks
            if block.type == "tool_result" and isinstance(block.tool_use_id, str)
        ]

    def _line(self, span: Span) -> _Line:
        if span.length > LONGEST_LINE:
            return _NOTHING
        try:
            return _DECODE(self._bytes(span))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _lenient(span)

    def _bytes(self, span: Span) -> bytes:
        fd = self._open(span.path)
        try:
            return b"" if fd is None else os.pread(fd, span.length, span.offset)
        except OSError:
            return b""

    def _open(self, path: str) -> int | None:
        if path not in self._files:
            try:
                self._files[path] = open_to_read(path)
            except OSError:
                self._files[path] = None
        return self._files[path]


def _lenient(span: Span) -> _Line:
    try:
        return msgspec.convert(record_at(span.path, span.offset, span.length), _Line)
    except (CcmonError, msgspec.MsgspecError):
        return _NOTHING
