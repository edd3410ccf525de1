"""One row of the table of busts as content: which columns fit, how wide, in which colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.requests import MAIN, Bust
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, clean, clip, left, line, right
from ccmon.tui.widgets.cache_panels import bust_name, wasted
from ccmon.tui.widgets.columns import make_room
from ccmon.tui.widgets.request_row import EDGE, MARK
from ccmon.tui.widgets.verdict import cause_within

_CAUSE_FROM = 26
"""Cells that the cause keeps; columns of figures go until it has them."""
_EVIDENCE_FROM = 44
"""Cells of cause and evidence together from which on the evidence has a place."""
_MONEY = 7
_ROOMY = 90
_CAUSE = 36
_EVIDENCE = 36
"""Widths of cause and evidence where the row is ``_ROOMY``: what was lost then follows them."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures: ``drop`` says how early it goes when there is little room."""

    name: str
    width: int
    gap: int
    key: Callable[[Bust], float]
    drop: int = 0


_COLUMNS: tuple[Column, ...] = (
    Column("#", 3, 0, lambda bust: bust.at or 0.0),
    Column("time", 5, 3, lambda bust: bust.at or 0.0),
    Column("expected", 8, 2, lambda bust: bust.expected_read, drop=2),
    Column("got", 6, 2, lambda bust: bust.cache_read, drop=1),
    Column("rewrote", 7, 2, lambda bust: bust.rewritten, drop=3),
    Column("wasted", _MONEY, 2, lambda bust: bust.avoidable or 0.0),
)
SORTS = tuple(column.name for column in _COLUMNS if column.name != "#")
"""What ``s`` goes through; ``#`` sorts as ``time``."""


def sorted_busts(busts: tuple[Bust, ...], name: str, *, descending: bool) -> list[Bust]:
    """The busts by a column; equal ones newest first."""
    key = next(column.key for column in _COLUMNS if column.name == name)
    newest = sorted(busts, key=lambda bust: (bust.at or 0.0, bust.request), reverse=True)
    return sorted(newest, key=key, reverse=descending)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the table is drawn; ``room`` is what is left for cause and evidence."""

    width: int
    columns: tuple[Column, ...]
    room: int
    unit: str
    flat: bool

    @classmethod
    def fitting(cls, width: int, *, digits: int, unit: str, flat: bool) -> Shape:
        """The columns that fit; numbers of so many ``digits`` have to."""
        columns = [
            Column("#", max(3, digits), 0, column.key) if column.name == "#" else column
            for column in _COLUMNS
        ]
        room = make_room(columns, width - MARK - 2 - EDGE, _CAUSE_FROM)
        return cls(width, tuple(columns), room, unit, flat)

    def title(self, name: str) -> str:
        """What stands above a column: what a bust wasted is counted in the unit."""
        return "lost" if name == "wasted" and self.unit == "tokens" else name

    def column_at(self, x: int) -> str | None:
        """The column that sorts at cell ``x`` of the title row."""
        end = MARK
        for column in self.columns:
            end += column.gap + column.width
            if x <= end:
                return "time" if column.name == "#" else column.name
        return None


def number(bust: Bust) -> str:
    """The number of its request, marked where that is a sub-agent's."""
    return str(bust.request) if bust.thread == MAIN else f"·{bust.request}"


def titles(shape: Shape, sort: str, *, descending: bool) -> Content:
    """The row of column titles; the sorted one bright, with its direction after it."""
    arrow = "▾" if descending else "▴"
    parts: list[Part] = [" " * MARK]
    before = ""
    for column in shape.columns:
        mark = arrow if before == sort else " "
        gap = (mark + " " * (column.gap - 1)) if column.gap else ""
        style = "$bright bold" if column.name == sort else "$label"
        parts += [(gap, "$bright bold"), (right(shape.title(column.name), column.width), style)]
        before = column.name
    parts.append((f"{arrow if before == sort else ' '} ", "$bright bold"))
    cause: Part = (left("cause", min(_CAUSE, shape.room)), "$label")
    if shape.room >= _ROOMY:
        rest = shape.room - _CAUSE - _EVIDENCE
        parts += [cause, (left("evidence", _EVIDENCE), "$label"), (left("lost", rest), "$label")]
    elif shape.room >= _EVIDENCE_FROM:
        parts += [("cause", "$label"), (right("evidence", shape.room - len("cause")), "$label")]
    else:
        parts.append(cause)
    return line(*parts, " " * EDGE)


def bust_row(session: Session, bust: Bust, shape: Shape, *, cursor: bool) -> Content:
    """One bust of the session, exactly ``shape.width`` cells."""
    parts: list[Part] = [("▌" if cursor else " ", "$accent"), " "]
    for column in shape.columns:
        text, style = _cell(session, bust, column.name, shape.unit)
        if cursor and column.name == "#":
            style = "$bright"
        parts += [" " * column.gap, (right(text, column.width), style)]
    parts += ["  ", *_said(session, bust, shape, cursor=cursor), " " * EDGE]
    row = line(*parts)
    if not cursor:
        return row
    return row.stylize("bold") if shape.flat else row.stylize_before("on $cursor")


def _cell(session: Session, bust: Bust, name: str, unit: str) -> tuple[str, str]:
    """Text and style of one cell."""
    if name == "#":
        return number(bust), "$foreground"
    if name == "time":
        return fmt.clock(bust.at, seconds=False), "$label"
    if name == "expected":
        return fmt.tokens(bust.expected_read), "$label"
    if name == "got":
        return fmt.tokens(bust.cache_read), "$label"
    if name == "rewrote":
        return fmt.tokens(bust.rewritten), "$foreground"
    text = wasted(bust, session, unit)
    if len(text) > _MONEY and bust.avoidable is not None:
        text = f"${bust.avoidable:,.0f}"
    return text, "$warning bold"


def _said(session: Session, bust: Bust, shape: Shape, *, cursor: bool) -> list[Part]:
    """Whose bust, what broke the cache, and what that rests on."""
    agent = bust_name(session, bust)
    name = f"{agent} " if agent else ""
    style = "$bright" if cursor else "$foreground"
    evidence = clean(words.evidence(bust.why))
    if shape.room >= _ROOMY:
        reach = clean(words.reach(bust.why))
        who = line((clip(name, _CAUSE // 2), "$label"))
        room = _CAUSE - who.cell_length
        said: list[Part] = [who, (left(cause_within(bust.why, room - 2), room), style)]
        said.append((left(clip(evidence, _EVIDENCE - 2), _EVIDENCE), "$label"))
        return [*said, (left(reach, shape.room - _CAUSE - _EVIDENCE), "$label")]
    who = line((clip(name, shape.room // 2), "$label"))
    start = line(who, (cause_within(bust.why, shape.room - who.cell_length), style))
    rest = shape.room - start.cell_length
    short = bust.why.confidence if bust.why is not None else ""
    if shape.room >= _EVIDENCE_FROM:
        for text in (evidence, short):
            if clip(text, rest - 2) == text:
                return [start, (right(text, rest), "$label")]
    return [start, " " * rest]
