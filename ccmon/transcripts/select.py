"""Which of the transcripts there are belong to what the user asked for."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from ccmon.errors import CcmonError
from ccmon.settings import Settings
from ccmon.transcripts.heads import Heads
from ccmon.transcripts.locate import Home, Transcript, discover, is_there, project_name
from ccmon.transcripts.registry import LiveSession

NOTHING_TO_READ = 3


class Scope(Struct, frozen=True):
    """What to read: a session (its id or the start of it), a project, or what is going on.

    ``everything`` takes all transcripts, ``since`` only sessions written to in that many seconds.
    Otherwise a live monitor (``live``) takes the sessions of the last hours, a single look the
    active ones; each at least the latest.
    """

    session: str | None = None
    project: str | None = None
    everything: bool = False
    since: float | None = None
    live: bool = False


class Choice(Struct, frozen=True):
    """The transcripts in scope, newest session first, and those they may share responses with.

    ``kin`` are read only so that copies count for the session that paid; they are not shown.
    ``outside`` are the paths of all the others.
    """

    shown: list[Transcript]
    kin: list[Transcript]
    outside: frozenset[str]


class Selection:
    """Chooses transcripts by scope; remembers what it has read of their heads.

    ``homes`` say whether they were there at the last choice, ``closed`` are the paths that could
    not be looked at then, ``opened`` the ids of sessions that are wanted whatever the scope says.
    """

    def __init__(self, homes: Sequence[Home], scope: Scope, settings: Settings) -> None:
        self.scope = scope
        self.homes = tuple(homes)
        self.closed: frozenset[str] = frozenset()
        self.opened: set[str] = set()
        self._settings = settings
        self._heads = Heads()
        self._session: str | None = None
        self._project_known = False

    def choose(self, now: float, live: Mapping[str, LiveSession]) -> Choice:
        """The transcripts in scope and their kin.

        Raises CcmonError when a session or project was named that is not there (exit 3), or a
        start of an id that fits several sessions (exit 2).
        """
        self.homes = tuple(
            Home(home.path, home.origin, is_there(Path(home.path))) for home in self.homes
        )
        closed: list[str] = []
        found = discover(self.homes, closed)
        self.closed = frozenset(closed)
        paths = {item.path for item in found}
        self._heads.keep_only(paths)
        sessions = self._by_session(found)
        opened = {key: files for key, files in sessions.items() if key in self.opened}
        if self.scope.project is not None:
            sessions = self._of_project(sessions, self.scope.project)
        if self.scope.session is not None:
            sessions = self._named(sessions, self.scope.session)
        elif not self.scope.everything or self.scope.since is not None:
            sessions = self._current(sessions, now, live)
        sessions |= opened
        shown = [item for files in sessions.values() for item in files]
        kin = self._kin(shown, found)
        outside = frozenset(paths.difference(item.path for item in (*shown, *kin)))
        return Choice(shown, kin, outside)

    def is_active(
        self, session_id: str, mtime: float, now: float, live: Mapping[str, LiveSession]
    ) -> bool:
        """Running by the registry; where that knows nothing, written to in the last minutes."""
        known = live.get(session_id)
        if known is not None:
            return known.alive
        return now - mtime <= self._settings.active_minutes * 60

    def _by_session(self, found: Iterable[Transcript]) -> dict[str, list[Transcript]]:
        sessions: dict[str, list[Transcript]] = {}
        for item in found:
            session_id = item.session_id or self._heads.of(item).session_id
            sessions.setdefault(session_id or item.path, []).append(item)
        return sessions

    def _kin(self, shown: Sequence[Transcript], found: Sequence[Transcript]) -> list[Transcript]:
        """Session files in any folder that begin with the same response: forks, originals.

        Clients that name the payer on every line need none of this.
        """
        chosen = {item.path for item in shown}
        firsts = {
            head.first
            for item in shown
            if len(chosen) < len(found) and item.agent_id is None
            for head in [self._heads.of(item)]
            if head.first and not head.says_payer
        }
        return [
            item
            for item in found
            if firsts
            and item.path not in chosen
            and item.agent_id is None
            and self._heads.of(item).first in firsts
        ]

    def _of_project(
        self, sessions: dict[str, list[Transcript]], name: str
    ) -> dict[str, list[Transcript]]:
        names = {
            session_id: project_name(self._heads.of(own).cwd, own.slug)
            for session_id, files in sessions.items()
            for own in [_own(files)]
        }
        wanted = name.casefold()
        chosen = {
            session_id: files
            for session_id, files in sessions.items()
            if wanted in (names[session_id].casefold(), _own(files).slug.casefold())
        }
        if not chosen and not self._project_known:
            known = ", ".join(sorted(set(names.values()))[:6]) or "none"
            raise CcmonError(
                f"no project named {name!r}", f"projects here: {known}", NOTHING_TO_READ
            )
        self._project_known = True
        return chosen

    def _named(
        self, sessions: dict[str, list[Transcript]], start: str
    ) -> dict[str, list[Transcript]]:
        if self._session is None:
            fitting = [item for item in sessions if item.casefold().startswith(start.casefold())]
            if len(fitting) > 1 and start not in fitting:
                some = ", ".join(item[:13] for item in fitting[:4])
                raise CcmonError(
                    f"session {start!r} is ambiguous: {len(fitting)} sessions start so",
                    f"give more of the id: {some}",
                )
            if not fitting:
                raise CcmonError(
                    f"no session whose id starts with {start!r}",
                    "ccmon --once --all lists every session",
                    NOTHING_TO_READ,
                )
            self._session = start if start in fitting else fitting[0]
        return {key: files for key, files in sessions.items() if key == self._session}

    def _current(
        self, sessions: dict[str, list[Transcript]], now: float, live: Mapping[str, LiveSession]
    ) -> dict[str, list[Transcript]]:
        newest = {key: max(item.mtime for item in files) for key, files in sessions.items()}
        if self.scope.since is not None:
            return {
                key: files
                for key, files in sessions.items()
                if now - newest[key] <= self.scope.since
            }
        hours = self._settings.hours if self.scope.live else 0
        chosen = {
            key: files
            for key, files in sessions.items()
            if now - newest[key] <= hours * 3600 or self.is_active(key, newest[key], now, live)
        }
        if not chosen and sessions:
            latest = max(sessions, key=lambda key: newest[key])
            chosen = {latest: sessions[latest]}
        return chosen


def _own(files: Sequence[Transcript]) -> Transcript:
    """The session's own file, or what there is of its agents': it tells the project."""
    return next((item for item in files if item.agent_id is None), files[0])
