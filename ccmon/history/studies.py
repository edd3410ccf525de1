"""Which sessions have to be studied for the memory, and the studies that are kept of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from time import monotonic

from msgspec import Struct

from ccmon.history.files import Scope
from ccmon.history.index import Index
from ccmon.history.study import FORMAT, Student, decoded, encoded
from ccmon.history.sums import sessions_of
from ccmon.insight.memory import Study, candidates
from ccmon.ledger.prices import PriceTable
from ccmon.past import Candidate, Scanning
from ccmon.transcripts.locate import Home


class Due(Struct, frozen=True):
    """A session whose study is missing or older than its files.

    ``fingerprint`` is of these files and of the prices, ``bytes`` their size.
    """

    session_id: str
    paths: tuple[str, ...]
    fingerprint: bytes
    bytes: int
    at: float


class Studies:
    """Studies the sessions of a scope, the newest first, and keeps what it finds in the index."""

    def __init__(
        self, index: Index, scope: Scope, homes: tuple[Home, ...], prices: PriceTable
    ) -> None:
        self.studying = Scanning()
        self._index, self._scope, self._homes, self._prices = index, scope, homes, prices
        self._asked: str | None = None
        self._due: list[Due] | None = None
        self._student: Student | None = None

    def step(self, budget: float, since: float, project: str | None) -> bool:
        """Work for about ``budget`` seconds; True while there is more."""
        deadline = monotonic() + budget
        if self._due is None or self._asked != project:
            self._asked, self._student = project, None
            self._due = self.due(since, project)
            size = sum(each.bytes for each in self._due)
            self.studying = Scanning(files=len(self._due), bytes=size)
        while self._due:
            self._study(self._due[-1], max(0.0, deadline - monotonic()))
            if monotonic() >= deadline:
                break
        if self._due:
            return True
        self._due = None
        return False

    def due(self, since: float, project: str | None = None) -> list[Due]:
        """Sessions with requests since then that have to be studied, the newest last."""
        kept = dict(self._index.rows("SELECT session_id, fingerprint FROM studies"))
        found = []
        for session_id, at in self._sessions(since, project):
            due = self._due_of(session_id, at)
            if due is not None and kept.get(session_id) != due.fingerprint:
                found.append(due)
        return sorted(found, key=lambda due: (due.at, due.session_id))

    def found(self, since: float, project: str | None) -> tuple[int, int, tuple[Candidate, ...]]:
        """How many sessions and projects were studied, and what they found again and again."""
        studies = list(self._kept(since, project))
        projects = {study.root for study in studies}
        return len(studies), len(projects), candidates(studies)

    def _study(self, due: Due, budget: float) -> None:
        if self._student is None:
            paths, homes = due.paths, self._homes
            own = self._responses(due.session_id)
            self._student = Student(due.session_id, paths, homes, self._prices, own)
        before = self._student.bytes_done
        more = self._student.step(budget)
        done = self.studying.bytes_done + self._student.bytes_done - before
        finished = self.studying.files_done + (not more)
        size = max(self.studying.bytes, done)
        self.studying = Scanning(self.studying.files, finished, size, done)
        if more or self._due is None or self._student.study is None:
            return
        self._due.pop()
        study, self._student = self._student.study, None
        with self._index.transaction():
            self._index.execute(
                "INSERT OR REPLACE INTO studies (session_id, fingerprint, at, data)"
                " VALUES (?, ?, ?, ?)",
                (due.session_id, due.fingerprint, due.at, encoded(study)),
            )

    def _due_of(self, session_id: str, at: float) -> Due | None:
        """A session by its files that are there; None when there is none any more."""
        if not self._scope.homes:
            return None
        names = {number: home for home, number in self._scope.homes.items()}
        rows = sorted(
            self._index.rows(
                "SELECT home, path, inode, size, mtime_ns FROM files"
                f" WHERE session = ? AND NOT gone AND home IN {self._scope.among()}",
                (session_id,),
            )
        )
        if not rows:
            return None
        digest = blake2b(b"%d " % FORMAT + self._scope.key, digest_size=16)
        for row in rows:
            digest.update(repr(row).encode())
        paths = tuple(f"{names[home]}/{os.fsdecode(path)}" for home, path, *_ in rows)
        return Due(session_id, paths, digest.digest(), sum(max(0, row[3]) for row in rows), at)

    def _responses(self, session_id: str) -> set[str]:
        """What a session paid for, by the ids of the responses."""
        rows = self._index.rows(
            "SELECT r.message_id FROM requests r JOIN sessions s ON s.id = r.session"
            " WHERE s.scope = ? AND s.session_id = ?",
            (self._scope.id, session_id),
        )
        return {message_id for (message_id,) in rows}

    def _sessions(self, since: float, project: str | None) -> list[tuple[str, float]]:
        """Sessions with requests since then, and when the last of them was."""
        rows = self._index.rows(
            "SELECT s.id, s.session_id, MAX(m.last_at) FROM sessions s"
            " JOIN sums m ON m.session = s.id WHERE s.scope = ?"
            " GROUP BY s.id HAVING MAX(m.last_at) >= ?",
            (self._scope.id, since),
        )
        among = sessions_of(self._index, self._scope, project)
        return [(session_id, at) for number, session_id, at in rows if number in among]

    def _kept(self, since: float, project: str | None) -> Iterator[Study]:
        for session_id, _ in self._sessions(since, project):
            for (data,) in self._index.rows(
                "SELECT data FROM studies WHERE session_id = ?", (session_id,)
            ):
                study = decoded(data)
                if study is not None:
                    yield study
