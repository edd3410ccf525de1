"""Brings the index up to date with the files: what is new is read, what is gone is marked.

Only stamps decide whether a file has changed, never the clock. A file that another process has
read further meanwhile is taken over from there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ccmon.history import files
from ccmon.history.families import Families
from ccmon.history.files import UNFINISHED, File, Scope, Spoilt, Stamp, is_folder
from ccmon.history.index import Index
from ccmon.history.seen import Seen
from ccmon.ledger.prices import PriceTable
from ccmon.past import Scanning
from ccmon.transcripts.locate import Home, Transcript, discover

if TYPE_CHECKING:
    from ccmon.history.second import SecondReader

KEPT_AFTER = 32 << 20
"""Bytes that are read before what they say is written to the index."""
READ_AT_ONCE = 4 << 20
SHARED_FROM = 500_000_000
"""Bytes in new files from which a second process reads as well."""
LENT_UP_TO = 64 << 20
"""Bytes of a file that is left to it: in the end there would be nothing else to do."""
PAUSE = 0.02
"""Seconds to wait for the second process when nothing else is left to do."""


class Reading(Struct, eq=False):
    """A file that is being read: from which version in the index, and how far.

    ``lent``: the second process was to read it.
    """

    transcript: Transcript
    version: int | None
    session: str | None
    row: File | None
    seen: Seen | None = None
    stamp: Stamp = UNFINISHED
    lent: bool = False


class Intake:
    """Steps until the index says what the files of a scope say; ``kept`` counts its changes."""

    def __init__(
        self, index: Index, scope: Scope, homes: Sequence[Home], prices: PriceTable
    ) -> None:
        self.kept = 0
        self.scanning = Scanning()
        self.wants_to_look = True
        self._index, self._scope, self._prices = index, scope, prices
        self._homes = [home for home in homes if home.found]
        self._queue: list[Reading] = []
        self._read: list[Reading] = []
        self._second: SecondReader[Reading] | None = None
        self._unkept_bytes = 0
        self._unsettled: dict[str, None] = {}
        self._families = Families()
        self._settling = False
        self._unreadable: set[str] = set()

    @property
    def unreadable(self) -> int:
        """Files and folders that could not be read when they were last tried."""
        return len(self._unreadable)

    def look_again(self) -> None:
        """Have the next step look what files there are."""
        self.wants_to_look = True

    def step(self, budget: float) -> bool:
        """Work for about ``budget`` seconds; True while there is more."""
        deadline = time.monotonic() + budget
        while self._works(deadline):
            if time.monotonic() >= deadline:
                return True
        return False

    def close(self) -> None:
        """End the second process."""
        if self._second is not None:
            self._second.close()

    def forget(self) -> None:
        """Drop the files that are gone; the next steps account what is left."""
        if not self._scope.homes:
            return
        with self._index.transaction():
            self._index.execute(f"DELETE FROM files WHERE gone AND home IN {self._scope.among()}")
            self._index.execute(
                "DELETE FROM studies WHERE session_id NOT IN (SELECT session FROM files)"
            )
            # What other scopes hold follows from the same files, and is made anew when it is asked.
            files.drop_scopes(self._index, but=self._scope)
        self.look_again()

    def _works(self, deadline: float) -> bool:
        """The next piece of work; False when there is none."""
        try:
            self._work(deadline)
        except Spoilt as error:
            self._begin_again(error.path)
        return bool(self._is_reading or self._read or self._unsettled or self.wants_to_look)

    @property
    def _is_reading(self) -> bool:
        """Whether files are still to be read, or have been left to the second process."""
        return bool(self._queue) or (self._second is not None and self._second.busy)

    def _work(self, deadline: float) -> None:
        if self._second is not None:
            self._share(self._second)
        if self._has_enough() or (self._read and not self._queue):
            self._keep()
        elif self._unsettled and (self._settling or not self._is_reading):
            self._settle(deadline)
        elif self._queue:
            self._read_on()
        elif self._is_reading:
            return
        elif self.wants_to_look:
            self._look()

    def _has_enough(self) -> bool:
        """Whether it is time to write; rarer in a large file, which is written as a whole."""
        open_ones = [each.seen.offset for each in self._queue[-1:] if each.seen is not None]
        return self._unkept_bytes >= max(KEPT_AFTER, *(offset // 2 for offset in open_ones), 0)

    def _look(self) -> None:
        """Compare what is there with what the index knows."""
        self.wants_to_look = False
        closed: list[str] = []
        found = {each.path: each for each in discover(self._homes, closed)}
        known = files.known_files(self._index, self._scope)
        missing, back = [], []
        for path, file in known.items():
            if path in found:
                if file.gone:
                    back.append(file)
            elif not file.gone and self._is_gone(path, closed):
                missing.append(file)
            if file.accounted != file.version:
                self._unsettled.update(dict.fromkeys(_sessions(file)))
        if missing or back:
            with self._index.transaction():
                files.mark(self._index, missing, gone=True)
                files.mark(self._index, back, gone=False)
            for file in (*missing, *back):
                file.version += 1
                self._unsettled.update(dict.fromkeys(_sessions(file)))
        self._unsettled.update(dict.fromkeys(files.orphans(self._index, self._scope)))
        self._meet_unsettled()
        self._unreadable = set(closed)
        self._queue = _in_turn(
            [
                Reading(each, row.version if row else None, row.session if row else None, row)
                for path, each in found.items()
                if (row := known.get(path)) is None or row.stamp != files.stamp_of(each)
            ]
        )
        self.scanning = Scanning(
            files=len(self._queue),
            bytes=sum(_left(each) for each in self._queue),
        )
        self._find_help()

    def _meet_unsettled(self) -> None:
        """Find out who of those that wait belong together; the others are met as they are read."""
        self._families = Families()
        if self._unsettled:
            from ccmon.history.clusters import held_files

            for held in held_files(self._index, self._scope, self._unsettled):
                self._families.meet(held.file.session, held.seen)

    def _is_gone(self, path: str, closed: Sequence[str]) -> bool:
        """Whether a file does not exist any more, while its home does."""
        if any(path.startswith(f"{folder}/") for folder in closed):
            return False
        home = next((each.path for each in self._homes if path.startswith(f"{each.path}/")), None)
        if home is None or not is_folder(f"{home}/projects"):
            return False
        try:
            Path(path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def _find_help(self) -> None:
        """Have a second process read as well when there is much to read."""
        if sum(each.transcript.size for each in self._queue if each.row is None) >= SHARED_FROM:
            from ccmon.history.second import SecondReader, processors

            if processors() > 1:
                self._second = SecondReader()

    def _share(self, second: SecondReader[Reading]) -> None:
        """Leave the oldest of the new files to the second process; take in what it has read."""
        left = self.scanning.bytes - self.scanning.bytes_done
        while second.has_room(left) and (reading := self._lendable()) is not None:
            self._queue.remove(reading)
            reading.lent = True
            second.give(reading, reading.transcript)
        is_idle = not (self._queue or self._read or (self._unsettled and self._settling))
        for reading, seen in second.take(PAUSE if is_idle else 0.0):
            if seen is None:
                self._queue.insert(0, reading)
            else:
                reading.seen = seen
                self._took(reading, seen.offset, more=False)
        if not second.busy:
            second.close()
            self._second = None

    def _lendable(self) -> Reading | None:
        others = islice(self._queue, max(0, len(self._queue) - 1))
        return next(
            (
                each
                for each in others
                if each.row is None and not each.lent and each.transcript.size <= LENT_UP_TO
            ),
            None,
        )

    def _read_on(self) -> None:
        """Read a part of the next file."""
        from ccmon.history.scan import read_on  # a warm start needs none of that

        reading = self._queue[-1]
        if reading.seen is None and not self._open(reading):
            return
        assert reading.seen is not None
        before = reading.seen.offset
        try:
            more = read_on(reading.seen, READ_AT_ONCE)
        except FileNotFoundError:
            self._drop()
            self.wants_to_look = self.wants_to_look or reading.row is not None
            return
        except OSError:
            self._unreadable.add(reading.transcript.path)
            self._drop()
            return
        if not more:
            self._queue.pop()
        self._took(reading, max(0, reading.seen.offset - before), more=more)

    def _took(self, reading: Reading, taken: int, *, more: bool) -> None:
        """So many bytes of a file were read."""
        self._unkept_bytes += taken
        done = self.scanning.bytes_done + taken
        if not more:
            reading.stamp = files.stamp_of(reading.transcript)
            self._read.append(reading)
        self.scanning = Scanning(
            files=self.scanning.files,
            files_done=self.scanning.files_done + (not more),
            bytes=max(self.scanning.bytes, done),
            bytes_done=done,
        )

    def _open(self, reading: Reading) -> bool:
        """Take up what the index has of a file; False when that has changed since the look."""
        from ccmon.history.scan import begin

        transcript, row = reading.transcript, reading.row
        seen = files.load(self._index, row) if row else begin(transcript)
        if seen is None:
            self._drop()
            self.wants_to_look = True
            return False
        if not seen.offset or (row and _was_rewritten(transcript, row)):
            seen = begin(transcript)
        reading.seen = seen
        return True

    def _begin_again(self, path: str) -> None:
        """Have a file read from its beginning, as what the index has of it is spoilt."""
        with self._index.transaction():
            lost = files.begin_again(self._index, self._scope, path)
        self._index.lose(lost)
        self.wants_to_look = True

    def _drop(self) -> None:
        """Leave out the file whose turn it is."""
        self._queue.pop()
        done = self.scanning.files_done + 1
        self.scanning = Scanning(
            self.scanning.files, done, self.scanning.bytes, self.scanning.bytes_done
        )

    def _keep(self) -> None:
        """Write what was read, also of a file that is not read to its end."""
        open_ones = [each for each in self._queue if each.seen is not None]
        with self._index.transaction():
            for reading in (*self._read, *open_ones):
                assert reading.seen is not None
                path = reading.transcript.path
                kept = files.save(
                    self._index, self._scope, path, reading.seen, reading.stamp, reading.version
                )
                if kept is None:
                    self.wants_to_look = True
                    reading.seen = None
                    continue
                _, reading.version, session = kept
                former = reading.session or session
                self._unsettled.update({session: None, former: None})
                reading.session = session
                self._families.meet(session, reading.seen)
        self._queue = [
            each for each in self._queue if each not in open_ones or each.seen is not None
        ]
        self._read.clear()
        self._unkept_bytes, self._settling = 0, True

    def _settle(self, deadline: float) -> None:
        """Account some of what has changed."""
        from ccmon.history.settling import account  # nor does it need the accounts

        with self._index.transaction():
            if not files.is_there(self._index, self._scope):
                self._unsettled.clear()
                self.wants_to_look = True
            waiting = self._unsettled
            for batch in self._families.batches(waiting, reading=self._is_reading):
                if waiting.keys().isdisjoint(batch):
                    continue
                done = account(self._index, self._scope, self._prices, batch)
                self._families.accounted(done)
                for session in done:
                    waiting.pop(session, None)
                if time.monotonic() >= deadline:
                    break
            else:
                self._settling = False
        if not (self._unsettled or self._is_reading):
            self._families = Families()
        self.kept += 1


def _sessions(file: File) -> list[str]:
    """The sessions that a file stands or stood for."""
    return [each for each in (file.session, file.accounted_for) if each is not None]


def _was_rewritten(transcript: Transcript, row: File) -> bool:
    """Whether somebody wrote to a file that has not grown: not at its end then."""
    return transcript.size == row.stamp[2]


def _left(reading: Reading) -> int:
    size, row = reading.transcript.size, reading.row
    return size if row is None or row.stamp[2] >= size else size - max(0, row.stamp[2])


def _in_turn(wanted: Sequence[Reading]) -> list[Reading]:
    """Newest last, as they are taken from the end; files of one session beside each other."""
    places: dict[str, int] = {}
    for reading in wanted:
        places.setdefault(_family(reading), len(places))
    return sorted(wanted, key=lambda each: -places[_family(each)])


def _family(reading: Reading) -> str:
    return reading.session or reading.transcript.session_id or reading.transcript.path
