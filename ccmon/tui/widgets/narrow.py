"""Narrow wordings: gauges as one line each, and the one line that remains below 40 columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.snapshot import Cache, Session
from ccmon.tui.safe import Part, facts, left, line, spread
from ccmon.tui.widgets.drag import chip, facts_row, no_ratio
from ccmon.tui.widgets.gauge import level_gauge
from ccmon.tui.widgets.vitals import alert_chip, crossing_share, fill_text, state_word, ttl_bar

_NAME = 7
_TTL_BAR = 8


def gauge_rows(session: Session, width: int, now: float, *, flat: bool) -> list[Content]:
    """CTX, NEXT and CACHE, a row each, one blank at both sides."""
    inner = width - 2
    rows = (
        _context_row(session, inner, flat=flat),
        _next_row(session, inner, now),
        _cache_row(session, inner, now, flat=flat),
    )
    return [line(" ", row, " ") for row in rows]


def _named(name: str) -> Content:
    return line((left(name, _NAME), "$label"))


def _context_row(session: Session, width: int, *, flat: bool) -> Content:
    context = session.context
    if context is None:
        return line(_named("CTX"), (fmt.NONE, "$faint"))
    window = fmt.tokens(context.window) if context.window else fmt.UNKNOWN
    start = line(
        _named("CTX"),
        (fmt.tokens_short(context.tokens), "$bright"),
        (f"/{window}", "$label"),
        "  ",
    )
    percent, style = fill_text(context)
    end: list[Part] = [(percent.rjust(5), style)]
    if context.growth_per_request is not None:
        end += ["  ", fmt.growth(round(context.growth_per_request)), ("/req", "$label")]
    tail = line(*end)
    room = width - start.cell_length - tail.cell_length
    return line(start, *level_gauge(context.fill, crossing_share(context), room, flat=flat), tail)


def _next_row(session: Session, width: int, now: float) -> Content:
    price = session.next_request
    if price is None:
        return line(_named("NEXT"), (fmt.NONE, "$faint"))
    cold = session.cache is not None and session.cache.state_at(now) == "cold"
    usd = partial(fmt.money, short=True, estimated=price.estimated)
    groups: list[Sequence[Part]] = [
        [_named("NEXT"), ("warm ", "$label"),
         (usd(price.warm), "" if cold else "$bright bold")],
        [("cold ", "$label"),
         (usd(price.cold), "$bright bold" if cold else "$bright")],
    ]  # fmt: skip
    if price.warm and price.cold is not None:
        groups[-1] = [*groups[-1], (f" {fmt.multiple(price.cold / price.warm)}", "$label")]
    if sent := words.in_flight(session.attempts):
        groups.append([(sent.removeprefix("request ").partition(" since ")[0], "$label")])
    return facts(width, *groups, gap="    ")


def _cache_row(session: Session, width: int, now: float, *, flat: bool) -> Content:
    cache = session.cache
    if cache is None:
        return line(_named("CACHE"), (fmt.NONE, "$faint"))
    groups: list[Sequence[Part]] = [[_named("CACHE"), *_state(cache, now, flat=flat)]]
    rate = cache.hit_rate_last20 if cache.hit_rate_last20 is not None else cache.hit_rate
    if rate is not None:
        groups.append([("hit ", "$label"), fmt.rate(rate)])
    end = None
    if cache.busts:
        word = " bust " if cache.busts == 1 else " busts "
        alert = alert_chip(cache)
        end = line(
            *((alert, " ") if alert is not None else ()),
            str(cache.busts), (word, "$label"), fmt.money(cache.avoidable, short=True),
        )  # fmt: skip
    room = width - (end.cell_length + 2 if end is not None else 0)
    return spread(width, facts(room, *groups), end)


def _state(cache: Cache, now: float, *, flat: bool) -> list[Part]:
    word, style = state_word(cache, now)
    left_now = cache.left_at(now)
    if left_now is None:
        return [(word, style)]
    bar = ttl_bar(cache, now, _TTL_BAR, flat=flat)
    return [(word, style), f" {fmt.countdown(left_now)} ", *bar]


def drag_row(session: Session, width: int) -> Content:
    """The facts of the Drag panel; where there is no title for the chip it comes first."""
    if session.drag is None or session.drag.o is None:
        return no_ratio(session)
    return facts_row(session.drag, width, brevity=3)


def drag_line(session: Session, width: int) -> Content:
    """``DRAG`` as one row with its chip, for screens of a few rows."""
    start = line(" ", _named("DRAG"), chip(session.drag), "  ")
    return line(start, drag_row(session, width - start.cell_length - 1))


def one_line(session: Session, width: int, now: float) -> Content:
    """What matters most in one row of any width."""
    context, price, cache = session.context, session.next_request, session.cache
    groups: list[Sequence[Part]] = []
    if context is not None:
        percent, style = fill_text(context)
        groups.append([(fmt.tokens_short(context.tokens), "$bright"), " ", (percent, style)])
    if session.drag is not None and session.drag.state != "off":
        groups.append([chip(session.drag)])
    if price is not None and cache is not None:
        cold = cache.state_at(now) == "cold"
        usd = fmt.money(price.cold if cold else price.warm, short=True, estimated=price.estimated)
        groups.append([(usd, "$bright bold")])
    if cache is not None:
        word, style = state_word(cache, now)
        left_now = cache.left_at(now)
        left_text = f" {fmt.countdown(left_now)}" if left_now is not None else ""
        groups.append([(word, style), left_text])
    return facts(width, *groups, gap=" ") if groups else line(("-", "$faint"))
