"""Builders of sessions whose model reads, searches, runs and edits: for what becomes of results."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from ccmon.entries import AnyEntry, Block, CompactionEntry, ToolResult, UserEntry
from ccmon.measures import Asked
from tests.builders import OPUS_5_5, SESSION, START, assistant, boundary, prompt, usage

BYTES_PER_TOKEN = 1 / 0.486
APART = 60.0


class Work:
    """A main thread, request by request; every request reads what was there and writes the rest.

    Each step says what the answer of one request did; its result enters with the next.
    """

    def __init__(self, context: int = 20_000, *, model: str = OPUS_5_5) -> None:
        self.entries: list[AnyEntry] = [prompt(at=START)]
        self.requests = 0
        self._context = context
        self._read = 0
        self._model = model
        self._calls = 0
        self._parent = 0
        self._contexts = [0]

    def call(
        self, name: str, what: str, tokens: int, *, lines: tuple[int, int] | None = None,
        names: Sequence[str] = (), failed: bool = False,
    ) -> Work:  # fmt: skip
        """One request that calls a tool, and the result of so many tokens."""
        self._calls += 1
        call = f"toolu_{self._calls}"
        is_file = name in ("Read", "Edit", "Write")
        file = what.rsplit("/", 1)[-1] if is_file else ""
        first, last = lines or (1, None)
        asked = Asked(crc32(what.encode()), first, last, file)
        named = (*names, *([file] if file else []))
        self._answer([Block("tool_use", 90, name, call, what, asked, named)])
        size = round(tokens * BYTES_PER_TOKEN)
        at = START + APART * self.requests + 5
        results = (ToolResult(call, size, is_error=failed),)
        self._enter(UserEntry(timestamp=at, session_id=SESSION, results=results), tokens)
        return self

    def say(self, *names: str, times: int = 1) -> Work:
        """Requests that answer in words, which name these files."""
        for _ in range(times):
            self._answer([Block("text", 60, names=names)])
            self._context += 50
        return self

    def answer_with(self, name: str, what: str) -> Work:
        """One request that calls a tool on a file, whose result has not come yet."""
        file = what.rsplit("/", 1)[-1]
        self._answer([Block("tool_use", 90, name, "toolu_open", what, None, (file,))])
        return self

    def vanish(self, tokens: int) -> Work:
        """One more request, with so much less in the context than the lines tell of."""
        self._context -= tokens
        self._read = min(self._read, self._context)
        return self.say()

    def think(self, tokens: int) -> Work:
        """One request that thinks, so many tokens of it counted."""
        self._answer([Block("thinking", 4 * tokens)], output=tokens)
        self._context += tokens
        return self

    def ask(self, text: str = "go on") -> Work:
        """A person asks for something."""
        self._enter(prompt(text, at=START + APART * self.requests + 5), 10)
        return self

    def compact(self, context: int = 20_000) -> Work:
        """The context is summed up."""
        self.entries.append(boundary(pre=self._context))
        self._context, self._read = context, 0
        return self

    def go_back(self, request: int) -> Work:
        """The conversation goes on from an earlier request."""
        self._parent, self._context = request, self._contexts[request]
        self._read = self._context
        return self

    def _enter(self, entry: UserEntry | CompactionEntry, tokens: int) -> None:
        self.entries.append(entry)
        self._context += tokens

    def _answer(self, blocks: Sequence[Block], *, output: int = 0) -> None:
        self.requests += 1
        line = usage(r=self._read, w1=self._context - self._read, o=output)
        at = START + APART * self.requests
        answer = assistant(
            f"msg_{self.requests}", line, at=at, model=self._model, blocks=blocks,
            uuid=f"u{self.requests}", parent=f"u{self._parent}" if self._parent else None,
        )  # fmt: skip
        self.entries.append(answer)
        self._contexts.append(self._context)
        self._parent, self._read = self.requests, self._context
