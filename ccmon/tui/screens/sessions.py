"""The Sessions screen: what runs now, what waits, what goes cold next; open any of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from ccmon import format as fmt
from ccmon.past import Query
from ccmon.snapshot import Snapshot
from ccmon.tui.commands import Place, bindings
from ccmon.tui.safe import Part, clean, fitting, line
from ccmon.tui.screens.filtering import FilteringScreen, filter_line
from ccmon.tui.screens.moving import Moving
from ccmon.tui.session_query import SESSIONS, SessionQuery
from ccmon.tui.spans import today
from ccmon.tui.widgets.group_row import cost_of
from ccmon.tui.widgets.lines import Lines
from ccmon.tui.widgets.panel import SIDES, Panel, boxed, ruled
from ccmon.tui.widgets.session_panel import ROWS, bottom_line, session_frame
from ccmon.tui.widgets.session_table import SessionTable
from ccmon.tui.widgets.session_tree import SORTS
from ccmon.tui.widgets.vitals import countdown_moves

_UNITS = {"usd": "$", "tokens": "tok", "share": "%"}
_PANEL_FROM = 24
_LINE_FROM = 12
_BOXES_FROM = 80
_CLOCK = 18
"""Cells of the header that the clock and the gaps around the facts take."""


class SessionsScreen(Moving, FilteringScreen):
    """The board: a row each, sub-agents below, and the session under the cursor."""

    PLACE: ClassVar[Place] = "sessions"
    AUTO_FOCUS = "#sessions"
    NAMES_SESSION = True
    BINDINGS = bindings("sessions")

    def __init__(self) -> None:
        super().__init__()
        self._query = SessionQuery()
        self._active_only = False
        self._drawn_at = 0.0

    def compose_body(self) -> ComposeResult:
        """Table, panel or line, filter."""
        yield SessionTable(id="sessions")
        yield Panel(id="session")
        yield Lines(id="bottom")
        yield from filter_line("words  project:shop  ctx>200k  waiting")

    @property
    def table(self) -> SessionTable:
        """The table."""
        return self.query_one(SessionTable)

    @property
    def moved(self) -> SessionTable:
        """The table."""
        return self.table

    @property
    def filtered(self) -> Widget:
        """The table."""
        return self.table

    def crumbs(self) -> tuple[str, ...]:
        """How many sessions are shown, and of how many."""
        snapshot = self.ccmon.snapshot
        every = len(snapshot.sessions) if snapshot is not None else 0
        shown = len({row.session.session_id for row in self.table.rows})
        return (f"Sessions {shown:,}" + (f" of {every:,}" if shown != every else ""),)

    def settings_line(self) -> tuple[Part, ...]:
        """What is shown, in which order and unit; what fits."""
        arrow = "▴" if self.table.reverse else "▾"
        sort = line(("sort ", "$label"), f"{self.table.sort} {arrow}")
        unit = line(
            ("unit ", "$label"), {"usd": "$", "tokens": "tok", "share": "%"}[self.ccmon.unit]
        )
        scope = line("active only") if self._active_only else self._scope()
        taken = line(*(f" › {crumb}" for crumb in ("ccmon", *self.crumbs()))).cell_length
        gap = "   "
        choices = (line(scope, gap, sort, gap, unit), line(scope, gap, sort), sort)
        return (fitting(max(1, self.size.width - taken - _CLOCK), *choices),)

    def _scope(self) -> Content:
        return line(("last ", "$label"), f"{self.ccmon.settings.hours}h")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the sessions wanted to the table, the one under the cursor to the panel."""
        wanted = [
            session
            for session in snapshot.sessions
            if (session.active or not self._active_only) and self._query.matches(session)
        ]
        self.ccmon.past.ask(self, self._today())
        self.table.show(wanted, self._nothing(snapshot))
        self._draw_panel()

    def _nothing(self, snapshot: Snapshot) -> str:
        if not snapshot.sessions:
            hours = self.ccmon.settings.hours
            return "reading …" if snapshot.progress.loading else f"no session in the last {hours}h"
        if self._active_only and not any(session.active for session in snapshot.sessions):
            return "no session is active; a shows all"
        return f"none of {fmt.plural(len(snapshot.sessions), 'session')} is {clean(self.wanted)}"

    def tick(self, now: float) -> None:
        """Move clock and countdowns."""
        super().tick(now)
        snapshot = self.ccmon.snapshot
        if snapshot is None or self.ccmon.paused:
            return
        self.table.tick(now)
        before = self._drawn_at
        if any(countdown_moves(session.cache, before, now) for session in snapshot.sessions):
            self._draw_panel()

    def _draw_panel(self) -> None:
        snapshot, row = self.ccmon.snapshot, self.table.selected
        width, height = self.size.width, self.size.height
        panel, bottom = self.query_one("#session", Panel), self.query_one("#bottom", Lines)
        panel.display = height >= _PANEL_FROM and row is not None
        bottom.display = _LINE_FROM <= height < _PANEL_FROM
        if snapshot is None:
            return
        now = self._drawn_at = self.ccmon.now()
        today = self.today(snapshot)
        if bottom.display:
            bottom.set_lines([bottom_line(row, snapshot.sessions, today, width, now)])
        if row is not None and panel.display:
            boxes = width >= _BOXES_FROM
            rows = ROWS + (2 if boxes else 1)
            panel.styles.height = rows
            frame = session_frame(
                row, snapshot.sessions, today, width - (SIDES if boxes else 2), now,
                flat=self.ccmon.flat,
            )  # fmt: skip
            panel.set_lines((boxed if boxes else ruled)(frame, width, rows))

    def on_screen_suspend(self) -> None:
        """Nobody looks any more."""
        self.ccmon.past.leave(self)

    def _today(self) -> Query:
        """What asks for the sums of this day."""
        day = today(self.ccmon.now())
        return Query(by="day", since=day, until=day)

    def today(self, snapshot: Snapshot) -> Content:
        """What all sessions have cost today, as far as that is known; else those shown here."""
        past, totals = self.ccmon.past, snapshot.totals
        history = past.history(self._today())
        if history is not None:
            so_far = " so far" if past.reading else ", all sessions"
            return line((f"today{so_far} ", "$label"), (cost_of(history.totals), "$bright"))
        cost = fmt.money(totals.cost, lower_bound=totals.cost_is_lower_bound)
        return line(("all shown ", "$label"), (cost, "$bright"))

    def filter_by(self, text: str) -> Sequence[str]:
        """Show only sessions that satisfy the terms."""
        query = SESSIONS.parse(text)
        if query or not query.errors:
            self._query = query
        return query.errors

    def step_session(self, delta: int) -> None:
        """The session before or after the one under the cursor, in the order shown."""
        session = self.table.step(delta)
        if session is not None:
            self.ccmon.select_session(session.session_id)

    def on_session_table_moved(self) -> None:
        """Tell of what the cursor is on."""
        self._draw_panel()
        if self.ccmon.snapshot is not None:
            self.show_header(self.ccmon.snapshot)

    async def on_session_table_opened(self, event: SessionTable.Opened) -> None:
        """Show a session on the Overview, a sub-agent in the list of requests."""
        row = event.row
        self.ccmon.select_session(row.session.session_id)
        if row.agent is None:
            self.call_later(self.ccmon.action_tab, "overview")
        else:
            self.call_later(self.ccmon.open_agent, row.agent.agent_id)

    def action_fold(self) -> None:
        """All sub-agents of a session, or none."""
        self.table.fold()

    def action_active_only(self) -> None:
        """Active sessions, or all again."""
        self._active_only = not self._active_only
        self.refresh_snapshot()

    def action_sort(self) -> None:
        """The next order."""
        following = SORTS[(SORTS.index(self.table.sort) + 1) % len(SORTS)]
        self.table.sort_by(following, reverse=False)

    def action_reverse(self) -> None:
        """The other direction."""
        self.table.sort_by(self.table.sort, reverse=not self.table.reverse)

    def action_back(self) -> None:
        """Clear the filter if there is one, else back to the Overview; never quits."""
        if self.wanted:
            self.apply_filter("")
        else:
            self.call_later(self.ccmon.action_tab, "overview")
