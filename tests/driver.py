"""The engine, its watcher and its pump in a process of their own, beside files that suffer.

``followed`` starts one: all of ccmon but the screens, as they drive it. It can be told to meet
errors of the disk and steps of the clock, and it is asked what it shows. ``python -m tests.driver``
is the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from msgspec import to_builtins

import ccmon.monitor as monitor_module
import ccmon.transcripts.watch as watch_module
import ccmon.tui.pump as pump_module
from ccmon.monitor import Monitor, Scope
from ccmon.report.document import document
from ccmon.settings import Settings
from ccmon.snapshot import Snapshot
from ccmon.transcripts.locate import config_homes
from ccmon.tui.pump import Pump
from tests.archives import archive_of, caught_up

ROOT = Path(__file__).parents[1]
PATIENCE_S = float(os.environ.get("FAULTS_PATIENCE", "20"))
HURRIED_S = 0.25
"""What ccmon otherwise does every few seconds."""

Json = dict[str, Any]


def monitor_of(home: Path, clock: float | None = None, *, live: bool = False) -> Monitor:
    """A monitor of everything in a home, or of what a live one follows."""
    homes = config_homes([str(home)], {}, home)
    scope = Scope(live=True) if live else Scope(everything=True)
    if clock is None:
        return Monitor(homes, Settings(), scope)
    return Monitor(homes, Settings(), scope, clock=lambda: clock)


def as_told(shown: Snapshot) -> Json:
    """All that is told of a snapshot, but when it was made."""
    told = dict(document(shown, requests=True, items=True, now=shown.generated_at))
    del told["generated_at"]
    return told


def fresh(home: Path, at: float, *, live: bool = False) -> Json:
    """What a monitor that has never seen the home before tells at a moment."""
    monitor = monitor_of(home, at, live=live)
    while monitor.step():
        pass
    return as_told(monitor.snapshot())


class Followed:
    """A running engine, seen from outside."""

    def __init__(
        self, process: subprocess.Popen[str], home: Path, cache: Path, *, live: bool
    ) -> None:
        self.process = process
        self.home = home
        self._live = live
        self._cache = cache
        self._archive = archive_of(home, folder=cache)

    def begin_history(self, folder: Path) -> None:
        """Keep the history anew, from what there is now."""
        self._archive = caught_up(archive_of(self.home, folder=folder))

    def ask(self, what: str, *arguments: object) -> Json:
        """Have it do something; its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([what, *arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "it has ended"
        found: Json = json.loads(answer)
        return found

    def until(self, what: str, **expected: object) -> Json:
        """Its totals and its health, once they say so; fails when they never do."""
        end = time.monotonic() + PATIENCE_S
        while True:
            said = self.ask("state")
            if all(said[name] == value for name, value in expected.items()):
                return said
            assert time.monotonic() < end, f"{what}: never {expected}, but {str(said)[:2000]}"
            time.sleep(0.02)

    def agreed(self, what: str = "the end", **health: object) -> Json:
        """What it tells, once that is what a fresh read tells: whole documents, not only totals.

        The history, kept from before the fault, is brought up to date and holds the same requests
        as one that begins with nothing; ``health`` is what must be told of the fault.
        """
        end = time.monotonic() + PATIENCE_S
        while True:
            shown = self.ask("show")
            told: Json = shown["told"]
            whole = fresh(self.home, shown["at"], live=self._live)
            if told == whole:
                break
            assert time.monotonic() < end, f"{what}: {differences(told, whole)}"
            time.sleep(0.05)
        said = self.ask("state")
        assert {name: said[name] for name in health} == health, what
        if not self._live:
            self._history_agrees(what, told["totals"])
        return told

    def _history_agrees(self, what: str, totals: Json) -> None:
        from ccmon.past import Query

        past, anew = caught_up(self._archive), caught_up(archive_of(self.home))
        kept = [one for one in past.requests(Query()) if one.on_disk]
        new = list(anew.requests(Query()))
        # Whose a request is, and its number, may follow from a file that is no more.
        pair = [
            sorted((one.message_id, str(one.usage), one.cost) for one in each)
            for each in (kept, new)
        ]
        assert pair[0] == pair[1], f"{what}: the history: {differences(pair[0], pair[1])}"
        assert len(kept) == totals["requests"], f"{what}: the history has {len(kept)} requests"

    def once(self) -> Json:
        """What ``ccmon --once`` tells beside it."""
        command = [sys.executable, "-m", "ccmon", "--once", "--all", "--json"]
        done = subprocess.run(
            [*command, "--config-dir", str(self.home)],
            env={**os.environ, "CCMON_CACHE": str(self._cache)},
            capture_output=True,
            timeout=60,
            check=False,
        )
        said = done.stderr.decode()
        assert done.returncode in (0, 3), said
        assert "Traceback" not in said, said
        found: Json = json.loads(done.stdout)
        return found


def differences(told: object, whole: object, place: str = "") -> str:
    """What two documents do not agree on, by its place in them."""
    if isinstance(told, dict) and isinstance(whole, dict):
        pairs = {key: (told.get(key), whole.get(key)) for key in told.keys() | whole.keys()}
    elif isinstance(told, list) and isinstance(whole, list) and len(told) == len(whole):
        pairs = dict(enumerate(zip(told, whole, strict=True)))
    else:
        return "" if told == whole else f"{place}: {told!r}, not {whole!r}\n"
    return "".join(differences(*pair, f"{place}.{key}") for key, pair in pairs.items())


@contextlib.contextmanager
def followed(
    home: Path, scratch: Path, *options: str, agreed_at_end: bool = True
) -> Iterator[Followed]:
    """An engine that follows a home, ended with the block.

    Then its last word must be that of a fresh read and of ``ccmon --once``, and neither it nor a
    thread of it may have met an exception.
    """
    errors = scratch / "errors"
    cache = scratch / "cache"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-W", "default", "-m", "tests.driver", str(home), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), "CCMON_CACHE": str(cache)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    following = Followed(process, home, cache, live="--live" in options)
    try:
        following.ask("state")
        yield following
        if agreed_at_end:
            told, once = following.agreed(), following.once()
            for part in ("by_model", "health"):
                assert once[part] == told[part]
            for part in ("sessions", "requests", "usage", "cost_usd"):
                assert once["totals"][part] == told["totals"][part]
    except BaseException:
        process.kill()
        raise
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait(timeout=PATIENCE_S)
    said = errors.read_text()
    assert (process.returncode, said) == (0, ""), f"exit code {process.returncode}: {said}"


class Trouble:
    """What goes wrong in this process because it was told to."""

    def __init__(self) -> None:
        self.clock_is_off = 0.0
        self.broken: dict[str, int] = {}
        self._pread = os.pread

    def now(self) -> float:
        """Wall clock time, as far as ccmon is told."""
        return time.time() + self.clock_is_off

    def opens(self, event: str, arguments: tuple[object, ...]) -> None:
        """Audit hook: opening or listing what is broken fails as the system would fail it."""
        if event in ("open", "os.scandir") and self.broken and isinstance(arguments[0], str):
            self._fail(arguments[0], reading=False)

    def pread(self, fd: int, count: int, offset: int, /) -> bytes:
        """Reading fails where the disk does, which lets files be opened."""
        if self.broken:
            self._fail(str(Path(f"/proc/self/fd/{fd}").readlink()), reading=True)
        return self._pread(fd, count, offset)

    def _fail(self, path: str, *, reading: bool) -> None:
        for broken, number in self.broken.items():
            is_below = path == broken or path.startswith(f"{broken}/")
            if is_below and (reading or number != 5 or Path(path).is_dir()):
                raise OSError(number, os.strerror(number), path)


class Timed(Monitor):
    """A monitor that notes its longest step, in seconds."""

    longest = 0.0

    def step(self, budget: float = 0.05) -> bool:
        """As it is."""
        before = time.monotonic()
        more = super().step(budget)
        self.longest = max(self.longest, time.monotonic() - before)
        return more


class Other:
    """The process that is told what to do, line by line, until there are no more lines."""

    def __init__(self, options: Namespace) -> None:
        self.trouble = Trouble()
        home = Path(options.home)
        homes = config_homes([str(home)], {}, home)
        scope = Scope(live=True) if options.live else Scope(everything=True)
        self._monitor = Timed(homes, Settings(), scope, clock=self.trouble.now)
        self._pump = Pump(lambda: self._monitor, self._publish, time.monotonic)
        self._last: Snapshot | None = None
        self._has_shown = threading.Event()

    async def run(self) -> None:
        """Follow the home until stdin ends."""
        loop = asyncio.get_running_loop()

        def serve() -> None:
            try:
                for line in sys.stdin:
                    what, *arguments = json.loads(line)
                    sys.stdout.write(json.dumps(self._answer(what, *arguments)) + "\n")
                    sys.stdout.flush()
            finally:
                loop.call_soon_threadsafe(self._pump.stop)

        threading.Thread(target=serve, daemon=True).start()
        await self._pump.run()

    def _publish(self, snapshot: Snapshot) -> None:
        self._last = snapshot
        self._has_shown.set()

    def _answer(self, what: str, *arguments: Any) -> Json:  # noqa: ANN401 - JSON
        trouble = self.trouble
        if what == "clock":
            trouble.clock_is_off += arguments[0]
        elif what == "break":
            trouble.broken[arguments[0]] = arguments[1]
        elif what == "mend":
            trouble.broken.clear()
        elif what == "figures":
            status = Path("/proc/self/status").read_text()
            peak = next(line.split()[1] for line in status.splitlines() if "VmHWM" in line)
            files = len(list(Path("/proc/self/fd").iterdir()))
            return {"longest": self._monitor.longest, "peak": int(peak) * 1024, "files": files}
        else:
            self._has_shown.wait(PATIENCE_S)
            assert self._last is not None
            last = self._last
            if what == "show":
                return {"at": last.generated_at, "told": as_told(last)}
            return {
                **to_builtins(last.totals),
                **to_builtins(last.health),
                "loading": last.progress.loading,
                "statuses": sorted(session.status for session in last.sessions),
                "watches": self._monitor._watching_now(),
            }
        return {}


def _no_events(*_: object, **__: object) -> AsyncIterator[object]:
    raise OSError(28, "OS file watch limit reached.")


def _events_end(after: int) -> Callable[..., AsyncIterator[object]]:
    """Events that fail as they do where the system has no more watches, after so many batches."""
    from watchfiles import awatch

    async def limited(*paths: str, **options: object) -> AsyncIterator[object]:
        told = 0
        async for changes in awatch(*paths, **cast(Json, options)):
            yield changes
            told += bool(changes)
            if told >= after:
                raise OSError(28, "OS file watch limit reached.")

    return limited


def main() -> None:
    """Follow the home that is named, with the troubles that are asked for."""
    parser = ArgumentParser()
    parser.add_argument("home")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--events", type=int, metavar="BATCHES")
    parser.add_argument("--rescan", type=float, default=HURRIED_S)
    options = parser.parse_args()
    other = Other(options)
    sys.addaudithook(other.trouble.opens)
    awatch = None
    if options.events is not None:
        awatch = _events_end(options.events) if options.events else _no_events
    with (
        patch.object(os, "pread", other.trouble.pread),
        patch.object(
            watch_module,
            "Watcher",
            partial(watch_module.Watcher, poll_s=0.1, rescan_s=options.rescan),
        ),
        patch("watchfiles.awatch", awatch) if awatch else contextlib.nullcontext(),
        patch.object(watch_module, "_SETTLE_S", HURRIED_S),
        patch.object(pump_module, "REST", HURRIED_S),
        patch.object(pump_module, "PACE", ((1, 0.02),)),
        patch.object(monitor_module, "OUTSIDE_SECONDS", HURRIED_S),
        patch.object(monitor_module, "CLOSED_SECONDS", HURRIED_S),
        patch.object(monitor_module, "REGISTRY_SECONDS", HURRIED_S),
    ):
        asyncio.run(other.run())


if __name__ == "__main__":
    main()
