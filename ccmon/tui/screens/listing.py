"""Actions of the screens that have a request list."""

from __future__ import annotations

from typing import Protocol

from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.request_list import RequestList


class Rows(Protocol):
    """Rows with a cursor."""

    def move(self, delta: int) -> None:
        """Move the cursor by so many rows."""

    def move_page(self, pages: float) -> None:
        """Move it by a part of what is in sight."""

    def move_to_end(self, *, last: bool) -> None:
        """Move it to the first or the last row."""

    def open(self) -> None:
        """Open what it is on."""


class ListingScreen(MonitorScreen):
    """A screen whose keys move in a request list."""

    @property
    def request_list(self) -> RequestList:
        """The list."""
        return self.query_one(RequestList)

    @property
    def moved(self) -> Rows:
        """The rows that the keys move in."""
        return self.request_list

    def action_cursor_down(self) -> None:
        """One row down."""
        self.moved.move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.moved.move(-1)

    def action_half_down(self) -> None:
        """Half of what is in sight down."""
        self.moved.move_page(0.5)

    def action_half_up(self) -> None:
        """Half of what is in sight up."""
        self.moved.move_page(-0.5)

    def action_first(self) -> None:
        """To the first row."""
        self.moved.move_to_end(last=False)

    def action_last(self) -> None:
        """To the last row."""
        self.moved.move_to_end(last=True)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        self.moved.open()

    def action_follow(self) -> None:
        """Follow the newest request, or let go."""
        self.request_list.set_follow(not self.request_list.follow)
        self.refresh_snapshot()

    def go_to(self, thread: str, n: int) -> None:
        """Put the cursor on a request, where the list shows it."""
        # A list that was not in front may lack what came in meanwhile.
        self.refresh_snapshot()
        selected = self.request_list.selected
        if selected is None or (selected.thread, selected.n) != (thread, n):
            self.request_list.move_to((thread, n))

    def on_request_list_opened(self, event: RequestList.Opened) -> None:
        """Show the drill-down."""
        event.stop()
        self.ccmon.open_request(event.request.thread, event.request.n)
