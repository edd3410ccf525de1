"""The archive beside the event loop: when it works, when it rests, what it answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ccmon.errors import CcmonError
from ccmon.past import History, Query
from ccmon.tui.looking_back import LOOK_SECONDS, LookingBack, MemoryQuery
from tests.sample_past import CANDIDATES, WORK
from tests.tui.archive import FakePast

DAYS = Query(by="day")
MODELS_ASKED = Query(by="model")


class Desk:
    """Somebody who looks: an archive, a clock that stands, and what was published."""

    def __init__(self, opening: Callable[[], FakePast] | None = None) -> None:
        self.past = FakePast()
        self.opened = 0
        self.news = 0
        self.now = 100.0
        self.tasks: list[asyncio.Task[None]] = []
        self.back = LookingBack(opening or self._open, self._launch, self._publish, self._clock)

    def _open(self) -> FakePast:
        self.opened += 1
        return self.past

    def _launch(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    def _publish(self) -> None:
        self.news += 1

    def _clock(self) -> float:
        return self.now

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0.001)

    async def rest(self) -> None:
        """Let everything come to rest."""
        await self.until(lambda: not self.back.reading)
        await asyncio.sleep(0.02)

    async def leave(self) -> None:
        self.back.stop()
        async with asyncio.timeout(5):
            await asyncio.gather(*self.tasks)
        await self.until(lambda: self.past.closed)


async def test_nothing_is_opened_before_somebody_asks() -> None:
    desk = Desk()
    await asyncio.sleep(0.02)
    assert (desk.opened, desk.tasks) == (0, [])
    desk.back.ask(desk, DAYS)
    await desk.rest()
    assert (desk.opened, len(desk.tasks)) == (1, 1)
    await desk.leave()


async def test_all_is_read_and_the_last_answer_holds_everything() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    history = desk.back.history(DAYS)
    assert history is not None
    assert history.totals.requests == sum(cell.requests for cell in WORK)
    assert desk.back.scanning.files_done == len(WORK)
    assert desk.news >= 1
    await desk.leave()


async def test_another_question_is_answered_and_the_old_answer_kept() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    before = desk.back.history(DAYS)
    desk.back.ask(desk, MODELS_ASKED)
    await desk.until(lambda: desk.back.history(MODELS_ASKED))
    assert desk.back.history(DAYS) is before
    await desk.leave()


async def test_the_same_question_again_costs_nothing_while_nothing_changed() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    news, asked = desk.news, len(desk.past.queries)
    for _ in range(5):
        desk.back.ask(desk, DAYS)
        await asyncio.sleep(0.005)
    assert (desk.news, len(desk.past.queries), desk.past.looks) == (news, asked, 1)
    await desk.leave()


async def test_it_looks_again_after_some_seconds_and_only_when_asked() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    desk.now += LOOK_SECONDS + 1
    await asyncio.sleep(0.02)
    assert desk.past.looks == 1
    desk.back.ask(desk, DAYS)
    await desk.until(lambda: desk.past.looks == 2)
    await desk.leave()


async def test_it_rests_when_nobody_looks_any_more() -> None:
    desk = Desk()
    desk.past.held = True
    desk.back.ask(desk, DAYS)
    await desk.until(lambda: desk.back.history(DAYS))
    desk.back.leave(desk)
    desk.past.held = False
    await asyncio.sleep(0.05)
    revision = desk.past.revision
    await asyncio.sleep(0.05)
    assert desk.past.revision == revision
    desk.back.ask(desk, DAYS)
    await desk.rest()
    assert desk.past.revision == len(WORK) - 1
    await desk.leave()


async def test_who_asked_before_does_not_stop_who_asks_now() -> None:
    desk = Desk()
    first, second = object(), object()
    desk.back.ask(first, DAYS)
    desk.back.ask(second, MODELS_ASKED)
    desk.back.leave(first)
    await desk.until(lambda: desk.back.history(MODELS_ASKED))
    await desk.leave()


async def test_sessions_are_studied_after_all_is_read_and_only_for_the_memory() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    assert desk.back.studying.files_done == 1
    desk.back.ask(desk, MemoryQuery(30))
    await desk.until(lambda: desk.back.studying.files_done == len(CANDIDATES))
    await desk.rest()
    memory = desk.back.memory(MemoryQuery(30))
    assert memory is not None
    assert memory.candidates == CANDIDATES
    await desk.leave()


async def test_the_engine_is_worked_in_one_thread_that_is_not_the_loops() -> None:
    threads: set[int] = set()
    desk = Desk()
    step = desk.past.step

    def noted(budget: float = 0.05) -> bool:
        threads.add(threading.get_ident())
        return step(budget)

    desk.past.step = noted  # type: ignore[method-assign]  # to see who calls it
    desk.back.ask(desk, DAYS)
    await desk.rest()
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    await desk.leave()


async def test_an_archive_that_fails_says_why_and_is_left_alone_for_a_while() -> None:
    def fails() -> FakePast:
        raise CcmonError("the index cannot be read")

    desk = Desk(fails)
    desk.back.ask(desk, DAYS)
    await desk.until(lambda: desk.back.trouble)
    assert desk.back.trouble == "the index cannot be read"
    assert (desk.news, desk.back.reading) == (1, False)
    await asyncio.gather(*desk.tasks)
    desk.back.ask(desk, DAYS)
    assert len(desk.tasks) == 1


async def test_who_asks_later_has_an_archive_that_failed_opened_anew() -> None:
    desk = Desk()
    past, failures = desk.past, [OSError("no such folder"), ValueError("a fault of ours")]

    def opens() -> FakePast:
        if failures:
            raise failures.pop(0)
        return past

    desk.back = LookingBack(opens, desk._launch, desk._publish, desk._clock)
    for said in ("no such folder", "the history has failed: ValueError('a fault of ours')"):
        desk.back.ask(desk, DAYS)
        await asyncio.gather(*desk.tasks)
        assert desk.back.trouble == said
        desk.now += LOOK_SECONDS + 1
    desk.back.ask(desk, DAYS)
    await desk.until(lambda: desk.back.history(DAYS))
    assert desk.back.refusal(DAYS) == ""
    await desk.leave()


async def test_a_question_without_an_answer_leaves_the_others_theirs() -> None:
    desk = Desk()
    history, lost = desk.past.history, Query(by="session", project="forgotten")

    def refuses(query: Query) -> History:
        if query == lost:
            raise CcmonError("no project 'forgotten' in the history")
        return history(query)

    desk.past.history = refuses  # type: ignore[method-assign]  # one project is not known
    desk.back.ask(desk, DAYS)
    await desk.rest()
    desk.back.ask(desk, lost)
    await desk.until(lambda: desk.back.refusal(lost))
    assert desk.back.refusal(lost) == "no project 'forgotten' in the history"
    assert desk.back.refusal(DAYS) == ""
    desk.back.ask(desk, MODELS_ASKED)
    await desk.until(lambda: desk.back.history(MODELS_ASKED))
    desk.past.history = history  # type: ignore[method-assign]  # now it is
    desk.past.revision += 1
    desk.back.ask(desk, lost)
    await desk.until(lambda: desk.back.history(lost))
    assert desk.back.refusal(lost) == ""
    await desk.leave()


async def test_nothing_is_studied_again_while_nothing_has_changed() -> None:
    desk = Desk()
    studied: list[int] = []
    study = desk.past.study

    def noted(budget: float = 0.05, *, days: int = 30, project: str | None = None) -> bool:
        studied.append(days)
        return study(budget, days=days, project=project)

    desk.past.study = noted  # type: ignore[method-assign]  # to see how often it is called
    desk.back.ask(desk, MemoryQuery(30))
    await desk.rest()
    before = len(studied)
    for _ in range(5):
        desk.back.ask(desk, MemoryQuery(30))
        await asyncio.sleep(0.005)
    desk.now += LOOK_SECONDS + 1
    desk.back.ask(desk, MemoryQuery(30))
    await desk.until(lambda: desk.past.looks == 2)
    await desk.rest()
    assert len(studied) == before
    desk.past.revision += 1
    desk.now += LOOK_SECONDS + 1
    desk.back.ask(desk, MemoryQuery(30))
    await desk.until(lambda: len(studied) > before)
    await desk.leave()


async def test_an_index_found_damaged_is_filled_again_step_by_step() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    history = desk.past.history

    def begins_anew(query: Query) -> History:
        if query == MODELS_ASKED and desk.past.revision == len(WORK) - 1:
            desk.past._read = 1
            desk.past.revision += 1
        return history(query)

    desk.past.history = begins_anew  # type: ignore[method-assign]  # damaged, found out when asked
    desk.back.ask(desk, MODELS_ASKED)
    everything = sum(cell.requests for cell in WORK)

    def requests() -> int:
        answer = desk.back.history(MODELS_ASKED)
        return answer.totals.requests if answer is not None else 0

    await desk.until(lambda: 0 < requests() < everything)
    assert desk.back.reading
    await desk.until(lambda: requests() == everything)
    await desk.leave()


async def test_stopping_tells_the_archive_to_end_what_it_does() -> None:
    desk = Desk()
    desk.back.ask(desk, DAYS)
    await desk.rest()
    desk.back.leave(desk)
    await asyncio.sleep(0.02)
    stopped = [desk.past.stopped]
    desk.back.stop()
    stopped.append(desk.past.stopped)
    assert stopped == [False, True]
    await desk.until(lambda: desk.past.closed)


async def test_without_an_archive_nothing_is_ever_launched() -> None:
    desk = Desk()
    back = LookingBack(None, desk._launch, desk._publish, desk._clock)
    back.ask(desk, DAYS)
    assert not back.available
    assert desk.tasks == []


async def test_it_is_closed_even_when_it_is_cancelled_in_the_middle() -> None:
    desk = Desk()
    desk.past.held = True
    desk.back.ask(desk, DAYS)
    await desk.until(lambda: desk.back.history(DAYS))
    desk.tasks[0].cancel()
    await desk.until(lambda: desk.past.closed)
