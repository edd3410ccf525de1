"""The Spend panel: what the money went for, as four shares."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from textual.content import Content

from ccmon import format as fmt
from ccmon.measures import Split
from ccmon.requests import Request
from ccmon.snapshot import Session
from ccmon.tui.safe import Part, line, spread
from ccmon.tui.widgets.bars import share_bar, stacked_bar
from ccmon.tui.widgets.panel import Frame, title
from ccmon.tui.widgets.totals import unseen_row
from ccmon.tui.widgets.vitals import no_request_rows

SPAN = 12
"""Requests in the span that warns and that the panel shows first."""
_LABEL = 8
_NAMES = ("re-read", "rewrite", "new", "output")
_FILLS = ("$accent-fill", "$warning-fill", "$share-new", "$share-output")
_HIGH = 0.50
_SEVERE = 0.85
"""Shares of re-reading from which its percent is a warning, an error."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Re-read, rewrite, new, output: of money, or of tokens."""

    reread: float
    rewrite: float
    fresh: float
    output: float

    @classmethod
    def of_tokens(cls, requests: Sequence[Request]) -> Shares:
        """The first three add up to what was read: from the cache, written again, new."""
        read = sum(request.usage.cache_read_input_tokens for request in requests)
        rewritten = sum(request.rewritten for request in requests)
        prompts = sum(request.usage.prompt_tokens for request in requests)
        output = sum(request.usage.output_tokens for request in requests)
        return cls(read, rewritten, prompts - read - rewritten, output)

    @property
    def total(self) -> float:
        """The whole."""
        return sum(self.parts)

    @property
    def parts(self) -> tuple[float, ...]:
        """The four in their order."""
        return (self.reread, self.rewrite, self.fresh, self.output)


@dataclass(frozen=True, slots=True)
class Column:
    """One span of requests: its name, the money (None: no price), and the requests by thread."""

    name: str
    split: Split | None
    threads: Sequence[Sequence[Request]]

    def shares(self, unit: str) -> Shares | None:
        """The four parts in the unit; ``share`` counts money."""
        if unit == "tokens":
            return Shares.of_tokens(list(chain.from_iterable(self.threads)))
        split = self.split
        return Shares(split.carry, split.rewrite, split.fresh, split.output) if split else None


def columns_of(session: Session) -> list[Column]:
    """Last 12 requests, the segment since the last reset, the whole session."""
    spend, requests = session.spend, session.requests
    if spend is None or not requests:
        return []
    start = bisect_left(requests, requests[-1].segment, key=lambda request: request.segment)
    everything = [requests, *(agent.requests for agent in session.subagents)]
    return [
        Column(f"last {SPAN}", spend.last12, [requests[-SPAN:]]),
        Column(f"since #{requests[start].n}", spend.segment, [requests[start:]]),
        Column("session", spend.session, everything),
    ]


def spend_frame(session: Session, width: int, unit: str, *, flat: bool, wide: bool) -> Frame:
    """Four shares as bars; ``wide`` shows three spans side by side, and the whole as a line."""
    columns = columns_of(session)
    if not columns:
        return Frame(title("Spend"), no_request_rows(session, width))
    if not wide:
        count = min(SPAN, len(session.requests))
        whole = columns[0].shares(unit)
        shown = _total(whole, session, unit)
        name = title("Spend", f"last {fmt.plural(count, 'request')}")
        return Frame(name, share_rows(session, columns[:1], width, unit, flat=flat), value=shown)
    rows = share_rows(session, columns, width, unit, flat=flat)
    ends = [width - 13 * index for index in range(len(columns))][::-1]
    titles = [(end, column.name) for end, column in zip(ends, columns, strict=True)]
    rows += [
        unseen_row(session, width) or line(""),
        _whole_row(columns[-1], width, unit),
        _factors_row(session, width),
    ]
    return Frame(title("Spend"), rows, columns=titles)


def share_rows(
    session: Session, columns: Sequence[Column], width: int, unit: str, *, flat: bool
) -> list[Content]:
    """One row for each part: name, bar and figures of the first column, figures of the others."""
    known = [column.shares(unit) for column in columns]
    several = len(columns) > 1
    cells = [_figures(shares, session, unit) for shares in known]
    money = 8 if several else max(7, *(len(figure) + 2 for figure, _ in cells[0]))
    percent = 4 if several else 6
    bar = width - _LABEL - len(columns) * (percent + money) - (len(columns) - 1)
    rows = []
    for part, name in enumerate(_NAMES):
        first = known[0]
        share = first.parts[part] / first.total if first and first.total else None
        style = "$label" if not share else ""
        parts: list[Part] = [(name.ljust(_LABEL), style)]
        parts += share_bar(share, bar, _FILLS[part], flat=flat)
        for index, shares in enumerate(known):
            parts += [" "] if index else []
            parts += _figure_parts(shares, part, cells[index][part][0], percent, money, index)
        rows.append(line(*parts))
    return rows


def _figure_parts(
    shares: Shares | None, part: int, figure: str, percent: int, money: int, index: int
) -> list[Part]:
    if shares is None or not shares.total:
        nothing = fmt.UNKNOWN if shares is None else fmt.NONE
        return [(nothing.rjust(percent), "$label"), (nothing.rjust(money), "$label")]
    share = shares.parts[part] / shares.total
    style = "$label" if not share else ""
    if index == 0 and share == max(shares.parts) / shares.total:
        style = f"${_level(share) if part == 0 else 'bright'} bold"
    figure_style = "$label" if not share or index == 1 else ""
    return [(fmt.percent(share).rjust(percent), style), (figure.rjust(money), figure_style)]


def _level(share: float) -> str:
    return "error" if share >= _SEVERE else "warning" if share >= _HIGH else "bright"


def _figures(shares: Shares | None, session: Session, unit: str) -> list[tuple[str, float]]:
    values = shares.parts if shares is not None else (0.0,) * len(_NAMES)
    return [(_amount(value, session, unit), value) for value in values]


def _amount(value: float, session: Session, unit: str) -> str:
    """``$0.90``, ``4.6M``, or the share of the session's cost."""
    if unit == "tokens":
        return fmt.tokens(value)
    if unit == "share":
        return fmt.rate(value / session.cost) if session.cost else fmt.UNKNOWN
    return fmt.money(value, short=True)


def _total(shares: Shares | None, session: Session, unit: str) -> Content:
    if shares is None:
        return line((fmt.UNKNOWN, "$bright"))
    word = {"tokens": " tok", "share": " of session"}.get(unit, "")
    return line((_amount(shares.total, session, unit), "$bright"), (word, "$label"))


def _whole_row(column: Column, width: int, unit: str) -> Content:
    shares = column.shares(unit)
    bar = stacked_bar(
        list(zip(shares.parts if shares else (), _FILLS, strict=False)), width - _LABEL
    )
    return line(("session".ljust(_LABEL), "$label"), *bar)


def _factors_row(session: Session, width: int) -> Content:
    reread = session.reread
    if reread is None or reread.effective_multiple is None:
        return line("")
    start = line(("effective price ", "$label"), f"x{reread.effective_multiple:.1f}")
    if reread.amplification is None:
        return start
    end = line(("amplification ", "$label"), fmt.multiple(reread.amplification))
    return spread(width, start, end)
