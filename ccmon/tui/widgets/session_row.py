"""One row of the Sessions screen as content: which columns fit, how wide, in which colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import NextRequest, Session
from ccmon.tui.safe import Part, clean, clip, clip_middle, fit, left, line, right
from ccmon.tui.widgets.columns import make_room, widest
from ccmon.tui.widgets.drag import chip
from ccmon.tui.widgets.request_row import EDGE
from ccmon.tui.widgets.session_state import cold_in, is_quiet, mark, state
from ccmon.tui.widgets.session_tree import Row, Sort
from ccmon.tui.widgets.vitals import fill_text

_START = 3
"""Cells before the state: the cursor's mark, the sign of the state, a blank."""
_NAME_FROM = 11
"""Cells that the project keeps; columns go until it has them."""
_NAME = 20
"""Cells of the project where the title has a column."""
_TITLE_FROM = 12
_TITLE_GAP = 2
_ID = 8

Findings = Callable[[Session], int]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``drop`` says how early it goes when there is little room (0: never)."""

    name: str
    width: int
    gap: int = 1
    drop: int = 0
    sort: Sort | None = None
    at_left: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table is drawn for a width and these sessions.

    ``widths`` are those that the figures need, of all columns, also those that are left out.
    ``total`` is what shares of the spend are of; ``findings`` counts those of a session.
    """

    width: int
    name: int
    title: int
    columns: tuple[Column, ...]
    widths: Mapping[str, int]
    unit: str
    flat: bool
    now: float
    total: float | None
    findings: Findings

    @classmethod
    def fitting(
        cls,
        width: int,
        rows: Sequence[Row],
        *,
        unit: str,
        flat: bool,
        now: float,
        total: float | None,
        findings: Findings,
        before: Mapping[str, int] | None = None,
    ) -> Shape:
        """The columns that fit; no figure is ever cut, so the widest one decides.

        ``before``: the widths that a table of this size had. A column never gets narrower, so that
        nothing moves sideways when sessions come and go.
        """
        sessions = [row.session for row in rows if row.agent is None]
        needed = {
            "status": widest((state(each, now) for each in sessions), 9),
            "model": min(14, widest((_model(row) for row in rows), 10)),
            "next w/c": widest((_next_text(row) for row in rows), 9),
            "spend": widest((_spend(row, unit, total) for row in rows), 7),
            "drag": _chips(sessions),
            "n": widest((str(findings(each)) for each in sessions), 1),
        }
        widths = {name: max(width, (before or {}).get(name, 0)) for name, width in needed.items()}
        columns = [
            Column("status", widths["status"], gap=0, at_left=True),
            Column("project", 0, gap=2, sort="project", at_left=True),
            Column("session", _ID, gap=2, drop=2, at_left=True),
            Column("model", widths["model"], gap=2, drop=1, at_left=True),
            Column("ctx", 6, gap=2, sort="ctx"),
            Column("fill", 4, drop=5),
            Column("cache", 8, gap=2, at_left=True),
            Column("next w/c", widths["next w/c"], gap=2, drop=4, sort="next"),
            Column("spend", widths["spend"], gap=2, sort="spend"),
            Column("drag", widths["drag"], drop=6, sort="drag", at_left=True),
            Column("n", widths["n"], gap=1, drop=3),
        ]
        name = make_room(columns, width - _START - EDGE, _NAME_FROM)
        title = 0
        if name >= _NAME + _TITLE_GAP + _TITLE_FROM:
            name, title = _NAME, name - _NAME - _TITLE_GAP
        return cls(width, name, title, tuple(columns), widths, unit, flat, now, total, findings)

    def width_of(self, column: Column) -> int:
        """The cells of a column."""
        return self.name if column.name == "project" else column.width

    def sort_at(self, x: int) -> Sort | None:
        """The order that a click on cell ``x`` of the title row asks for."""
        end = _START
        for column in self.columns:
            end += column.gap + self.width_of(column)
            if x < end:
                return column.sort or ("active" if column.name in ("status", "cache") else None)
        return None


def titles(shape: Shape, sort: Sort, *, reverse: bool) -> Content:
    """The row of column titles; the sorted one bright, with its direction after it."""
    arrow = "▴" if reverse else "▾"
    parts: list[Part] = [" " * _START]
    pending = ""
    for column in shape.columns:
        gap = pending + " " * (column.gap - len(pending))
        pending = ""
        parts.append((gap, "$bright bold"))
        width = shape.width_of(column)
        chosen = column.sort == sort or (sort == "active" and column.name == "status")
        style = "$bright bold" if chosen else "$label"
        name = " drag" if column.name == "drag" else column.name
        if chosen and column.at_left:
            parts.append((left(f"{name}{arrow}", width), style))
        else:
            parts.append((left(name, width) if column.at_left else right(name, width), style))
            pending = arrow if chosen else ""
        if column.name == "model" or (column.name == "project" and not _has(shape, "model")):
            parts += _title_cell(shape, "title" if shape.title else "", "$label")
    return fit(line(*parts, (pending, "$bright bold")), shape.width)


def session_row(row: Row, shape: Shape, *, cursor: bool) -> Content:
    """One row, exactly ``shape.width`` cells."""
    sign, colour = mark(row.session) if row.agent is None else (" ", "")
    parts: list[Part] = [("▌" if cursor else " ", "$accent"), (f"{sign} ", colour)]
    for column in shape.columns:
        parts += [" " * column.gap, *_cell(row, shape, column)]
        if column.name == "model" or (column.name == "project" and not _has(shape, "model")):
            parts += _title_cell(shape, _title(row), "$label")
    content = fit(line(*parts), shape.width)
    if not cursor:
        return content
    return content.stylize("bold") if shape.flat else content.stylize_before("on $cursor")


