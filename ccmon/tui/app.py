"""The app: it owns the pump, the selection and the theme; screens do the showing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from textual.app import App
from textual.command import Provider
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme

from ccmon.past import Group
from ccmon.settings import Settings
from ccmon.snapshot import Finding, Session, Snapshot
from ccmon.tui.ascii import AsciiFilter
from ccmon.tui.commands import bindings
from ccmon.tui.driver import QuickDriver, quicker
from ccmon.tui.looking_back import LookingBack, PastEngine
from ccmon.tui.messages import SnapshotReady
from ccmon.tui.modes import MODES, palette
from ccmon.tui.notices import Notices
from ccmon.tui.pump import Engine, Pump
from ccmon.tui.safe import clean
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.succession import going_on, the_way_to
from ccmon.tui.theme import THEMES, choose_theme, fallbacks

UNITS = ("usd", "tokens", "share")
BOARDS = ("sessions", "history", "memory")
"""Modes that have something to show without a session."""


class CcmonApp(App[None]):
    """A live view of what an engine (the Monitor) knows; ``opening`` makes it after first paint.

    ``snapshot`` is what the screens show (frozen while ``paused``), ``held`` the number of requests
    that came in since the pause. ``session_id`` selects a session from the start; a unique
    beginning of it is enough. ``past`` makes the archive of all sessions there ever were; it is
    called when a screen first asks for it, and without it there is no history.
    """

    TITLE = "ccmon"
    CSS_PATH = "app.tcss"
    BINDINGS = bindings("all")
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {palette}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = MODES
    DEFAULT_MODE = "empty"

    def __init__(
        self,
        opening: Callable[[], Engine],
        settings: Settings,
        *,
        session_id: str | None = None,
        past: Callable[[], PastEngine] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # Before the constructor: it picks the colour filter for the theme that is set.
        self.set_reactive(App.theme, choose_theme(settings, os.environ))
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.settings = settings
        self.now = clock
        self.snapshot: Snapshot | None = None
        self.unit: str = settings.unit
        self.paused = False
        self.held = 0
        self._newest: Snapshot | None = None
        self._dismissed: set[tuple[str, str]] = set()
        self._notices = Notices(self)
        self._selected = session_id
        self._chosen = session_id is not None
        self._kept: set[str] = set()
        self._of_the_past: str | None = None
        self._ascii = [AsciiFilter()] if settings.ascii else []
        self._pump = Pump(opening, self._publish, time.monotonic)
        self._awaited: str | None = None
        self.past = LookingBack(past, self._beside, self.refresh_screen, time.monotonic)

    @property
    def monitor(self) -> Engine:
        """The engine; there from the first snapshot on."""
        return self._pump.engine

    def get_driver_class(self) -> type[Driver]:
        """Textual's driver for this terminal, the usual one in its quicker form."""
        return quicker(super().get_driver_class())

    @property
    def available_themes(self) -> dict[str, Theme]:
        """Textual's themes and ours; ours are needed before they can be registered."""
        return {**super().available_themes, **THEMES}

    @property
    def flat(self) -> bool:
        """True where shades cannot be told apart, so that shapes have to carry the meaning."""
        return self.current_theme.ansi or self.settings.ascii

    @property
    def session(self) -> Session | None:
        """The selected session; the newest one until another is chosen."""
        if self.snapshot is None or not self.snapshot.sessions:
            return None
        for session in self.snapshot.sessions:
            if self._selected and session.session_id.startswith(self._selected):
                return session
        return self.snapshot.sessions[0]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables for themes that are not ours."""
        return fallbacks(self.current_theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Colour filters, and the replacement of glyphs by ASCII when that is wanted."""
        return [*super().get_line_filters(), *self._ascii]

    def on_mount(self) -> None:
        """Read nothing before the first paint."""
        self.theme_changed_signal.subscribe(self, lambda _theme: self.refresh_screen())
        self.app_resume_signal.subscribe(self, lambda _app: self.refresh(layout=True))
        self.set_interval(1.0, self._tick)
        self._end_on_signals()
        self.call_after_refresh(lambda: self.run_worker(self._pump.run(), name="pump"))

    def _end_on_signals(self) -> None:
        """Being told to end is no reason to leave the terminal in disorder."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            leave = partial(self.exit, return_code=128 + number)
            asyncio.get_running_loop().add_signal_handler(number, leave)

    def on_unmount(self) -> None:
        """Let the step now under way be the last."""
        self._pump.stop()
        self.past.stop()

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(work, name="past")

    def _publish(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotReady(snapshot))

    def _tick(self) -> None:
        if isinstance(self._driver, QuickDriver) and self._driver.is_cut_off:
            self.exit(return_code=128 + signal.SIGHUP)
            return
        # A timer fires between any two steps of building a screen or taking it down.
        with suppress(NoMatches):
            if (screen := self._visible()) is not None:
                screen.tick(self.now())

    async def on_snapshot_ready(self, message: SnapshotReady) -> None:
        """Show the news, or count them while paused."""
        self._newest = message.snapshot
        self._notices.hear(message.snapshot.notices, message.snapshot.sessions)
        if self.paused and self.snapshot is not None:
            self.held = self._newest.totals.requests - self.snapshot.totals.requests
        else:
            await self._take(self._newest)
            if self._selected is None and self.session is not None:
                self._selected = self.session.session_id
        await self._enter_mode()
        await self._arrive()
        self.refresh_screen()

    async def _take(self, snapshot: Snapshot) -> None:
        """Show this snapshot from now on; if the session shown is not in it any more, say so."""
        shown, before, self.snapshot = self.session, self.snapshot, snapshot
        if self._follow(shown):
            return
        if shown is not None and before is not None:
            self._point_to_news(shown, before)
        if shown is None or any(each.session_id == shown.session_id for each in snapshot.sessions):
            return
        instead = self.session
        self._selected = instead.session_id if instead is not None else None
        if self.current_mode in ("cache", "context"):
            await self.switch_mode("overview")
        now = f"showing {_called(instead)}" if instead is not None else "no session is left"
        self.notify(f"{_called(shown)} is gone; {now}", timeout=6, markup=False)

    def _follow(self, shown: Session | None) -> bool:
        """Go on with the session that the process of the one shown has gone on with (``/clear``).

        Not from one that was chosen though it had ended, and not while a drill-down is read.
        """
        now = self.session
        if shown is None or now is None or now.session_id != shown.session_id:
            return False
        following = self._known(now.went_on)
        if following is None or now.session_id in self._kept or len(self.screen_stack) > 1:
            return False
        self._selected = following.session_id
        self.notify(f"{_called(now)} went on as {_called(following)}", timeout=6, markup=False)
        return True

    def _point_to_news(self, shown: Session, before: Snapshot) -> None:
        """Work has begun elsewhere while the session shown has ended: go there, or say where.

        Not from a session that was chosen, and not while a drill-down is read.
        """
        now, snapshot = self._known(shown.session_id), self.snapshot
        if now is None or snapshot is None or now.status != "ended":
            return
        at_work = {each.session_id for each in before.sessions if going_on(each)}
        begun = [each for each in snapshot.sessions if going_on(each)]
        fresh = next((each for each in begun if each.session_id not in at_work), None)
        if fresh is None:
            return
        if self._chosen or len(self.screen_stack) > 1:
            way = the_way_to(fresh, now, snapshot.sessions)
            self._answer(f"{_called(fresh)} is at work: {way}", seconds=8)
        else:
            self._selected = fresh.session_id
            self._answer(f"{_called(now)} has ended; showing {_called(fresh)}", seconds=8)

    def _answer(self, text: str, *, seconds: float) -> None:
        """Say something in the last row of the screen in front, where it covers no figure."""
        if (screen := self._visible()) is not None:
            screen.answer(text, seconds=seconds)

    def _known(self, session_id: str | None) -> Session | None:
        """The session of this id, if it is in the snapshot shown."""
        sessions = self.snapshot.sessions if self.snapshot is not None else ()
        return next((each for each in sessions if each.session_id == session_id), None)

    async def _enter_mode(self) -> None:
        """Leave the empty screen when there is a session, and return when there is none.

        What is looked at beyond the sessions of today stays.
        """
        empty = self.session is None
        if self.current_mode in BOARDS:
            return
        if empty != (self.current_mode == "empty"):
            await self.switch_mode("empty" if empty else "overview")

    def _visible(self) -> MonitorScreen | None:
        """The topmost monitor screen; it still shows beneath a modal one."""
        screens = reversed(self.screen_stack)
        return next((screen for screen in screens if isinstance(screen, MonitorScreen)), None)

    def refresh_screen(self) -> None:
        """Show the present snapshot again: selection, unit, pause or theme changed."""
        if (screen := self._visible()) is not None:
            screen.refresh_snapshot()

    def select_session(self, session_id: str) -> None:
        """Show another session on all screens."""
        self._selected, self._chosen = session_id, True
        chosen = self._known(session_id)
        if chosen is not None and chosen.went_on is not None:
            self._kept.add(session_id)
        self.refresh_screen()

    def switch_session(self, delta: int) -> None:
        """Go ``delta`` sessions further in the order of the snapshot, round the end."""
        if self.snapshot is None or self.session is None:
            return
        sessions = self.snapshot.sessions
        index = sessions.index(self.session)
        self.select_session(sessions[(index + delta) % len(sessions)].session_id)

    def findings_of(self, session: Session) -> tuple[Finding, ...]:
        """The findings of a session that were not dismissed, the most pressing first."""
        return tuple(
            finding
            for finding in session.findings
            if (session.session_id, finding.key) not in self._dismissed
        )

    def dismiss(self, session: Session, finding: Finding) -> None:
        """Show a finding no more while the app runs."""
        self._dismissed.add((session.session_id, finding.key))
        self.refresh_screen()

    def recall(self, session: Session) -> None:
        """Show again what was dismissed of a session."""
        self._dismissed = {each for each in self._dismissed if each[0] != session.session_id}
        self.refresh_screen()

    def tell_desktop(self, text: str) -> None:
        """Ask the terminal for a desktop notification (OSC 9); ``text`` has to be clean."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(f"\x1b]9;{text}\x07")

    def open_request(self, thread: str, n: int) -> None:
        """Open the drill-down of one request of the selected session."""
        from ccmon.tui.screens.request import RequestScreen

        self.push_screen(RequestScreen(thread, n))

    def open_past(self, group: Group) -> None:
        """Show a session of the history as any other, once it has been read."""
        if group.on_disk <= 0 and self._known(group.key) is None:
            self._answer("its transcript is no longer on disk", seconds=4)
            return
        self._awaited = group.key
        self._pump.open_session(group.key)
        if self._known(group.key) is None:
            self._answer("reading its transcript …", seconds=2)
        else:
            self.call_later(self._arrive)

    async def _arrive(self) -> None:
        """Show the session that was asked for, if it is there and still waited for."""
        session_id, here = self._awaited, self._known(self._awaited)
        if here is None or session_id is None:
            return
        self._awaited = None
        if self.current_mode == "history":
            self.select_session(session_id)
            await self.action_tab("overview")
            self._of_the_past = session_id
            # Its screen may be new: its last row shows the keys once it is laid out.
            self.call_after_refresh(self._answer, "esc leads back to the history", seconds=4)

    async def action_leave_past(self) -> None:
        """From a session that was opened out of the history back to it; else stay."""
        if self.session is not None and self.session.session_id == self._of_the_past:
            await self.action_tab("history")

    async def open_agent(self, agent_id: str) -> None:
        """Show the requests of one sub-agent of the selected session."""
        from ccmon.tui.screens.requests import RequestsScreen

        await self.action_tab("requests")
        if isinstance(self.screen, RequestsScreen):
            self.screen.apply_filter(f"agent:{agent_id}")

    async def action_tab(self, mode: str) -> None:
        """Go to a screen of the tab bar, leaving any drill-down.

        Without a session there is only what looks beyond those of today.
        """
        if self.session is None and mode not in BOARDS:
            mode = "empty"
        if mode in ("history", "sessions"):
            self._of_the_past = None
        if mode != self.current_mode:
            await self.switch_mode(mode)

    def action_session(self, delta: int) -> None:
        """``[`` and ``]``."""
        if (screen := self._visible()) is not None:
            screen.step_session(delta)

    def action_unit(self) -> None:
        """Dollars, tokens, share of spend, and round again."""
        self.unit = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)]
        self.refresh_screen()

    async def action_pause(self) -> None:
        """Freeze the screens, or show what came in meanwhile."""
        self.paused = not self.paused
        self.held = 0
        if self._newest is not None:
            await self._take(self._newest)
        await self._enter_mode()
        self.refresh_screen()

    def action_help(self) -> None:
        """Keys, and what the numbers of this screen mean."""
        from ccmon.tui.screens.help import HelpScreen

        self.push_screen(HelpScreen())


def _called(session: Session) -> str:
    """A session by project and the beginning of its id."""
    return f"{clean(session.project)} {clean(session.session_id)[:8]}"
