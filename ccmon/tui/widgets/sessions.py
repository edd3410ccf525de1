"""The Sessions strip of the wide Overview, and the newest request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Cache, Session, Snapshot, Subagent
from ccmon.tui.safe import Part, clean, clip, facts, left, line, right, spread
from ccmon.tui.widgets.drag import chip
from ccmon.tui.widgets.header import session_cost
from ccmon.tui.widgets.panel import Frame, title
from ccmon.tui.widgets.preview import (
    bill_parts,
    entered_largest,
    entered_total,
    request_cost,
)
from ccmon.tui.widgets.session_state import is_quiet, mark, next_cold
from ccmon.tui.widgets.verdict import verdict
from ccmon.tui.widgets.vitals import EXPIRES_SOON, fill_text


def sessions_frame(
    snapshot: Snapshot, selected: Session | None, width: int, height: int, now: float
) -> tuple[Frame, list[str]]:
    """Newest sessions, a row each, and the session id that each row stands for."""
    rows: list[Content] = []
    ids: list[str] = []
    columns = _Columns.fitting(snapshot.sessions, width)
    for session in snapshot.sessions:
        lines = [_session_row(session, width, now, columns, selected=session is selected)]
        if session is selected:
            lines += [_agent_row(agent, width, now, columns) for agent in session.subagents[-1:]]
        if len(rows) + len(lines) > height - 1:
            break
        rows += lines
        ids += [session.session_id] * len(lines)
    rest = len(snapshot.sessions) - len(set(ids))
    rows.append(_rest_row(snapshot, rest, width, now))
    totals = snapshot.totals
    cost = fmt.money(totals.cost, lower_bound=totals.cost_is_lower_bound)
    value = line(("all ", "$label"), (cost, "$bright"), (" list", "$label"))
    name = title("Sessions", f"{len(snapshot.sessions)}")
    return Frame(name, rows, value=value), ids


_ID = 10
_FIXED = 48
"""Cells of the columns with figures and words, and of the blank before the chip."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """What is left for names beside the widest state of drag; ids go first."""

    project: int
    ids: bool

    @classmethod
    def fitting(cls, sessions: Sequence[Session], width: int) -> _Columns:
        alarm = max(chip(session.drag).cell_length for session in sessions)
        room = width - _FIXED - alarm
        ids = room - _ID >= 10
        return cls(max(4, min(14, room - (_ID if ids else 0))), ids)

    def project_cell(self, name: str, *, indent: int = 0) -> str:
        room = self.project - indent
        return left(clip(name, room - 1), room)

    def id_cell(self, name: str) -> str:
        return left(name[:8], _ID) if self.ids else ""


def _session_row(
    session: Session, width: int, now: float, columns: _Columns, *, selected: bool
) -> Content:
    sign, style = mark(session)
    quiet = is_quiet(session)
    figure = "$label" if quiet else ""
    percent, fill_style = ("", "")
    if session.context is not None:
        percent, fill_style = fill_text(session.context)
    context = fmt.tokens_short(session.context.tokens) if session.context else fmt.NONE
    state = session.status if session.status != "unknown" else "quiet"
    name_style = "$bright bold" if selected else "" if quiet else "$bright"
    start = line(
        (f"{sign} ", style), (left(state, 9), style if not quiet else "$label"),
        (columns.project_cell(clean(session.project)), name_style),
        (columns.id_cell(clean(session.session_id)), "$label"),
        (left(fmt.model(clean(session.model or "")), 10), figure), " ",
        (right(context, 5), figure),
        (right(percent, 5), "$label" if quiet or "bright" in fill_style else fill_style),
        *_cold_in(session.cache, now),
        (right(session_cost(session), 8), figure or "$bright"),
    )  # fmt: skip
    drag = session.drag
    return spread(width, start, chip(drag) if drag and drag.state != "off" else None, gap=1)


def _cold_in(cache: Cache | None, now: float) -> Sequence[Part]:
    remaining = cache.left_at(now) if cache is not None else None
    if remaining is None:
        return [("cold".rjust(7) if cache is not None else "".rjust(7), "$label")]
    style = "$warning" if remaining < EXPIRES_SOON else "$accent"
    return [(fmt.countdown(remaining).rjust(7), style)]


def _agent_row(agent: Subagent, width: int, now: float, columns: _Columns) -> Content:
    context = fmt.tokens_short(agent.context_tokens)
    cost = fmt.money(agent.cost, lower_bound=agent.cost_is_lower_bound, short=True)
    name = clean(agent.type or agent.agent_id)
    text = line(
        "  ", (left("busy" if agent.active else "done", 9), "$label"),
        ("╰╴", "$border-focus"), (columns.project_cell(name, indent=2), "$label"),
        (columns.id_cell(clean(agent.agent_id)), "$label"),
        (left(fmt.model(clean(agent.model or "")), 10), "$label"), " ",
        (right(context, 5), "$label"), " " * 5, *_cold_in(agent.cache, now),
        (right(cost, 8), "$label"),
    )  # fmt: skip
    return spread(width, text)


def _rest_row(snapshot: Snapshot, rest: int, width: int, now: float) -> Content:
    start = line((f"  {rest} more", "$label")) if rest else line("")
    found = next_cold(snapshot.sessions, now)
    if found is None:
        return start
    remaining, session = found
    end = line(
        ("next cold: ", "$label"),
        (clean(session.project), "$label"),
        (" in ", "$label"),
        (fmt.countdown(remaining), "$warning" if remaining < EXPIRES_SOON else ""),
    )
    return spread(width, start, end)


def newest_frame(session: Session, width: int) -> Frame:
    """The newest request: what entered with it, what it cost, what the cache did."""
    if not session.requests:
        return Frame(title("Newest request"), [line(("none yet", "$label"))])
    request = session.requests[-1]
    name = line(
        (f"#{request.n}", "$bright"), (" newest", "$label"), "  ", (fmt.clock(request.at), "$label")
    )
    whole: list[Part] = [("entered  ", "$label"), *entered_total(session, request)]
    bill, *parts = bill_parts(request)
    cache = line(("cache ", "$label"), *verdict(request))
    prompt = _prompt(session, width // 2)
    room = (width - cache.cell_length - 3, width - prompt.cell_length - 3)
    rows = [
        spread(width, facts(room[0], whole, *entered_largest(request)), cache),
        spread(width, facts(room[1], [("bill     ", "$label"), *bill], *parts), prompt),
    ]
    return Frame(name, rows, value=line((request_cost(request), "$bright")))


def _prompt(session: Session, width: int) -> Content:
    """The prompt that is being worked on, and what it has taken so far."""
    last = session.requests[-1]
    turn = list(takewhile(lambda request: request.turn == last.turn, reversed(session.requests)))
    costs = [request.cost for request in turn if request.cost is not None]
    cost = fmt.money(sum(costs) if costs else None, short=True)
    end = f"  {fmt.plural(len(turn), 'request')}  {cost}"
    text = clip(clean(turn[-1].prompt or ""), width - 2 - len(end)) or fmt.NONE
    return line(("» ", "$accent"), text, (end, "$label"))