def _has(shape: Shape, name: str) -> bool:
    return any(column.name == name for column in shape.columns)


def _title_cell(shape: Shape, text: str, style: str) -> list[Part]:
    if not shape.title:
        return []
    return [" " * _TITLE_GAP, (left(text, shape.title), style)]


def _title(row: Row) -> str:
    return clean((row.agent.description if row.agent is not None else row.session.title) or "")


def _model(row: Row) -> str:
    name = row.agent.model if row.agent is not None else row.session.model
    return fmt.model(clean(name or ""))


def _chips(sessions: Iterable[Session]) -> int:
    """The widest state of drag; the blank before its word belongs to it."""
    chips = (chip(each.drag).cell_length for each in sessions if _is_dragging(each))
    return max([len(" HIGH "), *chips])


def _is_dragging(session: Session) -> bool:
    return session.drag is not None and session.drag.state != "off"


def _next(row: Row) -> NextRequest | None:
    return (row.agent or row.session).next_request


def _next_text(row: Row) -> str:
    following = _next(row)
    if following is None:
        return fmt.NONE
    return f"{_usd(following.warm)}/{_usd(following.cold)}"


def _usd(price: float | None) -> str:
    return fmt.UNKNOWN if price is None else fmt.amount(price, short=True)


def _spend(row: Row, unit: str, total: float | None) -> str:
    """What it has cost: in dollars, in tokens, or of what all sessions shown have."""
    whole = row.agent or row.session
    if unit == "tokens":
        return fmt.tokens(whole.usage.prompt_tokens + whole.usage.output_tokens)
    if unit == "share":
        return fmt.UNKNOWN if whole.cost is None or not total else fmt.rate(whole.cost / total)
    return fmt.money(
        whole.cost,
        lower_bound=whole.cost_is_lower_bound,
        estimated=row.agent is None and row.session.cost_is_estimated,
        short=True,
    )


def _cell(row: Row, shape: Shape, column: Column) -> list[Part]:
    agent, session, width = row.agent, row.session, shape.width_of(column)
    dim = agent is not None or session.status == "ended"
    plain = "$label" if dim else "$foreground"
    bright = not dim and not is_quiet(session)
    if column.name == "status":
        return _state_cell(row, shape, width)
    if column.name == "project":
        return _name_cell(row, width, "$bright" if bright else plain)
    if column.name == "session":
        identity = agent.agent_id if agent is not None else session.session_id
        return [(left(clean(identity)[:_ID], width), "$label")]
    if column.name == "model":
        return [(left(_model(row), width), plain if bright else "$label")]
    if column.name == "ctx":
        tokens = agent.context_tokens if agent is not None else _tokens(session)
        return [(right(fmt.tokens(tokens), width), "$bright" if bright else plain)]
    if column.name == "fill":
        return _fill_cell(row, width, dim=dim)
    if column.name == "cache":
        text, style = cold_in(agent.cache if agent is not None else session.cache, shape.now)
        return [(left(text, width), "$label" if session.status == "ended" else style)]
    if column.name == "next w/c":
        return _next_cell(row, shape, width, dim=dim)
    if column.name == "spend":
        spend = _spend(row, shape.unit, shape.total)
        return [(right(spend, width), "$bright" if bright else plain)]
    if column.name == "drag":
        if agent is not None or not _is_dragging(session):
            return [(left(f" {fmt.NONE}", width), "$label" if dim else "$faint")]
        return [fit(chip(session.drag), width)]
    count = 0 if agent is not None else shape.findings(session)
    return [(right(f"{count:,}", width), plain if count else "$label")]


def _tokens(session: Session) -> int | None:
    return session.context.tokens if session.context is not None else None


def _state_cell(row: Row, shape: Shape, width: int) -> list[Part]:
    if row.agent is not None:
        return [(left("busy" if row.agent.active else "done", width), "$label")]
    _, colour = mark(row.session)
    style = "$label" if row.session.status != "waiting" else colour
    if row.session.status == "busy":
        style = "$foreground"
    return [(left(state(row.session, shape.now), width), style)]


def _name_cell(row: Row, width: int, style: str) -> list[Part]:
    if row.agent is not None:
        branch = clip(row.branch, width)
        name = left(clean(row.agent.type or row.agent.agent_id), max(0, width - cell_len(branch)))
        return [(branch, "$border-focus"), (name, style)]
    more = f" +{row.folded:,}" if row.folded else ""
    name = clip_middle(clean(row.session.project), max(1, width - len(more)))
    return [(name, style), (left(more, width - cell_len(name)), "$label")]


def _fill_cell(row: Row, width: int, *, dim: bool) -> list[Part]:
    if row.agent is not None or row.session.context is None:
        return [(right(fmt.NONE, width), "$label")]
    percent, style = fill_text(row.session.context)
    calm = dim or is_quiet(row.session) or "bright" in style
    return [(right(percent, width), "$label" if calm else style.removesuffix(" bold"))]


def _next_cell(row: Row, shape: Shape, width: int, *, dim: bool) -> list[Part]:
    """Both prices; the one that holds now is the brighter."""
    following = _next(row)
    if following is None:
        return [(right(fmt.NONE, width), "$label")]
    warm, cold = _usd(following.warm), _usd(following.cold)
    cache = (row.agent or row.session).cache
    is_cold = cache is not None and cache.state_at(shape.now) == "cold"
    now = "$label" if dim else "$foreground"
    blanks = " " * (width - len(warm) - len(cold) - 1)
    return [
        blanks,
        (warm, "$label" if is_cold else now),
        ("/", "$label"),
        (cold, now if is_cold else "$label"),
    ]
