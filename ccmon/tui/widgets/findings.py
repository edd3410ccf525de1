"""The Findings panel: what is worth doing, most pressing first, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from textual.content import Content
from textual.message import Message

from ccmon import format as fmt
from ccmon.snapshot import Finding
from ccmon.tui.safe import ELLIPSIS, clean, clip, clip_start, left, line, right
from ccmon.tui.widgets.panel import Frame, Panel, boxed, ruled, title

SHOWN = 5
"""Findings shown at most."""
_MARKS = {"high": ("!!", "$error bold"), "warn": ("!", "$warning bold"), "info": ("i", "$label")}
_MARK = 3
_ID = 5
_WORD_MOST = 40
_ROOMY = 42
"""Cells from which a row has room for the id and for the saving in full."""


def saving(finding: Finding, *, short: bool = False) -> str:
    """What acting on it saves: ``-$2.07`` once, ``-$0.070/req`` with each request."""
    if finding.saving_per_request is not None:
        return fmt.money(-finding.saving_per_request, short=short) + "/req"
    return fmt.money(-finding.saving, short=True) if finding.saving is not None else ""


@dataclass(frozen=True, slots=True)
class Listed:
    """What the panel shows: findings, how many more there are or were put away, rows at its foot.

    ``foot`` gives way to what is said of the chosen finding where there is no room for both.
    ``unpriced`` names the model where it has no price, by which findings are judged.
    """

    findings: tuple[Finding, ...] = ()
    more: int = 0
    dismissed: int = 0
    unpriced: str = ""
    foot: tuple[Content, ...] = ()
    wide: bool = False
    boxes: bool = True


def findings_frame(
    listed: Listed, chosen: int | None, width: int, height: int
) -> tuple[Frame, list[int]]:
    """The frame for an inner size, and the finding that each of its rows belongs to.

    ``chosen`` is the finding under the cursor, whose action and basis are shown in full. Without
    a cursor all findings are shown first, and what to do about the first one as far as fits.
    """
    name = title("Findings", "by money over the next two prompts" if listed.wide else "")
    findings = listed.findings
    if not findings:
        rows = [line((text, "$label")) for text in wrap(_calm(listed), width)]
        return Frame(name, _with_foot(rows, listed.foot, height)), []
    said = _said(findings[chosen or 0], width)
    foot = listed.foot
    if chosen is None:
        room = height - len(foot)
        shown = range(min(len(findings), max(0, room)))
        said = _whole_sentences(said, room - len(shown))
    else:
        if len(findings) + sum(map(len, said)) > height - len(foot):
            foot = ()
        room = height - len(foot)
        texts = sum(map(len, said))
        count = max(1, min(len(findings), room - texts))
        first = max(0, min(chosen - count // 2, len(findings) - count))
        shown = range(first, first + count)
    rows, owners, cursor = [], [], None
    for index in shown:
        if index == chosen:
            cursor = len(rows)
        rows.append(finding_row(findings[index], width))
        owners.append(index)
        if index == (chosen or 0):
            extra = [row for sentence in said for row in sentence]
            rows += extra
            owners += [index] * len(extra)
    frame = Frame(
        name,
        _with_foot(rows, foot, height),
        value=line((_count(listed), "$label")),
        tone="border" if chosen is None else "border-focus",
        cursor=cursor,
    )
    return frame, owners


def finding_row(finding: Finding, width: int) -> Content:
    """``!! compact is 15x overdue   -$0.070/req  F1``."""
    roomy = width >= _ROOMY
    mark, style = _MARKS[finding.severity]
    money = saving(finding, short=not roomy)
    identity = _ID if roomy else 0
    room = width - _MARK - identity - (len(money) + 1 if money else 0)
    # Everything here is counted in tokens.
    name = clean(finding.title).removesuffix(" tokens")
    strong = "$bright bold" if finding.severity == "high" else "$foreground"
    return line(
        (left(mark, _MARK), style),
        (left(clip(name, room), room), strong),
        (f" {money}" if money else "", strong),
        (right(finding.id, identity), "$label"),
    )


def _said(finding: Finding, width: int) -> list[list[Content]]:
    """What to do, then what that rests on, each folded under the title."""
    indent, room = " " * _MARK, max(1, width - _MARK)
    return [
        [line(indent, (text, style)) for text in wrap(_readable(sentence, room), room)]
        for sentence, style in ((finding.action, "$foreground"), (finding.basis, "$label"))
        if sentence
    ]


def _readable(sentence: str, width: int) -> str:
    """A sentence in which no word, such as a path, takes a line for itself."""
    most = max(2, min(_WORD_MOST, width * 2 // 3))
    words = clean(sentence).split(" ")
    # Lines are folded by characters, and a name may be made of marks that take no cell.
    words = [ELLIPSIS + word[1 - most :] if len(word) > most else word for word in words]
    return " ".join(clip_start(word, most) for word in words)


def _whole_sentences(said: list[list[Content]], room: int) -> list[list[Content]]:
    """Those that fit as a whole: half a piece of advice is worse than none."""
    kept: list[list[Content]] = []
    for sentence in said:
        room -= len(sentence)
        if room < 0:
            break
        kept.append(sentence)
    return kept


def _calm(listed: Listed) -> str:
    if listed.dismissed:
        return f"Nothing else worth doing; {listed.dismissed} dismissed, X brings them back."
    if listed.unpriced:
        return f"No price is known for {listed.unpriced}, so what is worth doing cannot be judged."
    return "Nothing worth doing about this session now."


def _count(listed: Listed) -> str:
    shown = len(listed.findings)
    count = f"{shown} of {shown + listed.more}" if listed.more else str(shown)
    return f"{count}, {listed.dismissed} dismissed" if listed.dismissed else count


def _with_foot(rows: list[Content], foot: Sequence[Content], height: int) -> list[Content]:
    rows = rows[: max(0, height - len(foot))]
    blanks = height - len(rows) - len(foot)
    return [*rows, *[line("")] * blanks, *foot] if foot else rows


class FindingsPanel(Panel, can_focus=True):
    """Findings with a cursor while it has the focus; the cursor stays on its finding."""

    class Opened(Message):
        """The evidence of a finding is wanted."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    FOCUS_ON_CLICK = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._listed = Listed()
        self._at = 0
        self._key = ""
        self._owners: list[int] = []

    @property
    def chosen(self) -> Finding | None:
        """The finding under the cursor; the first one while there is no cursor."""
        findings = self._listed.findings
        return findings[self._at if self.has_focus else 0] if findings else None

    def show(self, listed: Listed) -> None:
        """Show these findings; where the chosen one has gone, the cursor stays in its row."""
        self._listed = listed
        keys = [finding.key for finding in listed.findings]
        at = keys.index(self._key) if self._key in keys else min(self._at, len(keys) - 1)
        self._choose(max(0, at))

    def move(self, delta: int) -> None:
        """Choose another finding."""
        self._choose(max(0, min(len(self._listed.findings) - 1, self._at + delta)))

    def move_page(self, pages: float) -> None:
        """There is one page."""
        self.move_to_end(last=pages > 0)

    def move_to_end(self, *, last: bool) -> None:
        """Choose the first or the last finding."""
        self.move(SHOWN if last else -SHOWN)

    def open(self) -> None:
        """Ask for the evidence of the chosen finding."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def click_row(self, row: int) -> None:
        """The first click on a finding chooses it, a second one opens it."""
        if not 0 <= row < len(self._owners):
            return
        if self.has_focus and self._owners[row] == self._at:
            self.open()
        else:
            self._choose(self._owners[row])
        self.focus()

    def on_resize(self) -> None:
        """Fold the sentences anew."""
        self._draw()

    def watch_has_focus(self, value: bool) -> None:
        """Show the cursor, or begin with the first finding again when the keys come back."""
        super().watch_has_focus(value)
        if value:
            self._draw()
        else:
            self._choose(0)

    def _choose(self, at: int) -> None:
        self._at = at
        findings = self._listed.findings
        self._key = findings[at].key if at < len(findings) else ""
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if not width or not height:
            return
        listed = self._listed
        chosen = self._at if self.has_focus and listed.findings else None
        inner = (width - 4, height - 2) if listed.boxes else (width - 2, height - 1)
        frame, self._owners = findings_frame(listed, chosen, *inner)
        draw = boxed if listed.boxes else ruled
        self.set_lines(draw(frame, width, height))
