"""A monitor watched as time goes on, and clients that say what they do."""

from __future__ import annotations

import json
from pathlib import Path

from ccmon.monitor import Monitor, Scope
from ccmon.settings import Settings
from ccmon.transcripts.locate import Home
from tests.homes import FIRST, NOW, ConfigHome, read

LATELY = 1_795_348_800.0
"""When the lines of ``response`` were written."""


class Watched:
    """A monitor that is looked at as its clock goes on."""

    def __init__(self, home: ConfigHome, scope: Scope, settings: Settings | None = None) -> None:
        self.now = NOW
        homes = [Home(str(home.path), "--config-dir", True)]
        self.monitor = Monitor(homes, settings or Settings(), scope, clock=lambda: self.now)
        self.snapshot = read(self.monitor)

    def after(self, seconds: float) -> bool:
        """Let time pass and step as an idle face does; whether there was something to show."""
        self.now += seconds
        revision = self.monitor.revision
        while self.monitor.step():
            pass
        if news := self.monitor.revision != revision:
            self.snapshot = self.monitor.snapshot()
        return news

    def active(self) -> bool:
        return self.snapshot.sessions[0].active

    def shown(self) -> list[str]:
        return [session.session_id for session in self.snapshot.sessions]


def register(home: ConfigHome, pid: int, session: str = FIRST, **fields: object) -> Path:
    """What a client says of itself."""
    folder = home.path / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{pid}.json"
    path.write_text(json.dumps({"pid": pid, "sessionId": session, **fields}))
    return path
