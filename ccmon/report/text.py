"""The text of ``ccmon --once`` (screens.md, section 4): one block per session, then the totals.

A line never exceeds the page, and a figure is shown whole or not at all: fields that do not fit
are left out from the right. Text from transcripts passes through :mod:`ccmon.report.safe`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import NamedTuple

from msgspec import Struct

from ccmon import format, snapshot, words
from ccmon.measures import Split
from ccmon.report import safe
from ccmon.requests import MAIN, Compaction, Request

BOLD, DIM, RED, YELLOW = "1", "2", "1;31", "33"

_LABEL_CELLS = 10
_SHORTEST_PROJECT = 8
_SHORTEST_MODEL = 8
_SESSION_ID_CELLS = 8
_MOST_FINDINGS = 5
_MOST_SHARES = 5
_SHARE_CELLS = 12
_MARKS: dict[snapshot.Severity, tuple[str, str]] = {
    "high": ("!!", RED),
    "warn": ("! ", YELLOW),
    "info": ("i ", DIM),
}
_TABLE_HEAD = "     #  time         ctx     new read% rewrote     out     $req  next step"


class Page(Struct, frozen=True):
    """What the text is written on: its width in cells, and what it can carry.

    ``columns`` bounds the blocks, ``table_columns`` the list of requests; ``zone`` overrides the
    system's time zone (tests).
    """

    columns: int = 80
    table_columns: int = 80
    color: bool = False
    encoding: str = "utf-8"
    zone: tzinfo | None = None


class Piece(NamedTuple):
    """A field of a line: its text, what joins it to the field before, its SGR parameters."""

    text: str
    joint: str = "   "
    style: str = ""


def render_text(shown: snapshot.Snapshot, page: Page, *, requests: bool = False, now: float) -> str:
    """All sessions and the closing totals; ``requests`` adds each session's requests."""
    blocks = [list(_block(session, page, requests, now)) for session in shown.sessions]
    closing = list(_closing(shown, page))
    if len(blocks) == 1 and not requests:
        blocks[0] += closing
    else:
        blocks.append(closing)
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _block(session: snapshot.Session, page: Page, requests: bool, now: float) -> Iterator[str]:
    yield _header(session, page)
    if empty := words.only_subagents(session):
        yield _compose([Piece(empty, style=DIM)], page, page.columns)
    for label, pieces in _figures(session, page, now):
        head = Piece(label.ljust(_LABEL_CELLS), style=DIM)
        yield _compose([head, *pieces], page, page.columns)
    for finding in session.findings[:_MOST_FINDINGS]:
        yield _finding(finding, session, page, now)
    if requests:
        yield from _tables(session, page)


