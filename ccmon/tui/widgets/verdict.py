"""What the cache did for one request, and why: worded once for every panel."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.requests import Request, Why
from ccmon.tui.safe import Part, clean, clip, facts, line


def cause_within(why: Why | None, cells: int) -> str:
    """What broke the cache, as fully as fits: in words, else in short."""
    cause = clean(words.cause(why))
    return cause if clip(cause, cells) == cause else clip(words.wording(why).subject, cells)


def verdict(request: Request) -> list[Part]:
    """Did the cache hold what the request before had left there: OK, BUST, nothing expected."""
    if request.bust:
        return [("BUST", "$warning bold"), *lost(request)]
    if not request.expected_read:
        word = "nothing expected yet" if request.starts_segment else "nothing was left in it"
        return [(word, "$label")]
    missing = request.expected_read - request.cached
    if missing > 0:
        return [("OK", "$accent bold"), (f" but for {fmt.exact(missing)}", "$label")]
    more = f", {fmt.exact(-missing)} more than expected" if missing else ", expected read = got"
    return [("OK", "$accent bold"), (more, "$label")]


def lost(request: Request) -> list[Part]:
    """What a bust cost beyond a normal read."""
    return [(" lost ", "$label"), (fmt.money(request.avoidable), "$bright")]


def rests_on(why: Why | None) -> Part:
    """What a cause rests on, in label colour."""
    return (clean(words.evidence(why)), "$label")


def bust_row(request: Request, width: int) -> Content:
    """``BUST ToolSearch loaded tools   server: tools_changed   lost $2.07   …``, what fits."""
    why = request.why
    groups: list[Sequence[Part]] = [[("BUST", "$warning bold"), f" {clean(words.cause(why))}"]]
    if why is not None:
        groups.append([rests_on(why)])
    groups.append([("lost ", "$label"), (fmt.money(request.avoidable), "$bright")])
    got, expected = fmt.tokens(request.cached), fmt.tokens(request.expected_read)
    groups.append([("got ", "$label"), got, (" of ", "$label"), expected])
    return facts(width, *groups)


def happened(why: Why | None) -> str:
    """What happened, and where the loss began unless all was lost, in a sentence or two."""
    reach = words.reach(why) if why is not None and why.reach != "everything" else ""
    more = f" {reach[0].upper()}{reach[1:]}." if reach else ""
    return clean(words.happened(why) + more)


def remedy(why: Why | None) -> str:
    """What to do about it."""
    return clean(words.remedy(why))


def explained(why: Why | None, width: int) -> list[Content]:
    """What happened and what to do, folded to the width."""
    rows = [line((text, "$foreground")) for text in wrap(happened(why), width)]
    return rows + [line((text, "$label")) for text in wrap(remedy(why), width)]
