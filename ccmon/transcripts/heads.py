"""What the first lines of transcripts tell; no file's are read twice without need."""

from collections.abc import Collection, Iterable
from pathlib import Path

from msgspec import Struct

from ccmon.entries import AssistantEntry, Entry
from ccmon.transcripts.decode import decode
from ccmon.transcripts.locate import Transcript

_KB = 1024
STEPS = (64 * _KB, 192 * _KB, 768 * _KB, 1024 * _KB)
"""How much is read at a time; a file that tells nothing in all of them is not read on."""


class Head(Struct):
    """What the first lines of a file tell; ``first`` is its first response.

    ``says_payer`` once that response names the session that paid: then no copy needs its original.
    """

    session_id: str | None = None
    cwd: str | None = None
    first: str | None = None
    says_payer: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing left to learn."""
        return bool(self.session_id and self.cwd and self.first)

    def learn(self, entry: Entry) -> None:
        """Take in one of the first entries."""
        self.session_id = self.session_id or entry.session_id
        self.cwd = self.cwd or entry.cwd
        if isinstance(entry, AssistantEntry) and self.first is None:
            self.first = entry.message_id
            self.says_payer = bool(entry.request_session_id or entry.forked_from)


class _Known(Struct):
    """A head, and the file as it was then; ``settled`` when its growth tells no more."""

    head: Head
    settled: bool
    inode: int
    size: int
    mtime: float

    def holds(self, item: Transcript) -> bool:
        if item.inode != self.inode or item.size < self.size:
            return False
        return self.settled or (item.size, item.mtime) == (self.size, self.mtime)


class Heads:
    """The heads of transcripts, remembered until the file is another one."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def of(self, item: Transcript) -> Head:
        """What the first lines tell; an empty head when the file cannot be read."""
        known = self._known.get(item.path)
        if known is None or not known.holds(item):
            head = Head()
            settled = _read(item.path, head)
            known = _Known(head, settled, item.inode, item.size, item.mtime)
            self._known[item.path] = known
        return known.head

    def keep_only(self, paths: Collection[str]) -> None:
        """Let go of files that are no more."""
        for path in self._known.keys() - paths:
            del self._known[path]


def _read(path: str, head: Head) -> bool:
    """Learn from a file; True when lines that it may get later would tell no more."""
    rest = b""
    try:
        with Path(path).open("rb") as file:
            for step in STEPS:
                data = file.read(step)
                *lines, rest = (rest + data).split(b"\n")
                at_end = len(data) < step
                # A line without its newline counts if nothing else is missing.
                if at_end and rest.endswith(b"}"):
                    lines.append(rest)
                _learn(lines, head)
                if head.is_whole or at_end:
                    return head.is_whole
    except OSError:
        return False
    return True


def _learn(lines: Iterable[bytes], head: Head) -> None:
    for line in lines:
        for entry in decode(line).entries if line else ():
            if isinstance(entry, Entry):
                head.learn(entry)
        if head.is_whole:
            return
