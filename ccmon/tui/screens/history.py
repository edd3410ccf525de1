"""The History screen: what was spent by day, project or model, down to a session to open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ccmon import format as fmt
from ccmon import words
from ccmon.past import Group, History, Query, Sums
from ccmon.tui.commands import Place, bindings
from ccmon.tui.safe import Part, clean, clip, line
from ccmon.tui.screens.past import PastScreen
from ccmon.tui.spans import GROUPINGS, SPANS, sessions_in, span_name, spanned
from ccmon.tui.widgets.group_table import GroupTable
from ccmon.tui.widgets.past_panels import GROUP_ROWS, Telling, group_frame, totals_row

_NAME = 30


@dataclass(frozen=True, slots=True)
class Level:
    """Where it has been drilled to: the question, what it is called, the group it came from.

    ``span`` is of which days it is, empty where the name says so. ``model`` leaves only sessions
    that name it.
    """

    query: Query
    name: str
    key: str
    span: str
    model: str | None = None


class HistoryScreen(PastScreen):
    """Groups of the past; ``enter`` leads to the sessions of one, and to one of these."""

    PLACE: ClassVar[Place] = "history"
    AUTO_FOCUS = "#groups"
    BINDINGS = bindings("history")
    ROWS = GROUP_ROWS

    def __init__(self) -> None:
        super().__init__()
        self._by = GROUPINGS[0]
        self._days = SPANS[0]
        self._levels: list[Level] = []

    def make_table(self) -> GroupTable:
        """The groups."""
        return GroupTable(id="groups")

    @property
    def table(self) -> GroupTable:
        """The groups."""
        return self.query_one(GroupTable)

    @property
    def moved(self) -> GroupTable:
        """The groups."""
        return self.table

    @property
    def wanted(self) -> Query:
        """The question of the innermost level."""
        if self._levels:
            return self._levels[-1].query
        return spanned(self._by, self._days, self.ccmon.now())

    def crumbs(self) -> tuple[str, ...]:
        """The group that was drilled into, and how many rows there are."""
        count = self.table.count
        if not self._levels:
            counted = f" {fmt.plural(count, self._by)}{self.so_far}" if count else ""
            return (f"History{counted}",)
        counted = f"{fmt.plural(count, 'session')}{self.so_far}"
        return ("History", clip(self._levels[-1].name, _NAME), counted)

    def settings_line(self) -> tuple[Part, ...]:
        """Grouping and span, and the zone that days are cut by."""
        history = self.past.history(self.wanted)
        span = line(self._span())
        by = line(("by ", "$label"), self.wanted.by, "   " if span else "", span)
        zone = line(by, "   ", (clean(history.timezone) if history else "", "$label"))
        return self.fitted(zone, by, span)

    def _span(self) -> str:
        """Of which days it is."""
        return self._levels[-1].span if self._levels else span_name(self.wanted, self._days)

    def show_past(self) -> None:
        """Groups, the one under the cursor, and how far the transcripts are read."""
        history = self.past.history(self.wanted)
        groups = self._groups(history) if history is not None else []
        by = self.wanted.by
        totals = history.totals if history is not None else Sums()
        self.draw_progress("reading", self.past.scanning, "transcripts")
        self.table.show(groups, totals, by, self._nothing())
        self._draw_detail()

    def _groups(self, history: History) -> list[Group]:
        groups = list(history.groups)
        model = self._levels[-1].model if self._levels else None
        if model is not None:
            groups = [group for group in groups if model in group.models]
        # The newest day is what is looked for first; the others come dearest first.
        return groups[::-1] if history.query.by in ("day", "week", "month") else groups

    def _nothing(self) -> str:
        if reason := self.unavailable():
            return reason
        if self.past.reading:
            return "reading …"
        span = self._span()
        joint = " " if span.startswith("since") else " in the "
        return "no request" + (joint + span if span not in ("", "all") else "")

    def _draw_detail(self) -> None:
        history, group = self.past.history(self.wanted), self.table.selected
        if history is None:
            self.draw_detail(None)
            self.draw_foot(None, "")
            return
        frame = group_frame(group, history, self._told(self.inner)) if group else None
        self.draw_detail(frame)
        self.draw_foot(totals_row(history, self._told(self.size.width - 2)), history.warning)

    def _told(self, width: int) -> Telling:
        app = self.ccmon
        return Telling(width, app.unit, app.now(), flat=app.flat, so_far=bool(self.so_far))

    def on_group_table_moved(self) -> None:
        """Tell of the group that the cursor is on."""
        self._draw_detail()

    def on_group_table_opened(self, event: GroupTable.Opened) -> None:
        """The sessions of a group; a session in the full app."""
        query, group = self.wanted, event.group
        if query.by == "session":
            self.ccmon.open_past(group)
            return
        inside = sessions_in(query, group.key)
        if inside is None:
            self.answer("requests without a date are not listed by session")
            return
        name = clean(words.group_name(group, query.by))
        model = group.key if query.by == "model" else None
        span = "" if query.by in ("day", "week", "month") else self._span()
        self._levels.append(Level(inside, name, group.key, span, model))
        self._again(None)

    def action_group_by(self) -> None:
        """By the next of day, week, month, project, model, session."""
        self._by = GROUPINGS[(GROUPINGS.index(self._by) + 1) % len(GROUPINGS)]
        self._levels.clear()
        self._again(None)

    def action_span(self) -> None:
        """Another span of days."""
        self._days = SPANS[(SPANS.index(self._days) + 1) % len(SPANS)]
        self._levels.clear()
        self._again(None)

    def action_back(self) -> None:
        """Out of the group, else back to the sessions; never quits."""
        if self._levels:
            self._again(self._levels.pop().key)
        else:
            self.call_later(self.ccmon.action_tab, "sessions")

    def _again(self, key: str | None) -> None:
        """Another question; the cursor begins on that group."""
        self.table.place(key)
        self.table.scroll_to(y=0, animate=False)
        self.refresh_snapshot()
