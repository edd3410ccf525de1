"""Boards of sessions: made from those of the sample, in every state there is."""

from __future__ import annotations

from msgspec.structs import replace

from ccmon.snapshot import Session, Snapshot, Subagent
from tests import sample
from tests.sample_rows import at


def agent(agent_id: str, *, parent: str | None = None, active: bool = False) -> Subagent:
    """A sub-agent like the one of the sample."""
    like = sample.sample_session().subagents[0]
    return replace(
        like, agent_id=agent_id, type=f"type-{agent_id}", parent_agent_id=parent, active=active
    )


def session(session_id: str, **changes: object) -> Session:
    """A calm session of that id, changed."""
    like = sample.sample_snapshot().sessions[1]
    calm = {"status": "idle", "waiting_for": None, "subagents": (), "project": session_id}
    return replace(like, session_id=session_id, **{**calm, **changes})


def board(*sessions: Session) -> Snapshot:
    """A snapshot of these."""
    return sample.snapshot_of(*sessions)


def warm_until(clock: str, like: Session) -> Session:
    """The session with a cache that goes cold at that time."""
    assert like.cache is not None
    return replace(like, cache=replace(like.cache, expires_at=at(clock)))


def every_state() -> Snapshot:
    """Busy with a tree of sub-agents, waiting, quiet, idle, and two that have ended."""
    first, *others = sample.sample_snapshot().sessions
    agents = (
        first.subagents[0],
        agent("b1", active=True),
        agent("b2", parent="b1", active=True),
        agent("b3"),
    )
    quiet = replace(others[2], status="unknown", last_line_at=at("14:02:00"))
    ended = [
        replace(each, status="ended", active=False, subagents=(agent("z1"),)) for each in others[5:]
    ]
    return board(replace(first, subagents=agents), *others[:2], quiet, *others[3:5], *ended)
