"""Folds over a growing list of requests that cost only what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy

from ccmon.insight.alert import AlertFold
from ccmon.insight.drag import DragFold
from ccmon.insight.ttl import PauseFold
from ccmon.ledger.contents import Contents
from ccmon.ledger.stats import ThreadStats
from ccmon.ledger.uses import Uses
from ccmon.requests import Compaction, Request

UNSETTLED = 4
"""The newest requests may still get more lines; the folds are kept from before them."""


class Folds:
    """All that is folded over the requests of one thread."""

    def __init__(self) -> None:
        self.stats = ThreadStats()
        self.drag = DragFold()
        self.alert = AlertFold()
        self.pauses = PauseFold()
        self.contents = Contents()
        self.uses = Uses()

    def copy(self) -> Folds:
        """Folds that go on from here without touching these."""
        twin = copy(self)
        twin.stats, twin.drag = self.stats.copy(), self.drag.copy()
        twin.alert, twin.pauses = self.alert.copy(), self.pauses.copy()
        twin.contents, twin.uses = self.contents.copy(), self.uses.copy()
        return twin

    def push(self, rows: Sequence[Request], compactions: Mapping[int, Compaction]) -> None:
        """Take in the next requests; ``compactions`` by the number of the request after each.

        A request that did not read the thread's context counts in the statistics alone.
        """
        for row in rows:
            self.contents.push(row)
            held = self.contents
            self.uses.push(row, requests=held.requests, read=held.read, kept=held.kept)
            if self.stats.push(row):
                self.drag.push(row, compactions)
                self.alert.push(row)
                self.pauses.push(row)


class Running:
    """The folds of one thread, kept up to the last request that is sure to stay.

    Those over all rows are kept as well: a thread that stood still costs nothing.
    """

    def __init__(self) -> None:
        self._folds = Folds()
        self._anchor: Request | None = None
        self._whole = Folds()
        self._newest: Request | None = None

    def over(self, rows: Sequence[Request], compactions: Sequence[Compaction]) -> Folds:
        """The folds over all rows; they must not be pushed to, for they are given again.

        Rows that did not change since the last call must be the same objects: a change anywhere
        replaces every row behind it, so one look at the last folded row tells.
        """
        newest = rows[-1] if rows else None
        if newest is self._newest and self._whole.stats.requests == len(rows):
            return self._whole
        done = self._folds.stats.requests
        if done and (done > len(rows) or rows[done - 1] is not self._anchor):
            self._folds, done = Folds(), 0
        by_request = {item.before_request: item for item in compactions}
        settled = max(done, len(rows) - UNSETTLED)
        self._folds.push(rows[done:settled], by_request)
        self._anchor = rows[settled - 1] if settled else None
        folds = self._folds.copy()
        folds.push(rows[settled:], by_request)
        self._whole, self._newest = folds, newest
        return folds
