"""Every command once: key, action, words, place.

Bindings, footer, help, palette and the README table are made from this table, so they agree.
"""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Place = Literal[
    "all",
    "empty",
    "overview",
    "requests",
    "context",
    "cache",
    "sessions",
    "history",
    "memory",
    "request",
    "text",
]
"""Where a command works: everywhere, or on one screen."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A screen that a number key and the tab bar lead to; ``mode`` is the app's mode."""

    key: str
    mode: str
    name: str
    short: str


TABS: tuple[Tab, ...] = (
    Tab("1", "overview", "Overview", "Over"),
    Tab("2", "requests", "Requests", "Req"),
    Tab("3", "context", "Context", "Ctx"),
    Tab("4", "cache", "Cache", "Cache"),
    Tab("5", "sessions", "Sessions", "Sess"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a key does.

    ``keys`` are Textual key names, comma separated; ``shown`` is how people write them; ``word``
    stands in the footer, ``help`` in the help screen under the heading ``group``.
    """

    keys: str
    action: str
    shown: str
    word: str
    help: str
    group: str
    where: tuple[Place, ...] = ("all",)

    def binding(self) -> Binding:
        """The Textual binding; our own footer shows it, not Textual's."""
        return Binding(
            self.keys,
            self.action,
            self.word,
            show=False,
            key_display=self.shown,
            tooltip=self.help,
        )


def _tab_command(tab: Tab) -> Command:
    return Command(
        tab.key, f"tab('{tab.mode}')", tab.key, tab.name, f"the {tab.name} screen", "Screens"
    )


_LISTS: tuple[Place, ...] = ("overview", "requests")
_OVERVIEW: tuple[Place, ...] = ("overview",)
_LIST: tuple[Place, ...] = ("requests",)
_ONE: tuple[Place, ...] = ("request",)
_CONTEXT: tuple[Place, ...] = ("context",)
_CACHE: tuple[Place, ...] = ("cache",)
_SESSIONS: tuple[Place, ...] = ("sessions",)
_TABLES: tuple[Place, ...] = (*_LIST, *_CONTEXT, *_CACHE)
_SORTED: tuple[Place, ...] = (*_TABLES, *_SESSIONS)
_PANES: tuple[Place, ...] = ("overview", *_CACHE, *_ONE)
_EMPTY: tuple[Place, ...] = ("empty",)
_HISTORY: tuple[Place, ...] = ("history",)
_MEMORY: tuple[Place, ...] = ("memory",)
_BOARDS: tuple[Place, ...] = (*_SESSIONS, *_HISTORY, *_MEMORY)
_ROWS: tuple[Place, ...] = (*_LISTS, *_CONTEXT, *_CACHE, *_BOARDS, "text")
_PAGES: tuple[Place, ...] = (*_LISTS, *_CONTEXT, *_CACHE, *_BOARDS, "request", "text")

COMMANDS: tuple[Command, ...] = (
    *(_tab_command(tab) for tab in TABS),
    Command("left_square_bracket", "session(-1)", "[", "session", "previous session", "Screens"),
    Command("right_square_bracket", "session(1)", "]", "session", "next session", "Screens"),
    Command(
        "h",
        "app.tab('history')",
        "h",
        "history",
        "what was spent by day, project, model",
        "Screens",
        (*_EMPTY, *_SESSIONS, *_MEMORY),
    ),
    Command(
        "m",
        "app.tab('memory')",
        "m",
        "memory",
        "what sessions find out again and again",
        "Screens",
        (*_EMPTY, *_SESSIONS, *_HISTORY),
    ),
    Command("j,down", "cursor_down", "j ↓", "down", "next row", "Move", _ROWS),
    Command("k,up", "cursor_up", "k ↑", "up", "previous row", "Move", _ROWS),
    Command("ctrl+d,pagedown", "half_down", "ctrl+d", "down", "half a page down", "Move", _PAGES),
    Command("ctrl+u,pageup", "half_up", "ctrl+u", "up", "half a page up", "Move", _PAGES),
    Command("g,home", "first", "g home", "first", "first row", "Move", _PAGES),
    Command("G,end", "last", "G end", "last", "last row", "Move", _PAGES),
    Command("j,down", "previous_request", "j", "prev", "the request before", "Move", _ONE),
    Command("k,up", "next_request", "k", "next", "the request after", "Move", _ONE),
    Command("tab", "pane(1)", "tab", "pane", "next pane", "Move", _PANES),
    Command("shift+tab", "pane(-1)", "shift+tab", "pane", "previous pane", "Move", _PANES),
    Command("enter", "open", "enter", "open", "open the request, or evidence", "Open", _LISTS),
    Command("enter", "open", "enter", "its request", "open the bust's request", "Open", _CACHE),
    Command(
        "enter", "open", "enter", "open", "open the source, the item's request", "Open", _CONTEXT
    ),
    Command("enter", "open", "enter", "open", "open the session", "Open", _SESSIONS),
    Command("enter", "open", "enter", "open", "its sessions, or the session", "Open", _HISTORY),
    Command("space", "fold", "space", "fold", "open or close a source", "Open", _CONTEXT),
    Command("space", "fold", "space", "fold", "all sub-agents, or none", "Open", _SESSIONS),
    Command(
        "x",
        "dismiss_finding",
        "x",
        "dismiss",
        "choose a finding, then put it away",
        "Open",
        _OVERVIEW,
    ),
    Command("X", "recall_findings", "X", "recall", "bring back what x put away", "Open", _OVERVIEW),
    Command("u", "up", "u", "its prompt", "the prompt that caused it", "Open", (*_LIST, *_ONE)),
    Command("v", "view", "v", "view text", "the whole text, from the transcript", "Open", _ONE),
    Command("v", "view", "v", "text", "its text, from the transcript", "Open", _CONTEXT),
    Command("y", "copy", "y", "copy", "copy the id", "Open", (*_LIST, *_ONE)),
    Command("Y", "copy_json", "Y", "copy JSON", "copy as JSON", "Open", (*_LIST, *_ONE)),
    Command(
        "e",
        "export",
        "e",
        "export CSV",
        "the list as CSV, into the working folder",
        "Open",
        _TABLES,
    ),
    Command(
        "escape",
        "back",
        "esc",
        "back",
        "close, clear the filter, back; never quits",
        "Open",
        (*_TABLES, *_BOARDS, *_ONE, "text"),
    ),
    Command(
        "escape",
        "app.leave_past",
        "esc",
        "history",
        "back to the history it was opened from",
        "Open",
        _OVERVIEW,
    ),
    Command(
        "slash",
        "filter",
        "/",
        "filter",
        "filter the list",
        "Find",
        (*_LISTS, *_CONTEXT, *_SESSIONS),
    ),
    Command("n", "bust(1)", "n", "bust", "next cache bust", "Find", (*_LISTS, *_CACHE)),
    Command("N", "bust(-1)", "N", "bust", "previous cache bust", "Find", (*_LISTS, *_CACHE)),
    Command("b", "busts_only", "b", "busts", "cache busts only", "Find", _LIST),
    Command("o", "prompts_only", "o", "prompts", "prompts only", "Find", _LIST),
    Command("c", "cold_only", "c", "cold", "only what is not used any more", "Find", _CONTEXT),
    Command(
        "d", "superseded_only", "d", "old", "only what a later one supersedes", "Find", _CONTEXT
    ),
    Command("w", "by_file", "w", "by file", "group by file, or by source", "Find", _CONTEXT),
    Command("a", "next_thread", "a", "agents", "the context of the next agent", "Find", _CONTEXT),
    Command("a", "active_only", "a", "all|active", "all sessions, or active", "Find", _SESSIONS),
    Command("a", "paying_only", "a", "all|pays", "all, or only what pays", "Find", _MEMORY),
    Command(
        "b",
        "group_by",
        "b",
        "by",
        "by day, week, month, project, model, session",
        "Find",
        _HISTORY,
    ),
    Command("d", "span", "d", "days", "30 days, 90, all, or 7", "Find", _HISTORY),
    Command("d", "span", "d", "days", "30 days, 90 or 7", "Find", _MEMORY),
    Command("s", "sort", "s", "sort", "sort by the next column", "Find", _SORTED),
    Command("r", "reverse", "r", "reverse", "reverse the order", "Find", _SORTED),
    Command("f", "follow", "f", "follow", "follow the newest; moving lets go", "Find", _LISTS),
    Command("t", "unit", "t", "$|tok|%", "unit: dollars, tokens, share of spend", "View"),
    Command("p", "pause", "p", "pause", "freeze the screens; counting goes on", "View"),
    Command("ctrl+p", "command_palette", "ctrl+p", "palette", "command palette", "View"),
    Command("question_mark", "help", "?", "help", "keys, and what each number means", "View"),
    Command(
        "ctrl+z", "suspend_process", "ctrl+z", "suspend", "back to the shell; fg returns", "View"
    ),
    Command("q,ctrl+q,ctrl+c", "quit", "q", "quit", "quit", "View"),
)
"""All commands, in the order of help and README."""

FOOTERS: dict[Place, str] = {
    "all": "? q",
    "empty": "h m 5 ? q",
    "overview": "/ t n/N x X enter tab ctrl+p ? q",
    "requests": "enter n/N b o f / s y esc",
    "context": "space enter v s c d w / a e esc",
    "cache": "n/N enter e tab esc",
    "sessions": "enter h m [/] a s / space esc",
    "history": "enter b d m t esc",
    "memory": "a d h esc",
    "request": "j/k tab v u y Y esc",
    "text": "ctrl+d/ctrl+u esc",
}
"""Which keys each footer shows, in order, by their ``shown`` names; ``n/N`` share one pair."""


def at(place: Place) -> tuple[Command, ...]:
    """The commands that belong to one place (``all``: those of the app itself)."""
    return tuple(command for command in COMMANDS if place in command.where)


def bindings(place: Place) -> list[BindingType]:
    """Textual bindings for the class attribute ``BINDINGS`` of a screen or the app."""
    return [command.binding() for command in at(place)]


def footer(place: Place) -> list[tuple[str, str]]:
    """Key and word of each pair of the footer; raises KeyError for a key that does nothing."""
    words = {command.shown: command.word for command in (*at("all"), *at(place))}
    pairs = []
    for keys in FOOTERS[place].split():
        first, *rest = [keys] if keys == "/" else keys.split("/")
        several = dict.fromkeys(words[key] for key in (first, *rest))
        pairs.append((keys, "/".join(several)))
    return pairs


def readme_table() -> str:
    """The key table of the README, as Markdown."""
    rows = [f"| `{command.shown}` | {command.help} | {_where(command)} |" for command in COMMANDS]
    return "\n".join(("| key | what it does | where |", "|---|---|---|", *rows))


def _where(command: Command) -> str:
    names: dict[Place, str] = {
        "all": "everywhere",
        "empty": "no session",
        "request": "one request",
    }
    return ", ".join(names.get(place, place.capitalize()) for place in command.where)
