"""One transcript file flowing into the ledger: its tail, and what was wrong with its lines."""

from msgspec import Struct

from ccmon.entries import AssistantEntry
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Source
from ccmon.measures import Span
from ccmon.transcripts.decode import Decoded, decode, first_stamp
from ccmon.transcripts.locate import Transcript
from ccmon.transcripts.tail import Tail

READ_BYTES = 256 * 1024
"""One read: small enough that a step keeps its time, large enough to be fast."""


class Faults(Struct, gc=False):
    """Counts over the lines of one file."""

    malformed: int = 0
    salvaged: int = 0
    synthetic: int = 0
    unknown: int = 0


class Feed:
    """Reads what a file has grown by and hands it on, in file order.

    ``shown`` is False for a file that is read only because others may copy from it. ``restarts``
    counts how often the file was replaced and read from its beginning again.
    """

    def __init__(self, transcript: Transcript, ledger: Ledger) -> None:
        self.transcript = transcript
        self.faults = Faults()
        self.shown = False
        self.read_once = False
        self.gone = False
        self.restarts = 0
        self._source = Source(transcript.path, transcript.session_id, transcript.agent_id)
        self._ledger = ledger
        self._tail = Tail(transcript.path)
        self._early: int | None = None
        self._stamped = False
        self._looked_at = False

    @property
    def bytes_read(self) -> int:
        """How far the file has been read."""
        return self._tail.offset

    @property
    def size(self) -> int:
        """Size of the file when it was last looked at; before that, when it was found."""
        return max(self._tail.size, self._tail.offset) if self._looked_at else self.transcript.size

    @property
    def error(self) -> str | None:
        """Why the file cannot be read."""
        return self._tail.error

    @property
    def session_id(self) -> str | None:
        """The session it belongs to; None while an old agent file has not said."""
        return self._ledger.stream(self._source).session_id

    def read(self) -> bool:
        """Take in the next part of the file; True when there is more to read at once."""
        chunk = self._tail.read(READ_BYTES)
        if chunk.reset or chunk.gone:
            self._ledger.forget(self._source.path)
            self.faults, self._early, self._stamped = Faults(), None, False
            self.read_once = False
            self.restarts += chunk.reset
        self.gone, self._looked_at = chunk.gone, True
        self.faults.malformed += chunk.oversized
        for offset, line in chunk.lines:
            self._take(offset, line)
        if chunk.tail is not None:
            self._take_early(*chunk.tail)
        self.read_once = self.read_once or not chunk.more
        return chunk.more

    def _take(self, offset: int, line: bytes) -> None:
        if not line:
            return
        if not self._stamped:
            self._stamp(line)
        decoded = decode(line)
        self._count(decoded)
        entries = decoded.entries
        if self._early == offset:
            self._early, entries = None, entries[1:]
        span = Span(self._source.path, offset, len(line))
        for entry in entries:
            self._ledger.apply(self._source, span, entry)

    def _take_early(self, offset: int, line: bytes) -> None:
        """A response whose line is whole but for the newline counts already."""
        if self._early == offset or not line.endswith(b"}"):
            return
        decoded = decode(line)
        if decoded.malformed or decoded.salvaged or len(decoded.entries) != 1:
            return
        entry = decoded.entries[0]
        if isinstance(entry, AssistantEntry):
            self._early = offset
            self._ledger.apply(self._source, Span(self._source.path, offset, len(line)), entry)

    def _stamp(self, line: bytes) -> None:
        stamp = first_stamp(line)
        if stamp is not None:
            self._stamped = True
            self._ledger.stamp(self._source, stamp)

    def _count(self, decoded: Decoded) -> None:
        self.faults.malformed += decoded.malformed
        self.faults.salvaged += decoded.salvaged
        self.faults.synthetic += decoded.synthetic
        self.faults.unknown += decoded.unknown
