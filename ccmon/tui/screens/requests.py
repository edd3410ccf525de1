"""The Requests screen: every request of a session, filtered and sorted, one previewed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from ccmon import format as fmt
from ccmon.requests import MAIN
from ccmon.snapshot import Snapshot
from ccmon.tui.commands import Place, bindings
from ccmon.tui.export import requests_csv
from ccmon.tui.query import parse
from ccmon.tui.safe import Part, clean, line
from ccmon.tui.screens.filtering import FilteringScreen, filter_line
from ccmon.tui.screens.listing import ListingScreen
from ccmon.tui.widgets.lines import Lines
from ccmon.tui.widgets.panel import SIDES, Panel, boxed
from ccmon.tui.widgets.preview import preview_frame
from ccmon.tui.widgets.request_list import RequestList
from ccmon.tui.widgets.request_panels import thread_of
from ccmon.tui.widgets.request_row import SORTS
from ccmon.tui.widgets.trend import Trend, cost_bars, requests_in

PREVIEW_FROM = 24
"""Rows of the screen from which on the selected request is previewed."""
STRIP_FROM = 16
NAME_CELLS = 6
PEAK_CELLS = 8


class CostStrip(Lines):
    """What each request of the session cost, from the first to the newest; a click goes there."""

    DEFAULT_CSS = """
    CostStrip {
        height: 1;
        padding: 0 1;
    }
    """

    def graph_width(self) -> int:
        """Columns of the graph between its name and its peak."""
        return max(0, self.size.width - NAME_CELLS - PEAK_CELLS)


class RequestsScreen(FilteringScreen, ListingScreen):
    """The list, the price of every request as a strip, and a preview."""

    PLACE: ClassVar[Place] = "requests"
    BINDINGS = bindings("requests")

    def compose_body(self) -> ComposeResult:
        """List, strip, preview, filter."""
        yield RequestList(id="requests")
        yield CostStrip(id="strip")
        yield Panel(id="preview")
        yield from filter_line("words  tool:Read  ctx>200k  bust")

    def on_mount(self) -> None:
        """The list takes the keys."""
        self.request_list.focus()
        self.query_one("#preview").styles.height = 5

    def crumbs(self) -> tuple[str, ...]:
        """Project, then the number of requests (of how many when filtered)."""
        session = self.session
        if session is None:
            return ("Requests",)
        rows = self.request_list.rows
        count = f"{rows.looked_at:,}"
        if rows.query:
            count = f"{len(rows.requests):,} of {count}"
        project = f"{clean(session.project)} {clean(session.session_id)[:8]}"
        return (project, f"Requests {count}")

    def settings_line(self) -> tuple[Part, ...]:
        """Sort, follow and unit."""
        listed = self.request_list
        rows = listed.rows
        arrow = "▾" if rows.descending else "▴"
        sort = {"cost": "$req", "carry": "$carry"}.get(rows.sort, rows.sort)
        parts: list[Part] = [("sort ", "$label"), f"{sort} {arrow}", "   ", ("follow ", "$label")]
        parts.append(("ON", "$accent") if listed.follow else "off")
        if listed.unseen:
            parts.append((f" +{listed.unseen:,}", "$warning"))
        unit = {"usd": "$", "tokens": "tok", "share": "%"}[self.ccmon.unit]
        parts += ["   ", ("unit ", "$label"), unit]
        return tuple(parts)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the selected session to list, strip and preview."""
        session = self.session
        height = self.size.height
        self.query_one("#strip").display = height >= STRIP_FROM
        self.query_one("#preview").display = height >= PREVIEW_FROM
        self.request_list.show(session)
        if session is not None:
            self._draw_strip()
            self._draw_preview()

    @property
    def filtered(self) -> Widget:
        """The list."""
        return self.request_list

    def filter_by(self, text: str) -> Sequence[str]:
        """Filter the list."""
        query = parse(text)
        if query or not query.errors:
            self.request_list.show_as(query=query)
        return query.errors

    def sort_by(self, column: str) -> None:
        """Sort by a column, largest first."""
        self.request_list.show_as(sort=column, descending=True)
        self.refresh_snapshot()

    def on_request_list_moved(self) -> None:
        """Preview what the cursor is on."""
        self._draw_preview()
        if self.ccmon.snapshot is not None:
            self.show_header(self.ccmon.snapshot)

    def on_click(self, event: events.Click) -> None:
        """A click on the strip goes to the request of that column."""
        strip = self.query_one(CostStrip)
        session = self.session
        if event.widget is not strip or session is None or not session.requests:
            return
        width = strip.graph_width()
        column = event.x - NAME_CELLS
        if 0 <= column < width:
            shown = requests_in(column, len(session.requests), width)
            self.request_list.move_to((MAIN, session.requests[shown.start].n))

    def action_back(self) -> None:
        """Clear the filter if there is one, else back to the Overview; never quits."""
        if self.request_list.rows.query.text or self.wanted:
            self.apply_filter("")
        else:
            self.call_later(self.ccmon.action_tab, "overview")

    def action_bust(self, direction: int) -> None:
        """The next or previous bust in the order shown."""
        if not self.request_list.move_to_bust(direction):
            self.answer("no further bust")

    def action_busts_only(self) -> None:
        """Busts, or everything again."""
        self.apply_filter("" if self.wanted == "bust" else "bust")

    def action_prompts_only(self) -> None:
        """First requests of turns, or everything again."""
        self.apply_filter("" if self.wanted == "prompt" else "prompt")

    def action_sort(self) -> None:
        """The next column, largest first."""
        at = SORTS.index(self.request_list.rows.sort) if self.request_list.rows.sort in SORTS else 0
        self.sort_by(SORTS[(at + 1) % len(SORTS)])

    def action_reverse(self) -> None:
        """The other direction."""
        self.request_list.show_as(descending=not self.request_list.rows.descending)
        self.refresh_snapshot()

    def action_up(self) -> None:
        """To the request that began this one's turn."""
        selected, session = self.request_list.selected, self.session
        if selected is None or session is None:
            return
        earlier = thread_of(session, selected.thread)[: selected.n]
        first = next(row.n for row in earlier if row.turn == selected.turn)
        if not self.request_list.move_to((selected.thread, first)):
            self.answer(f"#{first} is filtered out")

    def action_copy(self) -> None:
        """Copy the message id."""
        selected = self.request_list.selected
        if selected is not None:
            self.copy_id(selected)

    def action_copy_json(self) -> None:
        """Copy the request as JSON."""
        selected = self.request_list.selected
        if selected is not None:
            self.copy_json(selected)

    def action_export(self) -> None:
        """Write the rows shown as CSV into the working directory, never over another file."""
        requests = self.request_list.rows.requests
        if not requests:
            self.answer("nothing to export")
            return
        self.export("requests", requests_csv(requests))

    def _draw_strip(self) -> None:
        session, strip = self.session, self.query_one(CostStrip)
        width = strip.graph_width()
        if session is None or not session.requests or width < 8:
            return
        trend = Trend.of(session.requests, width)
        peak = fmt.money(trend.peak_cost or None, short=True)
        strip.set_lines(
            [
                line(
                    ("$req".ljust(NAME_CELLS), "$label"),
                    *cost_bars(trend, 1)[0],
                    (peak.rjust(PEAK_CELLS), "$label"),
                )
            ]
        )

    def _draw_preview(self) -> None:
        panel, session = self.query_one("#preview", Panel), self.session
        selected = self.request_list.selected
        if not panel.display or session is None:
            return
        if selected is None:
            panel.set_lines([Content("")])
            return
        frame = preview_frame(session, selected, self.size.width - SIDES)
        panel.set_lines(boxed(frame, self.size.width, 5))
