"""What a pause costs, which tier of the cache suits the pauses, and one bust, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import wrap

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.measures import COMPARABLE_PAUSES, TTL_SECONDS, Ttl
from ccmon.requests import MAIN, Bust
from ccmon.snapshot import Cache, NextRequest, Session, TtlCheck
from ccmon.tui.safe import Part, clean, clip, facts, fitting, line, spread
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.panel import Frame, title
from ccmon.tui.widgets.request_panels import thread_of
from ccmon.tui.widgets.vitals import EXPIRES_SOON, no_request_rows, state_word

PANEL_ROWS = 4
"""Rows inside the panels of pause and tiers."""
BUST_ROWS = 3
"""Rows of the panel of one bust where its sentences fit in a row each."""
_TIERS: tuple[Ttl, Ttl] = ("5m", "1h")
_TIER_NAME = 16
_LEAST_BAR = 4
_NAME = 24
_WHAT_AT, _PRICE_AT = 14, 30
"""Where the columns of the pause panel begin."""
_SHORT = 32
"""Cells below which titles are a word."""


@dataclass(frozen=True, slots=True)
class KeepWarm:
    """Keeping the cache warm against letting it lapse: accounting, section 7.

    ``request`` is what one warm request pays for re-reading, ``lapse`` what writing everything
    again costs beyond that, in USD.
    """

    request: float
    lapse: float

    @property
    def requests(self) -> int:
        """How many warm requests cost one lapse."""
        return round(self.lapse / self.request)

    @classmethod
    def of(cls, session: Session) -> KeepWarm | None:
        """For what the next request finds in the cache; None where that has no price."""
        following = session.next_request
        if following is None or not following.reread or following.lapse is None:
            return None
        return cls(following.reread, following.lapse)


def pause_frame(session: Session, width: int, now: float) -> Frame:
    """What the next prompt costs now, what it will cost after the deadline, and the ways out."""
    cache, price = session.cache, session.next_request
    name = title("If you pause now")
    if cache is None or price is None:
        return Frame(name, no_request_rows(session, width))
    state = cache.state_at(now)
    value = _state(cache, now, short=width < _SHORT)
    if width < _SHORT:
        name = title("Pause")
    if state == "warm":
        return Frame(name, _warm_rows(session, cache, price, width), value=value)
    if state == "cold":
        name = name if width < _SHORT else title("The cache is cold")
        return Frame(name, _cold_rows(session, price, width), value=value)
    if state == "off":
        cost = session.requests[-1].cost if session.requests else None
        last = line(("the last request cost ", "$label"), (fmt.money(cost), "$bright bold"))
        return Frame(name, [_said("Nothing is cached: a pause costs nothing."), last], value=value)
    usd = partial(fmt.money, estimated=price.estimated)
    warm: Sequence[Part] = [("warm ", "$label"), (usd(price.warm), "$bright")]
    cold: Sequence[Part] = [("cold ", "$label"), (usd(price.cold), "$bright")]
    rows = [_said("When the cache goes cold is not known."), facts(width, warm, cold)]
    return Frame(name, rows, value=value)


def _said(text: str) -> Content:
    return line((text, "$label"))


def _state(cache: Cache, now: float, *, short: bool) -> Content:
    """``WARM 1h  57:40``, ``COLD 1h04m``; ``short`` leaves out the tier."""
    word, style = state_word(cache, now)
    parts: list[Part] = [(word, style)]
    left, age = cache.left_at(now), cache.cold_for(now)
    if left is None:
        return line(*parts, (f" {fmt.age(age)}", "$label") if age is not None else "")
    total = TTL_SECONDS[cache.ttl or "1h"]
    soon = left < min(EXPIRES_SOON, total / 2)
    tier: Part = (f" {cache.ttl}", "$label") if cache.ttl and not short else ""
    return line(*parts, tier, "  ", (fmt.countdown(left), "$warning" if soon else "$foreground"))


def _warm_rows(session: Session, cache: Cache, price: NextRequest, width: int) -> list[Content]:
    drag = session.drag
    until = fmt.clock(cache.expires_at, seconds=False)
    rows = _Rows(width)
    warm = (fmt.money(price.warm, estimated=price.estimated), "$bright bold")
    rows.add("until", until, "next request", warm)
    cold = (fmt.money(price.cold, estimated=price.estimated), "$bright")
    times = price.cold / price.warm if price.cold and price.warm else None
    rows.add("after", until, "next request", cold, f"  {fmt.multiple(times)}" if times else "")
    if drag is not None and drag.compact is not None:
        now = (fmt.money(drag.compact), "$bright")
        late: list[Part] = [(" or ", "$label"), fmt.money(drag.compact_cold)]
        rows.add("/compact", "now", f"or after {until}", now, *late)
    rows.rows += _keep_warm_row(session, width)
    return rows.rows


def _keep_warm_row(session: Session, width: int) -> list[Content]:
    keep = KeepWarm.of(session)
    if keep is None or not keep.requests:
        return []
    number, _, noun = fmt.plural(keep.requests, "request").partition(" ")
    price = fmt.money(keep.request)
    return [
        fitting(
            width,
            line(number, (f" {noun} of ", "$label"), price,
                 (" to keep it warm cost as much as going cold once", "$label")),
            line(number, (f" {noun} to keep it warm = going cold once", "$label")),
            line(number, (f" warm {noun} = going cold once", "$label")),
        )
    ]  # fmt: skip


def _cold_rows(session: Session, price: NextRequest, width: int) -> list[Content]:
    drag, context = session.drag, session.context
    rows = _Rows(width)
    cold = (fmt.money(price.cold, estimated=price.estimated), "$bright bold")
    tokens = f" for {fmt.tokens_short(context.current)}" if context is not None else ""
    rows.add("now", "", "next request", cold, (tokens, "$label"))
    warm = (fmt.money(price.warm, estimated=price.estimated), "$bright")
    rows.add("then", "", "each request", warm)
    if drag is not None and drag.compact_cold is not None:
        rows.add("/compact", "now", "", (fmt.money(drag.compact_cold), "$bright"))
    rows.rows.append(
        fitting(
            width,
            _said("Waiting costs no more. New task: new session."),
            _said("Waiting costs no more."),
        )
    )
    return rows.rows


class _Rows:
    """Rows of the pause panel: when, what, how much, in columns; what is dropped when narrow."""

    def __init__(self, width: int) -> None:
        self.rows: list[Content] = []
        self._width = width

    def add(self, when: str, at: str, what: str, price: Part, *more: Part) -> None:
        """One row; first the words after the price go, then those before it."""
        label: Part = (f"{when} ", "$label")
        if when.startswith("/"):
            label = (f"{when} ", "$foreground")
        head = line(label, (at, "$bright"))
        short = line(head, " " * max(2, _WHAT_AT - head.cell_length))
        lead = line(short, (what, "$label"))
        lead = line(lead, " " * max(1, _PRICE_AT - lead.cell_length))
        self.rows.append(
            fitting(
                self._width,
                line(lead, price, *more),
                line(short, price, *more),
                line(short, price),
            )
        )


def ttl_frame(session: Session, width: int, *, flat: bool) -> Frame:
    """What the pauses of this session would have cost in either tier, and which is best."""
    name = title("TTL check", "this session")
    cache = session.cache
    if cache is None:
        return Frame(name, no_request_rows(session, width))
    if not cache.caching:
        return Frame(name, [_said("nothing is cached")])
    check = cache.ttl_check
    rows = [
        fitting(
            width,
            _pauses(check, "pauses over 5 min  ", "   over 60 min  "),
            _pauses(check, "pauses > 5 min  ", "   > 60 min  "),
        )
    ]
    if check.cost_5m is None or check.cost_1h is None:
        return Frame(name, rows + _not_compared(check, width))
    costs: dict[Ttl, float] = {"5m": check.cost_5m, "1h": check.cost_1h}
    order = sorted(_TIERS, key=lambda tier: (tier != cache.ttl, tier == "5m"))
    rows += [_tier_row(tier, costs, check, cache, width, flat=flat) for tier in order]
    rows.append(_advice(costs, check, cache, width))
    return Frame(name, rows)


def _pauses(check: TtlCheck, short: str, long: str) -> Content:
    return line((short, "$label"), f"{check.over_5m:,}", (long, "$label"), f"{check.over_1h:,}")


def _not_compared(check: TtlCheck, width: int) -> list[Content]:
    between = check.over_5m - check.over_1h
    if between >= COMPARABLE_PAUSES:
        return [_said("no price for this model")]
    count = fmt.plural(between, "pause") if between else "no pause"
    return [
        fitting(
            width,
            line(count, (f" of 5 to 60 min: {COMPARABLE_PAUSES} are needed to compare", "$label")),
            line(count, (f" of 5 to 60 min, {COMPARABLE_PAUSES} needed", "$label")),
            line(count, (" of 5 to 60 min", "$label")),
        )
    ]


def _tier_row(
    tier: Ttl, costs: dict[Ttl, float], check: TtlCheck, cache: Cache, width: int, *, flat: bool
) -> Content:
    best = tier == check.cheaper
    now = ", now" if tier == cache.ttl else ""
    name = line(tier, (f" writes{now}", "$label"))
    prices = [fmt.money(cost) for cost in costs.values()]
    price = fmt.money(costs[tier]).rjust(max(map(len, prices)))
    end = line((price, "$bright" if best else ""), ("  best" if best else " " * 6, "$accent"))
    bar = min(2 * _TIER_NAME, width - _TIER_NAME - end.cell_length - 2)
    start: list[Part] = [name, " " * max(1, _TIER_NAME - name.cell_length)]
    if bar >= _LEAST_BAR:
        style = "$accent-fill" if best else "$share-output"
        start += share_bar(costs[tier] / (max(costs.values()) or 1.0), bar, style, flat=flat)
    return spread(width, line(*start), end, gap=1)


def _advice(costs: dict[Ttl, float], check: TtlCheck, cache: Cache, width: int) -> Content:
    """What the better tier saves, and how to get it where another one is in use."""
    best = check.cheaper or "1h"
    saved = line((fmt.money(abs(costs["5m"] - costs["1h"])), "$bright"))
    if cache.ttl is None or best == cache.ttl:
        other = "5m" if best == "1h" else "1h"
        return fitting(
            width,
            line(f"{best}", (" saves ", "$label"), saved, (f" against {other}", "$label")),
            line(("saves ", "$label"), saved),
        )
    return fitting(
        width,
        line(("would save ", "$label"), saved, (": ", "$label"), words.TTL_SETTINGS[best]),
        line(("would save ", "$label"), saved),
    )


def bust_name(session: Session, bust: Bust) -> str:
    """The sub-agent whose bust it is, by type or id; empty for the main thread."""
    if bust.thread == MAIN:
        return ""
    kinds = (agent.type for agent in session.subagents if agent.agent_id == bust.thread)
    return clip(clean(next(kinds, None) or bust.thread), _NAME)


def wasted(bust: Bust, session: Session, unit: str) -> str:
    """What a bust cost beyond a normal read; in unit ``tokens`` how much of what was cached."""
    if unit == "tokens":
        return fmt.percent(bust.rewritten / bust.expected_read if bust.expected_read else None)
    if unit == "share":
        known = session.cost and bust.avoidable is not None
        return fmt.rate((bust.avoidable or 0.0) / (session.cost or 1.0)) if known else fmt.UNKNOWN
    return fmt.money(bust.avoidable, short=True, estimated=bust.estimated)


_WASTED_WORDS = {"usd": " wasted", "tokens": " lost", "share": " of spend"}


def bust_frame(session: Session, bust: Bust, width: int, rows: int, unit: str) -> Frame:
    """What happened and what to do about it, in full; in ``rows`` left over what it rests on."""
    why = bust.why
    agent = bust_name(session, bust)
    if agent and agent != bust.thread:
        agent = f"{agent} {clip(clean(bust.thread), 8)}"
    name = line(
        (f"{agent} " if agent else "", "$foreground"),
        (f"#{bust.request}", "$bright bold"),
        (f" {words.wording(why).subject}", "$label"),
    )
    happened, remedy = clean(words.happened(why)), clean(words.remedy(why))
    said = [line(text) for text in wrap(happened, max(1, width))]
    said += [line((text, "$label")) for text in wrap(remedy, max(1, width))]
    said += _flowing(_loss(session, bust), width, max(1, rows - len(said)))
    value = line((wasted(bust, session, unit), "$warning"), (_WASTED_WORDS[unit], "$label"))
    return Frame(name, said, value=value, tone="border-focus")


def _loss(session: Session, bust: Bust) -> list[Content]:
    """How much of the prefix went, what the cause rests on, what writing it again cost."""
    said = [line((reach, "$label"))] if (reach := clean(words.reach(bust.why))) else []
    if bust.why is not None and bust.why.confidence != "unknown":
        said.append(line(("evidence ", "$label"), clean(words.evidence(bust.why))))
    if paid := _paid(session, bust):
        said.append(line(*paid))
    if bust.why is not None and bust.why.idle is not None:
        said.append(line(("pause ", "$label"), fmt.age(bust.why.idle)))
    return said


def _flowing(said: Sequence[Content], width: int, limit: int) -> list[Content]:
    """Facts in at most ``limit`` rows, as many in each as fit."""
    rows: list[Content] = []
    for fact in said:
        if rows and rows[-1].cell_length + 3 + fact.cell_length <= width:
            rows[-1] = line(rows[-1], "   ", fact)
        elif len(rows) < limit:
            rows.append(fact)
        else:
            break
    return rows


def _paid(session: Session, bust: Bust) -> Sequence[Part]:
    """What rewriting cost and what reading would have; nothing without a price."""
    requests = thread_of(session, bust.thread)
    request = requests[bust.request - 1] if 0 < bust.request <= len(requests) else None
    if request is None or request.split is None or bust.avoidable is None:
        return ()
    paid = request.split.rewrite
    read = fmt.money(max(0.0, paid - bust.avoidable))
    return (("rewriting cost ", "$label"), fmt.money(paid), (", reading ", "$label"), read)
