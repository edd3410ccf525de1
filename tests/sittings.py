"""Transcripts of sessions that read, search and run: what one finds out, line by line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests import lines
from tests.homes import NOW, ConfigHome

ROOT = "/home/dev/shop-api"
SLUG = "-home-dev-shop-api"
APART = 10.0
OUTPUT = 50
"""Tokens of each answer."""
OPUS_5_5 = "claude-opus-5-5"


def numbered(*texts: str, first: int = 1) -> str:
    """Lines of a file as a Read brings them."""
    return "\n".join(f"{number}\t{text}" for number, text in enumerate(texts, first))


class Sitting:
    """One thread; every request reads from the cache what was there and writes the rest for 1h."""

    def __init__(
        self, session: str, *, cwd: str = ROOT, start: float = NOW - 86_400,
        model: str = OPUS_5_5, agent: str | None = None, opening: int = 20_000,
    ) -> None:  # fmt: skip
        self.session, self.agent, self.start = session, agent, start
        self.requests = 0
        self._cwd, self._model = cwd, model
        self._context, self._read = opening, 0
        self._lines: list[bytes] = []
        self._user("go")

    def read(
        self, path: str, text: str, tokens: int, *, result: lines.Record | None = None,
        **arguments: int,
    ) -> Sitting:  # fmt: skip
        """Read a file of the folder that the session works in, or at an absolute path."""
        path = path if path.startswith("/") else f"{self._cwd}/{path}"
        return self._use("Read", text, tokens, result, file_path=path, **arguments)

    def run(self, command: str, text: str, tokens: int) -> Sitting:
        """Run a command."""
        return self._use("Bash", text, tokens, None, command=command)

    def edit(self, path: str) -> Sitting:
        """Edit a file of the folder that the session works in."""
        path = f"{self._cwd}/{path}"
        return self._use(
            "Edit", "updated", 30, None, file_path=path, old_string="a", new_string="b"
        )

    def search(
        self, pattern: str, text: str, tokens: int, *, tool: str = "Grep", **arguments: str
    ) -> Sitting:
        """Search for a pattern."""
        return self._use(tool, text, tokens, None, pattern=pattern, **arguments)

    def say(self, times: int = 1) -> Sitting:
        """Answer in words, and be asked to go on."""
        for _ in range(times):
            self._answer({"type": "text", "text": "done"})
            self._context += OUTPUT
            self._user("go on")
        return self

    def compact(self, context: int = 20_000) -> Sitting:
        """The context is summed up."""
        record = lines.record("system", subtype="compact_boundary", **self._stamps())
        self._lines.append(lines.line(record))
        self._context, self._read = context, 0
        return self

    def write(self, home: ConfigHome, slug: str = SLUG) -> Path:
        """Write it into a config home; returns the file."""
        data = [line + b"\n" for line in self._lines]
        if self.agent is None:
            return home.write(*data, session=self.session, project=slug)
        folder = home.path / "projects" / slug / self.session / "subagents"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"agent-{self.agent}.jsonl"
        path.write_bytes(b"".join(data))
        return path

    def _use(
        self, name: str, text: str, tokens: int, result: lines.Record | None, **arguments: object
    ) -> Sitting:
        call = f"toolu_{self.session[:8]}_{self.agent or ''}{self.requests}"
        self._answer({"type": "tool_use", "id": call, "name": name, "input": arguments})
        self._user([lines.result(text, tool_use_id=call, **(result or {}))])
        self._context += tokens + OUTPUT
        return self

    def _answer(self, block: lines.Record) -> None:
        self.requests += 1
        written = self._context - self._read
        split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": written}
        usage = lines.usage(
            input_tokens=0, output_tokens=OUTPUT, cache_read_input_tokens=self._read,
            cache_creation_input_tokens=written, cache_creation=split,
        )  # fmt: skip
        message: lines.Record = {
            "id": f"msg_{self.session}_{self.agent or ''}{self.requests}",
            "model": self._model,
            "usage": usage,
        }
        self._lines.append(lines.line(lines.assistant(block, message=message, **self._stamps())))
        self._read = self._context

    def _user(self, content: object) -> None:
        self._lines.append(lines.line(lines.user(content, **self._stamps())))

    def _stamps(self) -> lines.Record:
        at = datetime.fromtimestamp(self.start + APART * self.requests + len(self._lines), UTC)
        stamps = {
            "sessionId": self.session,
            "cwd": self._cwd,
            "uuid": f"{self.session[:8]}-{self.agent or ''}{len(self._lines)}",
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        }
        return stamps | ({} if self.agent is None else {"agentId": self.agent, "isSidechain": True})
