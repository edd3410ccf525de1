"""The past off the event loop: the archive works in short steps in a thread while somebody looks.

Nothing is opened, read or looked for before a screen asks for the first time, and nothing is done
while no screen asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from ccmon.errors import CcmonError
from ccmon.past import History, Memory, Query, Scanning

LOOK_SECONDS = 5.0
"""How often at most it is looked anew what transcripts there are, while somebody looks.

And how long an archive that has failed is left alone before it is opened again.
"""
ANSWER_SECONDS = 0.5
"""Shortest time between two answers while more is read; a slow answer takes a fifth of the time."""
_SLOW = 4.0
_KEPT = 16
"""Answers kept, so that going back shows at once what was there."""

_T = TypeVar("_T")

_log = logging.getLogger(__name__)


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

    def stop(self) -> None:
        """Have the call now under way end soon, with what it has; called from any thread."""

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
    ``trouble`` is why the archive has failed; it is opened again when somebody asks later.
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
        self._refusals: dict[Wanted, str] = {}
        self._engine: PastEngine | None = None
        self._asker: object = None
        self._wanted: Wanted | None = None
        self._looked = self._failed = float("-inf")
        self._look = False
        self._launched = False
        self._stopped = False
        self._wake = asyncio.Event()

    def ask(self, asker: object, wanted: Wanted) -> None:
        """``asker`` shows this from now on; ``publish`` is called when there is an answer."""
        if self._opening is None or self._stopped:
            return
        now = self._clock()
        news = wanted != self._wanted
        self._asker, self._wanted = asker, wanted
        if now - self._looked >= LOOK_SECONDS:
            self._looked, self._look, news = now, True, True
        if not self._launched and now - self._failed >= LOOK_SECONDS:
            self._launched = self.reading = True
            self._launch(self._run(self._opening))
        # The same question again: what has not changed since it was answered needs no work.
        if news:
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

    def refusal(self, wanted: Wanted) -> str:
        """Why there is no answer to that: the archive's trouble, or what is wrong with it."""
        return self.trouble or self._refusals.get(wanted, "")

    def stop(self) -> None:
        """End after the step now under way, which is told to end soon."""
        self._stopped = True
        if self._engine is not None:
            self._engine.stop()
        self._wake.set()

    async def _run(self, opening: Callable[[], PastEngine]) -> None:
        # One thread of its own: what is cancelled here still ends there before ``close``.
        thread = ThreadPoolExecutor(1, thread_name_prefix="past")
        try:
            engine = self._engine = await _within(thread, opening)
            self.trouble = ""
            try:
                await self._work(engine, thread)
            finally:
                self._engine = None
                thread.submit(engine.close)
        except Exception as error:  # noqa: BLE001  the screens of what is live go on without a past
            self._fail(error)
        finally:
            self._launched = False
            thread.shutdown(wait=False)

    def _fail(self, error: Exception) -> None:
        """Say why; who asks some seconds later opens the archive anew."""
        if not isinstance(error, CcmonError | OSError):
            _log.error("the history has failed", exc_info=error)
        self.trouble = _said(error)
        self.reading, self._failed = False, self._clock()
        self._publish()

    async def _work(self, engine: PastEngine, thread: ThreadPoolExecutor) -> None:
        unread, due = True, 0.0
        answered: tuple[object, ...] = ()
        studied: tuple[object, ...] = ()
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
            study = (wanted, engine.revision)
            if not unread and isinstance(wanted, MemoryQuery) and study != studied:
                more = await _within(thread, partial(engine.study, days=wanted.days))
                # Studying may find that the index has to be made anew.
                studied = () if more or engine.revision != study[1] else study
            self.scanning, self.studying, self.reading = engine.scanning, engine.studying, more
            state = (wanted, engine.revision, self.scanning, self.studying, more)
            if state != answered and (not more or self._clock() >= due):
                began = self._clock()
                await self._answer(engine, thread, wanted)
                took = self._clock() - began
                rest = max(ANSWER_SECONDS, _SLOW * took)
                due, answered = began + took + rest, state
                if engine.revision != state[1]:
                    # The index was found to be damaged or has been written to: it is not all yet.
                    unread = self.reading = True
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), rest)
                    continue
            if not more:
                await self._wake.wait()

    async def _answer(self, engine: PastEngine, thread: ThreadPoolExecutor, wanted: Wanted) -> None:
        answer: History | Memory
        try:
            if isinstance(wanted, MemoryQuery):
                answer = await _within(thread, partial(engine.memory, days=wanted.days))
            else:
                answer = await _within(thread, partial(engine.history, wanted))
        except CcmonError as error:
            # The question is at fault, such as a project that is gone: others can be answered.
            self._answers.pop(wanted, None)
            self._refusals[wanted] = _said(error)
        else:
            self._refusals.pop(wanted, None)
            self._answers.pop(wanted, None)
            self._answers[wanted] = answer
        for kept in (self._answers, self._refusals):
            while len(kept) > _KEPT:
                del kept[next(iter(kept))]
        self._publish()


def _said(error: Exception) -> str:
    if isinstance(error, CcmonError):
        return error.message
    return str(error) if isinstance(error, OSError) else f"the history has failed: {error!r}"


async def _within(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)
