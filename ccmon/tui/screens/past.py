"""What the History and the Memory screen share: a table, how far it is read, a panel below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content

from ccmon.past import Scanning
from ccmon.snapshot import Snapshot
from ccmon.tui.looking_back import LookingBack, Wanted
from ccmon.tui.safe import Part, clean, clip, fitting, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.screens.moving import Moving
from ccmon.tui.widgets.cursor_table import CursorTable
from ccmon.tui.widgets.lines import Lines
from ccmon.tui.widgets.panel import SIDES, Frame, Panel, boxed, ruled
from ccmon.tui.widgets.past_panels import UNAVAILABLE, progress_row

_PANEL_FROM = 18
_BOXES_FROM = 80
_CLOCK = 18
"""Cells of the header that the clock and the gaps around the facts take."""


class PastScreen(Moving, MonitorScreen):
    """A screen that asks for a part of the past while it is seen."""

    NAMES_SESSION = True
    ROWS = 3
    """Of the panel."""

    def compose_body(self) -> ComposeResult:
        """Progress, table, panel, a line for what is to be said of all."""
        progress = Lines(id="progress")
        progress.display = False
        yield progress
        yield self.make_table()
        yield Panel(id="detail")
        yield Lines(id="foot")

    def make_table(self) -> CursorTable:
        """The table."""
        raise NotImplementedError  # each screen knows its own

    @property
    def wanted(self) -> Wanted:
        """What it shows."""
        raise NotImplementedError  # each screen knows its own

    @property
    def past(self) -> LookingBack:
        """Who answers."""
        return self.ccmon.past

    @property
    def flat(self) -> bool:
        """Where shades cannot be told apart."""
        return self.ccmon.flat

    def on_screen_suspend(self) -> None:
        """Nobody looks any more."""
        self.past.leave(self)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Ask, and show the last answer."""
        self.past.ask(self, self.wanted)
        self.show_past()

    def tick(self, now: float) -> None:
        """Move the clock; ask again, as another process may have found something meanwhile."""
        super().tick(now)
        if self.ccmon.snapshot is not None and not self.ccmon.paused:
            self.past.ask(self, self.wanted)

    def show_past(self) -> None:
        """Show the last answer."""
        raise NotImplementedError  # each screen knows its own

    def unavailable(self) -> str:
        """Why there is nothing to show; empty while there may be."""
        if not self.past.available:
            return UNAVAILABLE
        return clean(self.past.refusal(self.wanted))

    @property
    def so_far(self) -> str:
        """What stands behind a count while there is more to read."""
        return " so far" if self.past.reading and not self.unavailable() else ""

    def draw_progress(self, what: str, done: Scanning, noun: str) -> None:
        """Say how far ``what`` has come; nothing once it is done."""
        row = self.query_one("#progress", Lines)
        row.display = self.past.reading and not self.unavailable() and done.files > 0
        if row.display:
            row.set_lines([progress_row(what, done, noun, self.size.width, flat=self.flat)])

    def draw_detail(self, frame: Frame | None) -> None:
        """Show the panel where there is room and something to show."""
        panel = self.query_one("#detail", Panel)
        panel.display = frame is not None and self.has_panel
        if frame is not None and panel.display:
            boxes = self.size.width >= _BOXES_FROM
            rows = self.ROWS + (2 if boxes else 1)
            panel.styles.height = rows
            panel.set_lines((boxed if boxes else ruled)(frame, self.size.width, rows))

    @property
    def has_panel(self) -> bool:
        """Whether the screen is high enough for it."""
        return self.size.height >= _PANEL_FROM

    @property
    def inner(self) -> int:
        """The cells of a row of the panel."""
        return self.size.width - (SIDES if self.size.width >= _BOXES_FROM else 2)

    def draw_foot(self, row: Content | None, warning: str) -> None:
        """A warning, else a row where there is no panel."""
        foot = self.query_one("#foot", Lines)
        rows = [line((f" {clip(clean(warning), self.size.width - 2)}", "$warning"))]
        if not warning:
            rows = [line(" ", row)] if row is not None and not self.has_panel else []
        foot.display = bool(rows)
        foot.set_lines(rows)

    def fitted(self, *choices: Content) -> tuple[Part, ...]:
        """The first of several wordings that fits into the header."""
        taken = line(*(f" › {crumb}" for crumb in ("ccmon", *self.crumbs()))).cell_length
        return (fitting(max(1, self.size.width - taken - _CLOCK), *choices),)
