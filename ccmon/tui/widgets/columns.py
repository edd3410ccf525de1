"""Which columns of a table there is room for, and how wide they have to be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from rich.cells import cell_len


class Spared(Protocol):
    """A column behind a gap; ``drop`` says how early it goes where there is little room."""

    @property
    def width(self) -> int:
        """Cells of what stands in it."""

    @property
    def gap(self) -> int:
        """Cells in front of it."""

    @property
    def drop(self) -> int:
        """Its turn to go; 0: never."""


C = TypeVar("C", bound=Spared)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that has one order; ``drop`` as in ``Spared``."""

    name: str
    width: int
    gap: int = 2
    drop: int = 0
    at_left: bool = False


def make_room(columns: list[C], cells: int, least: int) -> int:
    """What of ``cells`` the columns leave, once enough of them went to leave ``least``.

    A column is there with all its cells or not at all; those that never go may leave less.
    """
    while True:
        left = cells - sum(column.gap + column.width for column in columns)
        going = [column for column in columns if column.drop]
        if left >= least or not going:
            return max(0, left)
        columns.remove(min(going, key=lambda column: column.drop))


def widest(texts: Iterable[str], least: int) -> int:
    """Cells that hold each of these texts, ``least`` at least."""
    return max([least, *map(cell_len, texts)])
