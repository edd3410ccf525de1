"""A table as text: columns as wide as what stands in them, in as many cells as there are.

Where they do not fit, columns that can be spared go, the most dispensable first, and then the name
column is clipped. A figure is shown whole or not at all.
"""

import textwrap
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ccmon.report import safe
from ccmon.report.text import BOLD, DIM, Page

NICE = 10
"""Columns so spare or more go to show names in full, less spare ones only to show any of them."""

_SHORTEST_NAME = 8


class Column(Struct, frozen=True):
    """One column: its title and its cells. ``spare`` says how early it may go; 0: never."""

    title: str
    cells: tuple[str, ...]
    spare: int = 0

    def width(self) -> int:
        """Terminal cells that it takes."""
        return max(map(safe.width, (self.title, *self.cells)))


class Table(Struct, frozen=True):
    """A table as it is printed: its lines, titles first, and the columns that there was room for.

    What is said below a table should not speak of a column that is not there.
    """

    lines: tuple[str, ...]
    titles: tuple[str, ...]


def render(
    names: Column, figures: Sequence[Column], page: Page, *, name_cells: int, last_is_sum: bool
) -> Table:
    """Lay the table out. Names stand left, figures right.

    ``name_cells`` are wanted for the names before figures are shown that can be spared.
    """
    names = _encodable(names, page)
    columns = [_encodable(column, page) for column in figures]
    shortest = min(names.width(), _SHORTEST_NAME)
    _make_room(columns, page, min(names.width(), name_cells), NICE)
    _make_room(columns, page, shortest, 1)
    room = _room(columns, page)
    cells = max(shortest, min(names.width(), room))
    gap = "  " if cells + len(columns) <= room else " "
    ellipsis = safe.encodable("…", page.encoding)
    shown = [safe.clip(name, cells, ellipsis=ellipsis) for name in (names.title, *names.cells)]
    rows = zip(*((column.title, *column.cells) for column in columns), strict=True)
    lines = []
    for number, (name, row) in enumerate(zip(shown, rows, strict=True)):
        is_sum = last_is_sum and number == len(names.cells)
        style = DIM if number == 0 else BOLD if is_sum else ""
        lines.append(styled(_line(name, cells, row, columns, gap), style, page))
    return Table(tuple(lines), tuple(column.title for column in columns))


def _line(name: str, cells: int, row: Sequence[str], columns: Sequence[Column], gap: str) -> str:
    line = name + " " * (cells - safe.width(name))
    for text, column in zip(row, columns, strict=True):
        line += gap + " " * (column.width() - safe.width(text)) + text
    return line.rstrip()


def _make_room(columns: list[Column], page: Page, cells: int, least: int) -> None:
    """Let columns go that are at least so spare, until names have that many cells."""
    while _room(columns, page) < cells:
        going = [column for column in columns if column.spare >= least]
        if not going:
            break
        columns.remove(max(going, key=lambda column: column.spare))


def _room(columns: Sequence[Column], page: Page) -> int:
    return page.table_columns - sum(column.width() + 1 for column in columns)


def _encodable(column: Column, page: Page) -> Column:
    cells = tuple(safe.encodable(cell, page.encoding) for cell in column.cells)
    return Column(column.title, cells, column.spare)


def wrapped(text: str, page: Page, style: str = "", *, indent: str = "") -> Iterator[str]:
    """A sentence in as many lines as it takes, each after ``indent``."""
    text = safe.encodable(text, page.encoding)
    for line in textwrap.wrap(
        text, page.table_columns, initial_indent=indent, subsequent_indent=indent
    ):
        yield styled(safe.clip(line, page.table_columns, ellipsis=""), style, page)


def styled(line: str, style: str, page: Page) -> str:
    """The line in a style, where the page takes colour."""
    return f"\x1b[{style}m{line}\x1b[0m" if style and page.color else line
