"""The history as text (``ccmon history``): a table, its totals, and how far it reaches."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence

from ccmon import format, words
from ccmon.history.zones import zone_of
from ccmon.past import By, Group, History, Kept, Sums
from ccmon.report import safe
from ccmon.report.output import whole_output
from ccmon.report.page import stdout_page
from ccmon.report.past_rows import history_csv, history_json
from ccmon.report.table import NICE, Column, render, styled, wrapped
from ccmon.report.text import DIM, YELLOW, Page

_WIDEST = 120
_SESSION_ID_CELLS = 8
_NAME_CELLS: dict[By, int] = {
    "day": 10, "week": 8, "month": 7, "project": 16, "model": 16, "session": 22
}  # fmt: skip
_TOTAL = "total"


def print_history(history: History, *, form: str = "text", ascii_only: bool = False) -> None:
    """Print it as ``text``, ``json`` or ``csv``; as text only where there is any request.

    Raises BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written.
    """
    with whole_output():
        if form != "text":
            # Machines get UTF-8 whatever the locale says, so it goes past the text layer.
            sys.stdout.flush()
            sys.stdout.buffer.write(
                history_json(history) if form == "json" else history_csv(history)
            )
        elif history.totals.requests:
            page = stdout_page(ascii_only, widest=_WIDEST)
            sys.stdout.write(render_history(history, page))


def print_forgotten(dropped: Kept) -> None:
    """Say what was dropped; failures as those of ``print_history``."""
    with whole_output():
        sys.stdout.write(words.forgotten(dropped) + "\n")


def render_history(history: History, page: Page) -> str:
    """The table with its totals, then how far it reaches, in ``page.table_columns`` cells."""
    by = history.query.by
    names = (*(_name(group, by) for group in history.groups), _TOTAL)
    sums = [group.sums for group in history.groups] + [history.totals]
    table = render(
        Column(by, names), _figures(sums), page, name_cells=_NAME_CELLS[by], last_is_sum=True
    )
    return "\n".join((*table, "", *_reach(history, page))) + "\n"


def _name(group: Group, by: By) -> str:
    name = safe.plain(words.group_name(group, by)) or format.UNKNOWN
    if by != "session":
        return name
    start = safe.plain(group.key)[:_SESSION_ID_CELLS]
    return start if group.name in ("", group.key) else f"{start} {name}"


def _figures(sums: Sequence[Sums]) -> list[Column]:
    return [
        Column("reqs", tuple(f"{each.requests:,}" for each in sums)),
        Column("in", tuple(format.tokens(each.usage.prompt_tokens) for each in sums), 4),
        Column("hit", tuple(format.rate(each.hit_rate) for each in sums), NICE),
        Column("out", tuple(format.tokens_short(each.usage.output_tokens) for each in sums), 5),
        Column("cost", tuple(map(_cost, sums))),
        Column("read", tuple(_share(each, each.split.carry) for each in sums), NICE + 1),
        Column("rewr", tuple(_share(each, each.split.rewrite) for each in sums), NICE + 2),
        Column("new", tuple(_share(each, each.split.fresh) for each in sums), NICE + 4),
        Column("outp", tuple(_share(each, each.split.output) for each in sums), NICE + 3),
        Column("busts", tuple(f"{each.busts:,}" if each.busts else "-" for each in sums), 2),
        Column("wasted", tuple(map(_wasted, sums)), 1),
    ]


def _cost(sums: Sums) -> str:
    return format.money(
        sums.cost, lower_bound=sums.cost_is_lower_bound, estimated=sums.estimated, short=True
    )


def _share(sums: Sums, part: float) -> str:
    return format.percent(part / sums.split.total) if sums.split.total else format.NONE


def _wasted(sums: Sums) -> str:
    """What busts cost; where none of the requests has a price nobody knows."""
    if not sums.busts:
        return format.NONE
    return format.money(None if sums.cost is None else sums.avoidable, short=True)


def _reach(history: History, page: Page) -> Iterator[str]:
    kept = history.kept
    files = f"{format.plural(kept.files, 'file')}, {format.size(kept.bytes)}"
    yield from _lines(
        [
            f"since {_first_day(history)}",
            format.plural(history.totals.sessions, "session"),
            files,
            f"days of {safe.plain(history.timezone)}",
            f"prices {history.price_table_date}",
        ],
        page,
    )
    if undated := history.totals.requests - sum(each.sums.requests for each in history.groups):
        yield from wrapped(words.undated(undated), page)
    faults = []
    if kept.malformed_lines:
        faults.append(format.plural(kept.malformed_lines, "malformed line"))
    if kept.unreadable_files:
        faults.append(format.plural(kept.unreadable_files, "unreadable path"))
    if history.totals.unpriced:
        faults.append(f"the price of {format.plural(history.totals.unpriced, 'request')}")
    if faults:
        yield from wrapped("not counted: " + ", ".join(faults), page, YELLOW)
    if missing := words.gone(kept):
        yield from _lines([missing, "dropped by ccmon history --forget"], page, DIM)
    if history.warning:
        yield from wrapped(safe.plain(history.warning), page, YELLOW)
    else:
        yield from wrapped(words.RETENTION, page, DIM)
    yield from wrapped(words.SHARES, page, DIM)


def _first_day(history: History) -> str:
    first = min(
        (group.first_at for group in history.groups if group.first_at is not None), default=None
    )
    if first is None:
        return format.UNKNOWN
    day = zone_of(history.query.timezone).day(first)
    return day.isoformat() if day is not None else format.UNKNOWN


def _lines(facts: Sequence[str], page: Page, style: str = "") -> Iterator[str]:
    """Facts side by side as far as there is room, one below the other where there is none."""
    line = ""
    for fact in facts:
        for part in textwrap.wrap(safe.encodable(fact, page.encoding), page.table_columns):
            joined = f"{line}   {part}" if line else part
            if line and safe.width(joined) > page.table_columns:
                yield styled(line, style, page)
                joined = part
            line = joined
    yield styled(line, style, page)
