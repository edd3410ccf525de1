"""The pump: steps in a thread, snapshots at a pace, an end without delay."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ccmon.snapshot import Snapshot
from ccmon.tui import pump as pump_module
from ccmon.tui.pump import PACE, PER_SECOND, Pump, due
from tests import sample
from tests.tui.stage import FakeMonitor


async def until(condition: Callable[[], bool]) -> None:
    """Give the loop turns until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def pumping(
    monitor: FakeMonitor,
    shown: list[Snapshot],
    work: Callable[[Pump], Awaitable[None]],
    clock: Callable[[], float] | None = None,
) -> None:
    pump = Pump(lambda: monitor, shown.append, clock or asyncio.get_running_loop().time)
    task = asyncio.create_task(pump.run())
    try:
        await work(pump)
    finally:
        pump.stop()
        await asyncio.wait_for(task, 1)


async def test_the_first_snapshot_comes_at_once_and_none_follows_without_a_change() -> None:
    monitor, shown = FakeMonitor(sample.calm_snapshot()), list[Snapshot]()

    async def work(pump: Pump) -> None:
        await until(lambda: len(shown) == 1)
        steps = monitor.steps
        await asyncio.sleep(0.05)
        assert monitor.steps == steps

    await pumping(monitor, shown, work)
    assert shown == [sample.calm_snapshot()]


async def test_a_changed_path_is_touched_and_its_snapshot_shown() -> None:
    monitor, shown = FakeMonitor(sample.calm_snapshot()), list[Snapshot]()

    async def work(pump: Pump) -> None:
        await until(lambda: len(shown) == 1)
        monitor.put(sample.sample_snapshot())
        await until(lambda: len(shown) == 2)

    await pumping(monitor, shown, work)
    assert monitor.touched == ["/changed.jsonl"]
    assert shown[-1] is sample.sample_snapshot()


async def test_a_change_long_after_the_last_is_shown_without_waiting() -> None:
    monitor, shown, now = FakeMonitor(sample.calm_snapshot()), list[Snapshot](), [100.0]

    async def work(pump: Pump) -> None:
        for number in range(1, PER_SECOND + 1):
            await until(lambda: len(shown) == number)  # noqa: B023  awaited within the turn
            now[0] += 0.11
            monitor.put(sample.sample_snapshot())

    await pumping(monitor, shown, work, lambda: now[0])
    assert len(shown) >= PER_SECOND


async def test_a_storm_of_changes_is_read_and_shown_a_few_times_a_second() -> None:
    monitor, shown = FakeMonitor(sample.calm_snapshot()), list[Snapshot]()
    last = sample.dominating_snapshot()

    async def work(pump: Pump) -> None:
        await until(lambda: len(shown) == 1)
        for _ in range(100):
            monitor.put(sample.sample_snapshot())
            await asyncio.sleep(0.005)
        assert len(shown) <= PER_SECOND
        assert monitor.steps <= 4 * PER_SECOND
        monitor.put(last)
        await until(lambda: shown[-1] is last)

    await pumping(monitor, shown, work)


def shown_in(storm: float) -> list[float]:
    """When snapshots are shown while there is always something new."""
    now, times = 100.0, list[float]()
    while now < 100.0 + storm:
        if due(times, now) <= now:
            times.append(now)
        now += 0.001
    return times


def test_a_storm_that_lasts_is_shown_less_often_than_one_that_passes() -> None:
    """Drawing at the highest rate for ever would cost more than the rest of the program."""
    assert len(shown_in(0.25)) == 3
    assert len(shown_in(0.95)) == PER_SECOND
    assert len(shown_in(12.0)) == 30
    for count, seconds in PACE:
        times = shown_in(12.0)
        gaps = [later - earlier for earlier, later in zip(times, times[count:], strict=False)]
        assert min(gaps) >= seconds - 1e-6


async def test_stopping_ends_the_pump_while_it_waits() -> None:
    monitor, shown = FakeMonitor(sample.calm_snapshot()), list[Snapshot]()

    async def work(pump: Pump) -> None:
        await until(lambda: len(shown) == 1)

    await pumping(monitor, shown, work)


async def test_an_engine_is_stepped_now_and_then_though_no_file_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ageing(FakeMonitor):
        def step(self, budget: float = 0.05) -> bool:
            super().step(budget)
            self.revision += self.steps == 5
            return False

    monkeypatch.setattr(pump_module, "REST", 0.01)
    monitor, shown = Ageing(sample.calm_snapshot()), list[Snapshot]()

    async def work(pump: Pump) -> None:
        await until(lambda: monitor.steps >= 8 and len(shown) == 2)

    await pumping(monitor, shown, work)
    assert len(shown) == 2
    assert monitor.touched == []


async def test_a_watch_that_fails_is_not_passed_over() -> None:
    class Blind(FakeMonitor):
        async def watch(self, stop: asyncio.Event) -> AsyncIterator[set[str]]:
            yield {"/seen.jsonl"}
            raise OSError("no more watches")

    pump = Pump(
        lambda: Blind(sample.calm_snapshot()), lambda _: None, asyncio.get_running_loop().time
    )
    with pytest.raises(ExceptionGroup) as failure:
        await asyncio.wait_for(pump.run(), 1)
    assert failure.group_contains(OSError, match="no more watches")
