"""The command palette: what keys do, by name, and what has no key: sessions, themes, places."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from ccmon.errors import CcmonError
from ccmon.requests import MAIN
from ccmon.snapshot import Session
from ccmon.tui.commands import TABS
from ccmon.tui.files import write_new
from ccmon.tui.safe import clean, clip
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.screens.help import HelpScreen, Topic
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.requests import RequestsScreen
from ccmon.tui.theme import ANSI, DARK, LIGHT
from ccmon.tui.widgets.request_panels import thread_of
from ccmon.tui.widgets.request_row import SORTS

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp

_TITLE = 60
_DISCOVERED = 12
"""Sessions offered before anything is typed, newest first; typing finds all of them."""
_FIRST = 1e6
"""A score above any that matching gives."""
_GOTO = re.compile(r"\s*(?:goto:?\s*)?(?:request\s+)?#?(\d{1,9})\s*", re.IGNORECASE)
_OWN = {DARK: "dark", LIGHT: "light", ANSI: "ansi"}
_UNITS = {"usd": "dollars", "tokens": "tokens", "share": "share of spend"}
_PAST = {"history": "key 5, then h", "memory": "key 5, then m"}
_FILTERS = {"busts": "bust", "prompts": "prompt", "clear": ""}

Act = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette: harmless text, what it does, a word about it."""

    text: str
    act: Act
    help: str = ""


class MonitorCommands(Provider):
    """Everything the palette offers besides Textual's own commands."""

    @property
    def _ccmon(self) -> CcmonApp:
        return cast("CcmonApp", self.app)

    async def discover(self) -> Hits:
        """All entries, in their order, before anything is typed."""
        for entry in self._entries(sessions=_DISCOVERED):
            yield DiscoveryHit(Content(entry.text), entry.act, entry.text, entry.help or None)

    async def search(self, query: str) -> Hits:
        """Entries that match; a number leads to the request of that number."""
        if (wanted := _GOTO.fullmatch(query)) and (goto := self._goto(int(wanted[1]))):
            yield Hit(_FIRST, Content(goto.text), goto.act, goto.text, goto.help)
        matcher = self.matcher(query)
        for entry in self._entries():
            if (score := matcher.match(entry.text)) > 0:
                shown = _highlighted(entry.text, matcher)
                yield Hit(score, shown, entry.act, entry.text, entry.help or None)

    def _entries(self, sessions: int | None = None) -> Iterator[Entry]:
        app = self._ccmon
        if app.snapshot is not None:
            tabs = TABS if app.session is not None else ()
            for tab in tabs:
                yield Entry(
                    f"view: {tab.name}", partial(app.action_tab, tab.mode), f"key {tab.key}"
                )
            for mode, key in _PAST.items():
                yield Entry(f"view: {mode.capitalize()}", partial(app.action_tab, mode), key)
        if app.snapshot is not None and app.session is not None:
            yield from self._list_entries()
            yield from self._copy_entries()
            for session in app.snapshot.sessions[:sessions]:
                select = partial(app.select_session, session.session_id)
                yield Entry(_session_text(session), select)
            for unit, name in _UNITS.items():
                yield Entry(f"unit: {name}", partial(self._set_unit, unit))
        for name in [*_OWN, *sorted(app.available_themes.keys() - _OWN)]:
            yield Entry(f"theme: {_OWN.get(name, name)}", partial(setattr, app, "theme", name))
        yield Entry("help: keys", partial(self._help, "keys"))
        yield Entry("help: what re-read means", partial(self._help, "numbers"))
        yield Entry("screenshot", self._screenshot, "an SVG file in the working directory")

    def _list_entries(self) -> Iterator[Entry]:
        for name, text in _FILTERS.items():
            yield Entry(f"filter: {name}", partial(self._filter, text))
        for column in SORTS:
            yield Entry(f"sort: {column}", partial(self._sort, column))
        yield Entry("export: csv", self._export, "the listed requests, into the working directory")

    def _copy_entries(self) -> Iterator[Entry]:
        screen = self.screen
        if isinstance(screen, MonitorScreen) and screen.PLACE in ("requests", "request"):
            yield Entry("copy: message id", partial(screen.run_action, "copy"))
            yield Entry("copy: JSON", partial(screen.run_action, "copy_json"))

    def _goto(self, n: int) -> Entry | None:
        """The request of this number, in the thread that is open, else in the main one."""
        screen = self.screen
        thread = screen.thread if isinstance(screen, RequestScreen) else MAIN
        if not 0 < n <= len(thread_of(self._ccmon.session, thread)):
            return None
        return Entry(f"goto: request {n}", partial(self._ccmon.open_request, thread, n))

    async def _filter(self, text: str) -> None:
        (await self._requests()).apply_filter(text)

    async def _sort(self, column: str) -> None:
        (await self._requests()).sort_by(column)

    async def _export(self) -> None:
        (await self._requests()).action_export()

    async def _requests(self) -> RequestsScreen:
        """Go to the Requests screen, leaving what lies upon it."""
        app = self._ccmon
        await app.action_tab("requests")
        while len(app.screen_stack) > 1:
            await app.pop_screen()
        return cast(RequestsScreen, app.screen)

    def _set_unit(self, unit: str) -> None:
        self._ccmon.unit = unit
        self._ccmon.refresh_screen()

    def _help(self, topic: Topic) -> None:
        self.app.push_screen(HelpScreen(topic))

    def _screenshot(self) -> None:
        # The palette is still on the screen; the next paint is without it.
        self.app.call_after_refresh(self._save_screenshot)

    def _save_screenshot(self) -> None:
        places = self._ccmon.snapshot.places if self._ccmon.snapshot else ()
        try:
            path = write_new("ccmon", "svg", self.app.export_screenshot(), places)
        except CcmonError as error:
            self.app.notify(error.message, severity="error", markup=False)
        else:
            self.app.notify(f"saved {path.name}", timeout=3, markup=False)


def _session_text(session: Session) -> str:
    title = clip(clean(session.title or ""), _TITLE)
    project, identity = clean(session.project), clean(session.session_id)[:8]
    return " ".join(filter(None, (f"session: {project}", title, identity)))


def _highlighted(text: str, matcher: Matcher) -> Content:
    """The text with its matching characters marked; Textual's own way would read markup in it."""
    content = Content(text)
    if matcher.match_style is not None:
        _, offsets = matcher.fuzzy_search.match(matcher.query, text)
        for offset in offsets:
            content = content.stylize(matcher.match_style, offset, offset + 1)
    return content
