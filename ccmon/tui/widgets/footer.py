"""Last row: tabs of the screens, then what keys do here."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.timer import Timer

from ccmon.tui.commands import TABS, Command, Place, at, footer
from ccmon.tui.safe import Part, clip, line
from ccmon.tui.widgets.lines import Lines

_NARROW = 80
_STAY = {"esc", "q", "?"}


class Footer(Lines):
    """Tabs (on screens that are tabs of the Overview's kind) and key pairs; both take clicks."""

    DEFAULT_CSS = """
    Footer {
        height: 1;
        background: $surface;
        dock: bottom;
    }
    """

    def __init__(self, place: Place, *, tabs: bool = False) -> None:
        super().__init__()
        self._place = place
        self._tabs = tabs
        self._targets: list[tuple[range, str]] = []
        self._answer: Timer | None = None

    def answer(self, text: str, *, seconds: float, style: str = "$foreground") -> None:
        """Say something in the place of the keys for so long: it covers no figure."""
        if self._answer is not None:
            self._answer.stop()
        self._targets = []
        self.set_lines([line((clip(f" {text}", self.size.width), style))])
        self._answer = self.set_timer(seconds, self._show_keys)

    def on_resize(self) -> None:
        """Fit the pairs to the width."""
        self._show_keys()

    def _show_keys(self) -> None:
        if self._answer is not None:
            self._answer.stop()
        self._answer = None
        width = self.size.width
        self._targets = []
        parts: list[Part] = []
        if self._tabs:
            for tab in TABS:
                self._add_tab(parts, tab.key, tab.short if width < _NARROW else tab.name, tab.mode)
        used = sum(_cells(part) for part in parts)
        pairs = _fitting(footer(self._place), width - used, gap=2 if width < _NARROW else 3)
        pairs_width = _width(pairs, 2 if width < _NARROW else 3)
        blanks = max(0, width - used - pairs_width - 1) if self._tabs else 1
        parts.append(" " * blanks)
        self._add_pairs(parts, pairs, used + blanks, 2 if width < _NARROW else 3)
        self.set_lines([line(*parts)])

    def _add_tab(self, parts: list[Part], key: str, name: str, mode: str) -> None:
        start = sum(_cells(part) for part in parts)
        text = f" {key} {name} "
        if mode == self._place:
            parts.append((text, "$chip-tab"))
        else:
            parts.append(line(f" {key} ", (f"{name} ", "$label")))
        self._targets.append((range(start, start + len(text)), f"app.tab('{mode}')"))

    def _add_pairs(
        self, parts: list[Part], pairs: list[tuple[str, str]], start: int, gap: int
    ) -> None:
        actions = {command.shown: _addressed(command) for command in (*at("all"), *at(self._place))}
        for number, (key, word) in enumerate(pairs):
            if number:
                parts.append(" " * gap)
                start += gap
            parts.append(line(key, " ", (word, "$label")))
            first = key if key == "/" else key.partition("/")[0]
            width = len(key) + 1 + len(word)
            self._targets.append((range(start, start + width), actions[first]))
            start += width

    async def on_click(self, event: events.Click) -> None:
        """Do what the key under the pointer does."""
        for cells, action in self._targets:
            if event.x in cells:
                await self.run_action(action)
                return


def _addressed(command: Command) -> str:
    """The action with the one who does it: the app or the screen."""
    if command.action.startswith("app."):
        return command.action
    return ("app." if "all" in command.where else "screen.") + command.action


def _cells(part: Part) -> int:
    if isinstance(part, Content):
        return part.cell_length
    return len(part if isinstance(part, str) else part[0])


def _width(pairs: list[tuple[str, str]], gap: int) -> int:
    return sum(len(key) + 1 + len(word) for key, word in pairs) + gap * max(0, len(pairs) - 1)


def _fitting(pairs: list[tuple[str, str]], room: int, gap: int) -> list[tuple[str, str]]:
    """Leave pairs out from the right until they fit; the way back, out and help stay."""
    pairs = list(pairs)
    while _width(pairs, gap) + 2 > room:
        droppable = [pair for pair in pairs if pair[0] not in _STAY]
        if not droppable:
            break
        pairs.remove(droppable[-1])
    return pairs
