"""One trial: apps and their clients side by side until the time is up."""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte

from ccmon import format
from tests.bench import corpus
from tests.endurance.clients import CLIENTS, Client
from tests.endurance.face import Face
from tests.endurance.figures import Run, Sample

OLD_MEGABYTES = 5
"""Transcripts of days ago, for History and Memory to look at."""
TWO_DAYS = 2 * 86_400
SETTLED = 0.3
"""Seconds that the Sessions screen has stood before figures on it are timed."""
LATE = 5.0
"""An append that has not shown after so many seconds is never going to."""
LARGE = (200, 60)
"""Every session with its context has room here."""
_PRIVATE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")


class Party:
    """One app, the clients beside it, and what is noted of both."""

    def __init__(self, scratch: Path, speed: float, *, dwell: float, old: int) -> None:
        home = scratch / "config"
        corpus.write(home, old)
        past = time.time() - TWO_DAYS
        for path in home.rglob("*.jsonl"):
            os.utime(path, (past, past))
        self.run = Run(speed)
        begin = time.monotonic() + 1.0
        self.clients = [Client(home, n, speed=speed, begin=begin) for n in range(CLIENTS)]
        self.face = Face(environment(scratch, home), dwell=dwell, seed=round(speed))
        self._awaited: list[tuple[bytes, float]] = []
        self._listening_since: float | None = None

    def step(self, now: float) -> None:
        """Whatever is due: reading the terminal, keys, appends."""
        self._take(self.face.drain(), now)
        if self.face.failed:
            return
        self.face.act(now)
        if not self.face.listens:
            self._listening_since = None
            self._awaited.clear()
        elif self._listening_since is None:
            self._listening_since = now
        for client in self.clients:
            if client.work(now) and self._is_settled(now):
                shown = format.tokens(client.context).encode()
                self._awaited.append((shown, time.monotonic()))

    def look(self, at: float) -> None:
        """Take a sample, ``at`` seconds after the start."""
        requests = sum(client.requests for client in self.clients)
        with contextlib.suppress(OSError):  # gone: reading the terminal will tell
            self.run.samples.append(Sample(at, requests, self.face.vitals()))

    def finish(self) -> None:
        """See that all figures are there, and quit."""
        if not self.face.failed:
            self.run.stale = self._stale()
        self.run.acts = self.face.acts
        self.run.exit_code = self.face.leave()
        _, _, trace = self.face.recent.partition(b"Traceback")
        self.run.traceback = trace[:2_000].decode(errors="replace")

    def _is_settled(self, now: float) -> bool:
        return self._listening_since is not None and now > self._listening_since + SETTLED

    def _take(self, data: bytes, now: float) -> None:
        left = []
        for shown, since in self._awaited:
            if shown in data:
                self.run.latencies.append(now - since)
            elif now - since > LATE:
                self.run.unseen += 1
            else:
                left.append((shown, since))
        self._awaited = left

    def _stale(self) -> list[str]:
        """Contexts that the Sessions screen does not show, drawn anew and given time."""
        screen = pyte.Screen(*LARGE)
        stream = pyte.ByteStream(screen)
        self.face.go_back()
        self.face.press("5")
        self.face.resize(LARGE)
        wanted = {format.tokens(client.context) for client in self.clients if client.requests}
        end = time.monotonic() + 4 * LATE
        text, resumed = "", False
        while time.monotonic() < end and not self.face.failed:
            select.select([self.face.fd], [], [], 0.1)
            stream.feed(_PRIVATE.sub(b"", self.face.drain()))
            text = "\n".join(screen.display)
            if all(figure in text for figure in wanted):
                return []
            if "PAUSED" in text and not resumed:
                self.face.press("p")
                resumed = True
        self.run.screen = text
        return sorted(figure for figure in wanted if figure not in text)


def environment(scratch: Path, home: Path) -> dict[str, str]:
    """A terminal of its own and no settings of the one who runs this."""
    return {
        "HOME": str(scratch),
        "PATH": os.environ["PATH"],
        "CLAUDE_CONFIG_DIR": str(home),
        "CCMON_CACHE": str(scratch / "cache"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def trial(
    scratch: Path, seconds: float, *, speeds: Sequence[float], dwell: float, every: float,
    old: int = OLD_MEGABYTES,
) -> Mapping[float, Run]:  # fmt: skip
    """Run an app at each speed for so long, a sample ``every`` seconds; by speed."""
    parties = [Party(scratch / f"{speed:g}x", speed, dwell=dwell, old=old) for speed in speeds]
    start = time.monotonic()
    try:
        _pass(parties, start, seconds, every)
    finally:
        for party in parties:
            party.finish()
        shutil.rmtree(scratch, ignore_errors=True)
    return {party.run.speed: party.run for party in parties}


def _pass(parties: Sequence[Party], start: float, seconds: float, every: float) -> None:
    dice = random.Random(0)
    sampled = start
    while (now := time.monotonic()) < start + seconds:
        select.select([party.face.fd for party in parties], [], [], 0.02 + 0.01 * dice.random())
        for party in parties:
            party.step(time.monotonic())
            if party.face.failed:
                return
        if now >= sampled:
            sampled += every
            for party in parties:
                party.look(now - start)
