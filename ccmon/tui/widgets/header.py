"""Row 0: where we are, who is busy, what time it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual import events
from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.snapshot import Session, Snapshot
from ccmon.tui.safe import Part, clean, clip, fit, line
from ccmon.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from ccmon.tui.screens.base import MonitorScreen

DEMO = "--demo"
"""Origin of the config home that the demo plays into."""
_NARROW = 80
_WIDE = 150
_PROJECT = 24


class Header(Lines):
    """The header row. Only the clock in it moves by itself."""

    DEFAULT_CSS = """
    Header {
        height: 1;
        background: $surface;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._left: list[Content] = [line((" ccmon", "$accent"))]
        self._middle: list[Content] = []
        self._keep = 0

    def show(self, screen: MonitorScreen, snapshot: Snapshot) -> None:
        """Show the place of ``screen`` and the state of all sessions."""
        session, width = screen.session, self.size.width
        crumbs = screen.crumbs()
        if crumbs:
            self._left = [_breadcrumb(crumbs)]
            self._middle = [line(*screen.settings_line())] if width >= _NARROW else []
        else:
            self._left = list(_identity(session, narrow=width < _NARROW))
            self._middle = []
            if width >= _NARROW:
                self._middle += _facts(snapshot, session, wide=width >= _WIDE)
        self._keep = int(screen.ccmon.paused)
        if screen.ccmon.paused:
            self._middle.append(line((f"PAUSED +{screen.ccmon.held}", "$bright bold")))
        self.tick(screen.ccmon.now())

    def tick(self, now: float) -> None:
        """Move the clock."""
        width = self.size.width
        clock = fmt.clock(now, seconds=width >= _NARROW)
        right = line((clock, "$foreground"), "  ", ("?", "$label"), " ")
        self.set_lines([_compose(width, self._left, self._middle, right, self._keep)])

    def on_resize(self) -> None:
        """The screen has been laid out: now it can be shown.

        The screen's own refresh after a resize waits for the screen in front, so it may come too
        early for one that a modal screen has covered at once.
        """
        cast("MonitorScreen", self.screen).refresh_snapshot()

    def on_click(self, event: events.Click) -> None:
        """``?`` opens the help, the app's name leads to the Overview."""
        if event.x >= self.size.width - 3:
            self.app.call_later(self.app.run_action, "help")
        elif event.x <= len(" ccmon"):
            self.app.call_later(self.app.run_action, "tab('overview')")


_ESSENTIAL = 4
"""Left facts that stay longer than the middle ones: name, project, id, model."""


def _compose(
    width: int, left: list[Content], middle: list[Content], right: Content, keep: int
) -> Content:
    """Left facts, then middle facts before the clock; what does not fit is left out.

    First the version goes, then the middle but for its last ``keep`` facts, then the rest.
    """
    left, middle = list(left), list(middle)
    while True:
        start = line(*left)
        end = line(*(part for fact in middle for part in (fact, "    ")), right)
        blanks = width - start.cell_length - end.cell_length
        if blanks >= 2:
            return line(start, " " * blanks, end)
        if len(left) > _ESSENTIAL:
            left.pop()
        elif len(middle) > keep:
            middle.pop(0)
        elif len(left) > 1:
            left.pop()
        else:
            return line(fit(start, max(0, width - end.cell_length)), end)


def _breadcrumb(crumbs: tuple[str, ...]) -> Content:
    *path, place = crumbs
    parts: list[Part] = [(" ccmon", "$accent")]
    for name in path:
        head, _, tail = name.partition(" ")
        parts += [(" › ", "$faint"), (head, "$foreground")]
        if tail:
            parts += [" ", (tail, "$label")]
    head, _, tail = place.partition(" ")
    parts += [(" › ", "$faint"), (head, "$bright bold")]
    if tail:
        parts += [" ", (tail, "$foreground")]
    return line(*parts)


def _identity(session: Session | None, *, narrow: bool) -> Iterable[Content]:
    gap = " " if narrow else "  "
    if session is None or not narrow:
        yield line((" ccmon", "$accent"))
    if session is None:
        return
    project = clip(clean(session.project), _PROJECT)
    yield line(" " if narrow else gap, (project, "$bright bold"))
    yield line(gap, (clean(session.session_id)[: 4 if narrow else 8], "$label"))
    model = fmt.model(clean(session.model or ""))
    effort = f" {clean(session.effort)}" if session.effort else ""
    yield line(gap, (clip(model + effort, _PROJECT), "$foreground"))
    if session.version and not narrow:
        yield line(gap, (f"v{clean(session.version)}", "$label"))


def _facts(snapshot: Snapshot, session: Session | None, *, wide: bool) -> Iterable[Content]:
    if any(place.origin == DEMO for place in snapshot.places):
        yield line(("demo", "$accent"))
    if wide and session is not None:
        yield session_totals(session)
    if snapshot.progress.loading:
        done, total = snapshot.progress.files_done, snapshot.progress.files_total
        yield line(("reading ", "$label"), f"{done}", (" of ", "$label"), f"{total}")
    elif snapshot.sessions:
        yield _states(snapshot.sessions)
    else:
        yield line(("no sessions", "$label"))


def session_cost(session: Session) -> str:
    """What a session has cost, and how far to trust it."""
    return fmt.money(
        session.cost,
        lower_bound=session.cost_is_lower_bound,
        estimated=session.cost_is_estimated,
    )


def no_request(session: Session) -> str:
    """Why there is nothing to show of the main thread; what its sub-agents did instead."""
    of_agents = words.only_subagents(session)
    return f"{of_agents}, {session_cost(session)}" if of_agents else "no request yet"


def session_totals(session: Session) -> Content:
    """``≥$22.16 · 297 req · 54.3M in · 208k out``."""
    dot = (" · ", "$faint")
    return line(
        (session_cost(session), "$bright"), dot,
        f"{session.request_count:,}", (" req", "$label"), dot,
        fmt.tokens_short(session.usage.prompt_tokens), (" in", "$label"), dot,
        fmt.tokens_short(session.usage.output_tokens), (" out", "$label"),
    )  # fmt: skip


def _states(sessions: tuple[Session, ...]) -> Content:
    counts = dict.fromkeys(("busy", "waiting", "idle"), 0)
    for session in sessions:
        if session.status in counts:
            counts[session.status] += 1
    if not any(counts.values()):
        return line((fmt.plural(len(sessions), "session"), "$label"))
    parts: list[Part] = []
    for state, count in counts.items():
        parts += [(" · ", "$faint")] if parts else []
        parts += [str(count), (f" {state}", "$label")]
    return line(*parts)
