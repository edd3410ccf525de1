"""What stands around the tables of the past: how far it is read, the row under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.past import By, Candidate, Group, History, Scanning
from ccmon.tui.safe import Part, clean, clip, facts, fitting, line, spread
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.group_row import all_tokens, cost_of
from ccmon.tui.widgets.panel import Frame

GROUP_ROWS = 3
MEMORY_ROWS = 4
UNAVAILABLE = "The history is not available here."
_BAR = 20


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


def totals_row(history: History, width: int) -> Content:
    """What all of it adds up to, and what is no longer on disk."""
    sums = history.totals
    whole: list[Part] = [("all ", "$label"), (cost_of(sums), "$bright"), (" list", "$label")]
    counted: list[Part] = [
        f"{sums.requests:,}", (" requests of ", "$label"), f"{sums.sessions:,}",
        (" sessions" if sums.sessions != 1 else " session", "$label"),
    ]  # fmt: skip
    groups: list[Sequence[Part]] = [whole, counted]
    if sums.unpriced:
        groups.append([(f"{sums.unpriced:,} without a price", "$label")])
    gone = words.gone(history.kept)
    if not gone:
        return facts(width, *groups)
    end = line((gone, "$label"))
    return spread(width, facts(max(1, width - end.cell_length - 2), *groups), end)


def group_frame(group: Group, by: By, history: History, width: int, now: float) -> Frame:
    """Three lines: where the money of the group went, what was done for it, and all groups."""
    sums, split = group.sums, group.sums.split
    name = clip(clean(words.group_name(group, by)), max(8, width - 30))
    heading = line((name, "$title"))
    if by == "session":
        heading = line(heading, " ", (clean(group.key)[:8], "$label"))
    whole = split.total
    shares: list[list[Part]] = []
    for label, part in (
        ("re-read", split.carry), ("rewrite", split.rewrite), ("new", split.fresh),
        ("output", split.output),
    ):  # fmt: skip
        share = fmt.percent(part / whole) if whole else fmt.NONE
        money = fmt.money(part, short=True) if whole else fmt.UNKNOWN
        shares.append([(f"{label} ", "$label"), share, f" {money}"])
    rows = [facts(width, *shares), _done(group, by, width, now), totals_row(history, width)]
    value = line((cost_of(sums), "$bright"))
    return Frame(heading, rows, value=value, tone="border-focus")


def _done(group: Group, by: By, width: int, now: float) -> Content:
    sums = group.sums
    groups: list[Sequence[Part]] = [
        [f"{sums.requests:,}", (" requests", "$label")],
        [fmt.tokens(all_tokens(sums)), (" tokens", "$label")],
        [("hit ", "$label"), fmt.rate(sums.hit_rate)],
    ]
    if sums.busts:
        wasted = (f"{fmt.money(sums.avoidable, short=True)} wasted", "$warning")
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
        end = line((f"last {fmt.age(max(0.0, now - group.last_at))} ago", "$label"))
    return spread(width, facts(width - (end.cell_length + 2 if end else 0), *groups), end)


def candidate_frame(candidate: Candidate, counted: str, width: int, now: float) -> Frame:
    """Four lines: what to do, how often it was found out, what that costs, what it rests on."""
    project = clip(clean(candidate.project), 24)
    key = clip(clean(candidate.key), max(8, width - len(project) - 24))
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
    money: list[Sequence[Part]] = [
        [("finding it out ", "$label"), (_each(candidate.session_saving), "$bright")],
        [
            ("carrying ", "$label"), f"~{fmt.tokens(candidate.memory_tokens)}",
            (" tokens ", "$label"), (_each(candidate.memory_cost), "$bright"),
        ],
        [("net ", "$label"), (_each(net(candidate)), "$bright"), (" a session", "$label")],
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
    value = line((_each(candidate.cost), "$bright"), (" paid", "$label"))
    return Frame(heading, rows, value=value, tone="border-focus")


def net(candidate: Candidate) -> float | None:
    """What a memory of it would save per session, its own cost taken off."""
    if candidate.session_saving is None or candidate.memory_cost is None:
        return None
    return candidate.session_saving - candidate.memory_cost


def _each(usd: float | None) -> str:
    return fmt.money(usd, estimated=True, short=True)
