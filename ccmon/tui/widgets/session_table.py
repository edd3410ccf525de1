"""The table of the Sessions screen: sessions and their sub-agents with a cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message

from ccmon.snapshot import Session
from ccmon.tui.safe import clip, line
from ccmon.tui.widgets.cursor_table import CursorTable
from ccmon.tui.widgets.session_row import Shape, session_row, titles
from ccmon.tui.widgets.session_state import state
from ccmon.tui.widgets.session_tree import Fold, Row, Sort, ordered, rows_of
from ccmon.tui.widgets.vitals import countdown_moves


class SessionTable(CursorTable):
    """Sessions with their sub-agents folded below them.

    The cursor stays on its session when the order changes; until it is moved it is on the session
    that the other screens show.
    """

    class Moved(CursorTable.Moved):
        """The cursor is on another row."""

    class Opened(Message):
        """A session, or a sub-agent of it, is to be opened."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sort: Sort = "active"
        self.reverse = False
        self.rows: list[Row] = []
        self._sessions: Sequence[Session] = ()
        self._folds: dict[str, Fold] = {}
        self._place: tuple[str, str] | None = None
        self._shape: Shape | None = None
        self._before: Shape | None = None
        self._drawn_at = 0.0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    def show(self, sessions: Sequence[Session], words: str) -> None:
        """Show these sessions; ``words`` where there is none."""
        self._sessions, self._words = sessions, words
        self._arrange()

    def tick(self, now: float) -> None:
        """Draw again what counts time, when that is told in other figures."""
        before = self._drawn_at
        if any(
            countdown_moves(session.cache, before, now)
            or state(session, before) != state(session, now)
            for session in self._sessions
        ):
            self._arrange()

    def sort_by(self, sort: Sort, *, reverse: bool) -> None:
        """Another order; the cursor stays on its row."""
        if (row := self.selected) is not None:
            self._place = row.place
        self.sort, self.reverse = sort, reverse
        self._arrange()
        self.post_message(self.Moved())

    def fold(self) -> None:
        """Show all sub-agents of the session under the cursor, or none."""
        row = self.selected
        if row is None or not row.session.subagents:
            return
        session_id = row.session.session_id
        all_shown = not any(
            each.folded for each in self.rows if each.place == (session_id, "")
        )  # fmt: skip
        self._folds[session_id] = "none" if all_shown else "all"
        self._place = (session_id, "") if all_shown else row.place
        self._arrange()
        self.post_message(self.Moved())

    def step(self, delta: int) -> Session | None:
        """Go so many sessions further, round the end, and say which one that is."""
        heads = [index for index, row in enumerate(self.rows) if row.agent is None]
        row = self.selected
        if row is None:
            return None
        here = next(
            at for at, index in enumerate(heads)
            if self.rows[index].session.session_id == row.session.session_id
        )  # fmt: skip
        self._go(heads[(here + delta) % len(heads)])
        return self.rows[self._cursor].session

    def open(self) -> None:
        """Ask for what the cursor is on."""
        if self.selected is not None:
            self.post_message(self.Opened(self.selected))

    def _nothing(self, width: int) -> Content:
        return line((f"   {clip(self._words, width - 3)}", "$label"))

    def _titles(self) -> Content:
        return titles(self._fitted(), self.sort, reverse=self.reverse)

    def _click_title(self, x: int) -> None:
        sort = self._fitted().sort_at(x)
        if sort is not None:
            self.sort_by(sort, reverse=not self.reverse if sort == self.sort else False)

    def _row(self, index: int, *, cursor: bool) -> Content:
        return session_row(self.rows[index], self._fitted(), cursor=cursor)

    def _fitted(self) -> Shape:
        """The shape, found once until width, unit or what is shown has changed."""
        app, width = self.ccmon, self.size.width
        shape = self._shape
        if shape is None or (shape.width, shape.unit, shape.flat) != (width, app.unit, app.flat):
            before = self._shape_before(width)
            costs = [session.cost for session in self._sessions if session.cost is not None]
            shape = self._shape = Shape.fitting(
                width,
                self.rows,
                unit=app.unit,
                flat=app.flat,
                now=self._drawn_at,
                total=sum(costs) if costs else None,
                findings=lambda session: len(app.findings_of(session)),
                before=before.widths if before is not None else None,
            )
        return shape

    def _shape_before(self, width: int) -> Shape | None:
        """The last shape of this size and unit."""
        before = self._shape or self._before
        app = self.ccmon
        if before is None or (before.width, before.unit, before.flat) != (
            width,
            app.unit,
            app.flat,
        ):
            return None
        return before

    def _arrange(self) -> None:
        self._drawn_at = self.ccmon.now()
        self._before, self._shape = self._shape or self._before, None
        sessions = ordered(self._sessions, self.sort, self._drawn_at, reverse=self.reverse)
        self.rows = rows_of(sessions, self._folds)
        self._cursor = self._found()
        self._arranged()

    def _found(self) -> int:
        """The row that the cursor was on; else its session, else the one shown elsewhere."""
        places = {row.place: index for index, row in enumerate(self.rows)}
        chosen = self.ccmon.session
        wanted = [self._place, (self._place[0], "")] if self._place is not None else []
        if chosen is not None and self._place is None:
            wanted.append((chosen.session_id, ""))
        found = [places[place] for place in wanted if place in places]
        return found[0] if found else max(0, min(self._cursor, len(self.rows) - 1))

    def _settle(self, index: int) -> None:
        self._place = self.rows[index].place
