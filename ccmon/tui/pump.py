"""From file events to snapshots, off the event loop.

The engine runs in short steps in a thread, one at a time; this task decides when to step, and
when what it found is worth a snapshot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ccmon.measures import Span
from ccmon.past import Candidate
from ccmon.snapshot import Snapshot

if TYPE_CHECKING:
    from ccmon.monitor import TextBlock

PER_SECOND = 4
PACE = ((1, 0.1), (PER_SECOND, 1.0), (10, 4.0))
"""So many snapshots in so many seconds at most: one alone shows at once, a storm costs little."""


REST = 5.0
"""Longest pause between two steps, in seconds: a client may die, a session grow old unannounced."""


class Engine(Protocol):
    """What the app needs of a Monitor."""

    revision: int

    def step(self, budget: float = 0.05) -> bool:
        """Work for about ``budget`` seconds; True when there is more to do."""

    def snapshot(self, now: float | None = None) -> Snapshot:
        """Everything that can be shown now."""

    def touch(self, paths: Iterable[str]) -> None:
        """These files or folders may have changed."""

    def open(self, session_id: str) -> None:
        """Take a session in that is out of scope."""

    def watch(self, stop: asyncio.Event) -> AsyncIterator[set[str]]:
        """Paths as they change, until ``stop`` is set."""

    def know(self, candidates: Sequence[Candidate]) -> None:
        """Sessions of the past found these out again and again."""

    def read_text(self, spans: Sequence[Span]) -> tuple[TextBlock, ...]:
        """The text at these places of the transcripts, read again; raises CcmonError."""


class Pump:
    """Steps an engine and publishes its snapshots.

    ``opening`` makes the engine, which takes a while: it is called off the event loop, by ``run``.
    ``clock`` is monotonic seconds. Everything here runs on the event loop, except ``opening`` and
    the engine's own calls.
    """

    def __init__(
        self,
        opening: Callable[[], Engine],
        publish: Callable[[Snapshot], object],
        clock: Callable[[], float],
    ) -> None:
        self._opening = opening
        self._opened: Engine | None = None
        self._publish = publish
        self._clock = clock
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._dirty: set[str] = set()
        self._published: deque[float] = deque(maxlen=max(count for count, _ in PACE))
        self._shown = -1

    async def run(self) -> None:
        """Read what is there, then follow changes until ``stop`` is called.

        A failure of the engine or of its watch ends both and is raised.
        """
        self._opened = await asyncio.to_thread(self._opening)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            while not self._stop.is_set():
                await self._work()
            watching.cancel()

    @property
    def engine(self) -> Engine:
        """The engine; raises RuntimeError before ``run`` has opened it."""
        if self._opened is None:
            raise RuntimeError("the engine is not open yet")
        return self._opened

    def open_session(self, session_id: str) -> None:
        """Have the engine take a session in, however old, without waiting for the next step."""
        self.engine.open(session_id)
        self._wake.set()

    def stop(self) -> None:
        """End ``run`` after the step now under way (at most its budget)."""
        self._stop.set()
        self._wake.set()

    async def _watch(self) -> None:
        async for paths in self.engine.watch(self._stop):
            self._dirty |= paths
            self._wake.set()

    async def _work(self) -> None:
        """One step, perhaps one snapshot, and a rest when both have nothing to do."""
        self._wake.clear()
        if self._dirty:
            paths, self._dirty = self._dirty, set()
            self.engine.touch(paths)
        more = await asyncio.to_thread(self.engine.step)
        news = self.engine.revision != self._shown
        now = self._clock()
        wait = due(self._published, now) - now
        if news and wait <= 0:
            await self._show()
        elif news and not more:
            # What comes until the next snapshot is due is read in one go with it.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)
            return
        if not more:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), REST)

    async def _show(self) -> None:
        self._shown = self.engine.revision
        snapshot = await asyncio.to_thread(self.engine.snapshot)
        self._published.append(self._clock())
        self._publish(snapshot)


def due(published: Sequence[float], now: float) -> float:
    """When the next snapshot may be shown, given when the last ones were."""
    return max(
        (published[-count] + seconds for count, seconds in PACE if len(published) >= count),
        default=now,
    )
