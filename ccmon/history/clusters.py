"""Which sessions have to be accounted together, and their files.

Sessions belong together when one has a response of the other, or names it as the one that paid.
Most are alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from ccmon.history.families import Groups
from ccmon.history.files import File, Scope, unpacked
from ccmon.history.index import Index
from ccmon.history.seen import Seen

AT_ONCE = 500
"""Values in one statement."""


class Held(Struct):
    """A file with what was read of it."""

    file: File
    seen: Seen


class Cluster(Struct):
    """Sessions that have to be accounted together, and their files."""

    sessions: set[str]
    files: list[Held]


def held_files(index: Index, scope: Scope, sessions: Iterable[str]) -> Iterator[Held]:
    """The files of some sessions, with what was read of them. Raises Broken."""
    names = {number: home for home, number in scope.homes.items()}
    wanted = list(sessions) if names else []
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        for number, home, place, session, version, gone, data in index.rows(
            "SELECT id, home, path, session, version, gone, seen FROM files"
            f" WHERE session IN ({','.join('?' * len(some))}) AND home IN {scope.among()}",
            some,
        ):
            path = f"{names[home]}/{os.fsdecode(place)}"
            file = File(number, path, session, version, bool(gone), (0, 0, 0, 0), None, None)
            yield Held(file, unpacked(data, path))


class Gathering:
    """Finds everything that is connected with some sessions."""

    def __init__(self, index: Index, scope: Scope) -> None:
        self.held: dict[int, Held] = {}
        self._index, self._scope = index, scope
        self._groups = Groups()
        self._first_in: dict[str, str] = {}
        self._new_ids: list[str] = []
        self._new_sessions: list[str] = []
        empty = "SELECT 1 FROM requests WHERE scope = ? LIMIT 1"
        self._blank = not index.rows(empty, (scope.id,))

    def gather(self, seeds: Iterable[str]) -> list[Cluster]:
        """The clusters of these sessions."""
        for session in seeds:
            self._add(session)
        while self._new_sessions or self._new_ids:
            sessions, self._new_sessions = self._new_sessions, []
            ids, self._new_ids = self._new_ids, []
            if not self._blank:
                self._join_clusters(sessions)
                self._join_holders(ids)
            for held in held_files(self._index, self._scope, sessions):
                self._take(held)
        clusters: dict[str, Cluster] = {}
        for session in self._groups:
            root = self._groups.root(session)
            clusters.setdefault(root, Cluster(set(), [])).sessions.add(session)
        for held in self.held.values():
            clusters[self._groups.root(held.file.session)].files.append(held)
        return list(clusters.values())

    def _add(self, session: str) -> None:
        if session not in self._groups:
            self._groups.root(session)
            self._new_sessions.append(session)

    def _join(self, one: str, other: str) -> None:
        self._add(one)
        self._add(other)
        self._groups.join(one, other)

    def _join_clusters(self, sessions: Sequence[str]) -> None:
        """Those that were accounted together before."""
        for session in sessions:
            for (other,) in self._index.rows(
                "SELECT b.session_id FROM sessions a JOIN sessions b"
                " ON b.scope = a.scope AND b.cluster = a.cluster"
                " WHERE a.scope = ? AND a.session_id = ?",
                (self._scope.id, session),
            ):
                self._join(session, other)

    def _join_holders(self, ids: Sequence[str]) -> None:
        """Those that have paid for one of these responses so far."""
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            marks = ",".join("?" * len(some))
            for message_id, session in self._index.rows(
                "SELECT r.message_id, s.session_id FROM requests r"
                " JOIN sessions s ON s.id = r.session"
                f" WHERE r.scope = ? AND r.message_id IN ({marks})",
                (self._scope.id, *some),
            ):
                self._join(self._first_in[message_id], session)

    def _take(self, held: Held) -> None:
        session = held.file.session
        self.held[held.file.id] = held
        for response in held.seen.responses:
            first = self._first_in.get(response.message_id)
            if first is None:
                self._first_in[response.message_id] = session
                self._new_ids.append(response.message_id)
            elif first != session:
                self._join(first, session)
            if response.claim is not None:
                self._join(session, response.claim)
            if response.guess is not None:
                self._join(session, response.guess)
