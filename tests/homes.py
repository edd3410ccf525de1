"""Scratch config homes with transcripts in them, and monitors that read them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ccmon.monitor import Monitor, Scope
from ccmon.settings import Settings
from ccmon.snapshot import Snapshot
from ccmon.transcripts.locate import config_homes

CORPUS = Path(__file__).parent / "corpus"
NOW = 1_795_350_000.0
FIRST = "aaaaaaaa-1111-4111-8111-111111111111"
SECOND = "bbbbbbbb-2222-4222-8222-222222222222"


def response(message_id: str, output: int = 10, *, session: str = FIRST, read: int = 0) -> bytes:
    """One whole assistant line with its newline."""
    record = {
        "parentUuid": None,
        "isSidechain": False,
        "cwd": "/home/dev/shop-api",
        "sessionId": session,
        "version": "2.1.330",
        "type": "assistant",
        "uuid": f"u-{message_id}",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "message": {
            "id": message_id,
            "model": "claude-opus-5-5",
            "role": "assistant",
            "content": [{"type": "text", "text": "done"}],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 2,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": 0,
                "output_tokens": output,
            },
        },
    }
    return json.dumps(record).encode() + b"\n"


class ConfigHome:
    """A config home to write transcripts into."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def transcript(self, session: str = FIRST, *, project: str = "-home-dev-shop-api") -> Path:
        """Where a session's file lies; its folder is made."""
        folder = self.path / "projects" / project
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{session}.jsonl"

    def write(
        self,
        *lines: bytes,
        session: str = FIRST,
        project: str = "-home-dev-shop-api",
        mtime: float = NOW,
    ) -> Path:
        """Append lines to a session's file, last written at ``mtime``."""
        path = self.transcript(session, project=project)
        with path.open("ab") as file:
            file.writelines(lines)
        os.utime(path, (mtime, mtime))
        return path

    def monitor(
        self, scope: Scope | None = None, *, settings: Settings | None = None, now: float = NOW
    ) -> Monitor:
        """A monitor of this home with a clock that stands still."""
        homes = config_homes([str(self.path)], {}, self.path)
        return Monitor(
            homes, settings or Settings(), scope or Scope(everything=True), clock=lambda: now
        )


def read(monitor: Monitor) -> Snapshot:
    """Step until there is nothing more to read."""
    while monitor.step():
        pass
    return monitor.snapshot()


def messages(snapshot: Snapshot) -> list[str]:
    """The ids of all main requests."""
    return [row.message_id for session in snapshot.sessions for row in session.requests]
