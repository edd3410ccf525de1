"""From what was read of files to the rows of requests and their sums.

A cluster of sessions is accounted as a whole, and its rows take the place of those before.
"""

from __future__ import annotations

from collections.abc import Sequence

from ccmon.history.accounts import Accounted, settle
from ccmon.history.clusters import Cluster, Gathering, Held
from ccmon.history.files import Scope
from ccmon.history.index import Index
from ccmon.history.schema import QUARTER
from ccmon.history.sums import added
from ccmon.insight.keys import root_of
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import title_of
from ccmon.measures import Split, Usage
from ccmon.requests import MAIN
from ccmon.transcripts.locate import project_name

_LARGEST = (1 << 63) - 1


def account(index: Index, scope: Scope, prices: PriceTable, seeds: Sequence[str]) -> set[str]:
    """Account again all that is connected with these sessions, inside a transaction.

    Returns all sessions that have been accounted by that.
    """
    clusters = Gathering(index, scope).gather(seeds)
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
    numbers: dict[str, int] = {}
    if files:
        numbers = _write_sessions(index, scope, cluster.sessions, files, accounted)
        _write_requests(index, scope, numbers, accounted, here)
    index.executemany(
        "DELETE FROM sessions WHERE scope = ? AND session_id = ?",
        [(scope.id, session) for session in cluster.sessions if session not in numbers],
    )
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
    index.executemany("DELETE FROM accounted WHERE scope = ? AND session = ?", sessions)
    files = [(scope.id, held.file.id) for held in cluster.files]
    index.executemany("DELETE FROM accounted WHERE scope = ? AND file = ?", files)


def _write_sessions(
    index: Index,
    scope: Scope,
    sessions: set[str],
    files: Sequence[Held],
    accounted: Sequence[Accounted],
) -> dict[str, int]:
    """Rows of all sessions of a cluster; their numbers by their ids, which they keep."""
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
        ((numbers[session],),) = index.rows(
            "INSERT INTO sessions"
            " (scope, session_id, cluster, project, root, cwd, title, subagents)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (scope, session_id) DO UPDATE SET cluster = excluded.cluster,"
            " project = excluded.project, root = excluded.root, cwd = excluded.cwd,"
            " title = excluded.title, subagents = excluded.subagents RETURNING id",
            (scope.id, session, cluster, *facts, len(agents.get(session, ()))),
        )
    return numbers


def _facts(files: Sequence[Held], newest: Held | None) -> tuple[str, str, str | None, str | None]:
    """Project, its root, folder and title of a session; ``newest`` has its last request."""
    seens = sorted((held.seen for held in files), key=lambda seen: seen.sort_key)
    own = [seen for seen in seens if seen.agent_id is None]
    telling = own or ([newest.seen] if newest else seens)
    first = telling[0] if telling else None
    project = project_name(first.cwd, first.slug) if first else ""
    root = (root_of(first.cwd) if first.cwd else first.slug) if first else ""
    cwd = next((seen.cwd for seen in telling if seen.cwd), None)
    return project, root, cwd, title_of(own)


def _write_requests(
    index: Index,
    scope: Scope,
    numbers: dict[str, int],
    accounted: Sequence[Accounted],
    here: set[str],
) -> None:
    rows: list[tuple[object, ...]] = []
    parts: dict[tuple[int, str, int | None], list[tuple[float, ...]]] = {}
    times: dict[tuple[int, str, int | None], list[float]] = {}
    for one in accounted:
        session, on_disk = numbers[one.session_id], one.message_id in here
        counts, split = _counts(one.usage), _split(one.split)
        rows.append((
            scope.id, one.message_id, session, one.request_id, one.thread, one.n, one.at,
            one.model, one.version, one.stop_reason, *counts, one.context, one.rewritten,
            one.bust, one.cost, *(split or (None,) * 4), one.avoidable,
            one.output_is_lower_bound, one.estimated, on_disk,
        ))  # fmt: skip
        quarter = None if one.at is None else int(one.at // QUARTER)
        key = (session, one.model or "", quarter)
        parts.setdefault(key, []).append((
            1, *counts, one.cost or 0.0, *(split or (0.0,) * 4), one.avoidable or 0.0,
            one.cost is None, one.output_is_lower_bound or one.follows_compaction, one.estimated,
            one.bust, one.rewritten, on_disk,
        ))  # fmt: skip
        if one.at is not None:
            times.setdefault(key, []).append(one.at)
    index.executemany(f"INSERT OR REPLACE INTO requests VALUES ({_marks(28)})", rows)
    index.executemany(
        f"INSERT INTO sums VALUES ({_marks(24)})",
        [
            (
                *key,
                *_span(times.get(key)),
                *(_bounded(added(each)) for each in zip(*of_key, strict=True)),
            )
            for key, of_key in parts.items()
        ],
    )


def _counts(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_creation_5m_input_tokens,
        usage.cache_creation_1h_input_tokens,
        usage.cache_read_input_tokens,
        usage.output_tokens,
    )


def _split(split: Split | None) -> tuple[float, ...] | None:
    return (split.carry, split.rewrite, split.fresh, split.output) if split else None


def _span(times: list[float] | None) -> tuple[float | None, float | None]:
    return (min(times), max(times)) if times else (None, None)


def _bounded(value: float) -> float:
    """A sum that the index can hold, however absurd the counts were."""
    return min(value, _LARGEST) if isinstance(value, int) else value


def _marks(count: int) -> str:
    return ",".join("?" * count)
