"""What stands around the tables of the past: how far it is read, the row under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.past import By, Candidate, Group, History, Scanning, Sums
from ccmon.tui.safe import Part, clean, clip, clip_start, facts, fitting, line, spread
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.group_row import cost_of, split_parts, wasted_of
from ccmon.tui.widgets.panel import Frame

GROUP_ROWS = 3
MEMORY_ROWS = 4
UNAVAILABLE = "The history is not available here."
_BAR = 20
_LIST_FROM = 70
"""Cells of a row in which there is room to say that prices are list prices."""


def progress_row(what: str, done: Scanning, noun: str, width: int, *, flat: bool) -> Content:
    """``reading 41 of 163 transcripts  ━━━━━  212 MB of 840 MB``."""
    share = done.bytes_done / done.bytes if done.bytes else None
    bar = share_bar(share, min(_BAR, max(1, width - 4)), "$accent-fill", flat=flat)
    counted: list[Part] = [
        (f"{what} ", "$label"), f"{done.files_done:,}", (" of ", "$label"), f"{done.files:,}",
        (f" {noun}", "$label"),
    ]  # fmt: skip
    groups: list[Sequence[Part]] = [counted, bar]
    if done.bytes:
        groups.append([(f"{fmt.size(done.bytes_done)} of {fmt.size(done.bytes)}", "$label")])
    return line(" ", facts(max(1, width - 2), *groups))


@dataclass(frozen=True, slots=True)
class Telling:
    """How the panel tells: in how many cells and which unit, at which moment.

    ``so_far``: there is more to read.
    """

    width: int
    unit: str
    now: float
    flat: bool
    so_far: bool


def totals_row(history: History, telling: Telling) -> Content:
    """What all of it adds up to, and what is no longer on disk."""
    sums = history.totals
    name = "so far " if telling.so_far else "all "
    whole: list[Part] = [(name, "$label"), (cost_of(sums), "$bright")]
    if telling.width >= _LIST_FROM:
        whole.append((" list", "$label"))
    read: list[Part] = [fmt.tokens(sums.usage.prompt_tokens), (" in", "$label")]
    counted: list[Part] = [
        f"{sums.requests:,}", (" requests of ", "$label"), f"{sums.sessions:,}",
        (" sessions" if sums.sessions != 1 else " session", "$label"),
    ]  # fmt: skip
    groups: list[Sequence[Part]] = [whole, counted]
    if telling.unit == "tokens":
        groups.insert(0, [(name, "$label"), *read])
        groups[1] = whole[1:]
    if sums.unpriced:
        groups.append([(f"{sums.unpriced:,} without a price", "$label")])
    width, gone = telling.width, words.gone(history.asked or history.kept)
    if not gone:
        return facts(width, *groups)
    end = line((gone, "$label"))
    return spread(width, facts(max(1, width - end.cell_length - 2), *groups), end)


def group_frame(group: Group, history: History, telling: Telling) -> Frame:
    """Three lines: where the money of the group went, what was done for it, and all groups."""
    by, width = history.query.by, telling.width
    name = clip(clean(words.group_name(group, by)), max(8, width - 30))
    heading = line((name, "$title"))
    if by == "session":
        heading = line(heading, " ", (clean(group.key)[:8], "$label"))
    rows = [_shares(group.sums, telling), _done(group, by, telling), totals_row(history, telling)]
    value = line((_figure(group.sums, history.totals, telling.unit), "$bright"))
    return Frame(heading, rows, value=value, tone="border-focus")


def _figure(sums: Sums, totals: Sums, unit: str) -> str:
    """What leads in the table: money, tokens, or the share of all the money."""
    if unit == "tokens":
        return f"{fmt.tokens(sums.usage.prompt_tokens)} in"
    if unit == "share":
        if sums.cost is None or not totals.cost:
            return fmt.UNKNOWN
        return f"{fmt.rate(sums.cost / totals.cost)} of all"
    return cost_of(sums)


def _shares(sums: Sums, telling: Telling) -> Content:
    """What the money, or the tokens, were: four parts, in the colours of the table's bars."""
    if telling.unit == "tokens":
        read, rewritten = sums.usage.cache_read_input_tokens, sums.rewritten
        fresh = sums.usage.prompt_tokens - read - rewritten
        parts: tuple[float, ...] = (read, rewritten, fresh, sums.usage.output_tokens)
        figures = [fmt.tokens(part) for part in parts]
    else:
        parts = tuple(part for part, _ in split_parts(sums.split))
        figures = [fmt.money(part, short=True) for part in parts]
    whole = sum(parts)
    styles = [style for _, style in split_parts(sums.split)]
    names = ("re-read", "rewrite", "new", "output")
    long, short = [], []
    for name, style, part, figure in zip(names, styles, parts, figures, strict=True):
        share = fmt.percent(part / whole) if whole else fmt.NONE
        mark: list[Part] = [] if telling.flat else [("━ ", style)]
        short.append(line(*mark, (f"{name} ", "$label"), share))
        long.append(line(short[-1], f" {figure if whole else fmt.UNKNOWN}"))
    choices = [(gap, row) for row in (long, short) for gap in ("   ", "  ", " ")]
    return fitting(telling.width, *(Content(gap).join(row) for gap, row in choices))


