"""The panel under the request list: what the selected request brought, carries and cost."""

from __future__ import annotations

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import MAIN, Entered, Request
from ccmon.snapshot import Session
from ccmon.tui.carried import carried, kept_by
from ccmon.tui.safe import Part, clean, clip, facts, line
from ccmon.tui.widgets.panel import Frame
from ccmon.tui.widgets.request_panels import counted, thread_of
from ccmon.tui.widgets.verdict import bust_row, happened, remedy, verdict

LABEL = 9


def preview_frame(session: Session, request: Request, width: int) -> Frame:
    """Three lines on one request of the session: what it brought, or why it bust."""
    number = f"#{request.n}" if request.thread == MAIN else f"{clean(request.thread)} #{request.n}"
    return Frame(
        line((number, "$bright bold"), " ", (fmt.clock(request.at), "$label")),
        _bust_rows(request, width) if request.bust else _rows(session, request, width),
        value=line((request_cost(request), "$bright")),
        tone="border-focus",
    )


def _rows(session: Session, request: Request, width: int) -> list[Content]:
    room = width - LABEL
    cache: list[Part] = [("cache ", "$label"), *verdict(request)]
    return [
        _named("entered", facts(room, entered_total(session, request), *entered_largest(request))),
        _named("carried", _carried(session, request, room)),
        _named("cost", facts(room, *bill_parts(request), cache)),
    ]


def _bust_rows(request: Request, width: int) -> list[Content]:
    room = width - LABEL
    return [
        _named("cache", bust_row(request, room)),
        _named("happened", line(clip(happened(request.why), room))),
        _named("remedy", line(clip(remedy(request.why), room))),
    ]


def _named(name: str, content: Content) -> Content:
    return line((name.ljust(LABEL), "$label"), content)


def entered_total(session: Session, request: Request) -> list[Part]:
    """What entered in all: the growth, or all of a context that began with the request.

    What a rewind left of the context has not entered with the request that went on from there.
    """
    if request.resumes is not None:
        kept = kept_by(thread_of(session, request.thread), request)
        text = fmt.growth(request.context - kept)
    elif request.starts_segment:
        text = fmt.tokens(request.context)
    else:
        text = fmt.growth(request.growth)
    return [(text, "$bright"), (" tokens", "$label")]


def entered_largest(request: Request) -> list[list[Part]]:
    """What came, largest first."""
    return [_entered(item) for item in sorted(request.entered, key=_weight, reverse=True)]


def _weight(item: Entered) -> tuple[int, int]:
    return abs(item.tokens or 0), item.size


def _entered(item: Entered) -> list[Part]:
    size = fmt.size(item.size) if item.tokens is None else f"{item.tokens:,}"
    if item.method == "estimated" and item.tokens is not None:
        size = f"~{size}"
    name = clip(clean(item.label), 32)
    head = "" if item.kind == "prompt" else f"{clean(item.name)} "
    lead: list[Part] = [("» ", "$accent")] if item.kind == "prompt" else [head]
    return [*lead, (f"{name}  " if name else " ", "$label"), (size, "$foreground")]


def request_cost(request: Request) -> str:
    """Its price, and how far to trust it."""
    return fmt.money(
        request.cost,
        lower_bound=request.output_is_lower_bound and request.cost is not None,
        estimated=request.estimated and request.cost is not None,
    )


def bill_parts(request: Request) -> list[list[Part]]:
    """The four parts of its price; rewriting only where there was some."""
    split = request.split
    if split is None:
        return [[("no price for this model", "$label")]]
    named = (
        ("re-read", split.carry),
        ("rewrite", split.rewrite),
        ("new", split.fresh),
        ("output", split.output),
    )
    return [
        [(f"{name} ", "$label"), (fmt.money(usd), "$foreground")]
        for name, usd in named
        if usd or name != "rewrite"
    ]


def _carried(session: Session, request: Request, width: int) -> Content:
    bill = carried(session, thread_of(session, request.thread), request)
    if not bill.later:
        return line(("by no request yet", "$label"))
    so_far: list[Part] = [
        ("by ", "$label"), *counted(len(bill.later)),
        (" until it left the context  " if bill.left_at else " so far  ", "$label"),
        (fmt.money(bill.cost), "$bright"),
    ]  # fmt: skip
    if bill.per_prompt is None or bill.prompt_requests is None:
        return facts(width, so_far)
    return facts(
        width,
        so_far,
        [
            ("about ", "$label"), (fmt.money(bill.per_prompt), "$bright"),
            (" per prompt of ", "$label"), *counted(bill.prompt_requests),
        ],
    )  # fmt: skip
