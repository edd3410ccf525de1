"""The panels of one request as pure functions: what it used, cost, and will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import Request
from ccmon.snapshot import Session, Subagent
from ccmon.tui.carried import Carried
from ccmon.tui.safe import Part, facts, fit, fitting, line, spread
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.panel import Frame, title
from ccmon.tui.widgets.spend import Shares
from ccmon.tui.widgets.verdict import cause_within, explained, lost, rests_on, verdict

_NAMES = ("re-read", "rewrite", "new", "output")
_FILLS = ("$accent-fill", "$warning-fill", "$share-new", "$share-output")
_MILLION = 1_000_000
_ROOMY = 36
"""Cells from which shares have room for tokens in full."""


def thread_of(session: Session | None, thread: str) -> Sequence[Request]:
    """The requests of one thread of a session; empty when it has no such thread."""
    if session is None:
        return ()
    for agent in session.subagents:
        if agent.agent_id == thread:
            return agent.requests
    return session.requests if thread == "main" else ()


def counted(requests: float) -> tuple[Part, Part]:
    """A mean number of requests, rounded, with its noun."""
    number, _, noun = fmt.plural(round(requests), "request").partition(" ")
    return number, (f" {noun}", "$label")


def _cents(usd: float | None, prefix: str = "") -> str:
    """Money to the hundredth of a cent, so that a column of it can be added up."""
    return fmt.UNKNOWN if usd is None else f"{prefix}${usd:,.4f}"


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    count: int
    price: float | None
    prefix: str = ""

    @property
    def cost(self) -> float | None:
        return None if self.price is None else self.count * self.price


def usage_frame(request: Request, width: int) -> Frame:
    """Counts of the response times its prices, adding up to its cost."""
    usage, price = request.usage, request.price
    prefix = "≥" if request.output_is_lower_bound else ""
    lines = [
        _Line("input_tokens", usage.input_tokens, price.input if price else None),
        _Line("cache_read", usage.cache_read_input_tokens, price.read if price else None),
        _Line(
            "cache_creation_5m",
            usage.cache_creation_5m_input_tokens,
            price.write_5m if price else None,
        ),
        _Line(
            "cache_creation_1h",
            usage.cache_creation_1h_input_tokens,
            price.write_1h if price else None,
        ),
        _Line("output_tokens", usage.output_tokens, price.output if price else None, prefix),
    ]
    rows = _usage_rows([each for each in lines if each.count], width)
    if request.extra_cost:
        extra = line((_cents(request.extra_cost), "$bright"))
        rows.append(spread(width, line("advisor, compaction, web search"), extra))
    rows.append(_sum_row(request, width))
    return Frame(title("Usage", "estimated" if request.estimated else "exact"), rows)


def _usage_rows(lines: Sequence[_Line], width: int) -> list[Content]:
    prices = [
        fmt.UNKNOWN if each.price is None else f"{each.price * _MILLION:,.2f}" for each in lines
    ]
    if lines and lines[0].price is not None:
        prices[0] = f"${prices[0]}"
    room = max(map(len, prices), default=0)
    rows = []
    for index, (each, price) in enumerate(zip(lines, prices, strict=True)):
        unit = "/M" if index == 0 and each.price is not None else "  "
        money = _cents(each.cost, each.prefix)
        quiet = money == "$0.0000"
        end = line(
            (f"{each.prefix}{each.count:,}".rjust(10), "$label" if quiet else "$bright"),
            (" × ", "$faint"), (price.rjust(room) + unit, "$label"),
            (money.rjust(10), "" if quiet else "$bright"),
        )  # fmt: skip
        rows.append(spread(width, line(each.name), end, gap=1))
    return rows


def _sum_row(request: Request, width: int) -> Content:
    prefix = "≥" if request.output_is_lower_bound else "~" if request.estimated else ""
    start = line(
        ("context ", "$label"), (fmt.exact(request.context), "$bright"), "  ",
        (_signed(request.growth), ""),
    )  # fmt: skip
    total = _cents(request.cost, prefix)
    end = line(("total ", "$label"), (total.rjust(9), "$bright bold"))
    return spread(width, start, end)


def _signed(count: int) -> str:
    return f"{count:+,}"


def money_frame(request: Request, session: Session, width: int, unit: str, *, flat: bool) -> Frame:
    """Four shares of the request's cost (of its tokens with that unit), and the cache's part."""
    parts = _parts(request, unit)
    whole = sum(parts)
    figures = [_figure(part, session, unit, width) for part in parts]
    figures = figures or [fmt.UNKNOWN] * len(_NAMES)
    money = max(len(figure) for figure in figures) + 3
    bar = max(0, width - 9 - 6 - money)
    rows = []
    for index, name in enumerate(_NAMES):
        share = parts[index] / whole if whole else None
        quiet = "$label" if not share else ""
        strong = "$bright bold" if share and parts[index] == max(parts) else quiet
        rows.append(
            line(
                (name.ljust(9), quiet), *share_bar(share, bar, _FILLS[index], flat=flat),
                (fmt.percent(share).rjust(6), strong), (figures[index].rjust(money), quiet),
            )
        )  # fmt: skip
    subject = "Where the tokens went" if unit == "tokens" else "Where the money went"
    return Frame(title(subject), [*rows, *_cache_rows(request, width)])


def _parts(request: Request, unit: str) -> Sequence[float]:
    """Re-read, rewrite, new, output of the money or of the tokens; empty without a price."""
    if unit == "tokens":
        return Shares.of_tokens([request]).parts
    split = request.split
    return (split.carry, split.rewrite, split.fresh, split.output) if split is not None else ()


def _figure(value: float, session: Session, unit: str, width: int) -> str:
    if unit == "tokens":
        return fmt.exact(round(value)) if width >= _ROOMY else fmt.tokens(value)
    if unit == "share":
        return fmt.rate(value / session.cost) if session.cost else fmt.UNKNOWN
    return f"${value:,.3f}"


def _cache_rows(request: Request, width: int) -> list[Content]:
    """Did the cache hold what the request before had left there, and why it did not."""
    idle = line(("idle ", "$label"), fmt.age(request.idle)) if request.idle is not None else None
    if not request.bust:
        state = line(("cache ", "$label"), *verdict(request))
        return [spread(width, state, idle)]
    why, got, expected = request.why, request.cached, request.expected_read
    end = line(*lost(request))
    cause = cause_within(why, width - end.cell_length - 6)
    read = line(("expected ", "$label"), fmt.exact(expected), (", got ", "$label"), fmt.exact(got))
    short = line(("got ", "$label"), fmt.tokens(got), (" of ", "$label"), fmt.tokens(expected))
    room = width - (idle.cell_length + 2 if idle is not None else 0)
    return [
        spread(width, line(("BUST", "$warning bold"), f" {cause}"), end, gap=0),
        spread(width, fitting(room, read, short), idle),
        spread(width, line(("rests on ", "$label"), rests_on(why))),
        *explained(why, width),
    ]


def future_frame(
    request: Request, bill: Carried, width: int, agent: Subagent | None = None
) -> Frame:
    """What carrying the request's new tokens has cost so far, and costs with each prompt.

    ``agent`` is the sub-agent that sent it.
    """
    so_far = [line(("carried by no later request yet", "$label"))]
    if bill.later:
        so_far = [
            line(("carried by ", "$label"), *_cost(bill), (" in re-reading alone", "$label")),
            line(("re-reading by ", "$label"), *_cost(bill)),
        ]
    rows = [fitting(width, *so_far)]
    if bill.per_prompt is not None and bill.prompt_requests is not None:
        ahead = line(
            ("per prompt of ", "$label"), *counted(bill.prompt_requests), (": ", "$label"),
            (fmt.money(bill.per_prompt), "$bright"),
        )  # fmt: skip
        beside = (line(cost, "   ", ahead) for cost in so_far)
        fits = [row for row in beside if row.cell_length <= width]
        rows = fits[:1] or [*rows, fit(ahead, width)]
    return Frame(title("Future"), [*rows, _leaves_row(request, bill.left_at, width, agent)])


def _cost(bill: Carried) -> list[Part]:
    """Who carried it, for how much, and how much that is."""
    return [
        *_which(bill.later, so_far=bill.left_at is None), (": ", "$label"),
        (fmt.money(bill.cost), "$bright"), (" for ", "$label"), fmt.tokens(bill.tokens),
    ]  # fmt: skip


def _which(later: Sequence[Request], *, so_far: bool) -> list[Part]:
    if len(later) == 1:
        return [f"#{later[0].n}"]
    if len(later) == 2:
        return [f"#{later[0].n}", (" and ", "$label"), f"#{later[1].n}"]
    return [f"{len(later):,}", (" requests so far" if so_far else " requests", "$label")]


def _leaves_row(
    request: Request, left_at: Request | None, width: int, agent: Subagent | None
) -> Content:
    if left_at is not None:
        words = ", which began a new context"
        return facts(width, [("left the context at ", "$label"), f"#{left_at.n}",
                             (words, "$label")])  # fmt: skip
    if agent is not None:
        words = "leaves the context when the sub-agent is done"
        return facts(width, [(words if agent.active else "gone with the sub-agent", "$label")])
    before: list[Part] = [(" to before ", "$label"), f"#{request.n}"]
    short = line(("leaves at ", "$label"), "/compact", (", ", "$label"), "/clear",
                 (" or a rewind", "$label"))  # fmt: skip
    start: list[Part] = [
        ("leaves the context at ", "$label"), "/compact", (", ", "$label"), "/clear",
        (" or a rewind", "$label"),
    ]  # fmt: skip
    return fitting(width, line(*start, *before), line(*start), short)
