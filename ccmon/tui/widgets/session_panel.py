"""What stands below the table of sessions: the one under the cursor, and the day."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, clean, clip, facts, fitting, line, spread
from ccmon.tui.widgets.gauge import level_gauge
from ccmon.tui.widgets.panel import Frame
from ccmon.tui.widgets.session_state import cold_in, mark, next_cold, price_of_cold, state
from ccmon.tui.widgets.session_tree import Row
from ccmon.tui.widgets.vitals import crossing_share, fill_text

ROWS = 3
_LABEL = 11
_GAUGE_FROM = 8


def session_frame(
    row: Row, sessions: Sequence[Session], today: Content, width: int, now: float, *, flat: bool
) -> Frame:
    """Three lines on a session or a sub-agent; ``today`` stands right in the last one."""
    session, agent = row.session, row.agent
    sign, colour = mark(session)
    if agent is not None:
        name, identity = clean(agent.type or "agent"), clean(agent.agent_id)
        value = line(("busy" if agent.active else "done", "$label"))
        first = _labelled("task", clean(agent.description or fmt.NONE), width)
        cache = line(("cache ", "$label"), cold_in(agent.cache, now))
        second = _agent_context(row)
    else:
        name, identity = clean(session.project), clean(session.session_id)[:8]
        value = line((f"{sign} ", colour), (_since(session, now), "$label"))
        first, cache = _about(session, width), _cold(session, sessions, now)
        second = _context(session, width, flat=flat)
    heading = line((clip(name, max(8, width - 34)), "$title"), " ", (identity, "$label"))
    rows = [
        spread(width, _cut(first, width - cache.cell_length - 2), cache),
        second,
        spread(width, _next(row), line(today, (" list", "$label"))),
    ]
    return Frame(heading, rows, value=value, tone="border-focus")


def bottom_line(
    row: Row | None, sessions: Sequence[Session], today: Content, width: int, now: float
) -> Content:
    """The same in one line: who waits for what, who goes cold next, the day."""
    groups: list[Sequence[Part]] = []
    waiting = [session for session in sessions if session.status == "waiting"]
    if row is not None and row.session in waiting:
        waiting.remove(row.session)
        waiting.insert(0, row.session)
    if waiting:
        first = waiting[0]
        groups.append([
            clip(clean(first.project), 16), (" waits: ", "$label"),
            (clip(clean(first.waiting_for or "for you"), 24), "$warning"),
        ])  # fmt: skip
    found = next_cold(sessions, now)
    if found is not None:
        _, session = found
        text, style = cold_in(session.cache, now)
        groups.append([
            ("next cold: ", "$label"), clip(clean(session.project), 16),
            (" in ", "$label"), (text, style), *price_of_cold(session.next_request)[:2],
        ])  # fmt: skip
    # Money first: what does not fit goes from the right.
    return line(" ", facts(width - 2, *([list(groups[0])] if groups else []), [today], *groups[1:]))


def _since(session: Session, now: float) -> str:
    """The state, and how long nothing was written."""
    text = state(session, now)
    if session.status in ("unknown", "busy") or session.last_line_at is None:
        return text
    return f"{text} {fmt.age(max(0.0, now - session.last_line_at))}"


def _labelled(label: str, text: str, width: int) -> Content:
    return line((label.ljust(_LABEL), "$label"), clip(text, max(1, width - _LABEL)))


def _cut(content: Content, width: int) -> Content:
    return fitting(max(1, width), content) if content.cell_length > width else content


def _about(session: Session, width: int) -> Content:
    if session.status == "waiting":
        return _labelled("waits for", clean(session.waiting_for or "you"), width)
    return _labelled("title", clean(session.title or fmt.NONE), width)


def _cold(session: Session, sessions: Sequence[Session], now: float) -> Content:
    """When its cache goes cold, else whose does next, and what that costs."""
    text, style = cold_in(session.cache, now)
    if session.cache is not None and session.cache.left_at(now) is not None:
        price = price_of_cold(session.next_request)
        return line(("cache cold in ", "$label"), (text, style), *price)
    found = next_cold(sessions, now)
    if found is None:
        return line(("cache ", "$label"), (text, style))
    _, other = found
    text, style = cold_in(other.cache, now)
    return line(
        ("next cold: ", "$label"), clip(clean(other.project), 16), (" in ", "$label"),
        (text, style), *price_of_cold(other.next_request),
    )  # fmt: skip


def _context(session: Session, width: int, *, flat: bool) -> Content:
    context = session.context
    if context is None:
        return _labelled("context", "no request yet", width)
    window = fmt.tokens(context.window) if context.window else fmt.UNKNOWN
    start = line(
        ("context".ljust(_LABEL), "$label"), (fmt.tokens(context.tokens), "$bright"),
        (f" of {window}", "$label"), "   ",
    )  # fmt: skip
    percent, style = fill_text(context)
    room = width - start.cell_length - 6
    if room < _GAUGE_FROM:
        return spread(width, start, line((percent, style)))
    gauge = level_gauge(context.fill, crossing_share(context), room, flat=flat)
    return line(start, *gauge, (percent.rjust(6), style))


def _agent_context(row: Row) -> Content:
    agent = row.agent
    if agent is None:
        return line("")
    return line(
        ("context".ljust(_LABEL), "$label"), (fmt.tokens(agent.context_tokens), "$bright"),
        (f"   in {fmt.plural(len(agent.requests), 'request')} of ", "$label"),
        clip(clean(row.session.project), 24),
    )  # fmt: skip


def _next(row: Row) -> Content:
    following = (row.agent or row.session).next_request
    parts: list[Part] = [("next".ljust(_LABEL), "$label")]
    if following is None:
        return line(*parts, (fmt.NONE, "$faint"))
    return line(
        *parts, ("warm ", "$label"), (fmt.money(following.warm), "$bright"), "   ",
        ("cold ", "$label"), (fmt.money(following.cold), "$bright"),
    )  # fmt: skip
