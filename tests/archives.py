"""Archives of scratch homes, read to their end, and what is compared of them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path

from ccmon.history.archive import Archive
from ccmon.past import History, PastRequest, Query
from ccmon.settings import Settings
from ccmon.transcripts.locate import config_homes
from tests.homes import FIRST, NOW
from tests.lines import Record, assistant, line, usage

Row = tuple[object, ...]


def at(stamp: str, message_id: str, session: str = FIRST, **fields: object) -> bytes:
    """The line of a response at a moment."""
    message: Record = {"id": message_id, "usage": usage(output_tokens=10)}
    return line(assistant(message=message, timestamp=stamp, sessionId=session, **fields)) + b"\n"


def archive_of(
    *homes: Path, folder: Path | None = None, settings: Settings | None = None
) -> Archive:
    """An archive of these homes of which nothing has been read; its clock stands still.

    It is closed when the test lets go of it.
    """
    found = config_homes([str(home) for home in homes], {}, homes[0])
    archive = Archive(found, settings or Settings(), folder, clock=lambda: NOW)
    weakref.finalize(archive, archive._index.close)
    return archive


def caught_up(archive: Archive) -> Archive:
    """The same, having looked again and read everything."""
    archive.look_again()
    while archive.step():
        pass
    return archive


def read_once(
    *homes: Path, folder: Path | None = None, settings: Settings | None = None
) -> tuple[History, list[Row]]:
    """The totals and rows of these homes, as one run of ccmon finds them."""
    archive = caught_up(archive_of(*homes, folder=folder, settings=settings))
    try:
        return archive.history(Query()), rows_of(archive)
    finally:
        archive.close()


def rows_of(archive: Archive, query: Query | None = None) -> list[Row]:
    """All requests of an archive, comparable, without whether they are on disk."""
    return compared(list(archive.requests(query or Query())))


def compared(requests: Sequence[PastRequest]) -> list[Row]:
    """What two archives of the same transcripts agree on, sorted by message."""
    return sorted(
        (
            one.message_id, one.session_id, one.project, one.cwd, one.thread, one.n, one.at,
            one.request_id, one.model, one.version, one.stop_reason, one.usage, one.context,
            one.rewritten, one.bust, one.cost, one.split, one.avoidable,
            one.output_is_lower_bound, one.estimated,
        )
        for one in requests
    )  # fmt: skip


def counted(history: History) -> dict[str, int]:
    """How many requests each group has."""
    return {group.key: group.sums.requests for group in history.groups}
