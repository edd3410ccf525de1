"""Which sessions have to be studied for the memory, and the studies that are kept of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ccmon.history.files import Scope
from ccmon.history.index import Index
from ccmon.history.study import FORMAT, Student, decoded, encoded
from ccmon.history.sums import sessions_of
from ccmon.insight.memory import LEAST_SESSIONS, LEAST_TOKENS, Find, Study, candidates
from ccmon.ledger.prices import PriceTable
from ccmon.past import Candidate, Scanning
from ccmon.transcripts.locate import Home

_FORMAT = bytes([FORMAT])
KEPT_BEYOND = 60 * 86_400.0
"""Seconds before the span asked for, after which the study of a session is dropped."""


class Due(Struct, frozen=True):
    """A session whose study is missing or older than its files.

    ``fingerprint`` is of these files, ``bytes`` their size.
    """

    session_id: str
    paths: tuple[str, ...]
    fingerprint: bytes
    bytes: int
    at: float


class Studies:
    """Studies the sessions of a scope, the newest first, and keeps what it finds in the index.

    What was run or searched for is kept by a seal, from which nobody can read it. Its name is kept
    only once as many sessions have it as make a candidate.
    """

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
        self._drop_old(since)
        return False

    def due(self, since: float, project: str | None = None) -> list[Due]:
        """Sessions with requests since then that have to be studied, the newest last."""
        if not self._scope.homes:
            return []
        rows = self._index.rows(
            "SELECT f.session, f.home, f.path, f.inode, f.size, f.mtime_ns, f.gone, k.fingerprint"
            " FROM files f LEFT JOIN studies k ON k.scope = ? AND k.session_id = f.session"
            f" WHERE f.home IN {self._scope.among()} ORDER BY f.session, f.home, f.path",
            (self._scope.id,),
        )
        wanted = dict(self._sessions(since, project))
        found = [
            due
            for session_id, files in groupby(rows, itemgetter(0))
            if session_id in wanted
            and (due := self._due_of(session_id, list(files), wanted[session_id]))
        ]
        return sorted(found, key=lambda due: (due.at, due.session_id))

    def found(self, since: float, project: str | None) -> tuple[int, int, tuple[Candidate, ...]]:
        """How many sessions and projects were studied, and what they found again and again."""
        studies = list(self._kept(since, project))
        projects = {study.root for study in studies}
        return len(studies), len(projects), tuple(self._named(candidates(studies)))

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
            self._keep(due, study)

    def _keep(self, due: Due, study: Study) -> None:
        scope, session = self._scope.id, due.session_id
        where = "WHERE scope = ? AND session_id = ?"
        self._index.execute(f"DELETE FROM study_keys {where}", (scope, session))
        study = _weighty(study)
        names = {seal: find.key for find in study.finds if (seal := self._seal(study, find))}
        self._index.executemany(
            "INSERT INTO study_keys (scope, seal, session_id, name) SELECT ?1, ?2, ?3, CASE WHEN"
            " (SELECT COUNT(*) FROM study_keys WHERE scope = ?1 AND seal = ?2) >= ?4 THEN ?5 END",
            [(scope, seal, session, LEAST_SESSIONS - 1, name) for seal, name in names.items()],
        )
        self._index.execute(
            "INSERT OR REPLACE INTO studies (scope, session_id, fingerprint, at, data)"
            " VALUES (?, ?, ?, ?, ?)",
            (scope, session, due.fingerprint, due.at, encoded(self._sealed(study))),
        )

    def _sealed(self, study: Study) -> Study:
        finds = (replace(each, key=self._seal(study, each) or each.key) for each in study.finds)
        return replace(study, finds=tuple(finds))

    def _seal(self, study: Study, find: Find) -> str:
        """What stands for a command or a search; nothing for a file, which goes by its path."""
        if find.kind == "file":
            return ""
        text = f"{study.root}\n{find.kind}\n{find.key}".encode()
        key = blake2b(self._scope.key, digest_size=32).digest()
        return blake2b(text, key=key, digest_size=12).hexdigest()

    def _named(self, found: Iterable[Candidate]) -> Iterator[Candidate]:
        """The candidates with their names in place of the seals."""
        names = dict(
            self._index.rows(
                "SELECT seal, MAX(name) FROM study_keys WHERE scope = ? AND name IS NOT NULL"
                " GROUP BY seal",
                (self._scope.id,),
            )
        )
        for each in found:
            if each.kind == "file":
                yield each
            elif each.key in names:
                yield replace(each, key=names[each.key])

    def _drop_old(self, since: float) -> None:
        """Let go of what is long past, and of sessions that were forgotten."""
        where = (
            "WHERE at < ? OR (scope = ? AND session_id NOT IN"
            " (SELECT session_id FROM sessions WHERE scope = ?))"
        )
        values = (since - KEPT_BEYOND, self._scope.id, self._scope.id)
        if self._index.rows(f"SELECT 1 FROM studies {where} LIMIT 1", values):
            with self._index.transaction():
                self._index.execute(f"DELETE FROM studies {where}", values)

    def _due_of(self, session_id: str, files: list[Any], at: float) -> Due | None:
        """A session by its files that are there; None when its study is as good as they allow.

        Files go one by one. What was found while all were there is more than the rest can tell.
        """
        kept: bytes = files[0][-1] or b""
        there = [file for file in files if not file[-2]]
        if not there or (len(there) < len(files) and kept[:1] == _FORMAT):
            return None
        digest = blake2b(digest_size=16)
        for _, home, path, inode, size, mtime_ns, *_ in there:
            digest.update(repr((home, path, inode, size, mtime_ns)).encode())
        fingerprint = _FORMAT + digest.digest()
        if fingerprint == kept:
            return None
        names = {number: home for home, number in self._scope.homes.items()}
        paths = tuple(f"{names[home]}/{os.fsdecode(path)}" for _, home, path, *_ in there)
        return Due(session_id, paths, fingerprint, sum(max(0, file[4]) for file in there), at)

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
        among = None if project is None else sessions_of(self._index, self._scope, project)
        return [
            (session_id, at) for number, session_id, at in rows if among is None or number in among
        ]

    def _kept(self, since: float, project: str | None) -> Iterator[Study]:
        wanted = {session_id for session_id, _ in self._sessions(since, project)}
        for session_id, data in self._index.stream(
            "SELECT session_id, data FROM studies WHERE scope = ? ORDER BY at, session_id",
            (self._scope.id,),
        ):
            study = decoded(data) if session_id in wanted else None
            if study is not None:
                yield study


def _weighty(study: Study) -> Study:
    """Without commands and searches that brought too little for a candidate: they are not kept."""
    finds = (find for find in study.finds if find.kind == "file" or find.tokens >= LEAST_TOKENS)
    return replace(study, finds=tuple(finds))
