"""The app's modes: a screen each, imported when it is first shown, so that starting stays quick."""

from collections.abc import Callable

from textual.command import Provider
from textual.screen import Screen

from ccmon.tui.screens.empty import EmptyScreen


def _overview() -> Screen[None]:
    from ccmon.tui.screens.overview import OverviewScreen

    return OverviewScreen()


def _requests() -> Screen[None]:
    from ccmon.tui.screens.requests import RequestsScreen

    return RequestsScreen()


def _context() -> Screen[None]:
    from ccmon.tui.screens.context import ContextScreen

    return ContextScreen()


def _cache() -> Screen[None]:
    from ccmon.tui.screens.cache import CacheScreen

    return CacheScreen()


def _sessions() -> Screen[None]:
    from ccmon.tui.screens.sessions import SessionsScreen

    return SessionsScreen()


def _history() -> Screen[None]:
    from ccmon.tui.screens.history import HistoryScreen

    return HistoryScreen()


def _memory() -> Screen[None]:
    from ccmon.tui.screens.memory import MemoryScreen

    return MemoryScreen()


MODES: dict[str, str | Callable[[], Screen[None]]] = {
    "empty": EmptyScreen,
    "overview": _overview,
    "requests": _requests,
    "context": _context,
    "cache": _cache,
    "sessions": _sessions,
    "history": _history,
    "memory": _memory,
}
"""Modes by the names that the tab table uses; ``empty`` while there is no session."""


def palette() -> type[Provider]:
    """The commands of the palette."""
    from ccmon.tui.palette import MonitorCommands

    return MonitorCommands
