"""Row 1: the warning line."""

from textual.content import Content

from ccmon import format as fmt
from ccmon.snapshot import Drag, Session
from ccmon.tui.safe import Part, fit, line
from ccmon.tui.widgets.lines import Lines

_WIDTH_FROM = 80
_HEIGHT_FROM = 24
_RESERVED_FROM = 30
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
        drag = session.drag if session is not None else None
        warns = drag is not None and drag.state != "off"
        large = size.width >= _WIDTH_FROM and size.height >= _HEIGHT_FROM
        self.display = size.height >= _RESERVED_FROM or (large and warns)
        if drag is not None and warns and session is not None:
            self.set_lines([_drag_line(session, drag, size.width)])
        else:
            self.set_lines([Content(" " * size.width)])


def _drag_line(session: Session, drag: Drag, width: int) -> Content:
    """The line as wide as the screen; facts that do not fit are left out, last ones first."""
    solid = drag.state == "dominates"
    strong = "" if solid else "$bright bold"
    head = line(" ", (f"!! DRAG {drag.state.upper()}", "bold" if solid else "$error bold"), "  ")
    facts = _facts(session, drag, strong)
    wordings = [[*facts, *_payback(drag, strong, words)] for words in (_LONG, _SHORT)]
    wordings += [facts[:count] for count in range(len(facts), 0, -1)]
    lines = (line(head, *(part for fact in wording for part in fact)) for wording in wordings)
    content = next((content for content in lines if content.cell_length <= width), head)
    ground = "$line-dominates" if solid else "$foreground on $error-tint"
    return fit(content, width).stylize_before(ground)


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