def _done(group: Group, by: By, telling: Telling) -> Content:
    sums, width = group.sums, telling.width
    groups: list[Sequence[Part]] = [
        [f"{sums.requests:,}", (" requests", "$label")],
        [fmt.tokens(sums.usage.prompt_tokens), (" in", "$label")],
        [fmt.tokens_short(sums.usage.output_tokens), (" out", "$label")],
        [("hit ", "$label"), fmt.rate(sums.hit_rate)],
    ]
    if telling.unit != "usd":
        groups.insert(0, [(cost_of(sums), "$bright")])
    if sums.busts:
        wasted = (f"{fmt.money(wasted_of(sums), short=True)} wasted", "$warning")
        groups.append([(f"{fmt.plural(sums.busts, 'bust')} ", "$label"), wasted])
    if group.models:
        groups.append([", ".join(fmt.model(clean(model)) for model in group.models)])
    if group.subagents:
        groups.append([f"{group.subagents:,}", (" sub-agents", "$label")])
    end = None
    if group.on_disk < 1:
        kept = fmt.whole_percent(group.on_disk)
        end = line((f"{kept} still on disk" if group.on_disk else "no longer on disk", "$label"))
    elif group.last_at is not None and by == "session":
        age = fmt.age(max(0.0, telling.now - group.last_at))
        end = line((f"last {age} ago", "$label"))
    return spread(width, facts(width - (end.cell_length + 2 if end else 0), *groups), end)


def candidate_frame(
    candidate: Candidate, project: str, counted: str, width: int, now: float
) -> Frame:
    """Four lines: what to do, how often it was found out, what that costs, what it rests on."""
    project = clip_start(clean(project), 24)
    key = clip(clean(words.candidate_name(candidate)), max(8, width - len(project) - 24))
    style = "$accent" if candidate.recommended else "$foreground"
    found: list[Sequence[Part]] = [
        [
            ("found out ", "$label"), f"{candidate.reads:,}", (" times in ", "$label"),
            f"{candidate.sessions:,}", (" sessions", "$label"),
        ],
        [words.stability(candidate)],
        [fmt.tokens(candidate.tokens), (" tokens each session", "$label")],
    ]  # fmt: skip
    if candidate.last_at is not None:
        found.append([("last ", "$label"), f"{fmt.age(max(0.0, now - candidate.last_at))} ago"])
    per_session = (candidate.session_saving, candidate.memory_cost, candidate.net)
    places = fmt.money_column(per_session)
    saves, costs, net = (fmt.money_to(usd, places, estimated=True) for usd in per_session)
    money: list[Sequence[Part]] = [
        [("saves ", "$label"), (saves, "$bright")],
        [("costs ", "$label"), (costs, "$bright")],
        [("net ", "$label"), (net, "$bright"), (" a session", "$label")],
        [
            ("memory ", "$label"), f"~{fmt.tokens(candidate.memory_tokens)}",
            (" tokens", "$label"),
        ],
    ]  # fmt: skip
    rows = [
        fitting(width, line((words.advice(candidate), style))),
        facts(width, *found),
        facts(width, *money),
        fitting(
            width,
            line((f"{counted}; tokens and money are estimates", "$label")),
            line((f"{counted}; all estimates", "$label")),
        ),
    ]
    heading = line((key, "$title"), " ", (f"{candidate.kind} of {project}", "$label"))
    paid = fmt.money(candidate.cost, estimated=True, short=True)
    value = line((paid, "$bright"), (" paid", "$label"))
    return Frame(heading, rows, value=value, tone="border-focus")
