"""The panel under the request list: what the selected request brought, carries and cost."""

from __future__ import annotations

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import MAIN, Entered, Request, Session
from ccmon.tui.carried import carried
from ccmon.tui.safe import Part, clean, clip, facts, line
from ccmon.tui.widgets.panel import Frame
from ccmon.tui.widgets.request_panels import counted, thread_of

LABEL = 9


def preview_frame(session: Session, request: Request, width: int) -> Frame:
    """Three lines on one request of the session."""
    number = f"#{request.n}" if request.thread == MAIN else f"{clean(request.thread)} #{request.n}"
    cost = fmt.money(request.cost, estimated=request.estimated and request.cost is not None)
    return Frame(
        line((number, "$bright bold"), " ", (fmt.clock(request.at), "$label")),
        [
            _named("entered", facts(width - LABEL, _whole(request), *_largest(request))),
            _named("carried", _carried(session, request, width - LABEL)),
            _named("cost", _cost(request, width - LABEL)),
        ],
        value=line((cost, "$bright")),
        tone="border-focus",
    )


def _named(name: str, content: Content) -> Content:
    return line((name.ljust(LABEL), "$label"), content)


def _whole(request: Request) -> list[Part]:
    """What entered in all: the growth, or all of a context that began with the request."""
    new_context = request.starts_segment
    text = fmt.tokens(request.context) if new_context else fmt.growth(request.growth)
    return [(text, "$bright"), (" tokens", "$label")]


def _largest(request: Request) -> list[list[Part]]:
    """What came, largest on disk first."""
    return [_entered(item) for item in sorted(request.entered, key=lambda item: -item.size)]


def _entered(item: Entered) -> list[Part]:
    size = f"{item.tokens:,}" if item.tokens is not None else fmt.size(item.size)
    name = clip(clean(item.label), 32)
    head = "" if item.kind == "prompt" else f"{clean(item.name)} "
    lead: list[Part] = [("» ", "$accent")] if item.kind == "prompt" else [head]
    return [*lead, (f"{name}  " if name else " ", "$label"), (size, "$foreground")]


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


def _cost(request: Request, width: int) -> Content:
    cache: list[Part] = (
        [("BUST", "$warning bold"), (" wasted ", "$label"), (fmt.money(request.avoidable), "")]
        if request.bust
        else [("cache ", "$label"), ("OK", "$accent bold")]
        if request.expected_read
        else [("cache ", "$label"), ("start of the segment", "$label")]
    )
    split = request.split
    if split is None:
        return facts(width, [("no price for this model", "$label")], cache)
    parts = (
        ("re-read", split.carry),
        ("rewrite", split.rewrite),
        ("new", split.fresh),
        ("output", split.output),
    )
    shown = [
        [(f"{name} ", "$label"), (fmt.money(usd), "$foreground")]
        for name, usd in parts
        if usd or name != "rewrite"
    ]
    return facts(width, *shown, cache)
