"""Which panels the Cache screen has at a size, and where: a pure function, and its layout."""

from __future__ import annotations

from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from ccmon.tui.widgets.cache_panels import BUST_ROWS, PANEL_ROWS
from ccmon.tui.widgets.cursor_table import HEADER

BOXES_FROM = 80
_THREE_FROM = 150
_LEAST_GRAPH = 4
_GOOD_GRAPH = 6
_FOLDED = 6
"""Rows inside the panel of one bust where its sentences take two rows each."""
_LEAST_BUSTS = 3
"""Rows of the table that the panels beside it leave, where there are as many busts."""


def cache_plan(width: int, height: int, busts: int) -> dict[str, Region]:
    """Place the panels in ``width`` x ``height`` cells, header and footer not counted.

    What is left out on small screens goes from the least urgent on: the panel of one bust, the
    check of the tiers, the graph, the table. What a pause costs stays. Spare rows go to the graph.
    """
    if width < 40 or height < 5:
        return {"pause": Region(0, 0, width, height)}
    if width < BOXES_FROM:
        return _column(width, height, busts)
    wide = width >= _THREE_FROM
    panels = (_FOLDED if wide and busts else PANEL_ROWS) + 2
    bust = BUST_ROWS + 2 if busts else 0
    table = HEADER + min(busts, _LEAST_BUSTS)
    if not wide and height < panels + bust + table + _GOOD_GRAPH:
        bust = 0
    below = panels + (0 if wide else bust)
    if height < below + table:
        return {"pause": Region(0, 0, width // 2, height), **_ttl(width, 0, height)}
    room = height - below
    table = min(HEADER + busts, max(table, room * 2 // 5))
    graph = room - table
    if graph < _LEAST_GRAPH:
        table, graph = room, 0
    regions = {"timeline": Region(0, 0, width, graph)} if graph else {}
    regions["busts"] = Region(0, graph, width, table)
    top = graph + table
    if wide and busts:
        side = width // 3
        regions["pause"] = Region(0, top, side, panels)
        regions["ttl"] = Region(side, top, side, panels)
        regions["bust"] = Region(2 * side, top, width - 2 * side, panels)
        return regions
    regions |= {"pause": Region(0, top, width // 2, panels), **_ttl(width, top, panels)}
    if bust:
        regions["bust"] = Region(0, top + panels, width, bust)
    return regions


def _ttl(width: int, top: int, height: int) -> dict[str, Region]:
    return {"ttl": Region(width // 2, top, width - width // 2, height)}


def _column(width: int, height: int, busts: int) -> dict[str, Region]:
    """One below the other, each under a rule."""
    panel, bust = PANEL_ROWS + 1, BUST_ROWS + 1 if busts else 0
    table = HEADER + min(busts, _LEAST_BUSTS)
    heights = {"timeline": 0, "busts": 0, "pause": min(panel, height), "ttl": 0, "bust": 0}
    left = height - heights["pause"]
    wanted = {"busts": table, "timeline": _GOOD_GRAPH - 1, "ttl": panel, "bust": bust}
    for name, rows in wanted.items():
        if left >= rows:
            heights[name] = rows
            left -= rows
    if heights["bust"]:
        more = min(left, _FOLDED - BUST_ROWS)
        heights["bust"] += more
        left -= more
    if heights["busts"]:
        more = min(left // 2, HEADER + busts - table)
        heights["busts"] += more
        left -= more
    if heights["timeline"]:
        heights["timeline"] += left
    regions, top = {}, 0
    for name, rows in heights.items():
        if rows:
            regions[name] = Region(0, top, width, rows)
            top += rows
    return regions


class _Places(Layout):
    name = "cache"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Children that the plan does not name are not shown."""
        assert isinstance(parent, CacheBody)
        regions = cache_plan(size.width, size.height, parent.busts)
        return [
            WidgetPlacement(regions[child.id], NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if child.id in regions
        ]


_LAYOUT = _Places()


class CacheBody(Container):
    """The panels of the Cache screen, placed for so many busts."""

    DEFAULT_CSS = """
    CacheBody {
        height: 1fr;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.busts = 0

    @property
    def layout(self) -> Layout:
        """The plan; the stylesheet knows only Textual's own layouts."""
        return _LAYOUT

    @property
    def regions(self) -> dict[str, Region]:
        """Where the panels are now."""
        return cache_plan(self.size.width, self.size.height, self.busts)

    def place(self, busts: int) -> None:
        """Make room for so many busts."""
        if busts != self.busts:
            self.busts = busts
            self.refresh(layout=True)
