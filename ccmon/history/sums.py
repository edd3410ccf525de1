"""What the requests of the index add up to, by day, week, month, project, model or session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import fsum, inf
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ccmon.errors import CcmonError
from ccmon.history.files import Scope
from ccmon.history.index import Index
from ccmon.history.projects import is_called, labels, whole_roots
from ccmon.history.schema import QUARTER
from ccmon.history.zones import Zone
from ccmon.measures import Split, Usage
from ccmon.past import By, Group, Kept, PastRequest, Query, Sums

_BY_TIME = ("day", "week", "month")


def added(values: Sequence[float]) -> float:
    """The sum of counts, or of money; it is the same in whatever order files were read."""
    return fsum(values) if values and isinstance(values[0], float) else sum(values)


class Session(Struct, frozen=True, gc=False):
    """What is told of a session beside its sums; ``project`` as ``past.Group`` names it."""

    session_id: str
    project: str
    root: str
    cwd: str | None
    title: str | None
    subagents: int


class Total:
    """What some rows of the table of sums add up to."""

    __slots__ = ("counts", "first_at", "last_at", "models", "sessions")

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        # Column by column: that is many times as fast as row by row.
        session, model, _, first, last, *counts = zip(*rows, strict=True) if rows else [()] * 24
        self.counts: list[float] = [added(each) for each in counts]
        self.sessions = set(session)
        self.models: dict[str, int] = {}
        for name, requests in zip(model, counts[0], strict=True):
            self.models[name] = self.models.get(name, 0) + requests
        self.first_at = min((at for at in first if at is not None), default=None)
        self.last_at = max((at for at in last if at is not None), default=None)

    def sums(self) -> Sums:
        """As they are shown."""
        (
            requests, input_, written, written_5m, written_1h, cached, output, cost, carry, rewrite,
            fresh, answer, avoidable, unpriced, lower_bound, estimated, busts, rewritten, _,
        ) = self.counts  # fmt: skip
        return Sums(
            requests=int(requests),
            sessions=len(self.sessions),
            usage=Usage(*map(int, (input_, written, written_5m, written_1h, cached, output))),
            cost=None if requests == unpriced else cost,
            cost_is_lower_bound=bool(lower_bound or unpriced),
            estimated=bool(estimated),
            unpriced=int(unpriced),
            split=Split(carry, rewrite, fresh, answer),
            busts=int(busts),
            rewritten=int(rewritten),
            avoidable=avoidable,
        )

    @property
    def gone_requests(self) -> int:
        """Requests whose transcript is no longer there."""
        return int(self.counts[0] - self.counts[-1])

    @property
    def on_disk(self) -> float:
        """Share of the requests whose transcript is still there."""
        return self.counts[-1] / self.counts[0] if self.counts[0] else 1.0


class Summed(NamedTuple):
    """The groups in their order, the sums over all, and what is kept of what was asked for."""

    groups: tuple[Group, ...]
    totals: Sums
    asked: Kept | None


def summed(index: Index, scope: Scope, query: Query, zone: Zone) -> Summed:
    """What the requests add up to that were asked for. Raises CcmonError: unknown project."""
    sessions = sessions_of(index, scope, query.project)
    key_of = _key(query.by, zone)
    rows = [row for row in _rows(index, scope, *bounds(query, zone)) if row[0] in sessions]
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(key_of(sessions[row[0]], row[1], row[2]), []).append(row)
    told = query.by in ("project", "session")
    made = [
        _group(key, query.by, Total(some), sessions[some[0][0]] if told else None)
        for key, some in groups.items()
    ]
    if query.by in _BY_TIME:
        made.sort(key=lambda group: group.key)
    else:
        made.sort(key=lambda group: (-_or(group.sums.cost, -1.0), group.key))
    total = Total(rows)
    asked = None
    if query.is_part:
        asked = _kept_of(index, scope, {sessions[each].session_id for each in total.sessions})
        asked = replace(asked, gone_requests=total.gone_requests)
    return Summed(tuple(made), total.sums(), asked)


def requests(index: Index, scope: Scope, query: Query, zone: Zone) -> Iterator[PastRequest]:
    """One after the other by time, session, thread, n; those without a time at the end.

    Raises CcmonError for an unknown project, before the first.
    """
    sessions = sessions_of(index, scope, query.project)
    first, end = bounds(query, zone)
    within, values = _within("at", first, end)
    rows = index.stream(
        "SELECT r.session, message_id, request_id, thread, n, at, model, version, stop_reason,"
        " input, written, written_5m, written_1h, cached, output, context, rewritten, bust, cost,"
        " carry, rewrite, fresh, answer, avoidable, lower_bound, estimated, on_disk"
        " FROM requests r JOIN sessions s ON s.id = r.session"
        f" WHERE r.scope = ?{within} ORDER BY at IS NULL, at, s.session_id, thread, n",
        (scope.id, *values),
    )
    return (_request(sessions[row[0]], row[1:]) for row in rows if row[0] in sessions)


def kept(index: Index, scope: Scope, unreadable: int) -> Kept:
    """What the index holds of the homes, and which part of it is gone from disk."""
    if not scope.homes:
        return Kept(unreadable_files=unreadable)
    ((files, size, gone_files, gone_sessions, malformed),) = index.rows(
        "SELECT COUNT(*), COALESCE(SUM(MAX(size, 0)), 0), COALESCE(SUM(gone), 0),"
        " COUNT(DISTINCT CASE WHEN gone THEN session END), COALESCE(SUM(malformed), 0)"
        f" FROM files WHERE home IN {scope.among()}"
    )
    ((gone_requests,),) = index.rows(
        "SELECT COALESCE(SUM(m.requests - m.on_disk), 0) FROM sessions s"
        " JOIN sums m ON m.session = s.id WHERE s.scope = ?",
        (scope.id,),
    )
    return Kept(
        files=files,
        bytes=size,
        gone_files=gone_files,
        gone_sessions=gone_sessions,
        gone_requests=gone_requests,
        unreadable_files=unreadable,
        malformed_lines=malformed,
    )


def _kept_of(index: Index, scope: Scope, sessions: set[str]) -> Kept:
    """What the index holds of some sessions, but for their requests."""
    if not scope.homes:
        return Kept()
    files = size = gone_files = gone_sessions = malformed = 0
    for session, *counts in index.rows(
        "SELECT session, COUNT(*), SUM(MAX(size, 0)), SUM(gone), SUM(malformed)"
        f" FROM files WHERE home IN {scope.among()} GROUP BY session"
    ):
        if session in sessions:
            files += counts[0]
            size += counts[1]
            gone_files += counts[2]
            gone_sessions += counts[2] > 0
            malformed += counts[3]
    return Kept(files, size, gone_files, gone_sessions, malformed_lines=malformed)


def gone(index: Index, scope: Scope) -> Kept:
    """What is no longer on disk, and would be dropped."""
    all_of_it = kept(index, scope, 0)
    size = 0
    if scope.homes:
        ((size,),) = index.rows(
            "SELECT COALESCE(SUM(MAX(size, 0)), 0) FROM files"
            f" WHERE gone AND home IN {scope.among()}"
        )
    return Kept(
        files=all_of_it.gone_files,
        bytes=size,
        gone_files=all_of_it.gone_files,
        gone_sessions=all_of_it.gone_sessions,
        gone_requests=all_of_it.gone_requests,
    )


def bounds(query: Query, zone: Zone) -> tuple[float, float]:
    """The first moment of the days asked for, and the first one after; infinite where open."""
    first = -inf if query.since is None else zone.start(query.since)
    return first, inf if query.until is None else zone.end(query.until)


def _within(column: str, first: float, end: float) -> tuple[str, tuple[float, ...]]:
    """Nothing at all when all days are asked for: then what has no time counts too."""
    sides = [(">=", first)] * (first != -inf) + [("<", end)] * (end != inf)
    sql = "".join(f" AND {column} {sign} ?" for sign, _ in sides)
    return sql, tuple(value for _, value in sides)


def _rows(index: Index, scope: Scope, first: float, end: float) -> list[Any]:
    within, values = _within("m.quarter", first / QUARTER, end / QUARTER)
    return index.rows(
        f"SELECT m.* FROM sessions s JOIN sums m ON m.session = s.id WHERE s.scope = ?{within}",
        (scope.id, *values),
    )


def sessions_of(index: Index, scope: Scope, project: str | None) -> dict[int, Session]:
    """All sessions of the scope, or those of one project, by their numbers.

    Raises CcmonError for an unknown project.
    """
    rows = index.rows(
        "SELECT id, session_id, project, root, cwd, title, subagents FROM sessions WHERE scope = ?"
        " AND id IN (SELECT session FROM sums) ORDER BY id",
        (scope.id,),
    )
    roots = whole_roots(row[3] for row in rows)
    names: dict[str, str] = {}
    for _, _, name, root, *_ in rows:
        if root == roots[root]:
            names.setdefault(root, name)
    label = labels(names)
    sessions = {}
    for number, session_id, _, root, *rest in rows:
        whole = roots[root]
        sessions[number] = Session(session_id, label[whole], whole, *rest)
    if project is None:
        return sessions
    meant = {root for root, name in names.items() if is_called(project, root, name)}
    if not meant:
        known = sorted(set(label.values()))
        hint = f"known are: {', '.join(known)}" if known else "no transcript names any project"
        raise CcmonError(f"no project {project!r} in the history", hint, exit_code=3)
    return {number: each for number, each in sessions.items() if each.root in meant}


def _key(by: By, zone: Zone) -> Callable[[Session, str, int | None], str]:
    """What a row of the sums is grouped by."""
    if by == "project":
        return lambda session, model, quarter: session.project
    if by == "model":
        return lambda session, model, quarter: model
    if by == "session":
        return lambda session, model, quarter: session.session_id
    known: dict[int | None, str] = {None: ""}

    def of_time(session: Session, model: str, quarter: int | None) -> str:
        key = known.get(quarter)
        if key is None and quarter is not None:
            day = zone.day(quarter * QUARTER)
            key = known[quarter] = _name(by, day) if day else ""
        return key or ""

    return of_time


def _name(by: By, day: date) -> str:
    if by == "month":
        return f"{day.year:04}-{day.month:02}"
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return day.isoformat()


def _group(key: str, by: By, total: Total, session: Session | None) -> Group:
    group = Group(
        key,
        key,
        total.sums(),
        first_at=total.first_at,
        last_at=total.last_at,
        on_disk=total.on_disk,
        root=session.root if session else "",
    )
    if session is None or by == "project":
        return group
    models = sorted(total.models, key=lambda model: (-total.models[model], model))
    return replace(
        group,
        name=session.title or key,
        project=session.project,
        models=tuple(model for model in models if model),
        subagents=session.subagents,
    )


def _request(session: Session, row: Sequence[Any]) -> PastRequest:
    (
        message_id, request_id, thread, n, at, model, version, stop_reason, *rest
    ) = row  # fmt: skip
    counts, (context, rewritten, bust, cost, *parts) = rest[:6], rest[6:14]
    avoidable, lower_bound, estimated, on_disk = rest[14:]
    return PastRequest(
        message_id=message_id,
        request_id=request_id,
        session_id=session.session_id,
        project=session.project,
        cwd=session.cwd,
        thread=thread,
        n=n,
        at=at,
        model=model,
        version=version,
        stop_reason=stop_reason,
        usage=Usage(*counts),
        context=context,
        rewritten=rewritten,
        bust=bool(bust),
        cost=cost,
        split=None if cost is None else Split(*parts),
        avoidable=avoidable,
        output_is_lower_bound=bool(lower_bound),
        estimated=bool(estimated),
        on_disk=bool(on_disk),
    )


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
