"""The list of requests: only the rows in sight are ever drawn."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ccmon import format as fmt
from ccmon.requests import Compaction, Request
from ccmon.snapshot import Session
from ccmon.tui.query import Query
from ccmon.tui.safe import clip, line
from ccmon.tui.widgets.header import no_request
from ccmon.tui.widgets.request_row import MARK, Shape, divider, request_row, titles
from ccmon.tui.widgets.request_rows import Item, Place, RequestRows
from ccmon.tui.widgets.strips import StripMaker

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp

HEADER = 1
CACHED_ROWS = 512


class RequestList(ScrollView, can_focus=True, inherit_bindings=False):
    """Requests of one session, newest first, with a cursor that stays on its request.

    In follow mode the cursor sits on the newest request; moving it lets go.
    """

    DEFAULT_CSS = """
    RequestList {
        height: 1fr;
        width: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size: 0 0;
    }
    """

    class Moved(Message):
        """The cursor is on another request, or its request has changed."""

    class Opened(Message):
        """A request is to be opened."""

        def __init__(self, request: Request) -> None:
            super().__init__()
            self.request = request

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.rows = RequestRows()
        self.follow = True
        self._cursor = 0
        self._place: Place | None = None
        self._let_go_at = 0
        self._session: Session | None = None
        self._shape: Shape | None = None
        self._maker = StripMaker(self)
        self._strips: OrderedDict[tuple[int, bool], tuple[Item, Strip]] = OrderedDict()

    @property
    def ccmon(self) -> CcmonApp:
        """The app, typed."""
        return cast("CcmonApp", self.app)

    @property
    def cursor(self) -> int:
        """The cursor's row, from 0 in the order of display."""
        return self._cursor

    @property
    def selected(self) -> Request | None:
        """The request under the cursor."""
        if not 0 <= self._cursor < len(self.rows):
            return None
        item = self.rows[self._cursor]
        return item if isinstance(item, Request) else None

    @property
    def unseen(self) -> int:
        """Requests that came since follow was let go."""
        return 0 if self.follow else max(0, self.rows.total - self._let_go_at)

    def show(self, session: Session | None) -> None:
        """Show this session as it is now; the cursor stays on its request."""
        other = _id(session) != _id(self._session)
        self._session = session
        if other:
            self.follow, self._place = True, None
            self.scroll_to(y=0, animate=False)
        before = self.selected
        self.rows.update(session)
        self._settle()
        if other or self.selected is not before:
            self.post_message(self.Moved())

    def show_as(
        self, *, query: Query | None = None, sort: str | None = None, descending: bool | None = None
    ) -> None:
        """Filter or sort otherwise; the cursor stays on its request where that is still shown."""
        self.rows.arrange(query=query, sort=sort, descending=descending)
        self._settle()
        self.post_message(self.Moved())

    def move(self, delta: int) -> None:
        """Move the cursor by so many rows, past compactions; follow lets go."""
        self._let_go()
        step = 1 if delta > 0 else -1
        target = max(0, min(len(self.rows) - 1, self._cursor + delta))
        while 0 <= target < len(self.rows) and self.rows.place_of(target) is None:
            target += step
        if 0 <= target < len(self.rows):
            self._go(target)

    def move_page(self, pages: float) -> None:
        """Move by a part of what is in sight."""
        rows = max(1, round(self._in_sight * abs(pages)))
        self.move(rows if pages > 0 else -rows)

    def move_to_end(self, *, last: bool) -> None:
        """Go to the first or the last row shown."""
        self.move(len(self.rows) if last else -len(self.rows))

    def move_to(self, place: Place) -> bool:
        """Go to a request; False when it is not shown."""
        index = self.rows.index_of(place)
        if index is None:
            return False
        self._let_go()
        self._go(index, centred=True)
        return True

    def move_to_bust(self, direction: int) -> bool:
        """Go to the next bust downwards (1) or upwards (-1); False when there is none."""
        index = self._cursor + direction
        while 0 <= index < len(self.rows):
            item = self.rows[index]
            if isinstance(item, Request) and item.bust:
                self._let_go()
                self._go(index, centred=True)
                return True
            index += direction
        return False

    def set_follow(self, follow: bool) -> None:
        """Follow the newest request, or stay where the cursor is."""
        if not follow:
            self._let_go()
            return
        self.follow = True
        self._settle()
        self.post_message(self.Moved())

    def open(self) -> None:
        """Open the request under the cursor."""
        if self.selected is not None:
            self.post_message(self.Opened(self.selected))

    def render_line(self, y: int) -> Strip:
        """Row ``y`` of the widget: the titles, then the rows in sight."""
        shape = self._fitted()
        if y < HEADER:
            content = titles(shape, self.rows.sort, descending=self.rows.descending)
            return self._maker.strip(content, shape.width)
        index = self.scroll_offset.y + y - HEADER
        if not 0 <= index < len(self.rows):
            word = self._nothing if not len(self.rows) and y == HEADER else ""
            return self._maker.strip(
                line(" " * MARK, (clip(word, shape.width - MARK - 1), "$label")), shape.width
            )
        item, under = self.rows[index], index == self._cursor
        key = (id(item), under)
        cached = self._strips.get(key)
        if cached is not None and cached[0] is item:
            self._strips.move_to_end(key)
            return cached[1]
        if isinstance(item, Compaction):
            content = divider(item, shape.width, flat=shape.flat)
        else:
            content = request_row(item, shape, cursor=under, clock=fmt.clock)
        strip = self._maker.strip(content, shape.width)
        self._strips[key] = (item, strip)
        if len(self._strips) > CACHED_ROWS:
            self._strips.popitem(last=False)
        return strip

    def notify_style_update(self) -> None:
        """Another theme: nothing drawn before is right."""
        self._strips.clear()
        self._maker.forget()
        super().notify_style_update()

    def on_resize(self) -> None:
        """Other columns may fit, and the cursor stays in sight."""
        self._settle()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """A title sorts, a row takes the cursor, a second click opens it."""
        if event.y < HEADER:
            name = self._fitted().column_at(event.x)
            if name is not None:
                name = "#" if name == "time" else name
                same = name == self.rows.sort
                self.show_as(sort=name, descending=not self.rows.descending if same else True)
            return
        index = self.scroll_offset.y + event.y - HEADER
        if self.rows.place_of(index) is None:
            return
        if index == self._cursor:
            self.open()
        else:
            self._let_go()
            self._go(index)

    def on_mouse_scroll_down(self) -> None:
        """Whoever looks at other rows is not taken back to the newest."""
        self._look_elsewhere(can_move=self.scroll_offset.y < self.max_scroll_y)

    def on_mouse_scroll_up(self) -> None:
        """The same upwards."""
        self._look_elsewhere(can_move=self.scroll_offset.y > 0)

    def _look_elsewhere(self, *, can_move: bool) -> None:
        if self.follow and can_move:
            self._let_go()
            self.post_message(self.Moved())

    @property
    def _nothing(self) -> str:
        """Why there is no row."""
        if self.rows.query or self._session is None:
            return "no request matches" if self.rows.query else "no request yet"
        return no_request(self._session)

    @property
    def _in_sight(self) -> int:
        return max(1, self.size.height - HEADER)

    def _fitted(self) -> Shape:
        """How rows are drawn now; drawing otherwise than before makes every drawn row void."""
        session = self._session
        shape = Shape.fitting(
            self.size.width,
            digits=self.rows.digits,
            unit=self.ccmon.unit,
            spend=(session.cost or 0.0) if session and self.ccmon.unit == "share" else 0.0,
            flat=self.ccmon.flat,
        )
        if shape != self._shape:
            self._shape = shape
            self._strips.clear()
        return shape

    def _let_go(self) -> None:
        if self.follow:
            self.follow = False
            self._let_go_at = self.rows.total

    def _go(self, index: int, *, centred: bool = False) -> None:
        self._cursor = index
        self._place = self.rows.place_of(index)
        self._reveal(centred=centred)
        self.refresh()
        self.post_message(self.Moved())

    def _settle(self) -> None:
        """Put the cursor where it belongs after the rows have changed, and repaint."""
        if self.follow:
            self._cursor = self._newest()
        elif self._place is not None:
            index = self.rows.index_of(self._place)
            top = self._cursor - self.scroll_offset.y
            if index is None:
                index = max(0, min(self._cursor, len(self.rows) - 1))
            elif index != self._cursor:
                # New rows above: what the reader looks at stays where it is.
                self.virtual_size = self._whole()
                self.scroll_to(y=index - top, animate=False, force=True, immediate=True)
            self._cursor = index
        self._place = self.rows.place_of(self._cursor) or self._place
        self.virtual_size = self._whole()
        if self.follow:
            self._reveal()
        self.refresh()

    def _newest(self) -> int:
        """The row of the newest request; the first row when sorted otherwise."""
        at = len(self.rows) - 1 if not self.rows.descending else 0
        if self.rows.sort != "#":
            return 0
        step = 1 if at == 0 else -1
        while 0 <= at < len(self.rows) and self.rows.place_of(at) is None:
            at += step
        return max(0, at)

    def _whole(self) -> Size:
        return Size(self.size.width, len(self.rows) + HEADER)

    def _reveal(self, *, centred: bool = False) -> None:
        """Bring the cursor in sight: by as little as needed, or to the middle after a jump."""
        # Where it really stands: another height moves that, but not Textual's target.
        top, height = self.scroll_offset.y, self._in_sight
        if centred and not top <= self._cursor < top + height:
            top = max(0, self._cursor - height // 2)
        else:
            top = min(max(top, self._cursor - height + 1), self._cursor)
        self.scroll_to(y=top, animate=False, force=True, immediate=True)


def _id(session: Session | None) -> str | None:
    return session.session_id if session else None
