"""Which panels the Overview has at a size, and where: a pure function, and the layout that obeys.

Spare rows go to the list of requests (where narrow, after the findings), spare columns to graph
and list; below the sizes where a panel says something it is left out, never cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

Form = Literal["line", "rules", "two", "three"]

_TWO_FROM = 80
_THREE_FROM = 150
_THREE_ROWS = 34
_BOX_ROWS = 15
_FINDINGS_RULED = 9
"""Rows of the findings under their rule: five, and what to do about one."""
_NEWEST = 4
_SOURCES = 12
"""Rows of the sources of the context, edges included: ten of them, which is what most have."""
_LEAST_LIST = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """The form, and the region of every panel that is shown, by its id."""

    form: Form
    regions: dict[str, Region]


def plan(width: int, height: int) -> Plan:
    """Place the panels in ``width`` x ``height`` cells, header and footer not counted."""
    if width < 40 or height < 5:
        return Plan("line", {"gauges": Region(0, 0, width, 1)})
    if width < _TWO_FROM or height < _BOX_ROWS:
        return Plan("rules", _rules(width, height))
    if width >= _THREE_FROM and height >= _THREE_ROWS:
        return Plan("three", _three(width, height))
    return Plan("two", _two(width, height))


def _rules(width: int, height: int) -> dict[str, Region]:
    """One column: gauges always, then drag, spend, totals, findings and list as rows allow."""
    spend = 5 if height >= 10 else 0
    drag = 3 if height >= 6 + spend else 1
    totals = 2 if height >= 13 else 1 if height >= 5 + spend + drag else 0
    rest = height - 3 - spend - drag - totals
    listed = rest - _FINDINGS_RULED if rest - _FINDINGS_RULED >= 4 else 0
    findings = rest - listed if rest >= 3 else 0
    if drag == 3 and not findings:
        drag += rest
    heights = {
        "gauges": 3, "spend": spend, "drag": drag, "findings": findings, "list": listed,
        "totals": totals,
    }  # fmt: skip
    regions: dict[str, Region] = {}
    top = 0
    for name, rows in heights.items():
        if rows:
            regions[name] = Region(0, top, width, rows)
            top += rows
    return regions


def _two(width: int, height: int) -> dict[str, Region]:
    """Two columns, the graph across; below it the sources at the left, the findings at the right.

    The list of requests comes below them where it has rows enough.
    """
    half = width // 2
    drag = 4 if height < 36 else 6
    if height < 20:
        drag = height - 11
    regions = {
        "context": Region(0, 0, half, 5),
        "next": Region(half, 0, width - half, 5),
        "spend": Region(0, 5, half, 6),
        "cache": Region(half, 5, width - half, 6),
        "drag": Region(0, 11, width, drag),
    }
    if height >= 20:
        top = 11 + drag
        rows = height - top
        listed = rows - _SOURCES if rows >= _SOURCES + _LEAST_LIST else 0
        regions["sources"] = Region(0, top, half, rows - listed)
        regions["findings"] = Region(half, top, width - half, rows - listed)
        if listed:
            regions["list"] = Region(0, height - listed, width, listed)
    return regions


def _three(width: int, height: int) -> dict[str, Region]:
    """Three columns of gauges; spend and graph; sources and list; sessions and findings; newest."""
    side = (width - 1) // 3
    middle = width - 2 * side
    spend = 62 + max(0, width - 160) // 5
    graph, below = (9, 7) if height < 50 else (11, 9)
    listed = height - 6 - graph - below - _NEWEST
    after = 6 + graph + listed
    half = width // 2
    sources = 57 + max(0, width - 160) // 6
    return {
        "context": Region(0, 0, side, 6),
        "next": Region(side, 0, middle, 6),
        "cache": Region(side + middle, 0, side, 6),
        "spend": Region(0, 6, spend, graph),
        "drag": Region(spend, 6, width - spend, graph),
        "sources": Region(0, 6 + graph, sources, listed),
        "list": Region(sources, 6 + graph, width - sources, listed),
        "sessions": Region(0, after, half, below),
        "findings": Region(half, after, width - half, below),
        "newest": Region(0, after + below, width, _NEWEST),
    }


class PlanLayout(Layout):
    """Puts each child where the plan has its id; ``requests`` lies inside the frame ``list``."""

    name = "plan"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Children that the plan does not name are not shown."""
        regions = plan(size.width, size.height).regions
        placements = []
        for child in children:
            region = list_interior(size.width, size.height) if child.id == "requests" else None
            region = region or regions.get(child.id or "")
            if region is not None:
                order = 1 if child.id == "requests" else 0
                placements.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child, order))
        return placements


_TOTALS_FROM = 10


def has_totals(shape: Plan) -> bool:
    """Whether the findings have the totals of the session at their foot."""
    region = shape.regions.get("findings")
    return shape.form == "two" and region is not None and region.height >= _TOTALS_FROM


def list_interior(width: int, height: int) -> Region | None:
    """Where the request list itself goes, inside its frame or below its rule."""
    shape = plan(width, height)
    region = shape.regions.get("list")
    if region is None:
        return None
    if shape.form == "rules":
        return Region(0, region.y + 1, width, region.height - 1)
    return Region(region.x + 1, region.y + 1, region.width - 2, region.height - 2)
