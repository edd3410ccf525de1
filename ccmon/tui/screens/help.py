"""Help: the keys, from the command table, the filter, and what each number means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from ccmon.tui.commands import Command, Place, at
from ccmon.tui.safe import line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.widgets.pane import Pane
from ccmon.tui.widgets.panel import SIDES, Frame, title

Topic = Literal["keys", "numbers"]

_WIDEST = 100
_GAP = 3
_KEYS = 11
_TERM = 14

_WHERE: dict[Place, str] = {
    "empty": "Where there is no session",
    "overview": "On the Overview",
    "requests": "On Requests",
    "context": "On Context",
    "cache": "On Cache",
    "sessions": "On Sessions",
    "history": "In the history",
    "memory": "In the memory view",
    "request": "On one request",
    "text": "In a text",
}

MEANINGS: tuple[tuple[str, str], ...] = (
    ("context", "All the model read for one request: input_tokens + cache_read + cache_creation."),
    ("new", "What entered the context with the request, paid at the price of writing it to the"
     " cache, or of input."),
    ("column new", "Growth of the context since the request before; below 0 when it shrank."),
    ("re-read", "Old context read again from the cache: its read price × cache_read. Paid by every"
     " request, for all that stands in the context."),
    ("rewrite", "Cached context that had to be written again, at the price of writing."),
    ("output", "What the model wrote, thinking included: output price × output_tokens."),
    ("cost", "re-read + rewrite + new + output, at list price; each request at the prices of its"
     " own model and day. Not what a subscription bills."),
    ("$req, $carry", "Cost of a request, and the part of it that is re-reading."),
    ("read%", "Share of the context that came from the cache."),
    ("bust", "A request that found less in the cache than the one before had left there. Lost:"
     " what that cost beyond a normal read."),
    ("expected, got", "What the request before had left in the cache, and what a bust found of"
     " it."),
    ("wasted", "What a bust cost beyond a normal read."),
    ("evidence", "What a cause rests on: the server's own verdict, facts of the transcript"
     " (exact), the times of two requests, or a guess from what changed (inferred)."),
    ("2.6x peak", "All that was ever written to the cache / the largest context; 1x at best."),
    ("in, out", "In the history: all that was read (input, cache reads, cache writes), and all that"
     " was written."),
    ("spent on", "In the history: re-read, rewrite, new and output, as parts of the cost, in this"
     " order; the panel below has their colours."),
    ("⋮", "In the history: requests of a transcript that is no longer on disk are among them."),
    ("saves, costs", "What a session would not pay again if it knew, and what it would pay to carry"
     " the memory. Net: the one less the other. ● marks what saves more than twice its cost; only"
     " that is recommended."),
    ("keep it warm", "One request before the deadline re-reads the context and starts its time"
     " anew; going cold writes all of it again."),
    ("TTL check", "Writing everything once, and again after each pause beyond 5 minutes or an hour,"
     " at the prices of either tier."),
    ("full in ~40", "Requests until the window is full, if the context grows on as it does."),
    ("│", "Crossing point: the context from which re-reading costs more than new content and"
     " output together, as this session grows."),
    ("carried", "Paid since the last reset for re-reading what /compact would have removed."),
    ("overdue", "Carried / the price of compacting now."),
    ("drag", "D is the share of re-reading in the cost of the last 12 requests, rewrites left out."
     " HIGH: three requests in a row at D 0.75 and 1.5x overdue, or D 0.50 and 4x. DOMINATES:"
     " D 0.85 and 4x."),
    ("cache HIGH", "Rewriting took 15% of the cost of the last 50 requests, in two busts or more."
     " SEVERE: 30%."),
    ("findings", "What is worth doing, and what that saves, once or with each request (/req)."),
    ("hidden", "Billed requests that no line of the transcript shows; never part of the cost."),
    ("warm, cold", "The next request while the cache holds the context, and after it expired."),
    ("30x", "After cold: how many times the warm price."),
    ("amp 100x", "How often each token that ever entered was read, on average."),
    ("price x2.9", "All the money / what new content and output alone would have cost."),
    ("bill", "Tokens of an item × the requests that carried it, the first included. All bills"
     " together are all contexts; their money is the cost of all input."),
    ("now", "Tokens of a source that are in the context now. What a compaction or /clear dropped is"
     " in its bill on the Overview, and in no row of the Context screen."),
    ("age", "Requests that have carried the item, of several the mean; the bar is their share of"
     " all requests."),
    ("superseded", "A later read of the same file, command or search holds the same."),
    ("cold 174", "Not named for so many requests; unused: never named after it came."),
    ("unattributed", "Growth that nothing in the transcript explains. Shown, never hidden; below 0"
     " where something left without a record. Its money holds fees for web searches as well, and"
     " what calls inside a response read."),
    ("≥", "A lower bound: something billed is not in the transcript, such as a compaction or the"
     " end of an output."),
    ("~", "An estimate: the cache tier, the price row or a hidden request is a guess."),
    ("?", "Not known: a model without a price, or a window that nobody names."),
    ("-", "Does not apply."),
    ("exact", "Given by the transcript or by arithmetic."),
    ("split", "A share of an exact sum, by weight: several things entered with one request."),
    ("estimated", "From the size of the text alone: nothing exact holds it in bounds."),
)  # fmt: skip
"""Terms of the screens and what they mean; definitions: accounting, sections 2 to 11."""

ABOUT: dict[Place, tuple[str, ...]] = {
    "cache": ("bust", "expected, got", "wasted", "evidence", "keep it warm", "TTL check"),
    "sessions": ("warm, cold", "cost", "drag", "findings"),
    "history": ("in, out", "cost", "spent on", "bust", "wasted", "⋮", "≥", "~"),
    "memory": ("saves, costs", "~"),
}
"""Terms that are told with the keys of a screen, as they are what it shows."""

FILTER: tuple[tuple[str, str], ...] = (
    ("cart npm", "Words of tool, argument or prompt. All terms have to hold."),
    (
        "tool:Read",
        "Also path:cart, model:opus, agent:Explore; agent:all is every thread, agent:sub"
        " all but the main one.",
    ),
    ("ctx>200k", "Also new, out, think, cost, rew, read; with > >= < <= =."),
    ("#120..180", "Numbers. #120 is one, 13:00..13:30 a time of day."),
    ("bust", "Cache busts. prompt: first requests of prompts. lower: lower bounds."),
    ("!bust", "Not; before any term but agent:."),
    (
        "cold",
        "On Context: not used any more. Also superseded, unused, tokens>5k, bill>1M, age>100,"
        " kind:thinking, and #85..120 for what entered with these requests.",
    ),
    (
        "waiting",
        "On Sessions: those that wait. Also busy, idle, quiet, ended, high, project:shop,"
        " title:coupon, id:4c1f, model:opus, agent:Explore, fill>40 and findings>0.",
    ),
)
"""Terms of the filter line and what they find."""

_CLOSING = ("tab", "command_palette")
"""Actions of the app that lead away from the help."""


def _commands_of_the_app() -> Iterator[Binding]:
    """The keys that work everywhere work here: a modal screen hides the bindings of the app."""
    for command in at("all"):
        name = command.action.partition("(")[0]
        if name == "help":
            continue
        action = f"leave({command.action!r})" if name in _CLOSING else f"app.{command.action}"
        yield Binding(command.keys, action, command.word, show=False)


class HelpScreen(ModalScreen[None]):
    """Keys and figures of the screen below first, then all others, the filter, then the numbers.

    ``topic`` says what is in sight at the start.
    """

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;

        Pane {
            background: $background;
            color: $foreground;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark", "close", "close", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("ctrl+d,pagedown,space", "page(1)", "page down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "page up", show=False),
        Binding("g,home", "scroll(-9999)", "first", show=False),
        Binding("G,end", "scroll(9999)", "last", show=False),
        *_commands_of_the_app(),
    ]

    def __init__(self, topic: Topic = "keys") -> None:
        super().__init__()
        self._topic: Topic = topic

    def compose(self) -> ComposeResult:
        yield Pane(id="help")

    def on_mount(self) -> None:
        """Fit the first size."""
        self._show(at_topic=True)

    def on_resize(self) -> None:
        """Fit the new size."""
        self._show(at_topic=False)

    def _show(self, *, at_topic: bool) -> None:
        pane = self.query_one(Pane)
        width = min(_WIDEST, self.app.size.width)
        keys = list(key_rows(self._place_below(), width - SIDES))
        keys += [line(""), *term_rows("What the filter finds", FILTER, width - SIDES)]
        meanings = term_rows("What the numbers mean", MEANINGS, width - SIDES)
        rows = [*keys, line(""), *meanings]
        height = min(len(rows) + 2, self.app.size.height - (2 if self.app.size.height > 20 else 0))
        pane.styles.width, pane.styles.height = width, height
        frame = Frame(title("Help"), rows, value=line("esc", (" closes", "$label")),
                      tone="border-focus")  # fmt: skip
        top = (len(keys) + 1 if self._topic == "numbers" else 0) if at_topic else None
        pane.show(frame, top=top)

    def _place_below(self) -> Place:
        screens = reversed(self.app.screen_stack)
        return next((each.PLACE for each in screens if isinstance(each, MonitorScreen)), "all")

    def action_scroll(self, rows: int) -> None:
        """Move through the text."""
        self.query_one(Pane).scroll_rows(rows)

    def action_page(self, pages: int) -> None:
        """Move through the text by what is in sight."""
        pane = self.query_one(Pane)
        pane.scroll_rows(pages * max(1, pane.room - 1))

    def action_close(self) -> None:
        """Back to the screen below."""
        self.dismiss()

    def action_leave(self, action: str) -> None:
        """Close, then do what leads elsewhere."""
        self.dismiss()
        self.app.call_later(self.app.run_action, action)


def key_rows(place: Place, width: int) -> Iterator[Content]:
    """Every command of the table, those of ``place`` and what it shows first."""
    here = at(place) if place != "all" else ()
    if here:
        yield from _section("Here", here, width)
    if place in ABOUT:
        terms = [each for each in MEANINGS if each[0] in ABOUT[place]]
        yield from term_rows("What this screen shows", terms, width)
    everywhere = [command for command in at("all") if command not in here]
    for group, commands in groupby(everywhere, lambda command: command.group):
        yield from _section(group, tuple(commands), width)
    shown = {*here, *everywhere}
    for other, heading in _WHERE.items():
        rest = tuple(command for command in at(other) if command not in shown)
        shown.update(rest)
        if rest:
            yield from _section(heading, rest, width)


def _section(heading: str, commands: Sequence[Command], width: int) -> Iterator[Content]:
    """The commands under their heading, in two columns where both fit."""
    yield line((heading, "$title"))
    keys = [_key(command) for command in commands]
    half = -(-len(keys) // 2)
    first, second = keys[:half], keys[half:]
    widest = max((key.cell_length for key in first), default=0) + _GAP
    beside = max((key.cell_length for key in second), default=0)
    start = max(widest, min(width // 2, width - beside))
    if start + beside > width:
        yield from keys
        return
    for index, key in enumerate(first):
        yield line(key, " " * (start - key.cell_length), *second[index : index + 1])


def _key(command: Command) -> Content:
    return line((command.shown.ljust(_KEYS), "$accent"), command.help)


def term_rows(heading: str, terms: Sequence[tuple[str, str]], width: int) -> Iterator[Content]:
    """Terms and what they mean under a heading, folded to the width."""
    yield line((heading, "$title"))
    for term, meaning in terms:
        for index, part in enumerate(wrap(meaning, width - _TERM)):
            yield line(((term if index == 0 else "").ljust(_TERM), "$bright"), (part, "$label"))
