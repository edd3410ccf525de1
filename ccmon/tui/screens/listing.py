"""Actions of the screens that have a request list."""

from __future__ import annotations

from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.screens.moving import Moving, Rows
from ccmon.tui.widgets.request_list import RequestList


class ListingScreen(Moving, MonitorScreen):
    """A screen whose keys move in a request list."""

    @property
    def request_list(self) -> RequestList:
        """The list."""
        return self.query_one(RequestList)

    @property
    def moved(self) -> Rows:
        """The rows that the keys move in."""
        return self.request_list

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
