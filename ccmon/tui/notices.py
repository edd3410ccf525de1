"""Notices as toasts: new ones only, one at a time; bell and desktop notification on request."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ccmon.snapshot import Notice, Session, Severity
from ccmon.tui.safe import clean, clip, line, spread

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp

SECONDS = 6.0
"""How long each stays."""
WIDTH = 45
"""Cells of a line of a toast."""
DESKTOP_CELLS = 200
"""Length of a desktop notification at most."""
_LOOKS: dict[Severity, tuple[str, Literal["error", "warning", "information"]]] = {
    "high": ("!!", "error"),
    "warn": ("!", "warning"),
    "info": ("i", "information"),
}


def _severity(notice: Notice, session: Session | None) -> Severity:
    """That of the finding it speaks of, as the Findings panel marks it; else its own."""
    findings = session.findings if session is not None else ()
    mine = (finding.severity for finding in findings if finding.id == notice.finding)
    return next(mine, notice.severity)


class Notices:
    """Shows what the engine has to tell; what stood in the first snapshot is no news."""

    def __init__(self, app: CcmonApp) -> None:
        self._app = app
        self._told: int | None = None
        self._waiting: deque[tuple[Notice, Severity, str]] = deque()
        self._showing = False

    def hear(self, notices: Sequence[Notice], sessions: Sequence[Session]) -> None:
        """Show those of the notices that are new."""
        newest = max((notice.serial for notice in notices), default=self._told or 0)
        if self._told is not None:
            told_of = {session.session_id: session for session in sessions}
            fresh = [notice for notice in notices if notice.serial > self._told]
            for notice in sorted(fresh, key=lambda notice: notice.serial):
                session = told_of.get(notice.session_id)
                project = clean(session.project) if session is not None else ""
                self._waiting.append((notice, _severity(notice, session), project))
        self._told = newest
        if not self._showing:
            self._next()

    def _next(self) -> None:
        self._showing = bool(self._waiting)
        if not self._waiting:
            return
        notice, level, project = self._waiting.popleft()
        mark, severity = _LOOKS[level]
        head, text = f"{mark} {clean(notice.title)}", clean(notice.text)
        where = f" · {project}" if project else ""
        self._app.clear_notifications()
        self._app.notify(
            text,
            title=spread(WIDTH, line(head, where), line(notice.finding)).plain,
            severity=severity,
            timeout=SECONDS,
            markup=False,
        )
        if self._app.settings.bell:
            self._app.bell()
        if self._app.settings.desktop:
            self._app.tell_desktop(clip(f"{project} {head}: {text}".strip(), DESKTOP_CELLS))
        self._app.set_timer(SECONDS, self._next)
