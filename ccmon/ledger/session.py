"""The ledger: every file's responses, sorted into sessions and their threads.

Feed it lines in any order of files, in any chunking; ``settle`` brings the accounts up to date, and
the result depends only on what the files hold. Pure: no files, no clock.
"""

from ccmon.entries import AnyEntry, TitleEntry
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Copies, Known
from ccmon.ledger.stream import Sighting, Source, Stream
from ccmon.ledger.thread import Thread
from ccmon.measures import Span
from ccmon.snapshot import MAIN

TITLE_SOURCES = ("custom-title", "ai-title", "summary", "last-prompt")
"""Where a session's title may come from, best first."""


class SessionLedger:
    """One session: its threads, the files that tell of it, and a revision that grows on change."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.threads: dict[str, Thread] = {}
        self.streams: dict[str, Stream] = {}
        self.revision = 0

    @property
    def main(self) -> Thread:
        """The main chain (perhaps still without requests)."""
        return self.thread(MAIN)

    def thread(self, agent: str) -> Thread:
        """The thread of that name, made when it is new."""
        if agent not in self.threads:
            self.threads[agent] = Thread(self.session_id, agent)
        return self.threads[agent]

    def main_streams(self) -> list[Stream]:
        """The session's own files (not its sub-agents'), in their fixed order."""
        own = [stream for stream in self.streams.values() if stream.source.agent_id is None]
        return sorted(own, key=lambda stream: stream.sort_key)

    def title(self) -> str | None:
        """What the session is called: named by the user, by the client, or its first prompt."""
        streams = self.main_streams()
        for source in TITLE_SOURCES:
            for stream in reversed(streams):
                if stream.titles.get(source):
                    return stream.titles[source]
        return next((stream.first_prompt for stream in streams if stream.first_prompt), None)


class Ledger:
    """All sessions known so far."""

    def __init__(self, prices: PriceTable) -> None:
        self.prices = prices
        self.sessions: dict[str, SessionLedger] = {}
        self._streams: dict[str, Stream] = {}
        self._seen: dict[str, Sighting] = {}
        self._placed: dict[str, tuple[str, Sighting]] = {}
        self._copies = Copies()
        self._best: dict[str, Known] = {}
        self._contested = False
        self._changed: set[str] = set()

    @property
    def copies(self) -> int:
        """Sightings of responses that another file already accounts for."""
        return self._copies.spare

    def stream(self, source: Source) -> Stream:
        """The state of a file, made when it is new."""
        stream = self._streams.get(source.path)
        if stream is None:
            stream = self._streams[source.path] = Stream(source)
        return stream

    def stamp(self, source: Source, timestamp: float) -> None:
        """Note the time of any line, also of one that is no entry."""
        stream = self.stream(source)
        unordered = stream.first_stamp is None and bool(stream.sightings)
        stream.stamp(timestamp)
        if unordered:
            self._reorder(stream)

    def apply(self, source: Source, span: Span, entry: AnyEntry) -> None:
        """Take in one entry of a file; entries of one file must come in file order."""
        stream = self.stream(source)
        if stream.session_id is None and (isinstance(entry, TitleEntry) or not entry.session_id):
            return
        if not isinstance(entry, TitleEntry) and entry.timestamp is not None:
            self.stamp(source, entry.timestamp)
        known = len(stream.sightings)
        sighting = stream.apply(span, entry)
        self._session(stream).revision += 1
        self._changed.add(stream.owner_id)
        if sighting is None:
            return
        if len(stream.sightings) > known:
            self._arrive(sighting)
        else:
            self._grow(sighting)

    def forget(self, path: str) -> None:
        """Drop everything that came from a file: it was truncated, replaced or deleted."""
        stream = self._streams.pop(path, None)
        if stream is None:
            return
        for sighting in stream.sightings.values():
            self._leave(sighting)
        session = self._session(stream)
        session.streams.pop(path, None)
        session.revision += 1
        self._changed.add(session.session_id)

    def settle(self) -> set[str]:
        """Account for everything that came in; returns the ids of the sessions that changed."""
        if self._contested:
            self._contested = False
            self._copies.forget_order()
            for message_id in self._copies.sightings:
                self._place_copy(message_id)
        changed, self._changed = self._changed, set()
        for session_id in changed:
            session = self.sessions.get(session_id)
            if session is None:
                continue
            for thread in session.threads.values():
                thread.settle(self.prices, self._best)
            if not session.streams and not any(map(len, session.threads.values())):
                del self.sessions[session_id]
        return changed

    def _session(self, stream: Stream) -> SessionLedger:
        session = self._session_of(stream.owner_id)
        session.streams.setdefault(stream.source.path, stream)
        return session

    def _session_of(self, session_id: str) -> SessionLedger:
        session = self.sessions.get(session_id)
        if session is None:
            session = self.sessions[session_id] = SessionLedger(session_id)
        return session

    def _arrive(self, sighting: Sighting) -> None:
        """A response has its first line in a file."""
        message_id = sighting.message_id
        first = self._seen.get(message_id)
        if first is None:
            self._seen[message_id] = sighting
            self._place(sighting.claim or sighting.stream.owner_id, sighting)
        else:
            self._copies.sightings.setdefault(message_id, [first]).append(sighting)
        if self._copies.sightings:
            self._contested = True

    def _grow(self, sighting: Sighting) -> None:
        """A response has more lines in a file that had some of it."""
        if sighting.message_id in self._copies:
            self._contested = True
        session_id, placed = self._placed[sighting.message_id]
        self._touch(session_id, placed)

    def _leave(self, sighting: Sighting) -> None:
        """A file no longer has this response."""
        message_id = sighting.message_id
        others = [
            item for item in self._copies.sightings.pop(message_id, ()) if item is not sighting
        ]
        self._best.pop(message_id, None)
        self._unplace(message_id)
        if not others:
            self._seen.pop(message_id, None)
            return
        self._seen[message_id] = others[0]
        if len(others) > 1:
            self._copies.sightings[message_id] = others
            self._contested = True
        self._place(others[0].claim or others[0].stream.owner_id, others[0])

    def _reorder(self, stream: Stream) -> None:
        """The place of a file among others has changed after it had responses."""
        self._contested = self._contested or bool(self._copies.sightings)
        for message_id in stream.sightings:
            session_id, placed = self._placed[message_id]
            session = self.sessions[session_id]
            if placed.stream is stream:
                session.threads[placed.agent].reorder()
                self._note_change(session)

    def _place_copy(self, message_id: str) -> None:
        """Let the session that paid account for a response that stands in several files."""
        session_id, owner = self._copies.owner(message_id)
        best = self._copies.best(message_id, owner)
        if self._placed.get(message_id) != (session_id, owner):
            self._best[message_id] = best
            self._unplace(message_id)
            self._place(session_id, owner)
        elif self._best.get(message_id) != best:
            self._best[message_id] = best
            self._touch(session_id, owner)

    def _place(self, session_id: str, sighting: Sighting) -> None:
        self._placed[sighting.message_id] = (session_id, sighting)
        session = self._session_of(session_id)
        session.thread(sighting.agent).add(sighting)
        self._note_change(session)

    def _unplace(self, message_id: str) -> None:
        placed = self._placed.pop(message_id, None)
        if placed is None:
            return
        session_id, sighting = placed
        session = self.sessions[session_id]
        thread = session.threads[sighting.agent]
        thread.remove(sighting)
        if not len(thread) and sighting.agent != MAIN:
            del session.threads[sighting.agent]
        self._note_change(session)

    def _touch(self, session_id: str, sighting: Sighting) -> None:
        session = self.sessions[session_id]
        session.threads[sighting.agent].touch(sighting)
        self._note_change(session)

    def _note_change(self, session: SessionLedger) -> None:
        session.revision += 1
        self._changed.add(session.session_id)
