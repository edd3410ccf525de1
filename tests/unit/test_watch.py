"""Changes are noticed: by events, by polling, and at last by a look at everything."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import watchfiles

import ccmon.transcripts.watch as watch_module
from ccmon.transcripts.survey import is_wanted
from ccmon.transcripts.watch import Watcher

PATIENCE_S = 5.0
NEVER = 3600.0


class Seen:
    """What a running watcher has told so far."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        self.paths: set[str] = set()

    async def until(self, path: Path) -> None:
        """Waits until a path was told, and forgets all that was told."""
        await eventually(lambda: str(path) in self.paths)
        self.paths.clear()

    async def mode(self, mode: str) -> None:
        await eventually(lambda: self.watcher.mode == mode)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def watching(watcher: Watcher) -> AsyncIterator[Seen]:
    seen, stop = Seen(watcher), asyncio.Event()

    async def consume() -> None:
        async for paths in watcher.batches(stop):
            seen.paths |= paths

    task = asyncio.create_task(consume())
    try:
        yield seen
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("projects/-shop", "sessions"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def old(path: Path, text: str = "{}\n") -> Path:
    """A file that was last changed long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_000_000, 1_000_000))
    return path


def append(path: Path) -> Path:
    with path.open("a") as file:
        file.write("{}\n")
    return path


def by_events(home: Path) -> Watcher:
    """A watcher that must notice everything by events alone."""
    return Watcher([home], poll_s=0.05, rescan_s=NEVER)


def by_polling(home: Path) -> Watcher:
    return Watcher([home], poll_s=0.02, rescan_s=NEVER, environ={"CCMON_POLL": "1"})


@pytest.mark.parametrize(("start", "mode"), [(by_events, "events"), (by_polling, "polling")])
async def test_appends_new_files_and_removals_are_told(
    home: Path, start: Callable[[Path], Watcher], mode: str
) -> None:
    path = old(home / "projects/-shop/s1.jsonl")
    async with watching(start(home)) as seen:
        await seen.mode(mode)
        await seen.until(append(path))
        await seen.until(append(home / "projects/-shop/s2.jsonl"))
        await seen.until(append(home / "sessions/12.json"))
        path.unlink()
        await seen.until(path)
    assert seen.watcher.mode == "off"


@pytest.mark.parametrize("start", [by_events, by_polling])
async def test_a_file_in_folders_just_made_is_told(
    home: Path, start: Callable[[Path], Watcher]
) -> None:
    async with watching(start(home)) as seen:
        await eventually(lambda: seen.watcher.mode != "off")
        for n in range(5):
            path = home / f"projects/-new{n}/s1/subagents/agent-a1.jsonl"
            path.parent.mkdir(parents=True)
            await seen.until(append(path))


@pytest.mark.parametrize("start", [by_events, by_polling])
async def test_a_home_that_appears_later_is_watched(
    tmp_path: Path, start: Callable[[Path], Watcher]
) -> None:
    home = tmp_path / "later"
    async with watching(start(home)) as seen:
        await seen.mode("polling")
        path = home / "projects/-shop/s1.jsonl"
        path.parent.mkdir(parents=True)
        await seen.until(append(path))
        await seen.until(append(path))


async def test_a_home_that_is_replaced_is_watched_again(home: Path) -> None:
    path = old(home / "projects/-shop/s1.jsonl")
    async with watching(by_events(home)) as seen:
        await seen.mode("events")
        (home / "projects").rename(home / "away")
        await seen.until(path)
        path.parent.mkdir(parents=True)
        await seen.until(append(path))


async def test_what_was_changed_just_before_is_told_first(home: Path) -> None:
    append(home / "projects/-shop/new.jsonl")
    old(home / "projects/-shop/old.jsonl")
    batches = by_events(home).batches(asyncio.Event())
    first = await anext(batches)
    await batches.aclose()
    assert first == {str(home / "projects/-shop/new.jsonl")}


async def test_files_that_nobody_reads_are_not_told(home: Path) -> None:
    async with watching(by_events(home)) as seen:
        await seen.mode("events")
        append(home / "sessions/12.abc.key")
        append(home / "projects/-shop/notes.md")
        (home / "projects/-shop/s1/tool-results").mkdir(parents=True)
        append(home / "projects/-shop/s1/tool-results/x.txt")
        last = append(home / "projects/-shop/s1.jsonl")
        await eventually(lambda: str(last) in seen.paths)
        assert seen.paths == {str(last)}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/h/projects/-s/a.jsonl", True),
        ("/h/projects/-s/a/subagents/agent-1.meta.json", True),
        ("/h/sessions/12.json", True),
        ("/h/sessions/12.abc.key", False),
        ("/h/sessions/12.key", False),
        ("/h/sessions/roster.json", False),
        ("/h/projects/12.json", False),
        ("/h/projects/-s/a/tool-results/1.txt", False),
    ],
)
def test_only_files_that_ccmon_reads_are_wanted(path: str, wanted: bool) -> None:
    assert is_wanted(path) == wanted


@pytest.mark.parametrize(
    "failure",
    [
        OSError("watch limit"),
        ImportError(),
        RuntimeError(),
        ExceptionGroup("unhandled errors in a TaskGroup", [RuntimeError("unable to decode path")]),
    ],
)
async def test_where_events_fail_polling_goes_on(
    home: Path, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("watchfiles.awatch", fail)
    path = old(home / "projects/-shop/s1.jsonl")
    async with watching(Watcher([home], poll_s=0.02, rescan_s=NEVER)) as seen:
        await seen.mode("polling")
        await seen.until(append(path))


async def test_folders_closed_to_the_watch_do_not_end_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ignoring them is asked for only then, as it hides that the limit of watches is reached."""
    asked: list[bool] = []
    real = watchfiles.awatch

    def refusing(*paths: str, ignore_permission_denied: bool, **options: int) -> object:
        asked.append(ignore_permission_denied)
        if not asked[-1]:
            raise PermissionError
        return real(*paths, **cast(dict[str, Any], options))

    monkeypatch.setattr("watchfiles.awatch", refusing)
    async with watching(by_events(home)) as seen:
        await seen.mode("events")
        await seen.until(append(home / "projects/-shop/s1.jsonl"))
    assert asked == [False, True]


async def test_where_no_event_comes_polling_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the disk of another machine, or in folders beyond the limit of watches."""

    async def silent(*_: object, **__: object) -> AsyncIterator[set[object]]:
        while True:
            yield set()
            await asyncio.sleep(0.01)

    monkeypatch.setattr("watchfiles.awatch", silent)
    monkeypatch.setattr(watch_module, "_LATE_S", 0.0)
    path = old(home / "projects/-shop/s1.jsonl")
    async with watching(Watcher([home], poll_s=0.02, rescan_s=0.02)) as seen:
        await seen.mode("events")
        for _ in range(500):
            append(path)
            if seen.watcher.mode == "polling":
                break
            await asyncio.sleep(0.01)
        await seen.mode("polling")
        await seen.until(append(path))


async def test_whatever_is_missed_the_slow_look_finds(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_POLLED_FILES", 0)
    monkeypatch.setattr(watch_module, "_POLLED_FOLDERS", 0)
    path = old(home / "projects/-shop/s1.jsonl")
    watcher = Watcher([home], poll_s=0.02, rescan_s=0.05, environ={"CCMON_POLL": "1"})
    async with watching(watcher) as seen:
        await seen.mode("polling")
        await seen.until(append(path))


async def _stopped(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    stop.set()
    await task


async def _cancelled(_: asyncio.Event, task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("end", [_stopped, _cancelled])
@pytest.mark.parametrize("polling", ["", "1"])
async def test_ends_at_once(
    home: Path, polling: str, end: Callable[[asyncio.Event, asyncio.Task[None]], Awaitable[None]]
) -> None:
    watcher, stop = Watcher([home], poll_s=60, environ={"CCMON_POLL": polling}), asyncio.Event()

    async def consume() -> None:
        async for _ in watcher.batches(stop):
            pass

    task = asyncio.create_task(consume())
    await eventually(lambda: watcher.mode != "off")
    started = time.monotonic()
    await end(stop, task)
    assert time.monotonic() - started < 0.5
