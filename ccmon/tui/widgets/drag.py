"""The Drag panel: what carrying old context costs, over a graph of the context."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.snapshot import Drag, Session
from ccmon.tui.safe import Part, clean, facts, line
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.header import no_request
from ccmon.tui.widgets.panel import Frame, Tone, title
from ccmon.tui.widgets.trend import Trend, area, axis, cost_bars

DOMINATES_FROM = 0.85
"""D from which re-reading dominates: the bar is full there."""
_SCALE = 8
"""Cells at the right of a graph for its newest value."""
_NAMES = 5
_TONES: dict[str, Tone] = {"high": "border-alarm", "dominates": "error"}


def chip(drag: Drag | None) -> Content:
    """The state as a word: plain ``off``, tinted HIGH, solid DOMINATES."""
    if drag is None:
        return line((fmt.NONE, "$faint"))
    if drag.state == "off":
        return line(("off", "$label"))
    return line((f" {drag.state.upper()} ", f"$chip-{drag.state}"))


def tone_of(drag: Drag | None) -> Tone:
    """The colour of the panel's lines."""
    return _TONES.get(drag.state, "border") if drag is not None else "border"


def drag_frame(session: Session, width: int, height: int, *, flat: bool, wide: bool) -> Frame:
    """Facts, a graph that fills the inner ``height`` less one row, and the time axis below.

    ``wide`` puts the names of the graphs at the left, adds what requests cost and says in the
    title where the state began.
    """
    drag = session.drag
    since = f"since #{session.compactions[-1].before_request}" if session.compactions else ""
    if not wide:
        since = "since the last reset" if session.compactions else "since the session start"
    base = drag.base_tokens if drag is not None else None
    about = f"carrying context above {fmt.tokens(base)} {since}" if base is not None else ""
    name = title("Drag", about.strip())
    costs = 2 if wide and height >= 5 else 0
    names = _NAMES if costs else 0
    graph = width - names - _SCALE
    trend = Trend.of(session.requests, graph)
    rows = [_facts_row(session, width, flat=flat)]
    rows += _graph_rows(session, trend, height - 1 - costs, names)
    if costs:
        rows += _cost_rows(trend, costs)
    rule = f"${tone_of(drag)}"
    marks = axis(session.requests, session.compactions, graph, rule)
    value = _since(drag) if wide else None
    return Frame(name, rows, value=value, axis=marks, axis_at=names, tone=tone_of(drag))


def _since(drag: Drag | None) -> Content | None:
    if drag is None or drag.d is None or drag.state == "off":
        return None
    parts: list[Part] = []
    if drag.since_request is not None:
        parts += [(f"{drag.state} since ", "$label"), f"#{drag.since_request}", (", ", "$label")]
    parts += [("D ", "$label"), f"{drag.d:.2f}"]
    if drag.state == "high":
        parts += [(", dominates at ", "$label"), f"{DOMINATES_FROM:.2f}"]
    return line(*parts)


def no_ratio(session: Session) -> Content:
    """Why there is nothing to compare."""
    return line((clean(words.why_no_drag(session)) or no_request(session), "$label"))


def _facts_row(session: Session, width: int, *, flat: bool) -> Content:
    drag = session.drag
    if drag is None or drag.o is None:
        return no_ratio(session)
    bar = share_bar((drag.d or 0.0) / DOMINATES_FROM, 10, _bar_style(drag), flat=flat)
    end = line(chip(drag), " ", *bar)
    room = width - end.cell_length - 2
    start = facts_row(drag, room)
    return line(start, " " * (width - start.cell_length - end.cell_length), end)


def facts_row(drag: Drag, width: int, *, brevity: int = 0) -> Content:
    """The facts with the widest gaps and longest words that leave none of them out.

    ``brevity`` is the one to start from: 1 shorter money, 2 ``compact``, 3 ``back in``.
    """
    wordings = [(brevity, "   "), *((brief, "  ") for brief in range(brevity, 4))]
    for brief, gap in wordings:
        groups = _facts_worded(drag, brief)
        content = Content(gap).join(line(*group) for group in groups)
        if content.cell_length <= width:
            return content
    return facts(width, *groups, gap=gap)


def _facts_worded(drag: Drag, brevity: int) -> list[Sequence[Part]]:
    """Carried, compact, overdue, payback."""
    now = "compact now " if brevity < 2 else "compact "
    brief = brevity >= 3
    groups: list[Sequence[Part]] = [
        [("carried ", "$label"), (fmt.money(drag.carried), "$bright")],
        [(now, "$label"), (fmt.money(drag.compact, short=brevity > 0), "$bright")],
    ]
    if drag.o is None:
        return groups
    overdue = (" overdue", "$label") if drag.o >= 1 else ""
    groups.append([(fmt.multiple(drag.o), "$bright" if drag.o >= 1 else ""), overdue])
    if drag.state == "off" and drag.o < 1:
        groups.append([("no reason to compact", "$label")])
    elif drag.payback_requests is not None:
        count = max(1, round(drag.payback_requests))
        requests, _, noun = fmt.plural(count, "request").partition(" ")
        words = "back in " if brief else "pays back in "
        groups.append([(words, "$label"), requests, "" if brief else (f" {noun}", "$label")])
    return groups


def _bar_style(drag: Drag) -> str:
    return "$accent-fill" if drag.state == "off" else "$error-fill"


def _graph_rows(session: Session, trend: Trend, rows: int, names: int) -> list[Content]:
    newest = fmt.tokens(session.context.tokens) if session.context is not None else ""
    lines = area(trend.context, rows)
    drawn = []
    for row, parts in enumerate(lines):
        head: list[Part] = [(("ctx" if row == 0 else "").ljust(names), "$label")] if names else []
        tail: list[Part] = [newest.rjust(_SCALE)] if row == 0 else []
        drawn.append(line(*head, *parts, *tail))
    return drawn


def _cost_rows(trend: Trend, rows: int) -> list[Content]:
    drawn = []
    for row, parts in enumerate(cost_bars(trend, rows)):
        name = ("$req" if row == rows - 1 else "").ljust(_NAMES)
        peak = ""
        if row == 0 and trend.context:
            peak = fmt.money(trend.peak_cost, short=True).rjust(_SCALE)
        drawn.append(line((name, "$label"), *parts, peak))
    return drawn
