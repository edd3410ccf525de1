"""The Overview: one session at a glance."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.geometry import Region
from textual.layout import Layout
from textual.widget import Widget

from ccmon import format as fmt
from ccmon.snapshot import Inventory, Item, Session, Snapshot
from ccmon.tui.commands import Place, bindings
from ccmon.tui.evidence import show_evidence
from ccmon.tui.safe import clean, line
from ccmon.tui.screens.listing import ListingScreen
from ccmon.tui.screens.moving import Rows
from ccmon.tui.widgets.composition import composition_frame
from ccmon.tui.widgets.drag import chip, drag_frame, tone_of
from ccmon.tui.widgets.findings import SHOWN, FindingsPanel, Listed
from ccmon.tui.widgets.header import session_cost
from ccmon.tui.widgets.narrow import drag_line, drag_row, gauge_rows, one_line
from ccmon.tui.widgets.panel import SIDES, Frame, Panel, Tone, boxed, ruled, title
from ccmon.tui.widgets.plan import Plan, PlanLayout, has_totals, plan
from ccmon.tui.widgets.request_list import RequestList
from ccmon.tui.widgets.sessions import newest_frame, sessions_frame
from ccmon.tui.widgets.spend import spend_frame
from ccmon.tui.widgets.totals import totals_line, totals_rows
from ccmon.tui.widgets.trend import request_at
from ccmon.tui.widgets.vitals import cache_frame, context_frame, countdown_moves, next_frame

_PANELS = (
    "gauges", "context", "next", "spend", "cache", "drag", "sources", "list", "totals", "sessions",
    "newest",
)  # fmt: skip
_TIMED = ("gauges", "next", "cache", "sessions")
"""Panels that change as time passes, without a new snapshot."""
_ITEMS_MOST = 2_000
"""Items that may be made on the way to a picture."""
_PLAN_LAYOUT = PlanLayout()


class Body(Container):
    """Everything between warning row and footer, placed by the plan."""

    DEFAULT_CSS = """
    Body {
        height: 1fr;
    }
    """

    @property
    def layout(self) -> Layout:
        """The plan; the stylesheet knows only Textual's own layouts."""
        return _PLAN_LAYOUT


