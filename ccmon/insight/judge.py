"""Adds to each session what is found in it, and keeps that until something it rests on changes."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from msgspec import Struct
from msgspec.structs import astuple, replace

from ccmon.insight.findings import Case, find
from ccmon.insight.peers import Peers, peers_of
from ccmon.insight.phase import Phase, next_change, phase_at
from ccmon.insight.summary import Summed
from ccmon.past import Candidate
from ccmon.snapshot import Finding, Session


class Judged(Struct, frozen=True, eq=False):
    """A session with its findings, and what they rest on."""

    summed: Summed
    phase: Phase
    peers: Peers
    candidates: tuple[Candidate, ...]
    session: Session


class Judge:
    """Looks at all sessions shown.

    ``changes_at`` is when the findings of one will have changed by the mere passing of time.
    """

    def __init__(self) -> None:
        self.changes_at = inf
        self._judged: dict[str, Judged] = {}
        self._peers: dict[str, Peers] = {}
        self._of: tuple[Summed, ...] = ()
        self._candidates: tuple[Candidate, ...] = ()

    def know(self, candidates: Sequence[Candidate]) -> bool:
        """Take in what a memory would save, from the past; True when that is news."""
        if self._candidates == (known := tuple(candidates)):
            return False
        self._candidates = known
        return True

    def sessions(self, summed: Sequence[Summed], now: float) -> tuple[Session, ...]:
        """The sessions with their findings at ``now``.

        A session in which nothing changed stays the same object, and so do its findings.
        """
        if self._of != (of := tuple(summed)):
            self._of, self._peers = of, peers_of(of)
        before, self._judged = self._judged, {}
        for each in summed:
            session_id = each.session.session_id
            self._judged[session_id] = self._judge(each, before.get(session_id), now)
        self.changes_at = min(
            (next_change(each.session.cache, now) for each in summed if each.session.active),
            default=inf,
        )
        return tuple(judged.session for judged in self._judged.values())

    def _judge(self, summed: Summed, known: Judged | None, now: float) -> Judged:
        session = summed.session
        phase = phase_at(session.cache, now)
        peers = self._peers.get(session.session_id, Peers())
        candidates = self._candidates
        if known is not None and known.summed is summed:
            if (known.phase, known.peers) == (phase, peers) and known.candidates is candidates:
                return known
            session = known.session
        findings = find(Case(session, now, peers, summed.opening, summed.results, candidates))
        if _told(findings) != _told(session.findings):
            session = replace(session, findings=findings)
        return Judged(summed, phase, peers, candidates, session)


def _told(findings: Sequence[Finding]) -> list[tuple[object, ...]]:
    return [astuple(finding) for finding in findings]
