"""The keys that move in rows, for every screen that has some."""

from __future__ import annotations

from typing import Protocol


class Rows(Protocol):
    """Rows with a cursor."""

    def move(self, delta: int) -> None:
        """Move the cursor by so many rows."""

    def move_page(self, pages: float) -> None:
        """Move it by a part of what is in sight."""

    def move_to_end(self, *, last: bool) -> None:
        """Move it to the first or the last row."""

    def open(self) -> None:
        """Open what it is on."""


class Moving:
    """Actions of a screen whose keys move in ``moved``."""

    @property
    def moved(self) -> Rows:
        """The rows that the keys move in."""
        raise NotImplementedError  # each screen knows its own

    def action_cursor_down(self) -> None:
        """One row down."""
        self.moved.move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.moved.move(-1)

    def action_half_down(self) -> None:
        """Half of what is in sight down."""
        self.moved.move_page(0.5)

    def action_half_up(self) -> None:
        """Half of what is in sight up."""
        self.moved.move_page(-0.5)

    def action_first(self) -> None:
        """To the first row."""
        self.moved.move_to_end(last=False)

    def action_last(self) -> None:
        """To the last row."""
        self.moved.move_to_end(last=True)

    def action_open(self) -> None:
        """Open what the cursor is on."""
        self.moved.open()
