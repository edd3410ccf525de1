"""The Cache screen: where it broke and why, what a pause costs, which tier suits the pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import MAIN
from ccmon.snapshot import Session, Snapshot
from ccmon.tui.commands import Place, bindings
from ccmon.tui.export import busts_csv
from ccmon.tui.safe import Part, clean, clip, fitting, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.bust_row import SORTS
from ccmon.tui.widgets.bust_table import BustTable
from ccmon.tui.widgets.cache_panels import bust_frame, pause_frame, ttl_frame
from ccmon.tui.widgets.cache_plan import BOXES_FROM, CacheBody
from ccmon.tui.widgets.pane import Pane
from ccmon.tui.widgets.panel import SIDES, Frame, Panel
from ccmon.tui.widgets.timeline import Timeline, place_of
from ccmon.tui.widgets.vitals import countdown_moves

_PROJECT = 24
_ALL = 1_000_000
"""More rows than any list has."""
_CLOCK = 18
"""Cells of the header that the clock and the gaps around the facts take."""


class CacheScreen(MonitorScreen):
    """Timeline, table of busts, price of a pause, check of the tiers, and the selected bust."""

    PLACE: ClassVar[Place] = "cache"
    AUTO_FOCUS = "#busts"
    BINDINGS = bindings("cache")

    def __init__(self) -> None:
        super().__init__()
        self._drawn_at = 0.0

    def compose_body(self) -> ComposeResult:
        """Every panel; the plan shows those that fit."""
        with CacheBody():
            yield Timeline(id="timeline")
            yield BustTable(id="busts")
            for name in ("pause", "ttl", "bust"):
                yield Pane(id=name)

    @property
    def table(self) -> BustTable:
        """The table of busts."""
        return self.query_one(BustTable)

    def crumbs(self) -> tuple[str, ...]:
        """Project, then this screen."""
        session = self.session
        project = (clip(clean(session.project), _PROJECT),) if session is not None else ()
        return (*project, "Cache")

    def settings_line(self) -> tuple[Part, ...]:
        """Hit rate, what was written against the peak context, busts; what fits."""
        session = self.session
        if session is None or session.cache is None:
            return ()
        cache, gap = session.cache, "   "
        hit = line(("hit ", "$label"), fmt.rate(cache.hit_rate))
        written = line(("written ", "$label"), fmt.tokens(cache.written))
        if cache.write_factor is not None:
            factor = fmt.multiple(cache.write_factor)
            written = line(written, (" = ", "$label"), factor, (" peak", "$label"))
        busts = _counted(session)
        taken = line(*(f" › {crumb}" for crumb in ("ccmon", *self.crumbs()))).cell_length
        room = max(1, self.size.width - taken - _CLOCK)
        choices = (line(hit, gap, written, gap, busts), line(hit, gap, busts), busts)
        return (fitting(room, *choices),)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the selected session to every panel."""
        session = self.session
        if session is None:
            return
        self._drawn_at = self.ccmon.now()
        body = self.query_one(CacheBody)
        body.place(len(session.busts))
        self.table.show(session)
        self._draw_timeline(session)
        self._draw_pause(session)
        self._draw("ttl", lambda width, _: ttl_frame(session, width, flat=self.ccmon.flat))
        self._draw_bust(session)

    def tick(self, now: float) -> None:
        """Move clock and countdown: each second in the last ten minutes, else each minute."""
        super().tick(now)
        session = self.session
        if session is None or self.ccmon.paused:
            return
        if countdown_moves(session.cache, self._drawn_at, now):
            self._drawn_at = now
            self._draw_pause(session)

    def _draw_timeline(self, session: Session) -> None:
        region = self.query_one(CacheBody).regions.get("timeline")
        graph = self.query_one(Timeline)
        graph.display = region is not None
        if region is not None:
            bust = self.table.selected
            place = place_of(bust) if bust is not None else None
            graph.show(session, place, width=region.width, height=region.height)

    def _draw_pause(self, session: Session) -> None:
        self._draw("pause", lambda width, _: pause_frame(session, width, self._drawn_at))

    def _draw_bust(self, session: Session) -> None:
        bust, unit = self.table.selected, self.ccmon.unit
        if bust is not None:
            self._draw("bust", lambda width, rows: bust_frame(session, bust, width, rows, unit))
        else:
            self.query_one("#bust").display = False

    def _draw(self, name: str, frame_of: Callable[[int, int], Frame]) -> None:
        """Show a frame of the inner width and height in a pane that the plan has a place for."""
        region = self.query_one(CacheBody).regions.get(name)
        pane = self.query_one(f"#{name}", Pane)
        pane.display = region is not None
        if region is not None:
            boxes = self.size.width >= BOXES_FROM
            sides, edges = (SIDES, 2) if boxes else (2, 1)
            pane.show(frame_of(region.width - sides, region.height - edges), boxes=boxes)

    def on_bust_table_moved(self) -> None:
        """Explain the bust that the cursor is on, and name it in the graph."""
        session = self.session
        if session is not None:
            self._draw_timeline(session)
            self._draw_bust(session)

    def on_bust_table_opened(self, event: BustTable.Opened) -> None:
        """Open the request of a bust."""
        self.ccmon.open_request(event.bust.thread, event.bust.request)

    def on_panel_clicked(self, event: Panel.Clicked) -> None:
        """A column of the graph opens its request."""
        if isinstance(event.panel, Timeline):
            request = event.panel.request_at(event)
            if request is not None:
                self.ccmon.open_request(request.thread, request.n)

    def action_cursor_down(self) -> None:
        """One row down, in the pane that has the keys."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._move(-1)

    def action_half_down(self) -> None:
        """Half of what is in sight down."""
        self._move_page(0.5)

    def action_half_up(self) -> None:
        """Half of what is in sight up."""
        self._move_page(-0.5)

    def action_first(self) -> None:
        """To the first row."""
        self._move(-_ALL)

    def action_last(self) -> None:
        """To the last row."""
        self._move(_ALL)

    def action_bust(self, direction: int) -> None:
        """The next or previous bust in the order shown, whatever has the keys."""
        before = self.table.selected
        self.table.move(direction)
        if self.table.selected is before:
            self.answer("no further bust")

    def action_open(self) -> None:
        """Open the request of the bust under the cursor."""
        self.table.open()

    def action_pane(self, delta: int) -> None:
        """Give the keys to the next or previous pane."""
        if delta > 0:
            self.focus_next("BustTable, Pane")
        else:
            self.focus_previous("BustTable, Pane")

    def action_sort(self) -> None:
        """The next column, largest first."""
        following = SORTS[(SORTS.index(self.table.sort) + 1) % len(SORTS)]
        self.table.sort_by(following, descending=True)

    def action_reverse(self) -> None:
        """The other direction."""
        self.table.sort_by(self.table.sort, descending=not self.table.descending)

    def action_export(self) -> None:
        """Write the busts in the order shown as CSV into the working directory."""
        if self.table.busts:
            self.export("busts", busts_csv(self.table.busts))
        else:
            self.answer("no busts to export")

    def action_back(self) -> None:
        """Back to the Overview; never quits."""
        self.call_later(self.ccmon.action_tab, "overview")

    def _move(self, rows: int) -> None:
        if isinstance(self.focused, Pane):
            self.focused.scroll_rows(rows)
        else:
            self.table.move(rows)

    def _move_page(self, pages: float) -> None:
        if isinstance(self.focused, Pane):
            self.focused.scroll_rows(round(pages * max(2, self.focused.room)))
        else:
            self.table.move_page(pages)


def _counted(session: Session) -> Content:
    """``3 busts``, and how many more sub-agents had."""
    own = sum(bust.thread == MAIN for bust in session.busts)
    others = len(session.busts) - own
    if not session.busts:
        return line(("no busts", "$label"))
    counted = line((fmt.plural(own, "bust"), "$warning" if own else "$foreground"))
    if others:
        counted = line(counted, (f" + {others:,} in agents", "$label"))
    return counted
