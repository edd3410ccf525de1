"""Row 1: the warning line."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.content import Content

from ccmon import format as fmt
from ccmon import words
from ccmon.snapshot import CacheAlert, Drag, Health, Session
from ccmon.tui.safe import Part, clean, clip, line, spread
from ccmon.tui.widgets.lines import Lines

_WIDTH_FROM = 80
_HEIGHT_FROM = 24
_RESERVED_FROM = 30
_NAME = 24


class WarningLine(Lines):
    """The highest warning state of the session, gone when the state is left; else what is unread.

    There is none of a session that has ended: nothing can be done about it any more.

    From 30 rows up the row is kept even when blank, so that panels never jump; from 24 rows it
    exists only while there is a warning; on smaller screens the chip in the Drag panel warns.
    """

    DEFAULT_CSS = """
    WarningLine {
        height: 1;
        display: none;
    }
    """

    def show(self, session: Session | None, health: Health, *, named: bool = False) -> None:
        """Show the warning of this session, else what was not read, or a blank row, or nothing.

        ``named``: say which session it is of.
        """
        size = self.screen.size
        warning = _highest(session) if session is not None else None
        if warning is not None and session is not None and named:
            warning = replace(warning, of=clip(clean(session.project), _NAME))
        content = warning.line(size.width) if warning is not None else unread(health, size.width)
        large = size.width >= _WIDTH_FROM and size.height >= _HEIGHT_FROM
        self.display = size.height >= _RESERVED_FROM or (large and content is not None)
        self.set_lines([content if content is not None else Content(" " * size.width)])


def unread(health: Health, width: int) -> Content | None:
    """``~  2 transcripts unreadable (permission), 3 malformed lines skipped``, if there are."""
    said = []
    if health.unreadable_files:
        count = fmt.plural(health.unreadable_files, "transcript")
        said.append(f"{count} unreadable (permission)")
    if health.malformed_lines:
        said.append(f"{fmt.plural(health.malformed_lines, 'malformed line')} skipped")
    if not said:
        return None
    return spread(width, line((f" ~  {', '.join(said)}", "$label")), line(("health ", "$label")))


@dataclass(frozen=True, slots=True)
class _Warning:
    """A state in words: ``wordings`` are its facts, longest first; ``finding`` is its id.

    ``of`` names the session where that has to be said.
    """

    mark: str
    name: str
    wordings: tuple[tuple[Part, ...], ...]
    finding: str
    style: str
    ground: str
    of: str = ""

    def line(self, width: int) -> Content:
        """As wide as the screen: the longest wording that fits beside the id, else without it."""
        of = line(self.of, "  ") if self.of else line()
        head = line(" ", (f"{self.mark:2} {self.name}", self.style), "  ", of)
        finding = line((self.finding, self.style.removesuffix("bold").strip()), " ")
        lines = [line(head, *wording) for wording in self.wordings]
        rooms = (width - finding.cell_length - 2, width)
        fits = (each for room in rooms for each in lines if each.cell_length <= room)
        content = next(fits, head)
        return spread(width, content, finding).stylize_before(self.ground)


def _highest(session: Session) -> _Warning | None:
    """The highest state; of equal ones drag comes first, as it can be acted on at once."""
    if session.status == "ended":
        return None
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
    facts = words.drag_facts(session)
    choices = [facts[:count] for count in range(len(facts), 0, -1)]
    if drag.payback_requests is not None:
        _, number, _ = facts[-1]
        choices.insert(1, [*facts[:-1], ((", back in ", False), number)])
    wordings = tuple(_styled(solid, *choice) for choice in choices)
    name = f"DRAG {drag.state.upper()}"
    return _Warning("!!", name, wordings, "F1", *_looks(solid=solid, tone="error"))


def _cache_warning(session: Session, alert: CacheAlert) -> _Warning:
    """``2 busts in 50 requests rewrote 365k, 22% of spend; last: idle 6m > 5m TTL``."""
    solid = alert.state == "severe"
    facts = words.alert_facts(session, alert)
    share = (((", ", False),), facts.share)
    wordings = (
        _styled(solid, facts.busts, facts.rewrote, *share, facts.cause),
        _styled(solid, facts.busts, *share, facts.cause),
        _styled(solid, facts.busts, *share),
        _styled(solid, facts.share),
    )
    mark, tone = ("!!", "error") if solid else ("!", "warning")
    name = f"CACHE {alert.state.upper()}"
    return _Warning(mark, name, wordings, "F4", *_looks(solid=solid, tone=tone))


def _styled(solid: bool, *facts: words.Fact) -> tuple[Part, ...]:
    """Facts with their figures made strong; on a solid ground all is."""
    strong = "" if solid else "$bright bold"
    return tuple(
        (clean(text), strong) if figure else clean(text) for fact in facts for text, figure in fact
    )
