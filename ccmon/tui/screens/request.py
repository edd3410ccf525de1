"""One request: what it used, where the money went, what entered, what it says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from ccmon import format as fmt
from ccmon.requests import Request
from ccmon.snapshot import Session, Snapshot, Subagent
from ccmon.tui.carried import carried, kept_by
from ccmon.tui.commands import Place, bindings
from ccmon.tui.safe import Part, clean, clip, line
from ccmon.tui.screens.base import MonitorScreen
from ccmon.tui.screens.listing import ListingScreen
from ccmon.tui.screens.text import TextScreen
from ccmon.tui.widgets.entered_panel import entered_frame
from ccmon.tui.widgets.pane import Pane
from ccmon.tui.widgets.panel import SIDES, Frame, title
from ccmon.tui.widgets.passages import Passage, Row, read_rows
from ccmon.tui.widgets.request_panels import (
    future_frame,
    money_frame,
    thread_of,
    usage_frame,
)

PANES = ("usage", "money", "entered", "future", "text")
PREVIEW_ROWS = 200
"""Rows of text kept for the preview; the viewer shows more."""
_NARROW = 80
_WIDE = 150
_USAGE = 52
_LEAST_TEXT = 6
_LEAST_ENTERED = 5
_PROJECT = 24


@dataclass(frozen=True, slots=True)
class Needs:
    """Rows that the panels with a fixed content take, edges not counted."""

    usage: int
    money: int
    entered: int
    future: int


def places(width: int, height: int, needs: Needs) -> dict[str, Region]:
    """Where each pane goes; together they may be higher than ``height``, then all of it scrolls."""
    if width < _NARROW:
        return _column(width, height, needs)
    wide = width >= _WIDE
    usage = max(_USAGE, width * (36 if wide else 56) // 100)
    money = (width - usage) // 2 if wide else width - usage
    top = max(needs.usage, needs.money, needs.future if wide else 0) + 2
    future = 0 if wide else needs.future + 2
    entered = needs.entered + 2
    spare = height - top - future - entered - _LEAST_TEXT
    fitted = max(min(entered, _LEAST_ENTERED), entered + min(0, spare))
    # What is said of a bust scrolls before the screen does.
    top = max(needs.usage + 2, top + min(0, spare + entered - fitted))
    entered = fitted
    text = max(_LEAST_TEXT, height - top - future - entered)
    regions = {
        "usage": Region(0, 0, usage, top),
        "money": Region(usage, 0, money, top),
        "entered": Region(0, top, width, entered),
        "text": Region(0, top + entered + future, width, text),
    }
    if wide:
        regions["future"] = Region(usage + money, 0, width - usage - money, top)
    else:
        regions["future"] = Region(0, top + entered, width, future)
    return regions


def _column(width: int, height: int, needs: Needs) -> dict[str, Region]:
    heights = {
        "usage": needs.usage + 1,
        "money": needs.money + 1,
        "entered": needs.entered + 1,
        "future": needs.future + 1,
    }
    heights["text"] = max(_LEAST_TEXT, height - sum(heights.values()))
    regions: dict[str, Region] = {}
    top = 0
    for name, rows in heights.items():
        regions[name] = Region(0, top, width, rows)
        top += rows
    return regions


class _Places(Layout):
    """Puts the panes of a RequestBody at their places."""

    name = "places"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """All panes, always."""
        assert isinstance(parent, RequestBody)
        regions = places(size.width, size.height, parent.needs)
        return [
            WidgetPlacement(regions[child.id or ""], NULL_OFFSET, NULL_SPACING, child)
            for child in children
        ]


_LAYOUT = _Places()


class RequestBody(VerticalScroll, can_focus=False):
    """The panes of a request."""

    DEFAULT_CSS = """
    RequestBody {
        height: 1fr;
        scrollbar-size: 0 0;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.needs = Needs(5, 5, 3, 2)

    @property
    def layout(self) -> Layout:
        """The places; the stylesheet knows only Textual's own layouts."""
        return _LAYOUT


class RequestScreen(MonitorScreen):
    """Request ``n`` of a thread of the selected session."""

    PLACE: ClassVar[Place] = "request"
    AUTO_FOCUS = "#entered"
    LEAVES = True
    BINDINGS = bindings("request")

    def __init__(self, thread: str, n: int) -> None:
        super().__init__()
        self.thread = thread
        self._n = self._opened_at = n
        self._reading: tuple[tuple[Passage, ...], int] = ((), 0)
        self._rows: list[Row] = []

    def compose_body(self) -> ComposeResult:
        """All panes, in the order of ``tab``."""
        with RequestBody():
            for name in PANES:
                yield Pane(id=name)

    @property
    def requests(self) -> Sequence[Request]:
        """The requests of the thread in the snapshot now shown."""
        return thread_of(self.session, self.thread)

    @property
    def request(self) -> Request | None:
        """The request itself; None where the selected session has no such one."""
        requests = self.requests
        return requests[self._n - 1] if 0 < self._n <= len(requests) else None

    @property
    def _agent(self) -> Subagent | None:
        """The sub-agent that sent it; None for a request of the main thread."""
        agents = self.session.subagents if self.session is not None else ()
        return next((agent for agent in agents if agent.agent_id == self.thread), None)

    def crumbs(self) -> tuple[str, ...]:
        """Project, the sub-agent when it is one, and the number."""
        session = self.session
        if session is None:
            return (f"#{self._n}",)
        agent = self._agent
        names = [clip(clean(agent.type or agent.agent_id), _PROJECT)] if agent else []
        return (clip(clean(session.project), _PROJECT), *names, f"#{self._n}")

    def settings_line(self) -> tuple[Part, ...]:
        """Ids, model and effort, as many as fit; ids go first."""
        request = self.request
        if request is None:
            return ()
        model = fmt.model(clean(request.model or ""))
        effort = f" {clean(request.effort)}" if request.effort else ""
        groups: list[Part] = [(clip(model + effort, _PROJECT), "$foreground")]
        groups[:0] = [
            (_shortened(identity), "$label")
            for identity in (request.message_id, request.request_id)
            if identity
        ]
        taken = sum(len(crumb) + 3 for crumb in self.crumbs()) + len(" ccmon") + 18
        while len(groups) > 1:
            content = line(*(part for group in groups for part in (group, "   ")))
            if content.cell_length - 3 <= self.size.width - taken:
                break
            groups.pop(0)
        return tuple(part for group in groups for part in ("   ", group))[1:]

    def show_header(self, snapshot: Snapshot) -> None:
        """The header has the time of the request in the place of the clock."""
        super().show_header(snapshot)
        self.tick(self.ccmon.now())

    def tick(self, now: float) -> None:
        """The time of a request stands still."""
        request = self.request
        at = request.at if request is not None else None
        super().tick(now if at is None else at)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw every pane, and read the text when it is another one."""
        session, request = self.session, self.request
        if session is None or request is None:
            self._show_nothing()
            return
        body = self.query_one(RequestBody)
        width, height = body.size
        if not width:
            return
        frames = self._frames(session, request, places(width, height, body.needs))
        needs = Needs(*(len(frames[name].rows) for name in PANES[:4]))
        if needs != body.needs:
            body.needs = needs
            # A widget's own refresh keeps the places it gave its children, a child's does not.
            self._pane("text").refresh(layout=True)
        for name, frame in frames.items():
            self._pane(name).show(frame, boxes=width >= _NARROW)
        self._read_text(request)

    def _frames(
        self, session: Session, request: Request, regions: dict[str, Region]
    ) -> dict[str, Frame]:
        edges = SIDES if regions["text"].width >= _NARROW else 2
        width = {name: region.width - edges for name, region in regions.items()}
        flat, unit = self.ccmon.flat, self.ccmon.unit
        bill = carried(session, self.requests, request)
        return {
            "usage": usage_frame(request, width["usage"]),
            "money": money_frame(request, session, width["money"], unit, flat=flat),
            "entered": entered_frame(
                request,
                width["entered"],
                flat=flat,
                bill=bill,
                kept=kept_by(self.requests, request),
            ),
            "future": future_frame(request, bill, width["future"], self._agent),
        }

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    def _show_nothing(self) -> None:
        """Another session may have been selected, which has no such request."""
        self._reading = ((), 0)
        boxes = self.size.width >= _NARROW
        message = line((f"this session has no request #{self._n} here", "$label"))
        for name in PANES:
            frame = Frame(title(name.capitalize()), [message] if name == "usage" else [])
            self._pane(name).show(frame, boxes=boxes)

    def _read_text(self, request: Request) -> None:
        pane = self._pane("text")
        width = pane.size.width - (SIDES if self.size.width >= _NARROW else 2)
        if width <= 0 or (reading := (_passages(request), width)) == self._reading:
            return
        self._reading = reading
        self.run_worker(self._read(*reading), group="text", exclusive=True)

    async def _read(self, passages: tuple[Passage, ...], width: int) -> None:
        read, pane = self.ccmon.monitor.read_text, self._pane("text")
        rows = await asyncio.to_thread(read_rows, read, passages, width, PREVIEW_ROWS)
        if not pane.is_attached:  # the screen was left meanwhile
            return
        boxes = self.size.width >= _NARROW
        frame = Frame(
            title("Text", "of the answer, then of what entered" if boxes else ""),
            [row.content() for row in rows],
            value=line("v", (" opens all of it", "$label")),
        )
        pane.show(frame, boxes=boxes)

    def action_previous_request(self) -> None:
        """The request before, if there is one: downwards, as in the list."""
        self._go(self._n - 1)

    def action_next_request(self) -> None:
        """The request after, if there is one."""
        self._go(self._n + 1)

    def action_up(self) -> None:
        """The request that began the turn."""
        request = self.request
        if request is None:
            return
        turn = (each for each in self.requests[: self._n] if each.turn == request.turn)
        self._go(next(turn).n)

    def _go(self, n: int) -> None:
        if n != self._n and 0 < n <= len(self.requests):
            self._n = n
            for name in PANES:
                self._pane(name).scroll_rows(-self._pane(name).top)
            self.refresh_snapshot()

    def action_pane(self, delta: int) -> None:
        """Focus the next or previous pane."""
        if delta > 0:
            self.focus_next(Pane)
        else:
            self.focus_previous(Pane)

    def action_half_down(self) -> None:
        """Half a pane down."""
        self._scroll(0.5)

    def action_half_up(self) -> None:
        """Half a pane up."""
        self._scroll(-0.5)

    def action_first(self) -> None:
        """To the first row of the pane."""
        self._scroll(-PREVIEW_ROWS)

    def action_last(self) -> None:
        """To the last row of the pane."""
        self._scroll(PREVIEW_ROWS)

    def _scroll(self, share: float) -> None:
        """Scroll the focused pane; where it shows all it has, the whole screen."""
        pane, body = self.focused, self.query_one(RequestBody)
        if isinstance(pane, Pane) and pane.scroll_rows(round(share * max(2, pane.room))):
            return
        body.scroll_relative(y=share * body.size.height, animate=False)

    def action_view(self) -> None:
        """All that the pane Text begins to show."""
        request = self.request
        if request is not None:
            self.app.push_screen(TextScreen(f"#{request.n}", _passages(request)))

    def action_copy(self) -> None:
        """Copy the message id."""
        request = self.request
        if request is not None:
            self.copy_id(request)

    def action_copy_json(self) -> None:
        """Copy everything that is known of the request, as JSON."""
        request = self.request
        if request is not None:
            self.copy_json(request)

    def action_back(self) -> None:
        """To where this was opened; a list there goes to the request last shown."""
        below = self.app.screen_stack[-2]
        if self._n != self._opened_at and isinstance(below, ListingScreen):
            below.go_to(self.thread, self._n)
        self.dismiss()


def _passages(request: Request) -> tuple[Passage, ...]:
    """The answer, then what entered."""
    answer = f"of #{request.n}"
    passages = [Passage(span, answer) for span in request.spans]
    for item in request.entered:
        # What entered first is the answer before, whose label says which one.
        said = clean(item.label) if item.kind == "output" else ""
        passages += (Passage(span, said) for span in item.spans)
    return tuple(passages)


def _shortened(identity: str) -> str:
    """``msg_01F8…Xq7b``: enough to tell ids apart."""
    text = clean(identity)
    return text if len(text) <= 13 else f"{text[:8]}…{text[-4:]}"
