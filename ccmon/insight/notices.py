"""What the user is told of once: states when they are entered, large busts when they happen.

Source: accounting.md section 11. A state machine over successive looks at the sessions: states
wait for the end of a turn, busts are told at once, and what was there before is not news.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence, Set

from ccmon import format, words
from ccmon.measures import ALERT_SPAN
from ccmon.requests import MAIN, Bust
from ccmon.snapshot import AlertState, DragState, Notice, Session, Severity

KEPT = 20
DOUBLED = 2.0
LONGEST = 100
"""Characters of a text."""

_DRAG_RANK: dict[DragState, int] = {"off": 0, "high": 1, "dominates": 2}
_ALERT_RANK: dict[AlertState, int] = {"off": 0, "high": 1, "severe": 2}


class Told:
    """What has been told of one session: states by rank, busts by thread and message.

    ``overdue`` is O at the last notice of drag, ``alert_at`` the request of the last one of the
    cache; the drag of another segment has not been told of. ``deadline`` is the key of the finding
    that told of the last deadline.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self.segment = 0
        self.drag = 0
        self.overdue = 0.0
        self.alert = 0
        self.alert_at: int | None = None
        self.deadline: str | None = None
        self.busts: set[tuple[str, str]] = set()


class Notices:
    """Tells of what is new from look to look; ``recent`` holds the last few, oldest first."""

    def __init__(self, bust_usd: float) -> None:
        self._bust_usd = bust_usd
        self._recent: deque[Notice] = deque(maxlen=KEPT)
        self._serial = 0
        self._told: dict[str, Told] = {}

    @property
    def recent(self) -> tuple[Notice, ...]:
        """The last few notices, oldest first."""
        return tuple(self._recent)

    def observe(
        self, sessions: Sequence[Session], settled: Set[str], reread: Set[str] = frozenset()
    ) -> None:
        """Look at the sessions as they stand now.

        ``settled`` names those whose files have all been read: what the first look at such a one
        finds was there before, and the others wait. ``reread`` names those of which a file began
        anew: the next look at them is a first one again.
        """
        before, self._told = self._told, {}
        for session in sessions:
            session_id = session.session_id
            told = None if session_id in reread else before.get(session_id)
            if session_id not in settled:
                if told is not None:
                    self._told[session_id] = told
                continue
            news = told is not None
            told = self._told[session_id] = told or Told()
            if told.session is not session:
                told.session = session
                self._busts(session, told, news=news)
                self._deadline(session, told, news=news)
                if not news or (session.active and _at_a_break(session)):
                    self._alert(session, told, news=news)
                    self._drag(session, told, news=news)

    def _busts(self, session: Session, told: Told, *, news: bool) -> None:
        for bust in session.busts:
            key = (bust.thread, bust.message_id or str(bust.request))
            if key in told.busts:
                continue
            told.busts.add(key)
            if news and bust.avoidable is not None and bust.avoidable >= self._bust_usd:
                self._tell(session, "warn", "CACHE BUST", bust_text(session, bust), "F4")

    def _deadline(self, session: Session, told: Told, *, news: bool) -> None:
        """A cache about to go cold, once for each deadline: one that waits is at a break."""
        ending = next((finding for finding in session.findings if finding.id == "F2"), None)
        if ending is None or ending.key == told.deadline:
            return
        told.deadline = ending.key
        if news:
            self._tell(session, ending.severity, "GOING COLD", deadline_text(session), "F2")

    def _alert(self, session: Session, told: Told, *, news: bool) -> None:
        if session.cache is None or not session.requests:
            return
        alert, newest = session.cache.alert, session.requests[-1].n
        rank = _ALERT_RANK[alert.state]
        entered, told.alert = rank > told.alert, min(rank, told.alert)
        if not entered or (told.alert_at is not None and newest - told.alert_at < ALERT_SPAN):
            return
        told.alert, told.alert_at = rank, newest
        if news:
            severity: Severity = "high" if alert.state == "severe" else "warn"
            title = f"CACHE {alert.state.upper()}"
            self._tell(session, severity, title, alert_text(session), "F4")

    def _drag(self, session: Session, told: Told, *, news: bool) -> None:
        drag = session.drag
        if drag is None or drag.o is None or not session.requests:
            return
        if told.segment != session.requests[-1].segment:
            told.segment, told.drag, told.overdue = session.requests[-1].segment, 0, 0.0
        rank = _DRAG_RANK[drag.state]
        if not rank or (rank <= told.drag and drag.o < DOUBLED * told.overdue):
            return
        told.drag, told.overdue = max(rank, told.drag), drag.o
        if news:
            self._tell(session, "high", f"DRAG {drag.state.upper()}", drag_text(session), "F1")

    def _tell(
        self, session: Session, severity: Severity, title: str, text: str, finding: str
    ) -> None:
        self._serial += 1
        notice = Notice(self._serial, severity, session.session_id, title, text, finding)
        self._recent.append(notice)


def _at_a_break(session: Session) -> bool:
    """Between two turns, where being told disturbs least and something can be done."""
    if session.status == "idle":
        return True
    return bool(session.requests) and session.requests[-1].stop_reason == "end_turn"


def drag_text(session: Session) -> str:
    """What re-reading costs and what compacting would."""
    return _clipped(words.plain(*words.drag_facts(session)))


def deadline_text(session: Session) -> str:
    """When the cache goes cold, and the price of a request before and after that."""
    if session.cache is None or session.context is None:
        return ""
    text = f"{format.tokens(session.context.current)} cached until"
    text += f" {format.clock(session.cache.expires_at)}"
    following = session.next_request
    if following is not None and following.cold is not None:
        warm, cold = format.money(following.warm), format.money(following.cold)
        text += f"; next request {warm} before, {cold} after"
    return _clipped(text)


def alert_text(session: Session) -> str:
    """How many busts took which share of the spend, and the cause that leads."""
    if session.cache is None:
        return ""
    return _clipped(words.alert_facts(session, session.cache.alert).text())


def bust_text(session: Session, bust: Bust) -> str:
    """The cause of one bust, and its price."""
    kinds = (agent.type for agent in session.subagents if agent.agent_id == bust.thread)
    where = "" if bust.thread == MAIN else f"{next(kinds, None) or bust.thread}: "
    return _clipped(
        f"{where}{words.cause(bust.why)}; rewrote {format.tokens(bust.rewritten)},"
        f" {format.money(bust.avoidable, estimated=bust.estimated)} lost"
    )


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
