"""Sessions in an order, each with its sub-agents as a tree below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from ccmon.snapshot import Session, Subagent

Sort = Literal["active", "spend", "ctx", "next", "drag", "project"]
Fold = Literal["all", "none"]
Key = tuple[float | str, ...]

SORTS: tuple[Sort, ...] = ("active", "spend", "ctx", "next", "drag", "project")
FEW = 5
"""Sub-agents shown below a session at most until it is opened: those at work."""

_DRAG = {"off": 0, "high": 1, "dominates": 2}


@dataclass(frozen=True, slots=True)
class Row:
    """A session, or one of its sub-agents.

    ``folded`` counts the sub-agents of the session that are not shown; ``branch`` is what leads
    to the sub-agent in the tree.
    """

    session: Session
    agent: Subagent | None = None
    folded: int = 0
    branch: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What tells the row apart, whatever stands around it."""
        return self.session.session_id, self.agent.agent_id if self.agent is not None else ""


def ordered(sessions: Iterable[Session], sort: Sort, now: float, *, reverse: bool) -> list[Session]:
    """Sessions in the order wanted: as told by ``sort``, or the other way round.

    ``active``: what goes on, next to go cold first; then what is idle; then what has ended. Others
    by that figure, largest first, and by name.
    """
    keys: dict[Sort, Callable[[Session], Key]] = {
        "active": lambda session: _liveliness(session, now),
        "spend": lambda session: (-(session.cost if session.cost is not None else -1.0),),
        "ctx": lambda session: (-(session.context.tokens if session.context else -1),),
        "next": lambda session: (-_cold_price(session),),
        "drag": _drag,
        "project": lambda session: (session.project.casefold(),),
    }
    key = keys[sort]
    return sorted(
        sessions,
        key=lambda session: (*key(session), *_newest(session)),
        reverse=reverse,
    )


def rows_of(sessions: Iterable[Session], folds: Mapping[str, Fold]) -> list[Row]:
    """The rows of the table; ``folds`` says of which sessions all or no sub-agents are wanted."""
    rows: list[Row] = []
    for session in sessions:
        tree = list(_tree(session.subagents))
        fold = folds.get(session.session_id)
        if fold is None:
            seen = _at_work(session)
            tree = [(agent, depth) for agent, depth in tree if agent.agent_id in seen]
        elif fold == "none":
            tree = []
        rows.append(Row(session, folded=len(session.subagents) - len(tree)))
        rows += [
            Row(session, agent, branch=_branch(tree, index))
            for index, (agent, _) in enumerate(tree)
        ]
    return rows


def _newest(session: Session) -> Key:
    return -(session.last_line_at or 0.0), session.session_id


def _liveliness(session: Session, now: float) -> Key:
    rank = {"idle": 1, "ended": 2}.get(session.status, 0)
    left = session.cache.left_at(now) if session.cache is not None else None
    return rank, left if left is not None else inf


def _cold_price(session: Session) -> float:
    following = session.next_request
    return following.cold if following is not None and following.cold is not None else -1.0


def _drag(session: Session) -> Key:
    drag = session.drag
    return (0.0, 0.0) if drag is None else (-_DRAG[drag.state], -(drag.o or 0.0))


def _at_work(session: Session) -> set[str]:
    """The sub-agents to show unasked: those at work, else the last one; none once it is idle."""
    if session.status in ("idle", "ended"):
        return set()
    at_work = [agent.agent_id for agent in session.subagents if agent.active][-FEW:]
    return set(at_work or [agent.agent_id for agent in session.subagents[-1:]])


def _tree(agents: Sequence[Subagent]) -> Iterator[tuple[Subagent, int]]:
    """Every sub-agent below the one that sent it out, and how deep; each once, whatever is said."""
    known = {agent.agent_id for agent in agents}
    below: dict[str | None, list[Subagent]] = {}
    for agent in agents:
        parent = agent.parent_agent_id if agent.parent_agent_id in known else None
        below.setdefault(parent, []).append(agent)
    seen: set[str] = set()
    stack = [(agent, 0) for agent in reversed(below.get(None, []))]
    while stack:
        agent, depth = stack.pop()
        if agent.agent_id in seen:
            continue
        seen.add(agent.agent_id)
        yield agent, depth
        stack += [(child, depth + 1) for child in reversed(below.get(agent.agent_id, []))]
    # Those that claim to have sent out each other hang from nothing.
    yield from ((agent, 0) for agent in agents if agent.agent_id not in seen)


def _branch(tree: Sequence[tuple[Subagent, int]], index: int) -> str:
    """``├╴`` or, for the last one at its depth, ``╰╴``; indented by how deep it is."""
    depth = tree[index][1]
    for _, following in tree[index + 1 :]:
        if following <= depth:
            return "  " * depth + ("├╴" if following == depth else "╰╴")
    return "  " * depth + "╰╴"
