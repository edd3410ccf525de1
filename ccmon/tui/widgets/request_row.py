"""One row of the request list as content: which columns fit, how wide, in which colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import MAIN, Compaction, Request
from ccmon.tui.safe import Part, clean, clip, fit, left, line, right
from ccmon.tui.widgets.columns import make_room
from ccmon.tui.widgets.verdict import cause_within

MIN_STEP = 18
"""Cells that the last column keeps; other columns go until it has them."""
BIG_GROWTH = 10_000
LOW_READ = 0.6
MARK = 2
"""Cells at the left for cursor and bust mark."""
EDGE = 1
"""Blank cells at the right."""
PRICE = 6
"""Cells of a column of money."""

Value = Callable[[Request], float | str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``drop`` says how early it goes when there is little room (0: never)."""

    name: str
    width: int
    gap: int
    drop: int = 0
    key: Value | None = None


COLUMNS: tuple[Column, ...] = (
    Column("#", 3, 0, key=lambda row: row.n),
    Column("time", 8, 2, drop=7, key=lambda row: row.at or 0.0),
    Column("ctx", 6, 2, key=lambda row: row.context),
    Column("new", 7, 1, drop=6, key=lambda row: row.growth),
    Column("read%", 5, 1, drop=4, key=lambda row: row.read_share or 0.0),
    Column("rewrote", 7, 1, drop=3, key=lambda row: row.rewritten),
    Column("out", 6, 1, drop=5, key=lambda row: row.usage.output_tokens),
    Column("think", 5, 1, drop=1, key=lambda row: row.thinking_tokens or 0),
    Column("cost", PRICE, 1, key=lambda row: row.cost or 0.0),
    Column("carry", PRICE, 1, drop=2, key=lambda row: row.split.carry if row.split else 0.0),
)
STEP_GAP = 2
TITLES: dict[str, dict[str, str]] = {
    "usd": {"cost": "$req", "carry": "$carry"},
    "tokens": {"cost": "tokens", "carry": "reread"},
    "share": {"cost": "%req", "carry": "%carry"},
}
SORTS = ("#", "ctx", "new", "read%", "rewrote", "out", "think", "cost", "carry")
"""What ``s`` goes through; ``time`` sorts as ``#``."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a list is drawn: its columns with their widths, its unit, its surroundings.

    ``spend`` is what 100 % means in unit ``share``; ``flat`` where colours of the ground are not
    to be had; ``edge`` is whether the row has cells for marks at its left.
    """

    width: int
    columns: tuple[Column, ...]
    step: int
    unit: str
    spend: float
    flat: bool

    @classmethod
    def fitting(
        cls, width: int, *, digits: int = 3, unit: str = "usd", spend: float = 0.0, flat: bool
    ) -> Shape:
        """The columns that fit; numbers of so many ``digits`` have to."""
        digits = max(3, digits)
        columns = [
            Column("#", digits, 0, key=column.key) if column.name == "#" else column
            for column in COLUMNS
        ]
        step = make_room(columns, width - MARK - STEP_GAP - EDGE, MIN_STEP)
        return cls(width, tuple(columns), step, unit, spend, flat)

    def title(self, column: str) -> str:
        """What stands above a column."""
        return TITLES[self.unit].get(column, column)

    def column_at(self, x: int) -> str | None:
        """The column that cell ``x`` of the title row belongs to; None for the last one."""
        end = MARK
        for column in self.columns:
            end += column.gap + column.width
            if x < end + 1:
                return column.name
        return None


