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


def print_history(
    history: History, *, form: str = "text", ascii_only: bool = False, top: int | None = None
) -> None:
    """Print it as ``text``, ``json`` or ``csv``; as text only where there is any request.

    ``top`` is how many groups are shown, from the first one on; None: all of them. Raises
    BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written.
    """
    with whole_output():
        if form != "text":
            # Machines get UTF-8 whatever the locale says, so it goes past the text layer.
            sys.stdout.flush()
            sys.stdout.buffer.write(
                history_json(history, top) if form == "json" else history_csv(history, top)
            )
        elif history.totals.requests:
            page = stdout_page(ascii_only, widest=_WIDEST)
            sys.stdout.write(render_history(history, page, top))


def print_forgotten(dropped: Kept, before: History, after: History) -> None:
    """Say what was dropped, and by how much the total is less; failures as of ``print_history``.

    ``before`` and ``after`` are the whole history, by session.
    """
    with whole_output():
        sys.stdout.write(words.forgotten(dropped, _difference(before, after)) + "\n")


def _difference(before: History, after: History) -> str:
    """The money that is no longer in the total, marked as the sessions that lost it were."""
    left = {group.key: group.sums.cost for group in after.groups}
    less = [group.sums for group in before.groups if left.get(group.key) != group.sums.cost]
    cost = None
    if before.totals.cost is not None and any(sums.cost is not None for sums in less):
        cost = max(0.0, before.totals.cost - (after.totals.cost or 0.0))
    return format.money(
        cost,
        lower_bound=any(sums.cost_is_lower_bound for sums in less),
        estimated=any(sums.estimated for sums in less),
        short=True,
    )


def render_history(history: History, page: Page, top: int | None = None) -> str:
    """The table with its totals, then how far it reaches, in ``page.table_columns`` cells.

    ``top`` is how many groups stand in it; the totals are of all of them.
    """
    by = history.query.by
    groups = history.groups[:top]
    names = (*(_name(group, by) for group in groups), _TOTAL)
    sums = [group.sums for group in groups] + [history.totals]
    table = render(
        Column(by, names), _figures(sums), page, name_cells=_NAME_CELLS[by], last_is_sum=True
    )
    below = [*_left_out(history, len(groups), page), *_reach(history, page)]
    below += wrapped(words.shares(table.titles), page, DIM)
    return "\n".join((*table.lines, "", *below)) + "\n"


def _name(group: Group, by: By) -> str:
    name = safe.plain(words.group_name(group, by)) or format.UNKNOWN
    if by != "session":
        return name
    start = safe.plain(group.key)[:_SESSION_ID_CELLS]
    return start if group.name in ("", group.key) else f"{start} {name}"


def _figures(sums: Sequence[Sums]) -> list[Column]:
    places = format.money_column(each.cost for each in sums)
    return [
        Column("reqs", tuple(f"{each.requests:,}" for each in sums)),
        Column("in", tuple(format.tokens(each.usage.prompt_tokens) for each in sums), 4),
        Column("hit", tuple(format.rate(each.hit_rate) for each in sums), NICE),
        Column("out", tuple(format.tokens_short(each.usage.output_tokens) for each in sums), 5),
        Column("cost", tuple(_cost(each, places) for each in sums)),
        Column("read", tuple(_share(each, each.split.carry) for each in sums), NICE + 1),
        Column("rewr", tuple(_share(each, each.split.rewrite) for each in sums), NICE + 2),
        Column("new", tuple(_share(each, each.split.fresh) for each in sums), NICE + 4),
        Column("outp", tuple(_share(each, each.split.output) for each in sums), NICE + 3),
        Column("busts", tuple(f"{each.busts:,}" for each in sums), 2),
        Column("wasted", tuple(_wasted(each, places) for each in sums), 1),
    ]


def _cost(sums: Sums, places: int) -> str:
    return format.money_to(
        sums.cost, places, lower_bound=sums.cost_is_lower_bound, estimated=sums.estimated
    )


def _share(sums: Sums, part: float) -> str:
    return format.percent(part / sums.split.total) if sums.split.total else format.NONE


def _wasted(sums: Sums, places: int) -> str:
    """What busts cost; where none of the requests has a price nobody knows."""
    if not sums.busts:
        return format.NONE
    return format.money_to(None if sums.cost is None else sums.avoidable, places)


def _left_out(history: History, shown: int, page: Page) -> Iterator[str]:
    """That there are more groups than the table has."""
    if shown < len(history.groups):
        every = format.plural(len(history.groups), history.query.by)
        yield from wrapped(f"the {shown:,} dearest of {every}; the total is of all", page)


def _reach(history: History, page: Page) -> Iterator[str]:
    """Which part of the past this is, and what of that is not counted or gone from disk."""
    query, kept = history.query, history.asked or history.kept
    yield from _lines(_scope(history, kept), page)
    if undated := history.totals.requests - sum(each.sums.requests for each in history.groups):
        yield from wrapped(words.undated(undated), page)
    if faults := _faults(history, kept):
        yield from wrapped("not counted: " + ", ".join(faults), page, YELLOW)
    if missing := words.gone(kept):
        # It drops what is gone of everything, so it is no answer to a part.
        remedy = [] if query.is_part else ["dropped by ccmon history --forget"]
        yield from _lines([missing, *remedy], page, DIM)
    if history.warning:
        yield from wrapped(safe.plain(history.warning), page, YELLOW)
    elif not query.is_part:
        yield from wrapped(words.RETENTION, page, DIM)


def _scope(history: History, kept: Kept) -> list[str]:
    """What was asked for, as facts; the files are all those of its sessions."""
    query = history.query
    facts = [words.span(query, _first_day(history))]
    if query.project is not None:
        facts.append(f"project {safe.plain(query.project)}")
    facts.append(format.plural(history.totals.sessions, "session"))
    facts.append(f"{format.plural(kept.files, 'file')}, {format.size(kept.bytes)}")
    return [*facts, f"days of {safe.plain(history.timezone)}", f"prices {history.price_table_date}"]


def _faults(history: History, kept: Kept) -> list[str]:
    """What could not be counted; nobody knows whose an unreadable path is."""
    faults = [
        (kept.malformed_lines, "malformed line"),
        (history.kept.unreadable_files, "unreadable path"),
    ]
    told = [format.plural(count, noun) for count, noun in faults if count]
    if unpriced := history.totals.unpriced:
        told.append(f"the price of {format.plural(unpriced, 'request')}")
    return told


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
