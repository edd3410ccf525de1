"""Which sessions' texts are counted by the tokenizer, and when what was counted is taken in."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ccmon.counting import Counting
from ccmon.ledger.session import Ledger
from ccmon.transcripts.registry import LiveSession
from ccmon.transcripts.select import Selection

COUNTING_SECONDS = 0.02
"""Longest wait for counts in one step: lines that are written meanwhile are not to wait longer."""


class Recount:
    """Has the texts counted of sessions that are active, opened or named; newest session first.

    The others are set aside until ``want_again``: they are not looked at in every step while counts
    come in.
    """

    def __init__(self, ledger: Ledger, selection: Selection) -> None:
        self._counting = Counting()
        self._ledger = ledger
        self._selection = selection
        self._new: set[str] = set()
        self._aside: set[str] = set()

    @property
    def works(self) -> bool:
        """Whether anything has been or can be counted."""
        return self._counting.works

    def note(self, changed: set[str]) -> None:
        """These sessions may have something to count."""
        self._new |= changed

    def want_again(self) -> None:
        """A session that nobody looked at may be looked at from now on."""
        self._new |= self._aside
        self._aside.clear()

    def step(self, deadline: float, now: float, live: Mapping[str, LiveSession]) -> bool:
        """Ask for counts, and take in those that come before ``deadline``; True when some did."""
        for session_id in self._wanted(now, live):
            self._counting.ask(self._ledger.sessions[session_id].uncounted())
        left = max(0.0, deadline - time.monotonic())
        counts = self._counting.collect(min(COUNTING_SECONDS, left))
        for each in counts:
            self._ledger.count(each.sighting, each.span, each.counts)
        if counts:
            self._ledger.settle()
        return bool(counts)

    @property
    def busy(self) -> bool:
        """Whether counts are to come."""
        return self._counting.busy

    def _wanted(self, now: float, live: Mapping[str, LiveSession]) -> list[str]:
        fresh, self._new = self._new & self._ledger.sessions.keys(), set()
        selection, named = self._selection, self._selection.scope.session
        found = []
        for session_id in fresh:
            latest = self._ledger.sessions[session_id].last_stamp
            asked_for = session_id in selection.opened or (named and session_id.startswith(named))
            if asked_for or selection.is_active(session_id, latest, now, live):
                found.append((-latest, session_id))
            else:
                self._aside.add(session_id)
        return [session_id for _, session_id in sorted(found)]
