"""Which sessions have to be accounted together, and their files.

Sessions belong together when one has a response of the other, or names it as the one that paid.
Most are alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

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


class Gathering:
    """Finds everything that is connected with some sessions."""

    def __init__(self, index: Index, scope: Scope) -> None:
        self.held: dict[int, Held] = {}
        self._index, self._scope = index, scope
        self._above: dict[str, str] = {}
        self._first_in: dict[str, str] = {}
        self._new_ids: list[str] = []
        self._new_sessions: list[str] = []
        empty = "SELECT 1 FROM requests WHERE scope = ? LIMIT 1"
        self._blank = not index.rows(empty, (scope.id,))

    def gather(self, seeds: Iterable[str]) -> list[Cluster]:
        """The clusters of these sessions."""
        for session in seeds:
            self._root(session)
        while self._new_sessions or self._new_ids:
            sessions, self._new_sessions = self._new_sessions, []
            ids, self._new_ids = self._new_ids, []
            if not self._blank:
                self._join_clusters(sessions)
                self._join_holders(ids)
            self._load_files(sessions)
        clusters: dict[str, Cluster] = {}
        for session in list(self._above):
            root = self._root(session)
            clusters.setdefault(root, Cluster(set(), [])).sessions.add(session)
        for held in self.held.values():
            clusters[self._root(held.file.session)].files.append(held)
        return list(clusters.values())

    def _root(self, session: str) -> str:
        above = self._above.get(session)
        if above is None:
            self._above[session] = session
            self._new_sessions.append(session)
            return session
        while above != session:
            further = self._above[above]
            self._above[session] = further
            session, above = above, further
        return session

    def _join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        if first != second:
            self._above[second] = first

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

    def _load_files(self, sessions: Sequence[str]) -> None:
        if not self._scope.homes:
            return
        names = {number: home for home, number in self._scope.homes.items()}
        for start in range(0, len(sessions), AT_ONCE):
            some = sessions[start : start + AT_ONCE]
            marks = ",".join("?" * len(some))
            for number, home, place, session, version, gone, data in self._index.rows(
                "SELECT id, home, path, session, version, gone, seen FROM files"
                f" WHERE session IN ({marks}) AND home IN {self._scope.among()}",
                some,
            ):
                path = f"{names[home]}/{_text(place)}"
                stamp = (0, 0, 0, 0)
                file = File(number, path, session, version, bool(gone), stamp, None, None)
                self._take(Held(file, unpacked(data, path)))

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


def _text(place: bytes) -> str:
    return place.decode("utf-8", "replace")
