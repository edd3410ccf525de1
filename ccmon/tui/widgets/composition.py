"""Context by source: what fills the context now, and what carrying it has cost so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, clean, left, line, right
from ccmon.tui.sources import Source, sources, total
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.panel import Frame, title

_NAME = 18
"""Wide enough for the title ``now`` to stand after that of the panel."""
_TOKENS = 6
_BILL = 7
_SHARE = 6
_MONEY = 7
_LEAST_BAR = 2
_QUIET = ("attachments", "other results", "summary", "unattributed")
"""Sources that nobody can do much about, or that are small: one step quieter."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Columns of the panel, and their ends for the titles in its edge."""

    name: int
    bar: int
    money: bool

    @classmethod
    def fitting(cls, width: int, *, money: bool) -> _Grid:
        """As wide a bar as there is room for."""
        fixed = _TOKENS + 1 + 1 + _BILL + _SHARE + (_MONEY if money else 0)
        name = max(8, min(_NAME + max(0, (width - 60) // 4), width - fixed - _LEAST_BAR))
        bar = width - fixed - name
        return cls(name, max(0, bar), money)

    @property
    def columns(self) -> list[tuple[int, str]]:
        now = self.name + _TOKENS
        bill = now + 1 + self.bar + 1 + _BILL
        ends = [(now, "now"), (bill, "bill")]
        if self.money:
            ends.append((bill + _MONEY + _SHARE, "$ of in"))
        return ends


def composition_frame(
    session: Session, width: int, height: int, *, flat: bool, wide: bool
) -> Frame:
    """A row for each source by its bill; the smallest share a row where there is no room.

    Shares are of all bills together, which is everything ever read; in the wide form of the money
    for it.
    """
    name = title("Context by source")
    if session.inventory is None:
        return Frame(name, [line(("not known yet", "$label"))] if height else [])
    found = sources(session.inventory.composition)
    shown, hidden = found, 0
    if len(found) > height:
        shown, hidden = found[: max(0, height - 1)], len(found) - max(0, height - 1)
    whole = _Whole.of(found)
    grid = _Grid.fitting(width, money=wide)
    rows = [_row(source, grid, whole, flat=flat) for source in shown]
    if hidden and height:
        rows.append(_rest(found[len(shown) :], grid, whole, flat=flat))
    return Frame(name, rows, columns=grid.columns)


@dataclass(frozen=True, slots=True)
class _Whole:
    """What shares and bars are measured against."""

    bill: int
    cost: float | None
    peak: int

    @classmethod
    def of(cls, found: Sequence[Source]) -> _Whole:
        return cls(
            sum(source.bill for source in found),
            total(source.cost for source in found),
            max((source.tokens for source in found), default=0),
        )

    def share(self, source: Source, *, money: bool) -> float | None:
        """Of all bills, or of all money for input."""
        if money and self.cost and source.cost is not None:
            return source.cost / self.cost
        return source.bill / self.bill if self.bill else None


def _row(source: Source, grid: _Grid, whole: _Whole, *, flat: bool) -> Content:
    quiet = source.name in _QUIET
    held = source.tokens / whole.peak if whole.peak > 0 else None
    parts: list[Part] = [
        (left(clean(source.name), grid.name), "$label" if quiet else "$foreground"),
        (right(fmt.tokens(source.tokens), _TOKENS), "$foreground"), " ",
        *share_bar(held, grid.bar, "$accent-mid", flat=flat, track=False), " ",
        (right(fmt.tokens(source.bill), _BILL), "$label"),
    ]  # fmt: skip
    if grid.money:
        money = fmt.money(source.cost, short=True)
        parts.append((right(money, _MONEY), "$bright"))
    share = fmt.rate(whole.share(source, money=grid.money))
    parts.append((right(share, _SHARE), "$foreground"))
    return line(*parts)


def _rest(rest: Sequence[Source], grid: _Grid, whole: _Whole, *, flat: bool) -> Content:
    """The sources that have no row of their own, as one."""
    together = Source(
        key=("rest", ""),
        name=f"{len(rest)} smaller",
        short="",
        members=(),
        items=sum(source.items for source in rest),
        tokens=sum(source.tokens for source in rest),
        bill=sum(source.bill for source in rest),
        cost=total(source.cost for source in rest),
    )
    return _row(together, grid, whole, flat=flat)
