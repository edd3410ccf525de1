"""The panels Context, Next request and Cache as pure functions: a session in, a Frame out.

Labels are quiet, values normal, figures bright. A row that does not fit drops its last facts
rather than cutting a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from textwrap import wrap

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.measures import TTL_SECONDS
from ccmon.requests import MAIN, Bust
from ccmon.snapshot import Cache, Context, Session
from ccmon.tui.safe import Part, clean, facts, fitting, line, spread
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.gauge import TICK, level_gauge, zone
from ccmon.tui.widgets.header import no_request
from ccmon.tui.widgets.panel import Frame, title

_TTL_BAR = 12
_WORTH_TELLING = 0.005
"""A share below is told as 0%."""
EXPIRES_SOON = 600.0
"""Seconds before the cache goes cold from which the time left is a warning."""


def no_request_rows(session: Session, width: int) -> list[Content]:
    """What stands in a panel about the main thread before it has a request."""
    return [line((text, "$label")) for text in wrap(no_request(session), max(1, width))]


def countdown_moves(cache: Cache | None, before: float, now: float) -> bool:
    """Whether what is said of the time left, as drawn at ``before``, is to be drawn again.

    The time left moves each second in the last ten minutes, else each minute; the age of a cold
    cache with each unit it is told in.
    """
    if cache is None:
        return False
    if cache.state_at(before) != cache.state_at(now):
        return True
    left, shown = cache.left_at(now), cache.left_at(before)
    if left is not None and shown is not None:
        return left < EXPIRES_SOON or int(left) // 60 != int(shown) // 60
    return fmt.age(cache.cold_for(now)) != fmt.age(cache.cold_for(before))


def crossing_share(context: Context) -> float | None:
    """Where in the window re-reading begins to lead."""
    if context.window and context.crossing_point is not None:
        return context.crossing_point / context.window
    return None


def fill_text(context: Context) -> tuple[str, str]:
    """The fill in percent, in the colour of its zone."""
    if context.fill is None:
        return fmt.UNKNOWN, "$label"
    level = zone(context.fill, crossing_share(context))
    return fmt.percent(context.fill), f"${'bright' if level == 'accent' else level} bold"


def context_frame(session: Session, width: int, *, flat: bool, extra: bool = False) -> Frame:
    """How full the context is and how it grows; ``extra`` adds the last compaction."""
    context = session.context
    if context is None:
        return Frame(title("Context"), no_request_rows(session, width))
    window = fmt.tokens(context.window) if context.window else fmt.UNKNOWN
    start = line((fmt.tokens(context.tokens), "$bright"), (f" of {window}", "$label"), "  ")
    percent, style = fill_text(context)
    room = width - start.cell_length - 5
    gauge = level_gauge(context.fill, crossing_share(context), room, flat=flat)
    rows = [line(start, *gauge, (percent.rjust(5), style)), _growth_row(context, width)]
    if context.compacted_to is not None:
        rows.append(_compacted_row(context.compacted_to))
    elif context.crossing_point is not None:
        point = fmt.tokens(context.crossing_point)
        words = ": past it re-reading leads"
        rows.append(line((TICK, "$bright bold"), (" = ", "$label"), point, (words, "$label")))
    if extra and session.compactions:
        rows.append(_compaction_row(session, width))
    return Frame(title("Context"), rows)


def _compacted_row(tokens: int) -> Content:
    """A compaction that no request followed yet: the gauge still shows what was before."""
    return line(("▾", "$accent"), (" compacted to ", "$label"), f"~{fmt.tokens(tokens)}")


def _growth_row(context: Context, width: int) -> Content:
    growth, turns = context.growth_per_request, context.requests_per_turn
    left: list[Sequence[Part]] = []
    if growth is not None:
        left.append([fmt.growth(round(growth)), ("/request", "$label")])
    if turns is not None:
        left.append([f"{turns:.0f}", (" req/prompt", "$label")])
    right = None
    if growth is not None and growth > 0 and context.window:
        requests = max(0, int((context.window - context.tokens) / growth))
        right = line(("full in ", "$label"), f"~{requests:,}")
    room = width - (right.cell_length + 2 if right is not None else 0)
    return spread(width, facts(room, *left) if left else line(""), right)


def _compaction_row(session: Session, width: int) -> Content:
    last = session.compactions[-1]
    start = line(
        ("▾", "$accent"),
        (" compaction ", "$label"),
        f"#{last.before_request}",
        (f" {clean(last.trigger)}", "$label"),
    )
    end = line(fmt.tokens(last.context_before), (" -> ", "$label"), fmt.tokens(last.context_after))
    return spread(width, start, end)


def next_frame(session: Session, width: int, now: float, *, extra: bool = False) -> Frame:
    """What the next request costs, cache warm and cold; ``extra`` adds compacting now."""
    price, drag = session.next_request, session.drag
    if price is None:
        return Frame(title("Next request"), no_request_rows(session, width))
    cold_now = session.cache is not None and session.cache.state_at(now) == "cold"
    pad = 9 if extra else 6
    warm_style, cold_style = ("", "$bright bold") if cold_now else ("$bright bold", "$bright")
    split = parts = None
    if price.reread is not None and price.fresh is not None:
        split = line(
            ("re-read ", "$label"), fmt.amount(price.reread), (" + ", "$faint"),
            ("new ", "$label"), fmt.amount(price.fresh),
        )  # fmt: skip
        parts = line(fmt.amount(price.reread), (" + ", "$faint"), fmt.amount(price.fresh))
    times = multiple = None
    if price.cold is not None and price.warm:
        words = "the cache has expired" if cold_now else "when the cache expires"
        multiple = line(fmt.multiple(price.cold / price.warm))
        times = line((words, "$label"), "  ", multiple)
    usd = partial(fmt.money, estimated=price.estimated)
    warm = line(("warm".ljust(pad), "$label"), (usd(price.warm), warm_style))
    cold = line(("cold".ljust(pad), "$label"), (usd(price.cold), cold_style))
    rows = [spread(width, warm, split, parts), spread(width, cold, times, multiple)]
    if drag is not None and extra and drag.compact is not None:
        rows.append(_compact_row(session, width, pad))
    if drag is not None and drag.removes is not None and drag.removes >= _WORTH_TELLING:
        what = (" of each request" if extra else " of it", "$label")
        rows.append(line(("compacting removes ", "$label"), fmt.percent(drag.removes), what))
    return Frame(title("Next request"), rows, value=_in_flight(session, width - 2))


def _in_flight(session: Session, room: int) -> Content | None:
    """Since when the next request is being answered, if it is."""
    text = words.in_flight(session.attempts).removeprefix("request ")
    if len(text) + len("Next request") + 3 > room:
        text = text.partition(" since ")[0]
    return line((text, "$label")) if text else None


def _compact_row(session: Session, width: int, pad: int) -> Content:
    drag, price = session.drag, session.next_request
    end: list[Part] = []
    if drag is not None and drag.compact_cold is not None:
        end += [("cold ", "$label"), fmt.money(drag.compact_cold)]
    if drag is not None and price is not None and price.warm and drag.saving_per_request:
        after = max(0.0, price.warm - drag.saving_per_request)
        end += [(", then ", "$label"), fmt.money(after), ("/request", "$label")]
    compact = fmt.money(drag.compact if drag is not None else None)
    start = line(("compact".ljust(pad), "$label"), (compact, "$bright"))
    return spread(width, start, line(*end) if end else None)


def cache_frame(session: Session, width: int, now: float, *, flat: bool) -> Frame:
    """Is the cache warm, how much is read from it, what busts have cost."""
    cache = session.cache
    if cache is None:
        return Frame(title("Cache"), no_request_rows(session, width))
    rows = [cache_state_row(cache, width, now, flat=flat), _hit_row(cache, width)]
    if cache.busts:
        rows.append(_lost_row(session, cache, width))
        last = next((bust for bust in reversed(session.busts) if bust.thread == MAIN), None)
        rows += [_last_bust_row(last, width)] if last is not None else []
    else:
        rows.append(line(("no busts", "$label")))
        if cache.write_factor is not None:
            factor = fmt.multiple(cache.write_factor)
            rows.append(line(("written ", "$label"), factor, (" the peak context", "$label")))
    return Frame(title("Cache"), rows, value=alert_chip(cache))


def alert_chip(cache: Cache) -> Content | None:
    """HIGH or SEVERE while rewriting takes much of the spend."""
    state = cache.alert.state
    if state == "off":
        return None
    style = "$chip-dominates" if state == "severe" else "$chip-warning"
    return line((f" {state.upper()} ", style))


def state_word(cache: Cache, now: float) -> tuple[str, str]:
    """``WARM``, ``COLD``, ``OFF`` or ``?`` with its style."""
    state = cache.state_at(now)
    if state == "warm":
        return "WARM", "$accent bold"
    return {"cold": ("COLD", "$bright bold"), "off": ("OFF", "$label")}.get(state, ("?", "$label"))


def ttl_bar(cache: Cache, now: float, width: int, *, flat: bool) -> list[Part]:
    """How much of the TTL is left; a warning in the last ten minutes of an hour."""
    left = cache.left_at(now) or 0.0
    total = TTL_SECONDS[cache.ttl or "1h"]
    soon = left < min(EXPIRES_SOON, total / 2)
    style = "$warning-fill" if soon else "$accent-fill"
    return share_bar(left / total, width, style, flat=flat)


def cache_state_row(cache: Cache, width: int, now: float, *, flat: bool) -> Content:
    """``WARM 1h  until 15:04:02   ━━━━━━━━   57:40``."""
    word, style = state_word(cache, now)
    start: list[Part] = [(word, style)]
    if cache.ttl is not None and word in ("WARM", "COLD"):
        start.append(f" {cache.ttl}")
    left, age = cache.left_at(now), cache.cold_for(now)
    if left is None and age is None:
        return line(*start)
    cold = left is None
    until = ("since " if cold else "until ", "$label")
    start += ["  ", until, fmt.clock(cache.expires_at)]
    end = fmt.age(age) if cold else fmt.countdown(left)
    content = line(*start)
    bar = min(_TTL_BAR + max(0, width - 46) // 2, width - content.cell_length - 3 - len(end) - 3)
    countdown = line((end, "$label" if cold else "$foreground"))
    if bar < 4:
        return spread(width, content, countdown)
    gauge = ttl_bar(cache, now, bar, flat=flat)
    return spread(width, line(content, "   ", *gauge), countdown)


def _hit_row(cache: Cache, width: int) -> Content:
    if cache.hit_rate is None:
        return line(("hit  ", "$label"), (fmt.NONE, "$faint"))
    parts: list[Sequence[Part]] = [
        [("hit  ", "$label"), (fmt.rate(cache.hit_rate), "$bright"), (" session", "$label")]
    ]
    if cache.hit_rate_last20 is not None:
        parts.append([(fmt.rate(cache.hit_rate_last20), "$bright"), (" last 20", "$label")])
    return facts(width, *parts)


def _lost_row(session: Session, cache: Cache, width: int) -> Content:
    busts = "bust" if cache.busts == 1 else "busts"
    parts: list[Sequence[Part]] = [
        [
            ("lost ", "$label"), (fmt.money(cache.avoidable, short=True), "$bright"),
            (" in ", "$label"), str(cache.busts), (f" {busts}", "$label"),
        ]
    ]  # fmt: skip
    if session.cost and cache.avoidable is not None:
        parts.append([fmt.percent(cache.avoidable / session.cost), (" of spend", "$label")])
    return facts(width, *parts)


def _last_bust_row(bust: Bust, width: int) -> Content:
    """When, why, how sure that is, and what it cost; shorter words where there is less room."""
    why, clock = bust.why, fmt.clock(bust.at, seconds=False)
    usd = fmt.money(bust.avoidable, short=True, estimated=bust.estimated)
    price = line((usd, "$bright"))
    last, at = line(("last ", "$label"), clock), line(clock)
    if why is None:
        rewrote = line((" rewrote ", "$label"), fmt.tokens(bust.rewritten))
        return spread(width, line(last, f"  #{bust.request}", rewrote), price)
    cause = clean(words.cause(why))
    subject = words.wording(why).subject
    evidence = clean(words.evidence(why))
    sure = evidence if why.confidence == "unknown" else why.confidence
    said = [(last, cause, evidence), (last, cause, sure), (at, cause, sure)]
    said += [(last, subject, sure), (at, subject, sure)]
    room = width - price.cell_length - 2
    choices = [line(when, "  ", what, "  ", (rests, "$label")) for when, what, rests in said]
    return spread(width, fitting(room, *choices, line(at, "  ", subject)), price)
