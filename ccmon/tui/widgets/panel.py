"""Frames: a box with title and value in its edge, or, on narrow screens, a rule.

Frames are drawn as text rather than as CSS borders: the value at the right of the title, column
titles and the time axis stand in the edges, in columns that belong to the content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from textual import events
from textual.content import Content
from textual.message import Message

from ccmon.tui.safe import Part, fit, line
from ccmon.tui.widgets.lines import Lines

Tone = Literal["border", "border-focus", "border-alarm", "error"]

SIDES = 4
"""Cells that the frame of a box takes from each row: edge and blank, twice."""


@dataclass(frozen=True)
class Frame:
    """What a panel shows.

    ``rows`` are lines of the inner width; ``value`` stands right in the title line; ``columns``
    are titles in the title line, each ending at an inner column; ``axis`` stands in the bottom
    edge from inner column ``axis_at`` on; ``tone`` colours the lines; ``cursor`` is the row
    that the keys act on.
    """

    title: Content
    rows: Sequence[Content] = ()
    value: Content | None = None
    columns: Sequence[tuple[int, str]] = ()
    axis: Sequence[Part] = ()
    axis_at: int = 0
    tone: Tone = "border"
    cursor: int | None = None


def title(subject: str, qualifier: str = "") -> Content:
    """A panel title: subject, and a qualifier in label colour."""
    if not qualifier:
        return line((subject, "$title"))
    return line((subject, "$title"), " ", (qualifier, "$label"))


def boxed(frame: Frame, width: int, height: int) -> list[Content]:
    """The frame as a box of exactly this size; rows beyond it are cut, spare ones left blank."""
    style = f"${frame.tone}"
    inner = max(0, width - SIDES)
    side = ("│", style)
    rows = list(frame.rows)[: max(0, height - 2)]
    rows += [line("")] * max(0, height - 2 - len(rows))
    return [
        _top(frame, width, style),
        *(
            line(side, _inside(fit(row, inner), at_cursor=index == frame.cursor), side)
            for index, row in enumerate(rows)
        ),
        _bottom(frame, width, style),
    ]


def _inside(row: Content, *, at_cursor: bool) -> Content:
    """A row with its two blanks; the first one marks the row under the cursor."""
    if not at_cursor:
        return line(" ", row, " ")
    return line(("▌", "$accent"), row, " ").stylize_before("$cursor-row")


def _top(frame: Frame, width: int, style: str) -> Content:
    if frame.columns:
        return _top_with_columns(frame, width, style)
    room = width - 6
    value = frame.value
    if value is None or frame.title.cell_length + value.cell_length + 3 > room:
        text = fit(frame.title, min(frame.title.cell_length, room))
        fill = "─" * (room - text.cell_length)
        return line(("╭─ ", style), text, (f" {fill}─╮", style))
    fill = "─" * (room - frame.title.cell_length - value.cell_length - 2)
    return line(("╭─ ", style), frame.title, (f" {fill} ", style), value, (" ─╮", style))


def _top_with_columns(frame: Frame, width: int, style: str) -> Content:
    parts: list[Part] = [("╭─ ", style), frame.title, " "]
    at = 4 + frame.title.cell_length
    for end, text in frame.columns:
        start = 2 + end - len(text)
        if start - 1 <= at:
            continue
        parts += [("─" * (start - 1 - at), style), (f" {text} ", "$label")]
        at = 3 + end
    return line(*parts, ("─" * (width - 1 - at) + "╮", style))


def _bottom(frame: Frame, width: int, style: str) -> Content:
    if not frame.axis:
        return line((f"╰{'─' * (width - 2)}╯", style))
    axis = line(*frame.axis)
    rest = "─" * (width - 4 - frame.axis_at - axis.cell_length)
    return line((f"╰{'─' * frame.axis_at} ", style), axis, (f" {rest}╯", style))


def ruled(frame: Frame, width: int, height: int) -> list[Content]:
    """The frame without corners and sides: ``Title ────── value``, rows below, one blank aside."""
    style = f"${frame.tone}"
    inner = width - 2
    head: list[Part] = [frame.title, " "]
    tail: list[Part] = [" ", frame.value] if frame.value is not None else []
    fill = inner - sum(part.cell_length for part in (line(*head), line(*tail)))
    head_line = line(" ", *head, ("─" * max(0, fill), style), *tail, " ")
    rows = [
        _inside(fit(row, inner), at_cursor=index == frame.cursor)
        for index, row in enumerate(frame.rows)
    ]
    return [fit(head_line, width), *rows][:height]


class Panel(Lines):
    """Shows a frame; a click on it is reported with the inner column."""

    DEFAULT_CSS = """
    Panel {
        height: 1fr;
        width: 1fr;
    }
    """

    class Clicked(Message):
        """The panel was clicked; ``column`` and ``row`` count from its first inner cell."""

        def __init__(self, panel: Panel, column: int, row: int) -> None:
            super().__init__()
            self.panel = panel
            self.column = column
            self.row = row

        @property
        def control(self) -> Panel:
            """The panel, for handlers chosen by selector."""
            return self.panel

    def on_click(self, event: events.Click) -> None:
        """Tell the screen what was hit."""
        self.post_message(self.Clicked(self, event.x - SIDES // 2, event.y - 1))