def titles(shape: Shape, sort: str, *, descending: bool) -> Content:
    """The row of column titles; the sorted one bright, with its direction after it."""
    parts: list[Part] = [" " * MARK]
    for index, column in enumerate(shape.columns):
        title = shape.title(column.name)
        at_left = column.name == "time"
        text = left(title, column.width) if at_left else right(title, column.width)
        gap = " " * column.gap
        if index and shape.columns[index - 1].name == sort:
            arrow = "▾" if descending else "▴"
            gap = arrow + " " * (column.gap - 1)
            parts.append((gap, "$bright bold"))
        else:
            parts.append(gap)
        parts.append((text, "$bright bold" if column.name == sort else "$label"))
    last_sorted = shape.columns[-1].name == sort
    arrow = "▾" if descending else "▴"
    parts.append((arrow if last_sorted else " ", "$bright bold"))
    parts.append((" " * (STEP_GAP - 1) + clip("next step", shape.step), "$label"))
    return line(*parts)


@dataclass(frozen=True, slots=True)
class Looks:
    """Styles of one row, by what it is: plain, under the cursor, a bust, or both."""

    cursor: bool
    bust: bool
    flat: bool

    @property
    def ground(self) -> str:
        """Background of the row, as a style."""
        if self.flat:
            return ""
        if self.cursor:
            return "on $cursor"
        return "on $warning-tint" if self.bust else ""

    def ink(self, style: str) -> str:
        """A foreground style on this row's ground; faint text needs the plain ground."""
        if style == "$faint" and (self.cursor or self.bust):
            style = "$label"
        if self.flat and self.cursor and "bold" not in style:
            style += " bold"
        return f"{style} {self.ground}".strip()

    def raised(self, style: str) -> str:
        """What is bright under the cursor."""
        return self.ink("$bright" if self.cursor else style)

    def alarm(self, style: str) -> str:
        """What is amber on a bust."""
        return self.ink("$warning bold" if self.bust else style)


def request_row(row: Request, shape: Shape, *, cursor: bool, clock: Callable[..., str]) -> Content:
    """One request, exactly ``shape.width`` cells."""
    looks = Looks(cursor, row.bust, shape.flat)
    mark = "▌" if cursor else "!" if row.bust else " "
    mark_style = looks.ink("$accent" if cursor else "$warning bold")
    parts: list[Part] = [(mark, mark_style), (" ", looks.ink("$label"))]
    for column in shape.columns:
        text, style = _cell(column.name, row, shape, looks, clock)
        cell = left(text, column.width) if column.name == "time" else right(text, column.width)
        parts += [(" " * column.gap, looks.ink("$label")), (cell, style)]
    parts.append((" " * STEP_GAP, looks.ink("$label")))
    parts += _step(row, shape.step, looks)
    parts.append((" " * EDGE, looks.ink("$label")))
    return line(*parts)


def _cell(
    name: str, row: Request, shape: Shape, looks: Looks, clock: Callable[..., str]
) -> tuple[str, str]:
    """Text and style of one cell."""
    usage = row.usage
    if name == "#":
        number = str(row.n) if row.thread == MAIN else f"·{row.n}"
        return number, looks.raised("$label")
    if name == "time":
        return clock(row.at), looks.ink("$label")
    if name == "ctx":
        return fmt.tokens(row.context), looks.raised("$foreground")
    if name == "new":
        large = row.growth >= BIG_GROWTH
        return fmt.growth(row.growth), looks.raised("$bright" if large else "$label")
    if name == "read%":
        share = row.read_share
        low = share is not None and share < LOW_READ
        return fmt.whole_percent(share), looks.alarm("$foreground" if low else "$label")
    if name == "rewrote":
        return _or_none(row.rewritten, fmt.tokens, looks, looks.alarm("$foreground"))
    if name == "out":
        bound = "≥" if row.output_is_lower_bound else ""
        return f"{bound}{_count(usage.output_tokens)}", looks.ink("$label")
    if name == "think":
        return _or_none(row.thinking_tokens, _count, looks, looks.ink("$label"))
    if name == "cost":
        return _amount(row, shape, whole=True), looks.alarm("$bright")
    return _amount(row, shape, whole=False), looks.ink("$label")


