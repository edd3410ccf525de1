"""What the fast scan keeps of a transcript: its responses, and where to read on.

Compact and encodable (``msgspec.msgpack``): the index stores one ``Seen`` for each file.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from ccmon.entries import UsageLine


class Response(Struct, array_like=True, gc=False):
    """What one file says of one response: the union of its lines there.

    ``agent`` is ``main`` or an agent id. ``usage`` is that of the line with the largest output,
    ``final`` once a line had a stop reason, ``cut`` when the notice of a broken stream follows.
    ``claim`` names the session that paid, when the lines name another than the file's; ``guess``
    the one that the line calls its own, when that is another. ``opens`` says that a compaction
    lies between it and the response before. ``parent_id`` is the response that it goes on from,
    known as far as it matters: where less came from the cache than was left there, it tells a
    rewind from a loss.
    """

    message_id: str
    agent: str
    at: float | None = None
    request_id: str | None = None
    model: str | None = None
    version: str | None = None
    stop_reason: str | None = None
    usage: UsageLine | None = None
    final: bool = False
    cut: bool = False
    claim: str | None = None
    guess: str | None = None
    opens: bool = False
    parent_id: str | None = None


class Seen(Struct, array_like=True):
    """One transcript file as far as it has been read.

    ``session_id`` is None while nothing names one. ``head`` and ``before`` are digests of the
    first bytes and of the last ones before ``offset``: they tell whether the file is still the one
    that was read.
    ``responses`` stand in the order of their first lines. ``last_stamp`` is the latest time on the
    lines that were decoded, ``malformed`` counts what was lost of those.

    What reading on needs: ``told`` says that the lines named the session, ``chained`` that one of
    them belongs to a chain of messages; ``waiting`` are the chains that were compacted with no
    response since, ``left`` is the most that a response has left in the cache since then. A file
    whose lines have to be read one by one has its whole ``chain`` (the response that each line
    follows, by uuid) and the ``roots`` of the sub-agents within; None for any other.
    """

    path: str
    slug: str
    session_id: str | None
    agent_id: str | None
    device: int = 0
    inode: int = 0
    size: int = 0
    offset: int = 0
    head: bytes = b""
    before: bytes = b""
    first_stamp: float | None = None
    last_stamp: float | None = None
    cwd: str | None = None
    titles: dict[str, str] = {}
    first_prompt: str | None = None
    malformed: int = 0
    responses: list[Response] = []
    told: bool = False
    chained: bool = False
    waiting: list[str] = []
    left: int = 0
    chain: dict[str, str] | None = None
    roots: dict[str, str] = {}

    @property
    def sort_key(self) -> tuple[float, str]:
        """Earliest first stamp first, then path, as for a file of the full ledger."""
        return (inf if self.first_stamp is None else self.first_stamp, self.path)
