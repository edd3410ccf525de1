"""Folds over a growing list of requests that cost only what changed."""

from collections.abc import Mapping, Sequence

from ccmon.insight.drag import DragFold
from ccmon.ledger.stats import ThreadStats
from ccmon.requests import Compaction, Request

UNSETTLED = 4
"""The newest requests may still get more lines; the folds are kept from before them."""


class Running:
    """Statistics and drag of one thread, kept up to the last request that is sure to stay."""

    def __init__(self) -> None:
        self._stats = ThreadStats()
        self._drag = DragFold()
        self._anchor: Request | None = None

    def over(
        self, rows: Sequence[Request], compactions: Sequence[Compaction]
    ) -> tuple[ThreadStats, DragFold]:
        """Both folds over all rows.

        Rows that did not change since the last call must be the same objects: a change anywhere
        replaces every row behind it, so one look at the last folded row tells.
        """
        done = self._stats.requests
        if done and (done > len(rows) or rows[done - 1] is not self._anchor):
            self._stats, self._drag, done = ThreadStats(), DragFold(), 0
        by_request = {item.before_request: item for item in compactions}
        settled = max(done, len(rows) - UNSETTLED)
        _push(self._stats, self._drag, rows[done:settled], by_request)
        self._anchor = rows[settled - 1] if settled else None
        stats, drag = self._stats.copy(), self._drag.copy()
        _push(stats, drag, rows[settled:], by_request)
        return stats, drag


def _push(
    stats: ThreadStats,
    drag: DragFold,
    rows: Sequence[Request],
    compactions: Mapping[int, Compaction],
) -> None:
    for row in rows:
        if stats.push(row):
            drag.push(row, compactions)
