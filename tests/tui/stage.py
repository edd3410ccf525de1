"""A stage for the app: an engine that shows given snapshots, a frozen clock, screens as text."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from ccmon.measures import Span
from ccmon.monitor import TextBlock
from ccmon.past import Candidate
from ccmon.settings import Settings
from ccmon.snapshot import Snapshot
from ccmon.tui.app import CcmonApp
from ccmon.tui.looking_back import PastEngine

GOLDEN = Path(__file__).parent / "golden"
UPDATE_GOLDEN = bool(os.environ.get("CCMON_UPDATE_GOLDEN"))  # each test clears CCMON_* from its own


class FakeMonitor:
    """An engine whose snapshots the test sets; ``put`` shows another one."""

    def __init__(self, snapshot: Snapshot, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.revision = 0
        self.steps = 0
        self.touched: list[str] = []
        self.opened: list[str] = []
        self.known: list[tuple[Candidate, ...]] = []
        self._snapshot = snapshot
        self._dirty: asyncio.Queue[set[str]] = asyncio.Queue()

    def put(self, snapshot: Snapshot) -> None:
        """The files changed: this is what they say now."""
        self._snapshot = snapshot
        self.revision += 1
        self._dirty.put_nowait({"/changed.jsonl"})

    def step(self, budget: float = 0.05) -> bool:
        """Nothing takes long here."""
        self.steps += 1
        return False

    def snapshot(self, now: float | None = None) -> Snapshot:
        """The snapshot last put."""
        return self._snapshot

    def touch(self, paths: Iterable[str]) -> None:
        """Remember what was said to have changed."""
        self.touched += paths

    def open(self, session_id: str) -> None:
        """Remember what was asked for."""
        self.opened.append(session_id)

    def know(self, candidates: Sequence[Candidate]) -> None:
        """Remember what it was told."""
        self.known.append(tuple(candidates))

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[set[str]]:
        """Paths of ``put``."""
        while not stop.is_set():
            yield await self._dirty.get()

    def read_text(self, spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        """No text on this stage."""
        return ()


@asynccontextmanager
async def running(
    snapshot: Snapshot,
    size: tuple[int, int] = (100, 30),
    *,
    settings: Settings | None = None,
    session_id: str | None = None,
    clock: Callable[[], float] | None = None,
    past: Callable[[], PastEngine] | None = None,
    toasts: bool = False,
) -> AsyncIterator[tuple[CcmonApp, Pilot[None]]]:
    """The app at work on ``snapshot``, its clock standing at the snapshot's moment.

    Notifications are drawn with ``toasts`` only, so that they cover nothing elsewhere.
    """
    settings = settings or Settings()
    app = CcmonApp(
        lambda: FakeMonitor(snapshot, settings),
        settings,
        session_id=session_id,
        clock=clock or (lambda: snapshot.generated_at),
        past=past,
    )
    async with app.run_test(size=size, notifications=toasts) as pilot:
        await shown(app, pilot)
        yield app, pilot


async def shown(app: CcmonApp, pilot: Pilot[None]) -> None:
    """Wait until the first snapshot is on the screen."""
    while app.snapshot is None:
        await pilot.pause()
    await settled(app, pilot)


async def settled(app: CcmonApp, pilot: Pilot[None]) -> None:
    """Wait until two looks at the screen see the same."""
    before = None
    while (now := screen_lines(app)) != before:
        before = now
        await pilot.pause()


def screen_lines(app: CcmonApp) -> list[str]:
    """The text of the screen, one string a row, every row as wide as the terminal."""
    # Textual has no public way to read the composed screen as text.
    strips = app.screen._compositor.render_strips(app.size)
    return [strip.text for strip in strips]


def check_golden(name: str, lines: Sequence[str]) -> None:
    """Compare with ``golden/<name>.txt``; ``CCMON_UPDATE_GOLDEN=1`` writes it instead."""
    path = GOLDEN / f"{name}.txt"
    text = "".join(f"{row.rstrip()}\n" for row in lines)
    if UPDATE_GOLDEN:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
