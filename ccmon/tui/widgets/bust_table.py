"""The table of busts: of the main thread and of sub-agents, newest first."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from ccmon.requests import Bust
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, clip, line
from ccmon.tui.widgets.bust_row import Shape, bust_row, number, sorted_busts, titles
from ccmon.tui.widgets.cursor_table import CursorTable
from ccmon.tui.widgets.header import no_request
from ccmon.tui.widgets.timeline import Place, place_of


class BustTable(CursorTable):
    """Busts of one session with a cursor: on the first row until it is moved, then on its bust."""

    class Moved(CursorTable.Moved):
        """The cursor is on another bust."""

    class Opened(Message):
        """The request of a bust is to be opened."""

        def __init__(self, bust: Bust) -> None:
            super().__init__()
            self.bust = bust

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sort = "time"
        self._busts: list[Bust] = []
        self._digits = 0
        self._place: Place | None = None
        self._session: Session | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._busts)

    @property
    def busts(self) -> list[Bust]:
        """The busts in the order shown."""
        return self._busts

    @property
    def selected(self) -> Bust | None:
        """The bust under the cursor."""
        return self._busts[self._cursor] if self._cursor < len(self._busts) else None

    def show(self, session: Session) -> None:
        """Show the busts of this session as it is now; a cursor that was moved stays on its own."""
        if self._session is None or self._session.session_id != session.session_id:
            self._place = None
            self.scroll_to(y=0, animate=False)
        self._session = session
        self._arrange()

    def sort_by(self, column: str, *, descending: bool) -> None:
        """Another order; the cursor stays on its bust."""
        if (selected := self.selected) is not None:
            self._place = place_of(selected)
        self.sort, self.descending = column, descending
        self._arrange()

    def move_to(self, place: Place) -> None:
        """Go to the bust of a request, if it is one."""
        for index, bust in enumerate(self._busts):
            if place_of(bust) == place:
                self._go(index)

    def open(self) -> None:
        """Open the request of the bust under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened(self.selected))

    def render_line(self, y: int) -> Strip:
        """Row ``y`` of the widget; blank until there is a session."""
        if self._session is None:
            return Strip.blank(self.size.width, self.visual_style.rich_style)
        return super().render_line(y)

    def _nothing(self, width: int) -> Content:
        assert self._session is not None
        return line(*_why_none(self._session, width))

    def _titles(self) -> Content:
        return titles(self._shape(), self.sort, descending=self.descending)

    def _click_title(self, x: int) -> None:
        name = self._shape().column_at(x)
        if name is not None:
            self.sort_by(name, descending=not self.descending if name == self.sort else True)
            self.post_message(self.Moved())

    def _row(self, index: int, *, cursor: bool) -> Content:
        assert self._session is not None
        return bust_row(self._session, self._busts[index], self._shape(), cursor=cursor)

    def _shape(self) -> Shape:
        return Shape.fitting(
            self.size.width, digits=self._digits, unit=self.ccmon.unit, flat=self.ccmon.flat
        )

    def _arrange(self) -> None:
        if self._session is None:
            return
        self._busts = sorted_busts(self._session.busts, self.sort, descending=self.descending)
        self._digits = max((len(number(bust)) for bust in self._busts), default=0)
        places = [place_of(bust) for bust in self._busts]
        self._cursor = places.index(self._place) if self._place in places else 0
        self._arranged()

    def _settle(self, index: int) -> None:
        self._place = place_of(self._busts[index])


def _why_none(session: Session, width: int) -> list[Part]:
    """Why there is no bust."""
    if not session.requests and not any(agent.requests for agent in session.subagents):
        text = no_request(session)
    elif session.cache is not None and not session.cache.caching:
        text = "nothing is cached, so nothing can break"
    else:
        text = "no bust: no request lost more than 5% of what was cached"
        if len(text) + 3 > width:
            text = "no bust: none lost more than 5%"
    return [(f"  {clip(text, width - 3)}", "$label")]
