"""The rows of the request list in their order: filtered, sorted, kept up to date cheaply.

Rows are kept oldest first. New requests are appended; only what changed at the end of a thread is
taken out and put in again, so that an update costs the same for fifty and fifty thousand rows.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence

from msgspec.structs import astuple

from ccmon.requests import MAIN, Compaction, Request
from ccmon.snapshot import Session
from ccmon.tui.query import Query
from ccmon.tui.widgets.request_row import COLUMNS

Item = Request | Compaction
Place = tuple[str, int]
"""What a request is known by while its struct changes: thread and number."""

_KEYS = {column.name: column.key for column in COLUMNS if column.key is not None}
BY_NUMBER = ("#", "time")


class RequestRows:
    """What the list shows, in the order of display."""

    def __init__(self) -> None:
        self.query = Query()
        self.sort = "#"
        self.descending = True
        self._items: list[Item] = []
        self._source: Sequence[Request] = ()
        self._compactions: Sequence[Compaction] = ()
        self._session: Session | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Item:
        return self._items[-1 - index if self.descending else index]

    @property
    def total(self) -> int:
        """Requests of the main thread before any filter."""
        return len(self._session.requests) if self._session else 0

    @property
    def digits(self) -> int:
        """Cells of the longest number; those of sub-agents have a mark before them."""
        return len(str(max(map(len, self._threads), default=0))) + self._merges

    @property
    def looked_at(self) -> int:
        """Requests of the threads that the filter looks at."""
        return sum(map(len, self._threads))

    @property
    def requests(self) -> list[Request]:
        """The requests shown, in the order of display."""
        rows = [item for item in self._items if isinstance(item, Request)]
        return rows[::-1] if self.descending else rows

    def update(self, session: Session | None) -> None:
        """Show this session as it is now."""
        before, self._session = self._session, session
        same = before is not None and session is not None and _same(before, session)
        if session is None or not same or self._merges:
            self._rebuild()
        elif session.requests is not self._source or session.compactions != self._compactions:
            self._advance(session)

    def arrange(
        self, *, query: Query | None = None, sort: str | None = None, descending: bool | None = None
    ) -> None:
        """Filter or sort otherwise."""
        self.query = self.query if query is None else query
        self.sort = self.sort if sort is None else sort
        self.descending = self.descending if descending is None else descending
        self._rebuild()

    def place_of(self, index: int) -> Place | None:
        """What the row at ``index`` is known by; None for a compaction or no row."""
        if not 0 <= index < len(self):
            return None
        item = self[index]
        return (item.thread, item.n) if isinstance(item, Request) else None

    def index_of(self, place: Place) -> int | None:
        """Where a request stands now; None when it is not shown."""
        at = self._find(place)
        if at is None:
            return None
        return len(self._items) - 1 - at if self.descending else at

    @property
    def _threads(self) -> list[tuple[Request, ...]]:
        return self.query.threads(self._session) if self._session else []

    @property
    def _merges(self) -> bool:
        """More than the main thread is looked at."""
        return self.query.agents not in (None, MAIN)

    @property
    def _in_order(self) -> bool:
        return self.sort in BY_NUMBER and not self._merges

    def _find(self, place: Place) -> int | None:
        items = self._items
        if self._in_order:
            at = bisect_left(items, float(place[1]), key=_number)
            while at < len(items) and isinstance(items[at], Compaction):
                at += 1
            found = items[at] if at < len(items) else None
            return at if isinstance(found, Request) and found.n == place[1] else None
        for at, item in enumerate(items):
            if isinstance(item, Request) and (item.thread, item.n) == place:
                return at
        return None

    def _rebuild(self) -> None:
        session = self._session
        self._items = []
        self._source = session.requests if session else ()
        self._compactions = session.compactions if session else ()
        if session is None:
            return
        rows = [row for thread in self._threads for row in thread]
        if self.query.tests:
            rows = [row for row in rows if self.query.matches(row)]
        if self._merges:
            rows.sort(key=lambda row: (row.at or 0.0, row.n))
        if self.sort not in BY_NUMBER:
            rows.sort(key=_KEYS[self.sort])
        self._items = list(rows)
        if self._in_order and not self.query.tests:
            for compaction in session.compactions:
                insort(self._items, compaction, key=_number)

    def _advance(self, session: Session) -> None:
        """Take in what is new at the end of the main thread."""
        old, new = self._source, session.requests
        kept = min(len(old), len(new))
        while kept and old[kept - 1] is not new[kept - 1]:
            kept -= 1
        if (
            kept < len(old) - 64
            or (kept < len(old) and self.sort not in BY_NUMBER)
            or _until(self._compactions, kept) != _until(session.compactions, kept)
        ):
            self._rebuild()
            return
        self._source = new
        self._compactions = session.compactions
        if self.sort in BY_NUMBER:
            while self._items and _number(self._items[-1]) > kept:
                self._items.pop()
        dividers = [item for item in session.compactions if item.before_request > kept]
        for row in new[kept:]:
            while dividers and dividers[0].before_request <= row.n:
                self._append_divider(dividers.pop(0))
            if self.query.matches(row):
                self._append(row)
        for item in dividers:
            self._append_divider(item)

    def _append(self, row: Request) -> None:
        if self.sort in BY_NUMBER:
            self._items.append(row)
        else:
            insort(self._items, row, key=_row_key(self.sort))

    def _append_divider(self, item: Compaction) -> None:
        if self.sort in BY_NUMBER and not self.query.tests:
            self._items.append(item)


def _same(one: Session, other: Session) -> bool:
    return one.session_id == other.session_id


def _until(compactions: Sequence[Compaction], number: int) -> list[tuple[object, ...]]:
    """What the compactions before request ``number + 1`` say; structs compare by identity."""
    return [astuple(item) for item in compactions if item.before_request <= number]


def _number(item: Item) -> float:
    """Order of display by number: a compaction stands right before the request after it."""
    return item.n if isinstance(item, Request) else item.before_request - 0.5


def _row_key(sort: str) -> Callable[[Item], float | str]:
    key = _KEYS[sort]
    return lambda item: key(item) if isinstance(item, Request) else 0.0
