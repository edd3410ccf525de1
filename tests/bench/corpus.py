"""Transcripts by the gigabyte, shaped like real ones, for measuring.

``python -m tests.bench.corpus DIR MB [SEED]`` writes a config home and prints how many responses it
holds.

A response takes 20 kB on average over four lines: two or more of its own (16 % of the bytes), the
results of its tools (each stored twice, as the client does), attachments and snapshots of files.
Sessions go over days and projects; every fourth has a sub-agent, every tenth a compaction.
"""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from tests.lines import Record, assistant, call, record, result, usage, user

END = datetime(2026, 11, 20, 18, tzinfo=UTC)
DAYS = 60
PROJECTS = 12
RESPONSES = (20, 120)
"""In one session, least and most."""
MODELS = ("claude-opus-5-5", "claude-opus-5", "claude-sonnet-5-5", "claude-haiku-5")
WORDS = ("self", "return", "value", "items", "total", "price", "def", "for", "not", "None", "error")
WINDOW = 160_000
encode = msgspec.json.Encoder().encode


def write(home: Path, megabytes: int, seed: int = 1) -> int:
    """Write a config home of about so many megabytes; returns how many responses it holds."""
    dice = random.Random(seed)
    pool = [text(dice, dice.choice((400, 900, 2_500, 7_000, 9_000, 14_000))) for _ in range(300)]
    written = responses = 0
    while written < megabytes * 1_000_000:
        for path, lines, count in session(dice, pool, home):
            path.parent.mkdir(parents=True, exist_ok=True)
            data = b"".join(lines)
            path.write_bytes(data)
            written += len(data)
            responses += count
    return responses


def session(
    dice: random.Random, pool: list[str], home: Path
) -> Iterator[tuple[Path, list[bytes], int]]:
    """The files of one session, with their lines and how many responses they hold."""
    session_id = str(uuid.UUID(int=dice.getrandbits(128), version=4))
    project = dice.randrange(PROJECTS)
    begun = END - timedelta(seconds=dice.randrange(DAYS * 86_400))
    common: Record = {"sessionId": session_id, "cwd": f"/home/dev/project-{project}"}
    folder = home / "projects" / f"-home-dev-project-{project}"
    count = dice.randint(*RESPONSES)
    yield folder / f"{session_id}.jsonl", thread(dice, pool, common, begun, count), count
    if dice.random() < 0.25:
        agent = f"{dice.getrandbits(28):07x}"
        sent: Record = {**common, "isSidechain": True, "agentId": agent}
        path = folder / session_id / "subagents" / f"agent-{agent}.jsonl"
        count = dice.randint(3, 20)
        yield path, thread(dice, pool, sent, begun + timedelta(minutes=3), count), count


def thread(
    dice: random.Random, pool: list[str], common: Record, begun: datetime, count: int
) -> list[bytes]:
    """The lines of one chain of requests."""
    model = dice.choice(MODELS)
    lines: list[Record] = []
    parent, at, cached, context = None, begun, 0, dice.randint(15_000, 30_000)
    for number in range(count):
        at += timedelta(seconds=dice.choice((4, 9, 20, 45, 400)))
        if number % 40 == 39 and dice.random() < 0.1:
            lines.append(boundary(common, context, at))
            cached, context = 0, 30_000
        lost = cached > 0 and at.second % 50 == 0
        spoken = Turn(common, model, at, parent, 2_000 if lost else cached, context)
        parent = spoken.answer(dice, pool, lines)
        cached, context = context, min(WINDOW, context + dice.randint(200, 4_000))
    return [encode(value) + b"\n" for value in lines]


class Turn:
    """A response and what its tools brought."""

    def __init__(
        self,
        common: Record,
        model: str,
        at: datetime,
        parent: str | None,
        read: int,
        context: int,
    ) -> None:
        self.common, self.model, self.at, self.parent = common, model, at, parent
        self.read, self.written = min(read, context), max(0, context - read)

    def answer(self, dice: random.Random, pool: list[str], lines: list[Record]) -> str:
        """Append its lines; returns the uuid that the next one follows."""
        calls = dice.choice((1, 1, 1, 2))
        ids = [f"toolu_{dice.getrandbits(96):024x}" for _ in range(calls)]
        blocks: list[Record] = [
            {"type": "thinking", "thinking": "", "signature": text(dice, dice.randint(300, 2_500))},
            *({**call("Bash", command=text(dice, 300)), "id": each} for each in ids),
        ]
        message: Record = {
            "id": f"msg_{dice.getrandbits(96):024x}",
            "model": self.model,
            "stop_reason": "tool_use",
            "usage": usage(
                input_tokens=3,
                output_tokens=dice.randint(50, 900),
                cache_read_input_tokens=self.read,
                cache_creation_input_tokens=self.written,
                cache_creation={
                    "ephemeral_5m_input_tokens": 0,
                    "ephemeral_1h_input_tokens": self.written,
                },
            ),
        }
        last = self.parent
        for block in blocks:
            last = self.add(lines, assistant(block, message=message), last)
        for each in ids:
            content = dice.choice(pool)
            told: Record = {"stdout": content, "stderr": "", "interrupted": False}
            came = user([result(content, tool_use_id=each)], toolUseResult=told)
            last = self.add(lines, came, last)
        if dice.random() < 0.5:
            attached: Record = {"type": "task_reminder", "content": dice.choice(pool)}
            last = self.add(lines, record("attachment", attachment=attached), last)
        if dice.random() < 0.2:
            lines.append({"type": "file-history-snapshot", "snapshot": {"a": dice.choice(pool)}})
        assert last is not None
        return last

    def add(self, lines: list[Record], value: Record, parent: str | None) -> str:
        """Append one record of the chain; returns its uuid."""
        own = f"{len(lines):08d}-{self.common['sessionId']}"
        chained: Record = {"parentUuid": parent, "uuid": own, "timestamp": stamp(self.at)}
        lines.append({**value, **self.common, **chained})
        return own


def boundary(common: Record, context: int, at: datetime) -> Record:
    """The mark of a compaction."""
    metadata: Record = {"trigger": "auto", "preTokens": context}
    value = record("system", subtype="compact_boundary", compactMetadata=metadata)
    return {**value, **common, "timestamp": stamp(at)}


def text(dice: random.Random, size: int) -> str:
    """Something like source code, of about so many characters."""
    words = dice.choices(WORDS, k=max(1, size // 6))
    return "\n    ".join(" ".join(words[n : n + 9]) for n in range(0, len(words), 9))


def stamp(at: datetime) -> str:
    """A time as the client writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]), *map(int, sys.argv[2:]))}\n")
