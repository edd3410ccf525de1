"""The Context screen: what is in the context, who put it there, what carrying it has cost."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget

from ccmon import format as fmt
from ccmon.requests import MAIN, Request
from ccmon.snapshot import Inventory, Item, Session, Snapshot, Subagent
from ccmon.tui.commands import Place, bindings
from ccmon.tui.export import items_csv
from ccmon.tui.item_query import ItemQuery, parse_items
from ccmon.tui.safe import Part, clean, clip, fitting, line
from ccmon.tui.screens.filtering import FilteringScreen, filter_line
from ccmon.tui.screens.moving import Moving
from ccmon.tui.screens.text import TextScreen
from ccmon.tui.sources import sources
from ccmon.tui.widgets.context_strip import strip_line
from ccmon.tui.widgets.item_panel import ROWS, item_frame
from ccmon.tui.widgets.item_table import ItemTable
from ccmon.tui.widgets.item_tree import SORTS, Branch, grow
from ccmon.tui.widgets.lines import Lines
from ccmon.tui.widgets.panel import SIDES, Panel, boxed, ruled
from ccmon.tui.widgets.passages import passages_of
from ccmon.words import only_subagents

AT_ONCE = 3_000
"""Items that may be made while the screen waits; more are made beside it."""
_PANEL_FROM = 24
_STRIP_FROM = 16
_AIRY_FROM = 28
_BOXES_FROM = 80
_PROJECT = 24
_FILTER = 24
_CLOCK = 18
"""Cells of the header that the clock and the gaps around the facts take."""


@dataclass(frozen=True, slots=True)
class Grown:
    """The tree of one context as it was asked for, and the items it was made of."""

    inventory: Inventory
    query: ItemQuery
    by_file: bool
    items: tuple[Item, ...]
    branches: tuple[Branch, ...]

    @classmethod
    def of(
        cls,
        inventory: Inventory,
        query: ItemQuery,
        by_file: bool,
        items: tuple[Item, ...] | None,
    ) -> Grown:
        """Make the tree, and the items unless they are there already."""
        items = inventory.items() if items is None else items
        found = [item for item in items if query.matches(item)] if query else items
        branches = grow(found, inventory.composition, by_file=by_file)
        return cls(inventory, query, by_file, items, branches)

    def shows(self, inventory: Inventory, query: ItemQuery, by_file: bool) -> bool:
        """Whether it is what is asked for now."""
        return self.inventory is inventory and self.query is query and self.by_file == by_file


class ContextStrip(Lines):
    """The whole context as segments, with a blank row at either side where there is room."""

    DEFAULT_CSS = """
    ContextStrip {
        padding: 0 1;
        &.-airy { padding: 1 1; }
    }
    """


class ContextScreen(Moving, FilteringScreen):
    """Strip, tree of sources and items, and the selected row."""

    PLACE: ClassVar[Place] = "context"
    AUTO_FOCUS = "#items"
    BINDINGS = bindings("context")

    def __init__(self) -> None:
        super().__init__()
        self._query = ItemQuery()
        self._by_file = False
        self._thread = MAIN
        self._seen_of: tuple[str, str] = ("", "")
        self._grown: Grown | None = None
        self._growing = False

    def compose_body(self) -> ComposeResult:
        """Strip, table, panel, filter."""
        yield ContextStrip(id="strip")
        yield ItemTable(id="items")
        yield Panel(id="item")
        yield from filter_line("words  tool:Read  tokens>5k  cold")

    @property
    def table(self) -> ItemTable:
        """The tree."""
        return self.query_one(ItemTable)

    @property
    def moved(self) -> ItemTable:
        """The tree."""
        return self.table

    @property
    def filtered(self) -> Widget:
        """The tree."""
        return self.table

    @property
    def agent(self) -> Subagent | None:
        """The sub-agent whose context is shown; None: the main thread's."""
        agents = self.session.subagents if self.session is not None else ()
        return next((agent for agent in agents if agent.agent_id == self._thread), None)

    @property
    def requests(self) -> Sequence[Request]:
        """The requests of the thread."""
        if self.agent is not None:
            return self.agent.requests
        return self.session.requests if self.session is not None else ()

    @property
    def inventory(self) -> Inventory | None:
        """What is in its context."""
        if self.agent is not None:
            return self.agent.inventory
        return self.session.inventory if self.session is not None else None

    @property
    def context(self) -> int | None:
        """Its size in tokens, as the last request that really read it found it."""
        if self.agent is not None:
            return self.agent.context_tokens
        context = self.session.context if self.session is not None else None
        return context.tokens if context is not None else None

    def crumbs(self) -> tuple[str, ...]:
        """Project, the sub-agent when it is one, and the size of the context."""
        session, agent = self.session, self.agent
        if session is None:
            return ("Context",)
        names = [session.project] + ([agent.type or agent.agent_id] if agent else [])
        tokens = self.context
        size = f"Context {fmt.tokens(tokens)}" if tokens is not None else "Context"
        return (*(clip(clean(name), _PROJECT) for name in names), size)

    def settings_line(self) -> tuple[Part, ...]:
        """Since when the context grows, how rows are grouped and sorted; what fits."""
        arrow = "▾" if self.table.descending else "▴"
        sort = line(("sort ", "$label"), f"{self.table.sort} {arrow}")
        if self._by_file:
            sort = line("by file", "   ", sort)
        requests, agents = self.requests, self.session.subagents if self.session else ()
        since = others = only = line("")
        if requests:
            first = bisect_left(requests, requests[-1].segment, key=lambda each: each.segment)
            since = _since(requests[first])
        if self._query:
            only = line(("filter ", "$label"), clip(clean(self._query.text), _FILTER), "   ")
        if agents:
            others = line("   ", "a ", (fmt.plural(len(agents), "agent"), "$label"))
        taken = line(*(f" › {crumb}" for crumb in ("ccmon", *self.crumbs()))).cell_length
        room = max(1, self.size.width - taken - _CLOCK)
        choices = (line(since, sort, others), line(sort, others), line(since, sort), sort)
        return (fitting(room, *(line(only, choice) for choice in choices), sort),)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the context of the thread to strip, tree and panel."""
        session = self.session
        if session is None:
            return
        if self.agent is None:
            self._thread = MAIN
        shown = session.session_id, self._thread
        if shown != self._seen_of:
            self._seen_of, self._grown = shown, None
            self.table.forget()
        inventory = self.inventory
        self._draw_strip(inventory)
        self.query_one("#item").display = self.size.height >= _PANEL_FROM
        if inventory is None:
            self._grown = None
        elif self._grown is None or not self._grown.shows(inventory, self._query, self._by_file):
            if sum(each.items for each in inventory.composition) <= AT_ONCE:
                self._grown = self._grow(inventory)()
            elif not self._growing:
                self._growing = True
                self.run_worker(self._grow_beside(inventory))
        self._draw_table(session)

    def _grow(self, inventory: Inventory) -> Callable[[], Grown]:
        """What makes the tree, here or in a thread; items of the same context are kept."""
        kept = self._grown
        items = kept.items if kept is not None and kept.inventory is inventory else None
        return partial(Grown.of, inventory, self._query, self._by_file, items)

    async def _grow_beside(self, inventory: Inventory) -> None:
        """Make the tree of a large context without holding up the keys.

        What came in meanwhile is made next, so that a busy session is shown late, but shown.
        """
        shown = self._seen_of
        try:
            grown = await asyncio.to_thread(self._grow(inventory))
        finally:
            self._growing = False
        if shown == self._seen_of:
            self._grown = grown
        if self.is_current:
            self.refresh_snapshot()

    def _draw_strip(self, inventory: Inventory | None) -> None:
        strip, height = self.query_one(ContextStrip), self.size.height
        strip.display = inventory is not None and height >= _STRIP_FROM
        strip.set_class(height >= _AIRY_FROM, "-airy")
        if inventory is not None:
            width = self.size.width - 2
            segments = strip_line(sources(inventory.composition), width, flat=self.ccmon.flat)
            strip.set_lines([segments])

    def _draw_table(self, session: Session) -> None:
        grown = self._grown
        words = "nothing is known of this context yet"
        if self.inventory is None and (of_agents := only_subagents(session)):
            words = f"{of_agents}: a shows the context of a subagent"
        if grown is not None and self.wanted:
            words = f"nothing of {len(grown.items):,} items is {clean(self.wanted)}"
        self.table.show(
            grown.branches if grown is not None else (), self.requests, session.cost,
            unfolded=bool(self._query), words=words,
        )  # fmt: skip
        self._draw_panel()

    def _draw_panel(self) -> None:
        panel, row = self.query_one("#item", Panel), self.table.selected
        if self.size.height < _PANEL_FROM:
            return
        panel.display = row is not None
        if row is None:
            return
        width, boxes = self.size.width, self.size.width >= _BOXES_FROM
        panel.styles.height = ROWS + (2 if boxes else 1)
        inventory = self.inventory
        frame = item_frame(
            row, self.requests, width - (SIDES if boxes else 2),
            lower_bound=inventory is not None and inventory.cost_is_lower_bound,
            agent=self.agent,
        )  # fmt: skip
        draw = boxed if boxes else ruled
        panel.set_lines(draw(frame, width, ROWS + (2 if boxes else 1)))

    def filter_by(self, text: str) -> Sequence[str]:
        """Show only items that satisfy the terms."""
        query = parse_items(text)
        if query or not query.errors:
            self._query = query
        return query.errors

    def on_item_table_moved(self) -> None:
        """Explain what the cursor is on."""
        self._draw_panel()
        if self.ccmon.snapshot is not None:
            self.show_header(self.ccmon.snapshot)

    def on_item_table_opened(self, event: ItemTable.Opened) -> None:
        """Open the request that an item entered with."""
        self.ccmon.open_request(self._thread, event.item.entered)

    def action_fold(self) -> None:
        """Open or close the source under the cursor."""
        self.table.fold()

    def action_view(self) -> None:
        """The text of what the cursor is on, read from the transcript."""
        row = self.table.selected
        if row is None:
            return
        if passages := passages_of(row.shown.items):
            self.app.push_screen(TextScreen(row.shown.name, passages))
        else:
            self.answer("no line of the transcript shows it")

    def action_sort(self) -> None:
        """The next column, largest first."""
        following = SORTS[(SORTS.index(self.table.sort) + 1) % len(SORTS)]
        self.table.sort_by(following, descending=True)

    def action_reverse(self) -> None:
        """The other direction."""
        self.table.sort_by(self.table.sort, descending=not self.table.descending)

    def action_cold_only(self) -> None:
        """What is not named any more, or everything again."""
        self.apply_filter("" if self.wanted == "cold" else "cold")

    def action_superseded_only(self) -> None:
        """What a later one supersedes, or everything again."""
        self.apply_filter("" if self.wanted == "superseded" else "superseded")

    def action_by_file(self) -> None:
        """All that is about one file together, or by source again."""
        self._by_file = not self._by_file
        self.table.forget()
        self.refresh_snapshot()

    def action_next_thread(self) -> None:
        """The context of the next sub-agent, and round to the main thread's."""
        session = self.session
        if session is None or not session.subagents:
            self.answer("no sub-agents in this session")
            return
        threads = [MAIN, *(agent.agent_id for agent in session.subagents)]
        self._thread = threads[(threads.index(self._thread) + 1) % len(threads)]
        self.refresh_snapshot()

    def action_export(self) -> None:
        """Write the items in the order shown as CSV into the working directory."""
        if items := self.table.items:
            self.export("context", items_csv(items))
        else:
            self.answer("nothing to export")

    def action_back(self) -> None:
        """Clear the filter if there is one, else back to the Overview; never quits."""
        if self.wanted:
            self.apply_filter("")
        else:
            self.call_later(self.ccmon.action_tab, "overview")


def _since(first: Request) -> Content:
    """Where the segment began: after a rewind what is in it came earlier."""
    if first.resumes is None:
        return line(("segment since ", "$label"), f"#{first.n}", "   ")
    return line(("rewound to ", "$label"), f"#{first.resumes}", "   ")