def _header(session: snapshot.Session, page: Page) -> str:
    """Project, id, model, version, status, requests: names give way to what is counted."""
    session_id = safe.clip(safe.plain(session.session_id), _SESSION_ID_CELLS, ellipsis="")
    counted = [Piece(session.status, "  ")]
    if counts := _counts(session):
        counted.append(Piece(counts, "  "))
    version = [Piece("v" + safe.plain(session.version), "  ")] if session.version else []
    project, model = safe.plain(session.project), safe.plain(format.model(session.model))
    room = page.columns - _width([Piece(session_id, "  "), *version, *counted])
    if room < _SHORTEST_PROJECT + _SHORTEST_MODEL:
        room, version = room + _width(version), []
    shortest = min(safe.width(model), _SHORTEST_MODEL)
    named = []
    if room >= _SHORTEST_PROJECT + shortest:
        cells = max(shortest, room - len("  ") - min(safe.width(project), room // 2))
        named = [Piece(safe.clip(model, cells), "  ")]
    project = safe.clip(project, max(_SHORTEST_PROJECT, room - _width(named)))
    facts = [Piece(session_id, "  "), *named, *version, *counted]
    return _compose([Piece(project, style=BOLD), *facts], page, page.columns)


def _width(pieces: Iterable[Piece]) -> int:
    return sum(safe.width(piece.joint + piece.text) for piece in pieces)


def _counts(session: snapshot.Session) -> str:
    """How many requests; empty where the line below says so."""
    if words.only_subagents(session):
        return ""
    if not session.request_count:
        return "no requests"
    counts = format.plural(len(session.requests), "request")
    if session.subagents:
        inner = sum(len(agent.requests) for agent in session.subagents)
        counts += f" + {inner:,} in {format.plural(len(session.subagents), 'subagent')}"
    return counts


def _figures(
    session: snapshot.Session, page: Page, now: float
) -> Iterator[tuple[str, list[Piece]]]:
    if session.context:
        yield "context", _context(session.context)
    if session.next_request:
        yield "next", _next(session.next_request, session.cache, page, now)
    if sent := words.in_flight(session.attempts, zone=page.zone):
        yield "now", [Piece(sent, "")]
    if session.request_count:
        yield "spend", _spend(session, session.spend.session if session.spend else None)
    if unseen := words.unseen(session.hidden, session.attempt_counts.lost):
        yield "also", [Piece(unseen, "")]
    if session.reread:
        yield "re-read", _reread(session.reread)
    if session.cache:
        yield "cache", _cache(session, session.cache)
    if session.drag:
        yield "drag", _drag(session, session.drag)
    if session.inventory and (shares := _bill(session.inventory)):
        yield "bill", shares
    if session.reported and (limits := _limits(session.reported, now)):
        yield "limits", limits


def _context(context: snapshot.Context) -> list[Piece]:
    window = format.UNKNOWN if context.window is None else format.tokens(context.window)
    fill = "" if context.fill is None else f" ({format.percent(context.fill)})"
    growth = context.growth_per_request
    per_request = format.growth(None if growth is None else round(growth))
    per_prompt = _count(context.requests_per_turn)
    pieces = [
        Piece(f"{format.tokens(context.tokens)} of {window}{fill}", ""),
        Piece(f"{per_request}/request"),
        Piece(f"{per_prompt} {'request' if per_prompt == '1' else 'requests'}/prompt"),
    ]
    if context.compacted_to is not None:
        pieces.insert(1, Piece(f"compacted to ~{format.tokens(context.compacted_to)}"))
    return pieces


def _next(
    forecast: snapshot.NextRequest, cache: snapshot.Cache | None, page: Page, now: float
) -> list[Piece]:
    return [
        Piece(f"warm {format.money(forecast.warm, estimated=forecast.estimated)}", ""),
        Piece(f"cold {format.money(forecast.cold, estimated=forecast.estimated)}"),
        Piece(_deadline(cache, page, now)),
    ]


def _deadline(cache: snapshot.Cache | None, page: Page, now: float) -> str:
    state = cache.state_at(now) if cache else "unknown"
    if cache is None or state in ("off", "unknown"):
        return "cache off" if state == "off" else f"cache {format.UNKNOWN}"
    lead = f"cache {cache.ttl or format.UNKNOWN}, "
    left = cache.left_at(now)
    if left is None:
        since = cache.cold_for(now)
        return f"{lead}cold" + ("" if since is None else f" for {format.age(since)}")
    return f"{lead}expires {format.clock(now + left, zone=page.zone)} ({format.countdown(left)})"


def _spend(session: snapshot.Session, split: Split | None) -> list[Piece]:
    pieces = [Piece(f"{_session_cost(session)} list", "")]
    if split is not None and split.total > 0:
        shares = {
            "re-read": split.carry,
            "rewrite": split.rewrite,
            "new": split.fresh,
            "output": split.output,
        }
        joints = ("   ", "  ", "  ", "  ")
        for joint, (name, usd) in zip(joints, shares.items(), strict=True):
            pieces.append(Piece(f"{name} {format.percent(usd / split.total)}", joint))
    if session.unpriced_requests:
        pieces.append(Piece(f"{session.unpriced_requests:,} unpriced", style=YELLOW))
    return pieces


def _session_cost(session: snapshot.Session) -> str:
    return format.money(
        session.cost,
        lower_bound=session.cost_is_lower_bound,
        estimated=session.cost_is_estimated,
    )


def _reread(reread: snapshot.Reread) -> list[Piece]:
    amplification = format.multiple(reread.amplification)
    price = format.multiple(reread.effective_multiple)
    if reread.effective_multiple is not None:
        price = "x" + price.removesuffix("x")
    read = format.tokens(reread.input_tokens)
    unique = format.tokens(reread.unique_tokens)
    return [
        Piece(f"{read} input for {unique} unique ({amplification})", ""),
        Piece(f"effective price {price}"),
    ]


def _cache(session: snapshot.Session, cache: snapshot.Cache) -> list[Piece]:
    if not cache.caching:
        return [Piece("off", "")]
    pieces = [Piece(f"hit {format.rate(cache.hit_rate)}", "")]
    if cache.alert.state != "off":
        style = RED if cache.alert.state == "severe" else YELLOW
        pieces = [Piece(cache.alert.state.upper(), "", style), *pieces]
        pieces[1] = pieces[1]._replace(joint="  ")
    busts = [bust for bust in session.busts if bust.thread == MAIN]
    others = len(session.busts) - len(busts)
    if not busts:
        return [*pieces, Piece("no busts" + (f", {others:,} in subagents" if others else ""))]
    rewritten = format.tokens(sum(bust.rewritten for bust in busts))
    estimated = any(bust.estimated for bust in busts)
    wasted = format.money(cache.avoidable, estimated=estimated)
    return [
        *pieces,
        Piece(f"{format.plural(len(busts), 'bust')} rewrote {rewritten}", style=YELLOW),
        Piece(f"{wasted} wasted", ", ", YELLOW),
        Piece(f"last {words.wording(busts[-1].why).subject}"),
        *([Piece(f"{others:,} more in subagents")] if others else []),
    ]


def _drag(session: snapshot.Session, drag: snapshot.Drag) -> list[Piece]:
    if unknown := words.why_no_drag(session):
        return [Piece(safe.plain(unknown), "")]
    pieces = [Piece("off", "")]
    if drag.state != "off":
        pieces = [Piece(drag.state.upper(), "", RED)]
    if drag.carried is None or drag.compact is None:
        return pieces
    overdue = "" if drag.o is None else f" ({format.multiple(drag.o)})"
    pieces.append(Piece(f"carried {format.money(drag.carried)}", "  "))
    pieces.append(Piece(f"compact {format.money(drag.compact)}{overdue}", ", "))
    if drag.payback_requests is not None:
        payback = format.plural(max(1, round(drag.payback_requests)), "request")
        pieces.append(Piece(f"pays back in {payback}", ", "))
    return pieces


def _bill(inventory: snapshot.Inventory) -> list[Piece]:
    """What the context is spent on: the largest shares of its bill, and what nothing explains.

    In money; in tokens where there is no price.
    """
    priced = any(each.cost is not None for each in inventory.composition)
    bills = [
        (each, each.cost or 0.0 if priced else float(each.bill_tokens))
        for each in inventory.composition
    ]
    whole = sum(bill for _, bill in bills)
    if whole <= 0:
        return []
    named = sorted((each for each in bills if each[0].kind != "unattributed"), key=_largest)
    unknown = sum(bill for each, bill in bills if each.kind == "unattributed")
    texts = [
        f"{safe.clip(safe.plain(words.source(each.kind, each.tool)), _SHARE_CELLS)}"
        f" {format.percent(bill / whole)}"
        for each, bill in named[:_MOST_SHARES]
    ]
    # Adding zero turns -0.0, the rounded share of what left unseen, into 0.0.
    texts.append(f"{format.UNKNOWN}{format.percent(round(unknown / whole, 2) + 0.0)}")
    return [Piece(text, "  " if number else "") for number, text in enumerate(texts)]


def _largest(billed: tuple[snapshot.Composition, float]) -> float:
    return -billed[1]


def _limits(reported: snapshot.Reported, now: float) -> list[Piece]:
    """Usage limits that have not been reset since the client told of them."""
    texts = (
        f"{safe.plain(limit.name)} {format.percent(limit.used)}"
        for limit in reported.limits
        if limit.resets_at is None or now < limit.resets_at
    )
    return [Piece(text, "  " if number else "") for number, text in enumerate(texts)]


def _finding(finding: snapshot.Finding, session: snapshot.Session, page: Page, now: float) -> str:
    mark, style = _MARKS[finding.severity]
    head = Piece(f"{mark} {safe.plain(finding.id):<4}", style=style)
    gain = ""
    if finding.saving is not None:
        gain = f": {format.money(finding.saving, short=True)}"
    elif finding.saving_per_request is not None:
        gain = f": about {format.money(finding.saving_per_request)} per further request"
    tail = _moment_of(finding, session, page, now) + gain
    room = page.columns - safe.width(head.text + tail)
    title = safe.clip(safe.plain(finding.title), room)
    return _compose([head, Piece(title, ""), Piece(tail, "")], page, page.columns)


def _moment_of(finding: snapshot.Finding, session: snapshot.Session, page: Page, now: float) -> str:
    """When the bust was that a finding tells of; of several, the newest."""
    place = (finding.thread, finding.request)
    at = next((bust.at for bust in session.busts if (bust.thread, bust.request) == place), None)
    if at is None:
        return ""
    several = any(name == "busts" for name, _ in finding.evidence)
    moment = format.moment(at, now, zone=page.zone)
    return f", last at {moment}" if several else f" at {moment}"


def _tables(session: snapshot.Session, page: Page) -> Iterator[str]:
    yield from _table(session.requests, session.compactions, page)
    for agent in session.subagents:
        yield _compose([Piece(_agent_name(agent), style=BOLD)], page, page.table_columns)
        yield from _table(agent.requests, (), page)


def _table(
    requests: Sequence[Request], compactions: Iterable[Compaction], page: Page
) -> Iterator[str]:
    if requests:
        yield _compose([Piece(_TABLE_HEAD, style=DIM)], page, page.table_columns)
    ahead = deque(compactions)
    for request in requests:
        while ahead and ahead[0].before_request <= request.n:
            yield _compaction(ahead.popleft(), page)
        style = YELLOW if request.bust else ""
        row = safe.clip(_row(request, page.encoding, page.zone), page.table_columns)
        yield _compose([Piece(row, style=style)], page, page.table_columns)
    for compaction in ahead:
        yield _compaction(compaction, page)


def _compaction(compaction: Compaction, page: Page) -> str:
    before, after = compaction.context_before, compaction.context_after
    pieces = [
        Piece(f" ── compaction ({safe.plain(compaction.trigger)})", style=DIM),
        Piece(f"{format.tokens(before)} -> {format.tokens(after)}", "  ", DIM),
    ]
    if compaction.method != "exact":
        price = format.money(compaction.cost, estimated=compaction.cost is not None, short=True)
        pieces.append(Piece(f"{price} not in the transcript", "  ", DIM))
    pieces.append(Piece(f"saved {format.tokens(before - after)}", "  ", DIM))
    return _compose(pieces, page, page.table_columns)


def _agent_name(agent: snapshot.Subagent) -> str:
    parts = ("subagent", agent.type, agent.agent_id, agent.description)
    return safe.plain("  ".join(part for part in parts if part))


def _row(request: Request, encoding: str, zone: tzinfo | None) -> str:
    bound = request.output_is_lower_bound
    output = ("≥" if bound else "") + format.exact(request.usage.output_tokens)
    cost = format.money(request.cost, lower_bound=bound, estimated=request.estimated)
    label = safe.plain(f"{request.verb} {request.label}") or format.NONE
    cells = (
        f"{'!' if request.bust else ' '}{request.n:>5,}",
        f" {format.clock(request.at, zone=zone):<8}",
        f" {format.tokens(request.context):>6}",
        f"{format.growth(request.growth):>7}",
        f"{format.whole_percent(request.read_share):>5}",
        f"{format.tokens(request.rewritten) if request.rewritten else format.NONE:>7}",
        safe.encodable(output, encoding).rjust(7),
        safe.encodable(cost.replace("$", ""), encoding).rjust(8),
        " " + safe.encodable(label + (", think" if request.thinks else ""), encoding),
    )
    return " ".join(cells)


def _closing(shown: snapshot.Snapshot, page: Page) -> Iterator[str]:
    totals, health = shown.totals, shown.health
    bad = format.plural(health.malformed_lines, "malformed line")
    pieces = [
        Piece(format.plural(totals.sessions, "session"), ""),
        Piece(format.money(totals.cost, lower_bound=totals.cost_is_lower_bound)),
        Piece(f"{format.plural(health.files, 'file')}, {format.size(health.bytes)}"),
        Piece(bad, ", ", YELLOW if health.malformed_lines else ""),
        Piece(f"prices {shown.price_table_date}"),
    ]
    yield _compose(pieces, page, page.columns)
    missing = []
    if totals.unpriced_requests:
        requests = format.plural(totals.unpriced_requests, "request")
        missing.append(f"the price of {requests}")
    if health.unreadable_files:
        missing.append(format.plural(health.unreadable_files, "unreadable path"))
    if missing:
        text = "not counted: " + ", ".join(missing)
        yield _compose([Piece(text, style=YELLOW)], page, page.columns)


def _compose(pieces: Iterable[Piece], page: Page, columns: int) -> str:
    line = ""
    room = columns
    for piece in pieces:
        joint = piece.joint if line else ""
        text = safe.encodable(piece.text, page.encoding)
        room -= safe.width(joint + text)
        if room < 0:
            break
        styled = f"\x1b[{piece.style}m{text}\x1b[0m" if page.color and piece.style else text
        line += joint + styled
    return line.rstrip()


def _count(value: float | None) -> str:
    if value is None:
        return format.NONE
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")
