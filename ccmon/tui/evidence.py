"""Where the evidence of a finding is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ccmon.snapshot import Finding

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp
    from ccmon.tui.screens.requests import RequestsScreen

_OF_THE_CACHE = {"F2", "F3", "F4", "F5", "F14"}
"""Findings that the Cache screen explains."""

_IN_THE_CONTEXT = {"F7": "cold", "F8": "", "F9": "thinking", "F10": "superseded"}
"""Findings about what is in the context, and the filter that shows what they speak of."""

_ON_REQUESTS: dict[str, Callable[[RequestsScreen], None]] = {
    "F1": lambda screen: screen.sort_by("carry"),
    "F13": lambda screen: screen.apply_filter("agent:sub"),
    "F16": lambda screen: screen.apply_filter("lower"),
}
"""How the request list shows what a finding speaks of; others are at its newest end."""


async def show_evidence(app: CcmonApp, finding: Finding) -> None:
    """Open the finding's request, or the screen that shows what it speaks of."""
    if finding.request is not None:
        app.open_request(finding.thread, finding.request)
    elif finding.id in _OF_THE_CACHE:
        await app.action_tab("cache")
    elif finding.id in _IN_THE_CONTEXT:
        await app.action_tab("context")
        app.call_after_refresh(_filter_context, app, _IN_THE_CONTEXT[finding.id])
    else:
        await app.action_tab("requests")
        if (arrange := _ON_REQUESTS.get(finding.id)) is not None:
            app.call_after_refresh(_arrange, app, arrange)


def _filter_context(app: CcmonApp, words: str) -> None:
    from ccmon.tui.screens.context import ContextScreen

    if isinstance(app.screen, ContextScreen):
        app.screen.apply_filter(words)


def _arrange(app: CcmonApp, arrange: Callable[[RequestsScreen], None]) -> None:
    from ccmon.tui.screens.requests import RequestsScreen

    if isinstance(app.screen, RequestsScreen):
        arrange(app.screen)
