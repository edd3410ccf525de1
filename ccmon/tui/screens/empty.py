"""Before there is a session: nothing found yet, or still reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Place, Progress, Snapshot
from ccmon.tui import commands
from ccmon.tui.safe import clean, facts, left, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.lines import Lines
from ccmon.tui.widgets.panel import Frame, boxed, ruled, title

_WIDTH = 74
_PLACE = 36


class Notice(Lines):
    """The panel in the middle, at one third of the height."""

    DEFAULT_CSS = """
    Notice {
        height: 1fr;
    }
    """


class EmptyScreen(MonitorScreen):
    """Says where transcripts are looked for, or how far the first reading has come."""

    PLACE: ClassVar[commands.Place] = "empty"
    BINDINGS = commands.bindings("empty")

    def compose_body(self) -> ComposeResult:
        """One panel."""
        yield Notice()

    def on_mount(self) -> None:
        """The very first paint knows nothing yet."""
        self._show(None)

    def refresh_snapshot(self) -> None:
        """Without a snapshot there is still something to say."""
        if self.ccmon.snapshot is None:
            self._show(None)
        super().refresh_snapshot()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Where was looked, or what is being read."""
        self._show(snapshot)

    def _show(self, snapshot: Snapshot | None) -> None:
        size = self.size
        width = min(_WIDTH, size.width)
        if snapshot is None:
            frame = Frame(title("Looking for transcripts"), [line(("reading …", "$label"))])
        elif snapshot.progress.loading:
            frame = _loading(snapshot.progress, width - 6, flat=self.ccmon.flat)
        else:
            frame = _nothing(snapshot.places, width - 6)
        self.query_one(Notice).set_lines(_centred(frame, width, size.width, size.height))


def _centred(frame: Frame, width: int, screen: int, height: int) -> list[Content]:
    if screen < _WIDTH:
        return [line(""), *ruled(frame, width, len(frame.rows) + 1)]
    inside = [line(""), *(line(" ", row) for row in frame.rows), line("")]
    framed = Frame(frame.title, inside, frame.value)
    above = max(0, (height - len(inside) - 2) // 3)
    margin = " " * ((screen - width) // 2)
    lines = boxed(framed, width, len(inside) + 2)
    return [line("")] * above + [line(margin, row) for row in lines]


def _nothing(places: Sequence[Place], width: int) -> Frame:
    rows = [line(("No Claude Code transcripts found yet.", "$bright"))]
    paths = [_short(place.path) for place in places]
    column = min(_PLACE, max(map(len, paths), default=0))
    for index, (place, path) in enumerate(zip(places, paths, strict=True)):
        head = "looked in   " if index == 0 else " " * 12
        found = "no sessions" if place.found else _absent(place)
        rows.append(line((head, "$label"), left(path, column), "   ", (found, "$label")))
    rows += [
        line(""),
        *_ways_out(width),
        line(("This screen changes by itself when a transcript appears.", "$label")),
        line(("What was spent before: ", "$label"), ("h", "$accent")),
    ]  # fmt: skip
    return Frame(title("Waiting for a transcript"), rows)


def _ways_out(width: int) -> list[Content]:
    """What to do, on two rows where one is too short for it."""
    start = line(("Start a session with ", "$label"), ("claude", "$accent"),
                 (", or point here:", "$label"))  # fmt: skip
    command = line(("ccmon --config-dir DIR", "$accent"))
    beside = line(start, "  ", command)
    return [beside] if beside.cell_length <= width else [start, line("  ", command)]


def _short(path: str) -> str:
    """Below the home folder as ``~``, the way people write it."""
    home = str(Path.home())
    return clean(f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path)


def _absent(place: Place) -> str:
    return "not set" if place.path.startswith("$") else "not there"


def _loading(progress: Progress, width: int, *, flat: bool) -> Frame:
    share = progress.bytes_done / progress.bytes_total if progress.bytes_total else None
    bar = share_bar(share, min(20, width), "$accent-fill", flat=flat)
    done = f"{fmt.size(progress.bytes_done)} of {fmt.size(progress.bytes_total)}"
    row = facts(
        width,
        [f"{progress.files_done}", (" of ", "$label"), f"{progress.files_total}",
         (" transcripts", "$label")],
        list(bar),
        [done],
    )  # fmt: skip
    return Frame(title("Reading", "newest first"), [row])
