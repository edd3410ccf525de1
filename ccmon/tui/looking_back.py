"""The past off the event loop: the archive works in short steps in a thread while somebody looks.

Nothing is opened, read or looked for before a screen asks for the first time, and nothing is done
while no screen asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from ccmon.errors import CcmonError
from ccmon.past import History, Memory, Query, Scanning

LOOK_SECONDS = 5.0
"""How often at most it is looked anew what transcripts there are, while somebody looks."""
ANSWER_SECONDS = 0.5
"""Shortest time between two answers while more is read; a slow answer takes a fifth of the time."""
_SLOW = 4.0
_KEPT = 16
"""Answers kept, so that going back shows at once what was there."""

_T = TypeVar("_T")


class PastEngine(Protocol):
    """What the app needs of an archive."""

    revision: int

    @property
    def scanning(self) -> Scanning:
        """How far reading has come."""

    @property
    def studying(self) -> Scanning:
        """How far studying sessions for the memory has come."""

    def look_again(self) -> None:
        """Have the next step look what files there are."""

    def step(self, budget: float = 0.05) -> bool:
        """Read on for about ``budget`` seconds; True while there is more."""

    def history(self, query: Query) -> History:
        """What was read so far adds up to."""

    def study(self, budget: float = 0.05, *, days: int = 30, project: str | None = None) -> bool:
        """Study sessions of the last days; True while there is more."""

    def memory(self, *, days: int = 30, project: str | None = None) -> Memory:
        """What the sessions studied so far found out again and again."""

    def close(self) -> None:
        """Let go of what is open."""


@dataclass(frozen=True, slots=True)
class MemoryQuery:
    """What to look for candidates in: the sessions of the last ``days``."""

    days: int = 30


Wanted = Query | MemoryQuery


class LookingBack:
    """Answers what screens ask of the past, ever better while the archive is being read.

    ``opening`` makes the engine, None: there is no history. ``launch`` runs the work beside the
    event loop's other tasks, ``publish`` says that there is something new to show.
    """

    def __init__(
        self,
        opening: Callable[[], PastEngine] | None,
        launch: Callable[[Coroutine[Any, Any, None]], object],
        publish: Callable[[], object],
        clock: Callable[[], float],
    ) -> None:
        self.available = opening is not None
        self.trouble = ""
        self.scanning = Scanning()
        self.studying = Scanning()
        self.reading = False
        self._opening = opening
        self._launch = launch
        self._publish = publish
        self._clock = clock
        self._answers: dict[Wanted, History | Memory] = {}
        self._asker: object = None
        self._wanted: Wanted | None = None
        self._looked = float("-inf")
        self._look = False
        self._launched = False
        self._stopped = False
        self._wake = asyncio.Event()

    def ask(self, asker: object, wanted: Wanted) -> None:
        """``asker`` shows this from now on; ``publish`` is called when there is an answer."""
        if self._opening is None or self._stopped:
            return
        self._asker, self._wanted = asker, wanted
        now = self._clock()
        if now - self._looked >= LOOK_SECONDS:
            self._looked, self._look = now, True
        if not self._launched:
            self._launched = self.reading = True
            self._launch(self._run(self._opening))
        self._wake.set()

    def leave(self, asker: object) -> None:
        """``asker`` is not seen any more; the work rests unless another one has asked since."""
        if self._asker is asker:
            self._asker = self._wanted = None

    def history(self, query: Query) -> History | None:
        """The last answer to that; None as long as there is none."""
        answer = self._answers.get(query)
        return answer if isinstance(answer, History) else None

    def memory(self, query: MemoryQuery) -> Memory | None:
        """The last answer to that; None as long as there is none."""
        answer = self._answers.get(query)
        return answer if isinstance(answer, Memory) else None

    def stop(self) -> None:
        """End after the step now under way."""
        self._stopped = True
        self._wake.set()

    async def _run(self, opening: Callable[[], PastEngine]) -> None:
        # One thread of its own: what is cancelled here still ends there before ``close``.
        thread = ThreadPoolExecutor(1, thread_name_prefix="past")
        try:
            engine = await _within(thread, opening)
            try:
                await self._work(engine, thread)
            finally:
                thread.submit(engine.close)
        except (CcmonError, OSError) as error:
            self.trouble = error.message if isinstance(error, CcmonError) else str(error)
            self.reading = False
            self._publish()
        finally:
            thread.shutdown(wait=False)

    async def _work(self, engine: PastEngine, thread: ThreadPoolExecutor) -> None:
        unread, due = True, 0.0
        answered: tuple[object, ...] = ()
        while not self._stopped:
            self._wake.clear()
            wanted = self._wanted
            if wanted is None:
                await self._wake.wait()
                continue
            if self._look:
                self._look, unread = False, True
                engine.look_again()
            if unread:
                unread = await _within(thread, engine.step)
            more = unread
            if not unread and isinstance(wanted, MemoryQuery):
                more = await _within(thread, partial(engine.study, days=wanted.days))
            self.scanning, self.studying, self.reading = engine.scanning, engine.studying, more
            state = (wanted, engine.revision, self.scanning, self.studying, more)
            if state != answered and (not more or self._clock() >= due):
                began = self._clock()
                await self._answer(engine, thread, wanted)
                took = self._clock() - began
                due, answered = began + took + max(ANSWER_SECONDS, _SLOW * took), state
            if not more:
                await self._wake.wait()

    async def _answer(self, engine: PastEngine, thread: ThreadPoolExecutor, wanted: Wanted) -> None:
        answer: History | Memory
        if isinstance(wanted, MemoryQuery):
            answer = await _within(thread, partial(engine.memory, days=wanted.days))
        else:
            answer = await _within(thread, partial(engine.history, wanted))
        self._answers.pop(wanted, None)
        self._answers[wanted] = answer
        while len(self._answers) > _KEPT:
            del self._answers[next(iter(self._answers))]
        self._publish()


async def _within(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)
