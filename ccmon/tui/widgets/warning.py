"""Row 1: the warning line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.requests import MAIN
from ccmon.snapshot import CacheAlert, Drag, Session
from ccmon.tui.safe import Part, clean, line, spread
from ccmon.tui.widgets.lines import Lines

_WIDTH_FROM = 80
_HEIGHT_FROM = 24
_RESERVED_FROM = 30
_ALERT_SPAN = 50
"""Requests over which the cache's state is judged."""
_LONG = (", pays back in ", " requests")
_SHORT = (", back in ", "")


class WarningLine(Lines):
    """The highest warning state of the session, gone when the state is left.

    From 30 rows up the row is kept even when blank, so that panels never jump; from 24 rows it
    exists only while there is a warning; on smaller screens the chip in the Drag panel warns.
    """

    DEFAULT_CSS = """
    WarningLine {
        height: 1;
        display: none;
    }
    """

    def show(self, session: Session | None) -> None:
        """Show the warning of this session, or a blank row, or nothing."""
        size = self.screen.size
        warning = _highest(session) if session is not None else None
        large = size.width >= _WIDTH_FROM and size.height >= _HEIGHT_FROM
        self.display = size.height >= _RESERVED_FROM or (large and warning is not None)
        blank = Content(" " * size.width)
        self.set_lines([warning.line(size.width) if warning is not None else blank])


@dataclass(frozen=True, slots=True)
class _Warning:
    """A state in words: ``wordings`` are its facts, longest first; ``finding`` is its id."""

    mark: str
    name: str
    wordings: tuple[tuple[Part, ...], ...]
    finding: str
    style: str
    ground: str

    def line(self, width: int) -> Content:
        """As wide as the screen: the longest wording that fits, then the id where it fits."""
        head = line(" ", (f"{self.mark:2} {self.name}", self.style), "  ")
        lines = [line(head, *wording) for wording in self.wordings]
        content = next((each for each in lines if each.cell_length <= width), head)
        finding = line((self.finding, self.style.removesuffix("bold").strip()), " ")
        return spread(width, content, finding).stylize_before(self.ground)


def _highest(session: Session) -> _Warning | None:
    """The highest state; of equal ones drag comes first, as it can be acted on at once."""
    drag = session.drag.state if session.drag is not None else "off"
    alert = session.cache.alert.state if session.cache is not None else "off"
    if session.cache is not None and (
        (alert == "severe" and drag != "dominates") or (alert == "high" and drag == "off")
    ):
        return _cache_warning(session, session.cache.alert)
    if session.drag is not None and drag != "off":
        return _drag_warning(session, session.drag)
    return None


def _looks(*, solid: bool, tone: str) -> tuple[str, str]:
    """Style of the name, and ground of the line with the colour of its text."""
    if solid:
        return "bold", "$line-dominates"
    return f"${tone} bold", f"$foreground on ${tone}-tint"


def _drag_warning(session: Session, drag: Drag) -> _Warning:
    solid = drag.state == "dominates"
    strong = "" if solid else "$bright bold"
    facts = _facts(session, drag, strong)
    choices = [[*facts, *_payback(drag, strong, words)] for words in (_LONG, _SHORT)]
    choices += [facts[:count] for count in range(len(facts), 0, -1)]
    wordings = tuple(tuple(part for fact in facts for part in fact) for facts in choices)
    name = f"DRAG {drag.state.upper()}"
    return _Warning("!!", name, wordings, "F1", *_looks(solid=solid, tone="error"))


def _cache_warning(session: Session, alert: CacheAlert) -> _Warning:
    """``2 busts in 50 requests rewrote 365k, 22% of spend; last: idle 6m > 5m TTL``."""
    solid = alert.state == "severe"
    strong = "" if solid else "$bright bold"
    number, _, noun = fmt.plural(alert.busts, "bust").partition(" ")
    span = min(_ALERT_SPAN, len(session.requests))
    share: list[Part] = [(fmt.percent(alert.share), strong), " of spend"]
    head: list[Part] = [(number, strong), f" {noun} in {span} requests"]
    rewrote: list[Part] = [" rewrote ", (fmt.tokens_short(alert.rewritten), strong), ", "]
    cause = _leading_cause(session, alert)
    wordings: tuple[tuple[Part, ...], ...] = (
        (*head, *rewrote, *share, cause),
        (*head, ", ", *share, cause),
        (*head, ", ", *share),
        (*share,),
    )
    mark, tone = ("!!", "error") if solid else ("!", "warning")
    name = f"CACHE {alert.state.upper()}"
    return _Warning(mark, name, wordings, "F4", *_looks(solid=solid, tone=tone))


def _leading_cause(session: Session, alert: CacheAlert) -> str:
    """The cause that came more than once, else the last one."""
    mine = [bust for bust in session.busts if bust.thread == MAIN]
    causes = [words.cause(bust.why) for bust in mine[len(mine) - alert.busts :] if bust.why]
    if not causes:
        return ""
    cause, count = Counter(reversed(causes)).most_common(1)[0]
    return f"; {clean(cause)} x{count}" if count > 1 else f"; last: {clean(causes[-1])}"


def _facts(session: Session, drag: Drag, strong: str) -> list[list[Part]]:
    facts: list[list[Part]] = []
    split = session.spend.last12 if session.spend is not None else None
    if split is not None and split.total > 0:
        facts.append(["re-reading ", (fmt.percent(split.carry / split.total), strong), " of spend"])
    if drag.compact is not None:
        joint = "; " if facts else ""
        facts.append([f"{joint}compact ", (fmt.money(drag.compact, short=True), strong)])
    if drag.o is not None:
        joint = ", " if facts else ""
        facts.append([joint, (fmt.multiple(drag.o), strong), " overdue"])
    return facts


def _payback(drag: Drag, strong: str, words: tuple[str, str]) -> list[list[Part]]:
    if drag.payback_requests is None:
        return []
    before, after = words
    return [[before, (f"{max(1, round(drag.payback_requests))}", strong), after]]
