"""What entered the context with one request: every thing with its tokens and how they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon.requests import Entered, Request
from ccmon.tui.carried import Carried
from ccmon.tui.safe import Part, clean, facts, fit, left, line
from ccmon.tui.widgets.bars import share_bar
from ccmon.tui.widgets.item_tree import split_lines
from ccmon.tui.widgets.panel import Frame, title

_NAME = 27
_METHOD = 10
_TOKENS = 8
_DETAILS = 41
"""Cells that names leave to the details where there is room for both."""
_SPLIT = "split = one exact sum, divided by weight"


def entered_frame(
    request: Request, width: int, *, flat: bool, bill: Carried | None = None, kept: int = 0
) -> Frame:
    """All that came, what of it nothing explains, and what carrying each will cost.

    The figures add up to the growth, of a request that began a context to all of that: after a
    rewind it ``kept`` some of it.
    """
    whole = request.context if request.starts_segment else request.growth
    known = kept + sum(item.tokens for item in request.entered if item.tokens is not None)
    subject = "= context, exact" if request.starts_segment else "= growth, exact"
    value = line((fmt.exact(whole), "$bright"), (" tokens", "$label"))
    # What left goes by a name of its own, and what nothing explains by none.
    nameless = [item for item in request.entered if item.name == item.kind == "unattributed"]
    things = [item for item in request.entered if item not in nameless]
    rest = whole - kept - sum(item.tokens for item in things if item.tokens is not None)
    peak = max([abs(rest), kept, *(item.tokens or 0 for item in things)], default=0)
    grid = _Grid.of(things, width, peak, _per_token(bill), flat=flat)
    rows = [row for item in things for row in grid.rows(item)]
    if kept:
        rows.insert(0, grid.kept(request, kept))
    if known == whole or all(item.tokens is not None for item in things):
        splits = any(item.method == "split" for item in things)
        method = next((item.method for item in nameless if item.method != "exact"), "exact sum")
        rows.append(grid.unattributed(rest, _SPLIT if splits else "", method=method))
    else:
        rows.append(grid.unattributed(rest, "", name="the rest of the growth"))
    return Frame(title("Entered with this request", subject), rows, value=value)


def _per_token(bill: Carried | None) -> float | None:
    """What one token will cost with each prompt, while it is in the context."""
    if bill is None or bill.per_prompt is None or not bill.tokens:
        return None
    return bill.per_prompt / bill.tokens


@dataclass(frozen=True, slots=True)
class _Grid:
    """Columns of the panel: name, tokens, bar, how they are known, details."""

    width: int
    name: int
    bar: int
    peak: int
    per_token: float | None
    flat: bool

    @classmethod
    def of(
        cls,
        items: Sequence[Entered],
        width: int,
        peak: int,
        per_token: float | None,
        *,
        flat: bool,
    ) -> _Grid:
        bar = 0 if width < 70 else min(24, 8 + max(0, width - 96) // 4)
        room = width - _TOKENS - (bar + 1 if bar else 0) - 2 - _METHOD
        longest = max((_said(item).cell_length for item in items), default=0)
        most = max(_NAME, room - (_DETAILS if width >= 90 else 0))
        return cls(width, min(room, most, max(_NAME, longest)), bar, peak, per_token, flat)

    @property
    def _room(self) -> int:
        """Cells of the details."""
        taken = self.name + _TOKENS + (self.bar + 1 if self.bar else 0) + 2 + _METHOD
        return max(0, self.width - taken)

    def rows(self, item: Entered) -> list[Content]:
        """One thing; the parts of an answer beside it, or in rows of their own."""
        parts = _parts(item)
        if parts.cell_length and parts.cell_length <= self._room:
            return [self._row(_said(item), item.tokens, _method(item), parts)]
        head = self._row(_said(item), item.tokens, _method(item), self._details(item))
        return [head, *(self._part(part) for part in item.parts)]

    def unattributed(
        self, tokens: int, hint: str, *, name: str = "unattributed", method: str = "exact sum"
    ) -> Content:
        """What nothing explains; also where it is nothing."""
        detail = line((hint if len(hint) <= self._room else "", "$faint"))
        method = method if tokens else ""
        return self._row(line((name, "$label")), tokens, method, detail, quiet=True)

    def kept(self, request: Request, tokens: int) -> Content:
        """What was there before the conversation was taken back."""
        until = f"-#{request.resumes}" if request.resumes != 1 else ""
        return self._row(line("kept from ", f"#1{until}"), tokens, "exact", line(""))

    def _part(self, part: Entered) -> Content:
        name = line(("  ", "$label"), (_part_name(part), "$label"))
        return self._row(name, part.tokens, _method(part), line(""), quiet=True)

    def _details(self, item: Entered) -> Content:
        """Lines of a file, bytes on disk, and the price of a prompt."""
        groups: list[Sequence[Part]] = []
        if lines := split_lines(clean(item.label))[1]:
            groups.append([("lines ", "$label"), lines])
        if item.size:
            groups.append([(fmt.size(item.size), "$label")])
        if self.per_token is not None and item.tokens and item.tokens > 0:
            price = fmt.money(self.per_token * item.tokens)
            groups.append([price, ("/prompt", "$label")])
        if not groups:
            return line("")
        whole = facts(self._room, *groups, gap="  ")
        return whole if whole.cell_length <= self._room else line("")

    def _row(
        self,
        name: Content,
        tokens: int | None,
        method: str,
        detail: Content,
        *,
        quiet: bool = False,
    ) -> Content:
        style = "$faint" if tokens is None else "$label" if quiet and not tokens else "$bright"
        text = fmt.exact(tokens)
        if method == "estimated":
            text = f"~{text}"
        parts: list[Part] = [fit(name, self.name), (text.rjust(_TOKENS), style)]
        if self.bar:
            share = max(0, tokens or 0) / self.peak if self.peak else None
            bar = share_bar(share, self.bar, "$accent-mid", flat=self.flat, track=False)
            parts += [" ", *bar]
        parts += ["  ", (left(method, _METHOD), "$label"), detail]
        return fit(line(*parts), self.width)


def _method(item: Entered) -> str:
    return "" if item.tokens is None else item.method


def _part_name(part: Entered) -> str:
    name = clean(part.name)
    return f"{name} input" if part.kind == "tool_use" else name


def _parts(item: Entered) -> Content:
    """The parts of an answer in a row: ``thinking 911  text 131  Grep input 162``."""
    said = [line((f"{_part_name(part)} ", "$label"), fmt.exact(part.tokens)) for part in item.parts]
    return Content("  ").join(said)


def _said(item: Entered) -> Content:
    label = split_lines(clean(item.label))[0]
    return line(clean(item.name), " ", (label, "$label")) if label else line(clean(item.name))
