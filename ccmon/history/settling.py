"""From what was read of files to the rows of requests: one closed set of files after the other.

Sessions belong together when one has a response of the other, or names it as the one that paid.
Such a cluster is accounted as a whole and its rows are replaced; most are one session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from msgspec import Struct

from ccmon.history.accounts import Accounted, settle
from ccmon.history.files import File, Scope, unpacked
from ccmon.history.index import QUARTER, Index
from ccmon.history.seen import Seen
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import TITLE_SOURCES
from ccmon.requests import MAIN
from ccmon.transcripts.locate import project_name

_AT_ONCE = 500
_LARGEST = (1 << 63) - 1


class Held(Struct):
    """A file with what was read of it."""

    file: File
    seen: Seen


class Cluster(Struct):
    """Sessions that have to be accounted together, and their files."""

    sessions: set[str]
    files: list[Held]


class _Gathering:
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
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
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
        for start in range(0, len(sessions), _AT_ONCE):
            some = sessions[start : start + _AT_ONCE]
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


def account(index: Index, scope: Scope, prices: PriceTable, seeds: Sequence[str]) -> set[str]:
    """Account again all that is connected with these sessions, inside a transaction.

    Returns all sessions that have been accounted by that.
    """
    gathering = _Gathering(index, scope)
    clusters = gathering.gather(seeds)
    for cluster in clusters:
        _replace(index, scope, prices, cluster)
    return {session for cluster in clusters for session in cluster.sessions}


def _replace(index: Index, scope: Scope, prices: PriceTable, cluster: Cluster) -> None:
    here = {
        response.message_id
        for held in cluster.files
        if not held.file.gone
        for response in held.seen.responses
    }
    spare = _superfluous(cluster)
    index.executemany("DELETE FROM files WHERE id = ?", [(number,) for number in spare])
    files = [held for held in cluster.files if held.file.id not in spare]
    accounted = settle([held.seen for held in files], prices)
    cluster.sessions.update(each.session_id for each in accounted)
    _clear(index, scope, cluster)
    if files:
        numbers = _write_sessions(index, scope, cluster.sessions, files, accounted)
        _write_requests(index, scope, numbers, accounted, here)
    index.executemany(
        "INSERT INTO accounted (scope, file, version, session) VALUES (?, ?, ?, ?)",
        [(scope.id, held.file.id, held.file.version, held.file.session) for held in files],
    )


def _superfluous(cluster: Cluster) -> set[int]:
    """Files that are gone and whose every response stands in another file of the same chain."""
    there: dict[tuple[str, str | None], set[str]] = {}
    for held in cluster.files:
        if not held.file.gone:
            ids = there.setdefault((held.file.session, held.seen.agent_id), set())
            ids.update(response.message_id for response in held.seen.responses)
    return {
        held.file.id
        for held in cluster.files
        if held.file.gone
        and {response.message_id for response in held.seen.responses}
        <= there.get((held.file.session, held.seen.agent_id), set())
    }


def _clear(index: Index, scope: Scope, cluster: Cluster) -> None:
    sessions = [(scope.id, session) for session in cluster.sessions]
    for table in ("requests", "sums"):
        index.executemany(
            f"DELETE FROM {table} WHERE session ="
            " (SELECT id FROM sessions WHERE scope = ? AND session_id = ?)",
            sessions,
        )
    index.executemany("DELETE FROM sessions WHERE scope = ? AND session_id = ?", sessions)
    files = [(scope.id, held.file.id) for held in cluster.files]
    index.executemany("DELETE FROM accounted WHERE scope = ? AND file = ?", files)
    index.execute(
        "DELETE FROM accounted WHERE scope = ? AND file NOT IN (SELECT id FROM files)"
        if len(sessions) > _AT_ONCE
        else "DELETE FROM accounted WHERE scope = ? AND session IN"
        f" ({','.join('?' * len(sessions))}) AND file NOT IN (SELECT id FROM files)",
        (scope.id,) if len(sessions) > _AT_ONCE else (scope.id, *cluster.sessions),
    )


def _write_sessions(
    index: Index,
    scope: Scope,
    sessions: set[str],
    files: Sequence[Held],
    accounted: Sequence[Accounted],
) -> dict[str, int]:
    """Rows of all sessions of a cluster; their numbers by their ids."""
    by_path = {held.seen.path: held for held in files}
    own: dict[str, list[Held]] = {session: [] for session in sessions}
    agents: dict[str, set[str]] = {}
    newest: dict[str, Held] = {}
    for held in files:
        own[held.file.session].append(held)
    for each in accounted:
        own.setdefault(each.session_id, [])
        threads = agents.setdefault(each.session_id, set())
        if each.thread != MAIN:
            threads.add(each.thread)
        else:
            newest[each.session_id] = by_path[each.path]
    ((cluster,),) = index.rows(
        "SELECT COALESCE(MAX(cluster), 0) + 1 FROM sessions WHERE scope = ?", (scope.id,)
    )
    numbers: dict[str, int] = {}
    for session, held_of_it in own.items():
        facts = _facts(held_of_it, newest.get(session))
        cursor = index.execute(
            "INSERT INTO sessions (scope, session_id, cluster, project, cwd, title, subagents)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (scope.id, session, cluster, *facts, len(agents.get(session, ()))),
        )
        assert cursor.lastrowid is not None
        numbers[session] = cursor.lastrowid
    return numbers


def _facts(files: Sequence[Held], newest: Held | None) -> tuple[str, str | None, str | None]:
    """Project, folder and title of a session; ``newest`` has its last request."""
    seens = sorted((held.seen for held in files), key=_order)
    own = [seen for seen in seens if seen.agent_id is None]
    telling = own or ([newest.seen] if newest else seens)
    first = telling[0] if telling else None
    project = project_name(first.cwd, first.slug) if first else ""
    cwd = next((seen.cwd for seen in telling if seen.cwd), None)
    return project, cwd, _title(own)


def _title(own: Sequence[Seen]) -> str | None:
    """What ``SessionLedger.title`` says: named by the user, the client, or its first prompt."""
    for source in TITLE_SOURCES:
        for seen in reversed(own):
            if title := seen.titles.get(source):
                return title
    return next((seen.first_prompt for seen in own if seen.first_prompt), None)


def _order(seen: Seen) -> tuple[float, str]:
    return (inf if seen.first_stamp is None else seen.first_stamp, seen.path)


def _write_requests(
    index: Index,
    scope: Scope,
    numbers: dict[str, int],
    accounted: Sequence[Accounted],
    here: set[str],
) -> None:
    rows = []
    sums: dict[tuple[int, str, int | None], list[float]] = {}
    times: dict[tuple[int, str, int | None], list[float]] = {}
    for one in accounted:
        usage, split, session = one.usage, one.split, numbers[one.session_id]
        counts = (
            usage.input_tokens,
            usage.cache_creation_input_tokens,
            usage.cache_creation_5m_input_tokens,
            usage.cache_creation_1h_input_tokens,
            usage.cache_read_input_tokens,
            usage.output_tokens,
        )
        parts = (split.carry, split.rewrite, split.fresh, split.output) if split else (None,) * 4
        on_disk = one.message_id in here
        rows.append((
            scope.id, one.message_id, session, one.request_id, one.thread, one.n, one.at,
            one.model, one.version, one.stop_reason, *counts, one.context, one.rewritten,
            one.bust, one.cost, *parts, one.avoidable, one.output_is_lower_bound, one.estimated,
            on_disk,
        ))  # fmt: skip
        quarter = None if one.at is None else int(one.at // QUARTER)
        key = (session, one.model or "", quarter)
        added = (
            1, *counts, one.cost or 0.0, *(part or 0.0 for part in parts), one.avoidable or 0.0,
            one.cost is None, one.output_is_lower_bound, one.estimated, one.bust, one.rewritten,
            on_disk,
        )  # fmt: skip
        so_far = sums.get(key)
        sums[key] = list(added) if so_far is None else [*map(sum, zip(so_far, added, strict=True))]
        if one.at is not None:
            times.setdefault(key, []).append(one.at)
    index.executemany(f"INSERT OR REPLACE INTO requests VALUES ({','.join('?' * 28)})", rows)
    index.executemany(
        f"INSERT INTO sums VALUES ({','.join('?' * 24)})",
        [
            (*key, min(times.get(key, ()), default=None), max(times.get(key, ()), default=None),
             *(min(value, _LARGEST) if isinstance(value, int) else value for value in values))
            for key, values in sums.items()
        ],
    )  # fmt: skip


def _text(place: bytes) -> str:
    return place.decode("utf-8", "replace")
