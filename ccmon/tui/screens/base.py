"""What all screens share: header, warning row, footer; showing snapshots only while visible."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import msgspec
from textual import events
from textual.app import ComposeResult
from textual.notifications import SeverityLevel
from textual.screen import Screen

from ccmon.errors import CcmonError
from ccmon.requests import Request
from ccmon.snapshot import Session, Snapshot
from ccmon.tui.commands import Place
from ccmon.tui.files import write_new
from ccmon.tui.safe import Part, clean, clip_start
from ccmon.tui.widgets.footer import Footer
from ccmon.tui.widgets.header import Header
from ccmon.tui.widgets.warning import WarningLine

if TYPE_CHECKING:
    from ccmon.tui.app import CcmonApp


TINY_WIDTH = 40
TINY_HEIGHT = 8
"""Below either, header and footer give their rows to what matters."""


class MonitorScreen(Screen[None]):
    """A screen of the monitor.

    A subclass names its ``PLACE`` (footer, bindings), yields its widgets in ``compose_body`` and
    shows a snapshot in ``show_snapshot``; it may override ``crumbs`` and ``settings_line`` of the
    header. Nothing reaches a screen that is not visible: it gets the newest snapshot on resume.
    """

    PLACE: ClassVar[Place] = "all"
    SHOW_TABS: ClassVar[bool] = False
    AUTO_FOCUS: ClassVar[str | None] = None
    NAMES_SESSION: ClassVar[bool] = False
    """It shows more than one session, so a warning says which one it is of."""
    LEAVES: ClassVar[bool] = False
    """It goes back when the session that it shows is gone."""

    DEFAULT_CSS = """
    MonitorScreen {
        background: $background;
        color: $foreground;
        layout: vertical;

        &.-tiny Header, &.-tiny Footer { display: none; }
    }
    """

    _shown: str | None = None

    def compose(self) -> ComposeResult:
        yield Header()
        yield WarningLine()
        yield from self.compose_body()
        yield Footer(self.PLACE, tabs=self.SHOW_TABS)

    def compose_body(self) -> ComposeResult:
        """The widgets between warning row and footer."""
        yield from ()

    @property
    def ccmon(self) -> CcmonApp:
        """The app, typed."""
        return cast("CcmonApp", self.app)

    @property
    def session(self) -> Session | None:
        """The selected session in the snapshot now shown."""
        return self.ccmon.session

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot: header, warning line, then the screen's own widgets.

        Called by the app for the visible screen only, and on resume, resize and change of theme,
        unit, session or pause.
        """
        if not self.is_mounted:
            return
        if self.LEAVES and self._session_gone(snapshot):
            # A help screen in front is left to the reader; resuming comes here again.
            if self.app.screen is self:
                self.dismiss()
            return
        warning = self.query_one(WarningLine)
        warning.show(self.session, snapshot.health, named=self.NAMES_SESSION)
        self.show_snapshot(snapshot)
        self.show_header(snapshot)

    def _session_gone(self, snapshot: Snapshot) -> bool:
        """Whether the session shown before is in no snapshot any more; else note what is shown."""
        ids = [session.session_id for session in snapshot.sessions]
        if self._shown is not None and self._shown not in ids:
            return True
        self._shown = self.session.session_id if self.session is not None else None
        return False

    def show_header(self, snapshot: Snapshot) -> None:
        """Bring the header up to date alone: a setting in it has changed."""
        self.query_one(Header).show(self, snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot to the screen's widgets. They repaint only what differs."""

    def tick(self, now: float) -> None:
        """Once a second: move the clock, and what else counts time."""
        self.query_one(Header).tick(now)

    def crumbs(self) -> tuple[str, ...]:
        """The breadcrumb after ``ccmon``, last one the current place; empty on the Overview."""
        return ()

    def settings_line(self) -> tuple[Part, ...]:
        """Right part of a breadcrumb header: settings as label and value."""
        return ()

    def step_session(self, delta: int) -> None:
        """Show the session before or after."""
        self.ccmon.switch_session(delta)

    def answer(self, text: str, *, seconds: float = 3, wrong: bool = False) -> None:
        """Answer a key in the last row; as a toast where that has been given to the figures."""
        footer = self.query_one(Footer)
        if footer.display:
            style = "$error" if wrong else "$foreground"
            footer.answer(clean(text), seconds=seconds, style=style)
        else:
            severity: SeverityLevel = "error" if wrong else "information"
            self.notify(clean(text), severity=severity, timeout=seconds, markup=False)

    def copy_id(self, request: Request) -> None:
        """Put a request's message id on the clipboard, harmless for where it is pasted."""
        identity = clean(request.message_id)
        self.app.copy_to_clipboard(identity)
        self.answer(f"copied {identity}")

    def copy_json(self, request: Request) -> None:
        """Put everything that is known of a request on the clipboard, as JSON."""
        self.app.copy_to_clipboard(msgspec.json.encode(request).decode())
        self.answer(f"copied #{request.n} as JSON")

    def export(self, kind: str, text: str) -> None:
        """Write a CSV of the session into the working directory, never over another file."""
        identity = self.session.session_id[:8] if self.session is not None else ""
        stem = (
            f"ccmon-{identity}-{kind}" if identity.replace("-", "").isalnum() else f"ccmon-{kind}"
        )
        places = self.ccmon.snapshot.places if self.ccmon.snapshot is not None else ()
        try:
            path = write_new(stem, "csv", text, places)
        except CcmonError as error:
            self.answer(error.message, seconds=6, wrong=True)
        else:
            room = max(1, self.size.width - len(" wrote "))
            self.answer(f"wrote {clip_start(str(path), room)}", seconds=6)

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was in front."""
        self.refresh_snapshot()

    def on_resize(self, event: events.Resize) -> None:
        """Everything is fitted to the size, so show it again once the layout is settled."""
        tiny = event.size.width < TINY_WIDTH or event.size.height < TINY_HEIGHT
        self.set_class(tiny, "-tiny")
        self.call_after_refresh(self.refresh_snapshot)

    def refresh_snapshot(self) -> None:
        """Show the app's snapshot again."""
        if self.ccmon.snapshot is not None:
            self.show(self.ccmon.snapshot)