def _count(count: int) -> str:
    """In full as long as that fits the column beside a mark."""
    return fmt.exact(count) if count < 10_000 else fmt.tokens_short(count)


def _or_none(
    count: int | None, text: Callable[[int], str], looks: Looks, style: str
) -> tuple[str, str]:
    if not count:
        return fmt.NONE, looks.ink("$faint")
    return text(count), style


def _amount(row: Request, shape: Shape, *, whole: bool) -> str:
    """Price or re-reading of a request in the list's unit."""
    if shape.unit == "tokens":
        read = row.usage.cache_read_input_tokens
        return fmt.tokens(row.usage.prompt_tokens + row.usage.output_tokens if whole else read)
    if row.split is None or row.cost is None:
        return fmt.UNKNOWN
    usd = row.cost if whole else row.split.carry
    if shape.unit == "share":
        return f"{usd / shape.spend * 100:.1f}%" if shape.spend else fmt.NONE
    mark = "≥" if row.output_is_lower_bound else "~" if row.estimated else ""
    return _price(usd, mark if whole else "")


def _price(usd: float, mark: str) -> str:
    """With as many decimals, three at most, as the column has room for."""
    texts = [f"{mark}{usd:.{digits}f}" for digits in (3, 2, 1, 0)]
    return next((text for text in texts if len(text) <= PRICE), texts[-1])


def _step(row: Request, width: int, looks: Looks) -> list[Part]:
    """What the model did next; a prompt or a bust says so first."""
    if row.bust:
        text = _missed(row, width - len("BUST "))
        return _words("BUST", text, width, looks.ink("$warning bold"), looks.ink("$foreground"))
    if row.starts_turn:
        prompt = clean(row.prompt or "") or "prompt"
        return _words("»", prompt, width, looks.ink("$accent"), looks.ink("$foreground"))
    verb, label = clean(row.verb), clean(row.label)
    if row.thinks and verb:
        longer = f"{label}, think" if label else "think"
        if line(verb, " ", longer).cell_length <= width:
            label = longer
    return _words(verb, label, width, looks.ink("$foreground"), looks.ink("$label"))


def _missed(row: Request, width: int) -> str:
    """What broke the cache, or how much it lacked where nobody says."""
    if row.why is not None:
        return cause_within(row.why, width)
    return f"got {fmt.tokens(row.cached)} of {fmt.tokens(row.expected_read)}"


def _words(head: str, tail: str, width: int, head_style: str, tail_style: str) -> list[Part]:
    first = clip(head, width)
    rest = left(f" {tail}" if tail else "", max(0, width - line(first).cell_length))
    return [(first, head_style), (rest, tail_style)]


def divider(compaction: Compaction, width: int, *, flat: bool) -> Content:
    """A compaction between two requests, as a dashed rule over the whole width."""
    before, after = compaction.context_before, compaction.context_after
    cost = compaction.cost
    exact = compaction.method == "exact"
    facts: list[list[Part]] = [
        [("▾ ", "$accent"), ("compaction", "$accent"), (f" {clean(compaction.trigger)}", "$label")],
        [(f"{fmt.tokens(before)} -> {fmt.tokens(after)}", "$foreground")],
        [("saved ", "$label"), (fmt.tokens(before - after), "$bright")],
    ]
    if not exact:
        price = fmt.money(cost, estimated=cost is not None, short=True)
        facts.append([(price, "$foreground"), (" not in the transcript", "$label")])
    rule = "$border" if flat else "$border-focus"
    while True:
        inside = line(*(part for fact in facts for part in (*fact, "   ")))
        inside = inside[: max(0, inside.cell_length - 3)]
        room = width - inside.cell_length - 2
        if room >= 4 or len(facts) == 1:
            break
        facts.pop()
    ahead = min(7, max(2, room // 4))
    behind = max(0, width - inside.cell_length - 2 - ahead)
    return fit(line(("╌" * ahead, rule), " ", inside, " ", ("╌" * behind, rule)), width)
