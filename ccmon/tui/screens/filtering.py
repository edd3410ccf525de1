"""What screens with a filter share: the line at the bottom where it is typed."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Input

from ccmon.tui.safe import clean, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.lines import Lines


class FilterInput(Input):
    """The filter line at the bottom, there while it is typed in and while it filters."""

    DEFAULT_CSS = """
    FilterInput {
        display: none;
        height: 1;
        border: none;
        padding: 0 1;
        background: $surface;
        &:focus { border: none; }
    }
    """

    def __init__(self, example: str, *, id: str | None = None) -> None:
        # Textual would select when it hears of the focus, which is after keys sent with the slash.
        super().__init__(placeholder=example, select_on_focus=False, id=id)

    def put(self, text: str) -> None:
        """Write at the cursor, over what is selected."""
        self.replace(text, *self.selection)


def filter_line(example: str) -> ComposeResult:
    """The last widgets of a screen that filters."""
    errors = Lines(id="filter-errors")
    errors.display = False
    yield errors
    yield FilterInput(example, id="filter")


class FilteringScreen(MonitorScreen):
    """A screen whose rows a line of text filters; ``wanted`` is that line."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = ""

    @property
    def filtered(self) -> Widget:
        """What takes the keys back when the filter has been typed."""
        raise NotImplementedError  # each screen knows its own

    def filter_by(self, text: str) -> Sequence[str]:
        """Filter the rows; returns the terms that make no sense."""
        raise NotImplementedError  # each screen knows its own

    def apply_filter(self, text: str) -> None:
        """Filter by a line of text; terms that make no sense are shown and ignored."""
        field = self.query_one(FilterInput)
        with self.prevent(Input.Changed):
            field.value = text
        field.display = bool(text) or field.has_focus
        self._filter_by(text)

    def _filter_by(self, text: str) -> None:
        self.wanted = text
        wrong = self.filter_by(text)
        errors = self.query_one("#filter-errors", Lines)
        errors.display = bool(wrong)
        if wrong:
            terms = "  ".join(f"{clean(term)}?" for term in wrong)
            errors.set_lines([line((f" {terms}", "$error"), ("  not understood", "$label"))])
        self.refresh_snapshot()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as the words are typed.

        By what stands in the line now: more may have been typed since the event, and to set an
        earlier value would move the cursor.
        """
        event.stop()
        self._filter_by(event.input.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, give the keys back to the rows."""
        event.stop()
        self._close_filter()

    def on_key(self, event: events.Key) -> None:
        """``esc`` in the filter line clears it, ``/`` opens it at once.

        Keys pressed in one go with ``/`` have been sent to the rows by then; they belong to the
        filter line.
        """
        field = self.query_one(FilterInput)
        typing = self.focused is field
        if event.key == "slash" and not typing:
            self.action_filter()
        elif event.key == "escape" and typing:
            self.apply_filter("")
            self._close_filter()
        elif event.is_printable and event.character is not None and typing:
            field.put(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def action_filter(self) -> None:
        """Open the filter line."""
        field = self.query_one(FilterInput)
        field.display = True
        field.action_select_all()
        self.set_focus(field)

    def _close_filter(self) -> None:
        field = self.query_one(FilterInput)
        field.display = bool(field.value)
        self.filtered.focus()
