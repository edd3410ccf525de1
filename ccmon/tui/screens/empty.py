"""Before there is a session: nothing found yet, or still reading."""

from __future__ import annotations

from ccmon.tui.screens.base import MonitorScreen


class EmptyScreen(MonitorScreen):
    """Says where transcripts are looked for, or how far the first reading has come."""
