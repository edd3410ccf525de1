"""The same transcripts accounted for twice: by the full ledger, and by the scan of the history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ccmon.feed import Feed
from ccmon.history.accounts import Accounted, settle
from ccmon.history.scan import begin, read_on
from ccmon.history.seen import Seen
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Source, Stream
from ccmon.transcripts.locate import Home, Transcript, discover

PRICES = PriceTable.load()
FIGURES = (
    "message_id",
    "request_id",
    "at",
    "model",
    "version",
    "stop_reason",
    "usage",
    "context",
    "rewritten",
    "bust",
    "cost",
    "split",
    "avoidable",
    "output_is_lower_bound",
    "estimated",
)

Figures = dict[tuple[str, str, int], dict[str, object]]
"""What was found out of each request, by session, thread and number."""


def transcripts(home: Path) -> list[Transcript]:
    """All transcript files of a config home."""
    return discover([Home(str(home), "--config-dir", found=True)])


def in_full(files: Iterable[Transcript]) -> tuple[Ledger, Figures]:
    """The ledger of some files, and what it says of every request."""
    ledger = Ledger(PRICES)
    for transcript in files:
        feed = Feed(transcript, ledger)
        while feed.read():
            pass
    ledger.settle()
    return ledger, {
        (session.session_id, thread.agent, row.n): _figures(row)
        for session in ledger.sessions.values()
        for thread in session.threads.values()
        for row in thread.rows
    }


def stream_of(ledger: Ledger, seen: Seen, transcript: Transcript) -> Stream:
    """What the ledger knows of a file."""
    return ledger.stream(Source(seen.path, transcript.session_id, transcript.agent_id))


def scanned(transcript: Transcript, limit: int = 4 << 20) -> Seen:
    """One file read to its end, so many bytes at a time."""
    seen = begin(transcript)
    while read_on(seen, limit):
        pass
    return seen


def accounted(seens: Iterable[Seen]) -> Figures:
    """What the accounts of the history say of every request."""
    rows = settle(seens, PRICES)
    found = {(row.session_id, row.thread, row.n): _figures(row) for row in rows}
    assert len(found) == len(rows)
    return found


def _figures(row: Accounted | object) -> dict[str, object]:
    return {name: getattr(row, name) for name in FIGURES}
