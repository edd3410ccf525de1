"""Clients at work: sessions that grow in bursts, as people's do, at a chosen speed."""

from __future__ import annotations

import json
import os
import random
import uuid
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.corpus import Turn, boundary, encode, text
from tests.lines import Record, user

CLIENTS = 4
"""Sessions at a time."""
APART = 6.0
"""Seconds between two requests of a prompt."""
PER_PROMPT = 12
PAUSE = 480.0
"""Seconds that a person takes before the next prompt."""
HOURS = 8
"""Hours of a day in which people work."""
PER_DAY = CLIENTS * PER_PROMPT / (APART * (PER_PROMPT - 1) + PAUSE) * HOURS * 3_600
"""Requests of all main threads in a day of theirs."""
LIFE = 150
"""Requests of a session, then another one takes its place."""
COMPACTED_AT = 160_000
WITH_AGENT = 0.2
"""Share of the prompts that start a sub-agent."""
AGENT_REQUESTS = 3
MODEL = "claude-opus-5-5"


class Client:
    """One person's session after session in one project.

    ``speed`` is how many times faster than ``APART`` and ``PAUSE`` say everything happens.
    """

    def __init__(self, home: Path, number: int, *, speed: float, begin: float) -> None:
        self.requests = 0
        """Everything written so far, sub-agents included."""
        self.bytes = 0
        self._home, self._number, self._speed = home, number, speed
        self._dice = random.Random(number)
        sizes = (400, 900, 2_500, 7_000, 9_000, 14_000)
        self._pool = [text(self._dice, self._dice.choice(sizes)) for _ in range(60)]
        cycle = (APART * (PER_PROMPT - 1) + PAUSE) / speed
        self._due = begin + number * cycle / CLIENTS
        self._left = PER_PROMPT
        self._cwd = f"/home/dev/project-{number}"
        self._folder = home / "projects" / self._cwd.replace("/", "-")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._begin_session()

    @property
    def context(self) -> int:
        """Tokens that the newest request carried."""
        return self._cached + 3

    def work(self, now: float) -> bool:
        """Write what is due at ``now`` (monotonic seconds); True when a request was answered."""
        if now < self._due:
            return False
        if self._answered >= LIFE:
            self._begin_session()
        if self._left == PER_PROMPT:
            self._ask()
        self._answer()
        self._left -= 1
        self._due += (APART if self._left else PAUSE) / self._speed
        self._left = self._left or PER_PROMPT
        return True

    def _begin_session(self) -> None:
        self._session = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        self._common: Record = {"sessionId": self._session, "cwd": self._cwd}
        self._lines: list[Record] = []
        self._parent: str | None = None
        self._cached, self._context = 0, self._dice.randint(15_000, 30_000)
        self._answered = 0

    def _ask(self) -> None:
        before = len(self._lines)
        turn = self._turn()
        self._parent = turn.add(self._lines, user("and now the next step"), self._parent)
        self._append(self._folder / f"{self._session}.jsonl", self._lines[before:])
        if self._dice.random() < WITH_AGENT:
            self._send_agent()

    def _answer(self) -> None:
        before = len(self._lines)
        if self._context > COMPACTED_AT:
            self._lines.append(boundary(self._common, self._context, datetime.now(UTC)))
            self._cached, self._context = 0, 30_000
        self._parent = self._turn().answer(self._dice, self._pool, self._lines)
        self._cached = self._context
        self._context += self._dice.randint(200, 4_000)
        self._answered += 1
        self.requests += 1
        self._append(self._folder / f"{self._session}.jsonl", self._lines[before:])
        if not self._number:
            self._register()

    def _turn(self) -> Turn:
        now = datetime.now(UTC)
        return Turn(self._common, MODEL, now, self._parent, self._cached, self._context)

    def _send_agent(self) -> None:
        agent = f"{self._dice.getrandbits(28):07x}"
        common: Record = {**self._common, "isSidechain": True, "agentId": agent}
        lines: list[Record] = []
        parent, cached = None, 0
        for number in range(AGENT_REQUESTS):
            context = 12_000 + 3_000 * number
            turn = Turn(common, MODEL, datetime.now(UTC), parent, cached, context)
            parent, cached = turn.answer(self._dice, self._pool, lines), context
            self.requests += 1
        folder = self._folder / self._session / "subagents"
        folder.mkdir(parents=True, exist_ok=True)
        self._append(folder / f"agent-{agent}.jsonl", lines)

    def _append(self, path: Path, lines: list[Record]) -> None:
        data = b"".join(encode(line) + b"\n" for line in lines)
        with path.open("ab", buffering=0) as file:
            file.write(data)
        self.bytes += len(data)

    def _register(self) -> None:
        """As the client does it: in place, so that a reader may meet it cut."""
        folder = self._home / "sessions"
        folder.mkdir(exist_ok=True)
        now = datetime.now(UTC).timestamp() * 1_000
        entry = {"pid": os.getpid(), "sessionId": self._session, "status": "busy", "updatedAt": now}
        (folder / f"{os.getpid()}.json").write_text(json.dumps(entry))