class OverviewScreen(ListingScreen):
    """Context and its sources, next request, spend, cache, drag, findings, newest requests."""

    PLACE: ClassVar[Place] = "overview"
    SHOW_TABS = True
    BINDINGS = bindings("overview")

    def __init__(self) -> None:
        super().__init__()
        self._row_sessions: list[str] = []
        self._drawn_at = 0.0
        self._made: tuple[Inventory, tuple[Item, ...]] | None = None

    def compose_body(self) -> ComposeResult:
        """Every panel of every form; the plan shows those of the present one."""
        with Body():
            for name in _PANELS:
                yield Panel(id=name)
            yield RequestList(id="requests")
            yield FindingsPanel(id="findings")

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draw every panel that the plan shows."""
        session = self.session
        if session is None:
            return
        shape = self._shape()
        self._drawn_at = self.ccmon.now()
        self._draw(shape, session, snapshot, tuple(shape.regions))
        self.request_list.display = "list" in shape.regions
        self.findings.display = "findings" in shape.regions
        if self.findings.display:
            self.findings.show(self._listed(shape, session))
        if self.request_list.display:
            self.request_list.show(session)
        if self.focused is None or not self.focused.display:
            self.set_focus(self.request_list if self.request_list.display else None)

    def on_request_list_moved(self) -> None:
        """Moving lets follow go, which the frame of the list says."""
        session, snapshot = self.session, self.ccmon.snapshot
        if session is not None and snapshot is not None:
            self._draw(self._shape(), session, snapshot, ("list",))

    @property
    def findings(self) -> FindingsPanel:
        """The findings."""
        return self.query_one(FindingsPanel)

    @property
    def moved(self) -> Rows:
        """The findings while they have the keys, or when there is no list."""
        if self.findings.has_focus or not self.request_list.display:
            return self.findings
        return self.request_list

    def action_cursor_down(self) -> None:
        """One row down; the findings show their cursor first where they are all there is."""
        if self.moved is self.findings and not self.findings.has_focus:
            self.findings.focus()
        else:
            super().action_cursor_down()

    def action_pane(self, delta: int) -> None:
        """From the list to the findings and back; there are two, so either way is the same."""
        away = self.findings.has_focus or not self.findings.display
        home = self.request_list if self.request_list.display else None
        self.set_focus(home if away else self.findings)

    def action_dismiss_finding(self) -> None:
        """Put the chosen finding away; without a cursor show first which one that would be."""
        session, finding = self.session, self.findings.chosen
        if session is None or finding is None or not self.findings.display:
            return
        if self.findings.has_focus:
            self.ccmon.dismiss(session, finding)
        else:
            self.findings.focus()

    def action_recall_findings(self) -> None:
        """Bring back all that was put away of this session."""
        if self.session is not None:
            self.ccmon.recall(self.session)

    def on_descendant_focus(self) -> None:
        """The frame of the list says where the keys go."""
        self.on_request_list_moved()

    async def on_findings_panel_opened(self, event: FindingsPanel.Opened) -> None:
        """Go where the evidence is."""
        await show_evidence(self.ccmon, event.finding)

    async def action_bust(self, direction: int) -> None:
        """Busts are looked at on the Requests screen."""
        await self._on_requests(f"bust({direction})")

    async def action_filter(self) -> None:
        """The filter is on the Requests screen too."""
        await self._on_requests("filter")

    async def _on_requests(self, action: str) -> None:
        """Go there, and act once it shows the requests."""
        await self.ccmon.action_tab("requests")
        self.app.call_after_refresh(self.app.run_action, f"screen.{action}")

    def _shape(self) -> Plan:
        size = self.query_one(Body).size
        return plan(size.width, size.height)

    def tick(self, now: float) -> None:
        """Move clock and countdown: each second in the last ten minutes, else each minute."""
        super().tick(now)
        session, snapshot = self.session, self.ccmon.snapshot
        if session is None or snapshot is None or self.ccmon.paused:
            return
        if _moves(snapshot, session, self._drawn_at, now):
            self._drawn_at = now
            self._draw(self._shape(), session, snapshot, _TIMED)

    def _draw(
        self, shape: Plan, session: Session, snapshot: Snapshot, names: tuple[str, ...]
    ) -> None:
        for name in names:
            region = shape.regions.get(name)
            if region is not None and name in _PANELS:
                lines = self._lines(name, shape, session, snapshot, region)
                self.query_one(f"#{name}", Panel).set_lines(lines)

    def _lines(
        self, name: str, shape: Plan, session: Session, snapshot: Snapshot, region: Region
    ) -> list[Content]:
        if shape.form == "line":
            return [one_line(session, region.width, self._drawn_at)]
        if shape.form == "rules":
            return self._ruled_lines(name, session, region)
        frame = self._frame(name, shape, session, snapshot, region)
        return boxed(frame, region.width, region.height)

    def _ruled_lines(self, name: str, session: Session, region: Region) -> list[Content]:
        now, flat, inner = self._drawn_at, self.ccmon.flat, region.width - 2
        if name == "gauges":
            return gauge_rows(session, region.width, now, flat=flat)
        if name == "totals":
            rows = [line(("─" * inner, "$border")), totals_line(session, inner)]
            return [line(" ", row, " ") for row in rows[-region.height :]]
        if name == "spend":
            frame = spend_frame(session, inner, self.ccmon.unit, flat=flat, wide=False)
        elif name == "list":
            frame = Frame(title("Requests", "newest first"))
        elif region.height == 1:
            return [drag_line(session, region.width)]
        else:
            whole = drag_frame(session, inner, region.height - 1, flat=flat, wide=False)
            rows = [drag_row(session, inner), *whole.rows[1:]]
            frame = Frame(title("Drag"), rows, chip(session.drag), tone=tone_of(session.drag))
        return ruled(frame, region.width, region.height)

    def _frame(
        self, name: str, shape: Plan, session: Session, snapshot: Snapshot, region: Region
    ) -> Frame:
        width, height = region.width - SIDES, region.height - 2
        now, flat, wide = self._drawn_at, self.ccmon.flat, shape.form == "three"
        frames: dict[str, Callable[[], Frame]] = {
            "context": lambda: context_frame(session, width, flat=flat, extra=wide),
            "next": lambda: next_frame(session, width, now, extra=wide),
            "cache": lambda: cache_frame(session, width, now, flat=flat),
            "spend": lambda: spend_frame(session, width, self.ccmon.unit, flat=flat, wide=wide),
            "drag": lambda: drag_frame(session, width, height, flat=flat, wide=wide),
            "newest": lambda: newest_frame(session, width),
            "sources": lambda: composition_frame(
                session,
                width,
                height,
                flat=flat,
                unit=self.ccmon.unit,
                items=self._items if wide else None,
            ),
            "list": lambda: self._list_frame(shape, session),
            "sessions": lambda: self._sessions_frame(snapshot, session, width, height),
        }
        return frames[name]()

    def _items(self) -> tuple[Item, ...]:
        """What is in the context of the session, where it is no work to make it."""
        inventory = self.session.inventory if self.session is not None else None
        if inventory is None or sum(each.items for each in inventory.composition) > _ITEMS_MOST:
            return ()
        if self._made is None or self._made[0] is not inventory:
            self._made = inventory, inventory.items()
        return self._made[1]

    def _sessions_frame(
        self, snapshot: Snapshot, session: Session, width: int, height: int
    ) -> Frame:
        frame, self._row_sessions = sessions_frame(snapshot, session, width, height, self._drawn_at)
        return frame

    def _list_frame(self, shape: Plan, session: Session) -> Frame:
        """The frame around the list; its title has the cost where no other panel has it."""
        state = ("ON", "$accent") if self.request_list.follow else ("off", "$label")
        totalled = shape.form == "three" or has_totals(shape)
        about = "newest first" if totalled else session_cost(session)
        tone: Tone = "border" if self.findings.has_focus else "border-focus"
        return Frame(title("Requests", about), value=line(("follow ", "$label"), state), tone=tone)

    def _listed(self, shape: Plan, session: Session) -> Listed:
        width = shape.regions["findings"].width - SIDES
        foot: list[Content] = []
        if has_totals(shape):
            foot = [line(("╌" * width, "$border")), *totals_rows(session, width)]
        left = self.ccmon.findings_of(session)
        last = session.requests[-1] if session.requests else None
        unpriced = fmt.model(clean(last.model or "")) if last and last.price is None else ""
        return Listed(
            left[:SHOWN], len(left[SHOWN:]), len(session.findings) - len(left),
            unpriced=unpriced, foot=tuple(foot),
            wide=shape.form == "three", boxes=shape.form != "rules",
        )  # fmt: skip

    def on_panel_clicked(self, event: Panel.Clicked) -> None:
        """A session row selects it, a graph column opens its request, a bust the list."""
        session, name = self.session, event.panel.id
        if session is None:
            return
        if name == "sessions" and 0 <= event.row < len(self._row_sessions):
            self.ccmon.select_session(self._row_sessions[event.row])
        elif name == "sources":
            self.call_later(self.ccmon.action_tab, "context")
        elif name == "findings":
            self.findings.click_row(event.row)
        elif name == "newest" and session.requests:
            newest = session.requests[-1]
            self.ccmon.open_request(newest.thread, newest.n)
        elif name == "drag" and event.row > 0:
            self._open_column(session, event.panel, event.column)

    def _open_column(self, session: Session, panel: Widget, column: int) -> None:
        """Graph columns lie between the names at the left and the figures at the right."""
        form = self._shape().form
        names = 5 if form == "three" else 0
        margin = 2 if form == "rules" else SIDES
        width = panel.size.width - margin - names - 8
        column = column - names + (1 if form == "rules" else 0)
        if 0 <= column < width and session.requests:
            request = request_at(column, session.requests, width)
            self.ccmon.open_request(request.thread, request.n)


def _moves(snapshot: Snapshot, session: Session, before: float, now: float) -> bool:
    """Whether a countdown in sight has to be drawn again: ages are told of ``session`` alone."""
    warm = (
        each.cache
        for each in snapshot.sessions
        if each.cache is not None and each.cache.state_at(before) == "warm"
    )
    return any(countdown_moves(cache, before, now) for cache in (session.cache, *warm))
