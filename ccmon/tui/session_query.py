"""The filter language of the Sessions screen.

Terms stand side by side and all have to hold; ``!`` before one turns it round.

- words: looked for without regard to case in project, title, id, model and types of sub-agents
- ``project:shop title:coupon id:4c1f model:opus agent:explore``
- ``ctx>200k fill>40 cost>1 findings>0``
- ``busy waiting idle quiet ended high``
"""

from __future__ import annotations

from ccmon.snapshot import Session
from ccmon.tui.terms import Filter, Language

SessionQuery = Filter[Session]


def _agent(session: Session, value: str) -> bool:
    return any(
        value in (agent.type or "").casefold() or agent.agent_id.casefold().startswith(value)
        for agent in session.subagents
    )


def _word(session: Session, word: str) -> bool:
    return (
        word in session.project.casefold()
        or word in (session.title or "").casefold()
        or session.session_id.casefold().startswith(word)
        or word in (session.model or "").casefold()
        or _agent(session, word)
    )


def _fill(session: Session) -> float | None:
    context = session.context
    return None if context is None or context.fill is None else context.fill * 100


SESSIONS: Language[Session] = Language(
    fields={
        "ctx": lambda session: session.context.tokens if session.context else None,
        "fill": _fill,
        "cost": lambda session: session.cost,
        "findings": lambda session: len(session.findings),
    },
    flags={
        "busy": lambda session: session.status == "busy",
        "waiting": lambda session: session.status == "waiting",
        "idle": lambda session: session.status == "idle",
        "quiet": lambda session: session.status == "unknown",
        "ended": lambda session: session.status == "ended",
        "high": lambda session: session.drag is not None and session.drag.state != "off",
    },
    keys={
        "project": lambda session, value: value in session.project.casefold(),
        "title": lambda session, value: value in (session.title or "").casefold(),
        "id": lambda session, value: session.session_id.casefold().startswith(value),
        "model": lambda session, value: value in (session.model or "").casefold(),
        "agent": _agent,
    },
    word=_word,
)
