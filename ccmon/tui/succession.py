"""What goes on after the session that is shown has ended, and how to get there."""

from __future__ import annotations

from collections.abc import Sequence

from ccmon.snapshot import Session


def going_on(session: Session) -> bool:
    """Whether there is work in it: as its registry says, else as its transcript does."""
    if session.status == "unknown":
        return session.active
    return session.status in ("busy", "waiting")


def the_way_to(wanted: Session, shown: Session, sessions: Sequence[Session]) -> str:
    """``] goes there``: the key that leads from one session to another in their order."""
    ids = [session.session_id for session in sessions]
    steps = (ids.index(wanted.session_id) - ids.index(shown.session_id)) % len(ids)
    if steps == 1:
        return "] goes there"
    return "[ goes there" if steps == len(ids) - 1 else "5 lists it"
