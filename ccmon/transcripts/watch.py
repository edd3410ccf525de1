"""Tells which files have changed: by events where the system gives them, else by polling.

Events alone are not enough: a new folder with a file written at once loses the
file's event, a root may appear later, and the system's limit of watches may be
reached (performance.md, section 4). Whatever is missed, a slow look at
everything finds it.
"""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Literal

from ccmon.transcripts.survey import Survey, is_wanted, newest, renewed, stamp_of, survey

Mode = Literal["events", "polling", "off"]

_GROUP_MS = 100
"""Longest time that events are gathered before they are passed on."""

_POLLED_FILES = 512
_POLLED_FOLDERS = 512
_FRESH_S = 10.0
_SETTLE_S = 1.0
_MISSES = 2
"""So many looks in turn that found what no event had told: then events cannot be relied on."""
_LATE_S = 2.0


class _Halt(threading.Event):
    """Set by itself or by the caller's event, which must not be set for the caller."""

    def __init__(self, outer: asyncio.Event) -> None:
        super().__init__()
        self._outer = outer

    def is_set(self) -> bool:
        return super().is_set() or self._outer.is_set()


class Watcher:
    """Watches the transcripts, agent descriptions and registries of config homes.

    ``step_ms`` is how long the events of one moment are gathered, ``poll_s``
    the pause between two looks at the files changed last (and at the roots),
    ``rescan_s`` that between two looks at everything.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        step_ms: int = 20,
        poll_s: float = 0.5,
        rescan_s: float = 12.0,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._folders = [f"{root}/{name}" for root in roots for name in ("projects", "sessions")]
        self._step_ms = step_ms
        self._poll_s = poll_s
        self._rescan_s = rescan_s
        self._polling = environ.get("CCMON_POLL", "") not in ("", "0")
        self._seen = Survey({}, {})
        self._rescan_at = 0.0
        self._tolerant = False
        self._missed = 0
        self._mode: Mode = "off"

    @property
    def mode(self) -> Mode:
        """How changes are noticed just now."""
        return self._mode

    async def batches(self, stop: asyncio.Event) -> AsyncGenerator[set[str], None]:
        """Sets of paths that were created, changed or removed, until ``stop`` is set.

        An empty one tells that ``mode`` has changed. The first one names the files changed in the
        seconds before, so that nothing falls between the caller's own look and the first event.
        """
        halt = _Halt(stop)
        try:
            await self._rescan(halt)
            fresh = time.time_ns() - int(_FRESH_S * 1e9)
            if first := {path for path, stamp in self._seen.files.items() if stamp[0] >= fresh}:
                yield first
            told: Mode = "off"
            while not halt.is_set():
                async with aclosing(self._changes(halt, stop)) as changes:
                    async for dirty in changes:
                        if dirty or self._mode != told:
                            told = self._mode
                            yield dirty
        finally:
            # A look that is still running in a thread ends with this.
            halt.set()
            self._mode = "off"

    def _changes(self, halt: _Halt, stop: asyncio.Event) -> AsyncGenerator[set[str], None]:
        present = self._present()
        if self._polling or not present:
            return self._polled(halt, stop)
        return self._notified(halt, present)

    def _present(self) -> dict[str, int]:
        """The watched folders that exist, with what tells a new one from an old one."""
        present = {}
        for folder in self._folders:
            with suppress(OSError):
                present[folder] = Path(folder).stat().st_ino
        return present

    async def _polled(self, halt: _Halt, stop: asyncio.Event) -> AsyncGenerator[set[str], None]:
        self._mode = "polling"
        while not halt.is_set():
            if self._is_rescan_due():
                yield await self._rescan(halt)
            else:
                yield await asyncio.to_thread(self._poll)
            if not self._polling and self._present():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._poll_s)

    def _poll(self) -> set[str]:
        """Looks at what changed last, and into folders that have something new."""
        seen, dirty = self._seen, set()
        for path in newest(seen.files, _POLLED_FILES):
            if seen.files[path] != stamp_of(path):
                dirty.add(path)
        changed = [
            folder
            for folder in {*newest(seen.folders, _POLLED_FOLDERS), *self._folders}
            if seen.folders.get(folder) != stamp_of(folder)
        ]
        dirty |= self._news(survey(changed))
        self._note(dirty)
        return dirty

    async def _notified(
        self, halt: _Halt, present: dict[str, int]
    ) -> AsyncGenerator[set[str], None]:
        try:
            async with aclosing(self._events(halt, present)) as events:
                self._mode = "events"
                first = True
                async for paths in events:
                    dirty = await self._interpreted(paths)
                    if first or self._is_rescan_due():
                        found = await self._rescan(halt)
                        is_late = not first and _is_late(found - dirty)
                        self._missed = self._missed + 1 if is_late else 0
                        dirty |= found
                    first = False
                    if self._missed >= _MISSES:
                        # Not from this file system, or no more watches for new folders.
                        self._polling = True
                    yield dirty
                    if self._polling or self._present() != present:
                        return
        except FileNotFoundError:
            return
        except PermissionError:
            self._polling, self._tolerant = self._tolerant, True
        except (ImportError, OSError, RuntimeError, ExceptionGroup):
            # No watching here, the limit of watches is reached, or a name that is no text: what
            # watchfiles raises while it watches comes in a group.
            self._polling = True

    async def _events(self, halt: _Halt, present: Iterable[str]) -> AsyncGenerator[list[str], None]:
        """Paths of files and new folders; nothing at least each second ``poll_s``."""
        from watchfiles import Change, awatch

        def matters(change: Change, path: str) -> bool:
            return is_wanted(path) or (change == Change.added and Path(path).is_dir())

        async for changes in awatch(
            *present,
            watch_filter=matters,
            debounce=max(_GROUP_MS, self._step_ms),
            step=self._step_ms,
            stop_event=halt,
            rust_timeout=max(1, int(2 * self._poll_s * 1000)),
            yield_on_timeout=True,
            force_polling=False,
            # It ignores the limit of watches as well: only where it must be.
            ignore_permission_denied=self._tolerant,
        ):
            yield [path for _, path in changes]

    async def _interpreted(self, paths: Iterable[str]) -> set[str]:
        dirty = {path for path in paths if is_wanted(path)}
        self._note(dirty)
        folders = [path for path in paths if path not in dirty]
        if folders:
            dirty |= self._news(await asyncio.to_thread(survey, folders))
            self._rescan_at = min(self._rescan_at, time.monotonic() + _SETTLE_S)
        return dirty

    def _is_rescan_due(self) -> bool:
        return time.monotonic() >= self._rescan_at

    async def _rescan(self, halt: _Halt) -> set[str]:
        """Looks at everything; returns what is new, changed or gone."""
        found = await asyncio.to_thread(renewed, self._seen, self._folders, halt.is_set)
        if halt.is_set():
            return set()
        self._rescan_at = time.monotonic() + self._rescan_s
        gone = self._seen.files.keys() - found.files.keys()
        dirty = {path for path, stamp in found.files.items() if self._seen.files.get(path) != stamp}
        self._seen = found
        return dirty | gone

    def _news(self, found: Survey) -> set[str]:
        """What of a survey of some folders is new or changed; it is seen from now on."""
        dirty = {path for path, stamp in found.files.items() if self._seen.files.get(path) != stamp}
        self._seen.files.update(found.files)
        self._seen.folders.update(found.folders)
        return dirty

    def _note(self, paths: Iterable[str]) -> None:
        for path in paths:
            if stamp := stamp_of(path):
                self._seen.files[path] = stamp
            else:
                self._seen.files.pop(path, None)


def _is_late(paths: Iterable[str]) -> bool:
    """Whether one of these files was changed so long ago that an event should have told."""
    for path in paths:
        with suppress(OSError):
            # Not the time of modification, which anybody can set.
            if time.time() - Path(path).stat().st_ctime > _LATE_S:
                return True
    return False
