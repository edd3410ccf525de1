"""The ledger: every file's responses, sorted into sessions and their threads.

Feed it lines in any order of files, in any chunking; ``settle`` brings the accounts up to date, and
the result depends only on what the files hold. Pure: no files, no clock.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Protocol

from ccmon.entries import AnyEntry, AssistantEntry, AttemptEntry, Entry
from ccmon.ledger.arrivals import counted
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Copies, Known
from ccmon.ledger.stream import Lane, Sighting, Source, Stream
from ccmon.ledger.thread import Thread
from ccmon.ledger.traces import Bill, falls
from ccmon.measures import Span
from ccmon.requests import MAIN

TITLE_SOURCES = ("custom-title", "ai-title", "summary", "last-prompt")
"""Where a session's title may come from, best first."""
LONGEST_ANSWER = 600.0
"""So long the client waits for an answer before it gives up, in seconds."""


class Named(Protocol):
    """A file that may say what its session is called."""

    titles: dict[str, str]
    first_prompt: str | None


def title_of(files: Sequence[Named]) -> str | None:
    """What a session is called by its own files, in their order: by its user, by the client, or
    its first prompt.
    """
    for source in TITLE_SOURCES:
        for file in reversed(files):
            if title := file.titles.get(source):
                return title
    return next((file.first_prompt for file in files if file.first_prompt), None)


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

    @property
    def last_stamp(self) -> float:
        """When any of its files was last written to, by its own lines; 0 where none tells."""
        return max((stream.last_stamp or 0.0 for stream in self.streams.values()), default=0.0)

    def waiting(self) -> Lane | None:
        """The main chain in the newest file, with what no response has followed yet."""
        lanes = [stream.lane_of(MAIN) for stream in self.main_streams()]
        return next((lane for lane in reversed(lanes) if lane is not None), None)

    def bill(self) -> tuple[Stream, Bill] | None:
        """The client's own totals that hold for the session, with the file they stand in."""
        billed = [
            (stream, stream.traces.bill)
            for stream in self.main_streams()
            if stream.traces.bill is not None
        ]
        return None if self.torn() or not billed else billed[-1]

    def torn(self) -> bool:
        """Whether totals fell from one to the next: two processes wrote one session."""
        traces = [stream.traces for stream in self.main_streams()]
        billed = [(each.first, each.bill) for each in traces if each.first and each.bill]
        return any(each.torn for each in traces) or any(
            falls(before.entry, first) for (_, before), (first, _) in pairwise(billed)
        )

    def over_by(self, agent: str) -> float:
        """A sub-agent waits for nothing any more that it sent until then, in UNIX seconds.

        Its result came, the user stopped the main chain, or that has gone on for so long that the
        client cannot be waiting. ``-inf`` while nothing tells.
        """
        traces = [stream.traces for stream in self.streams.values()]
        times = [each.results.get(agent, -inf) for each in traces]
        if not any(agent in each.receipts for each in traces):
            times += [stream.traces.stops.get(MAIN, -inf) for stream in self.main_streams()]
        rows = self.main.rows
        if rows and rows[-1].at is not None:
            times.append(rows[-1].at - LONGEST_ANSWER)
        return max(times, default=-inf)

    def uncounted(self) -> list[Sighting]:
        """Responses of all threads whose texts are worth counting; each is told once."""
        return [sighting for thread in self.threads.values() for sighting in thread.uncounted()]

    def title(self) -> str | None:
        """What the session is called: named by the user, by the client, or its first prompt."""
        return title_of(self.main_streams())


class Ledger:
    """All sessions known so far."""

    def __init__(self, prices: PriceTable) -> None:
        self.prices = prices
        self.sessions: dict[str, SessionLedger] = {}
        self._streams: dict[str, Stream] = {}
        self._homes: Counter[str] = Counter()
        self._seen: dict[str, Sighting] = {}
        self._placed: dict[str, tuple[str, Sighting]] = {}
        self._guessed: set[str] = set()
        self._copies: Copies[Sighting] = Copies(self._homes)
        self._best: dict[str, Known] = {}
        self._order_changed = False
        self._senders: dict[str, Stream] = {}
        self._attempts_changed = False
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
        unordered = stream.first_stamp is None
        stream.stamp(timestamp)
        if unordered:
            self._attempts_changed = self._attempts_changed or source.path in self._senders
            if stream.sightings:
                self._reorder(stream)

    def apply(self, source: Source, span: Span, entry: AnyEntry) -> None:
        """Take in one entry of a file; entries of one file must come in file order."""
        stream = self.stream(source)
        chained = entry if isinstance(entry, Entry) else None
        if stream.session_id is None and not (chained and chained.session_id):
            return
        if chained is not None and chained.timestamp is not None:
            self.stamp(source, chained.timestamp)
        known = len(stream.sightings)
        sighting = stream.apply(span, entry)
        if chained is not None:
            self._session(stream)
        self._note_change(stream.owner_id)
        if isinstance(entry, AttemptEntry | AssistantEntry) and entry.attempt_id:
            self._senders[source.path] = stream
            self._attempts_changed = True
        if sighting is None:
            return
        if len(stream.sightings) > known:
            self._arrive(sighting)
        else:
            self._copies.note(sighting.message_id)
            self._touch(sighting.message_id)

    def count(self, sighting: Sighting, span: Span, counts: Sequence[int]) -> None:
        """Tokens were counted in the texts of a line that entered with a response."""
        sighting.entered = counted(sighting.entered, span, counts)
        placed = self._placed.get(sighting.message_id)
        if placed is not None and placed[1] is sighting:
            self._touch(sighting.message_id)

    def forget(self, path: str) -> None:
        """Drop everything that came from a file: it was truncated, replaced or deleted."""
        stream = self._streams.pop(path, None)
        if stream is None:
            return
        if self._senders.pop(path, None) is not None:
            self._attempts_changed = True
        for sighting in stream.sightings.values():
            self._leave(sighting)
        session = self.sessions.get(stream.owner_id)
        if session is not None and session.streams.pop(path, None) is not None:
            self._settle_home(stream, -1)
        self._note_change(stream.owner_id)

    def settle(self) -> set[str]:
        """Account for everything that came in; returns the ids of the sessions that changed."""
        order_changed, self._order_changed = self._order_changed, False
        for message_id in self._copies.unsettled(everything=order_changed):
            self._place_copy(message_id)
        if order_changed:
            for message_id in self._guessed & self._placed.keys():
                if message_id not in self._copies.sightings:
                    self._place_alone(self._seen[message_id])
        self._settle_attempts()
        changed, self._changed = self._changed, set()
        for session_id in changed & self.sessions.keys():
            session = self.sessions[session_id]
            for agent, thread in session.threads.items():
                waiting = session.waiting() if agent == MAIN else None
                thread.settle(self.prices, self._best, waiting)
            if not session.streams and not any(map(len, session.threads.values())):
                del self.sessions[session_id]
        return changed

    def _settle_attempts(self) -> None:
        """An attempt that stands in several files belongs to the first of them.

        One that some file has the answer to is no other file's to miss it: a fork may begin with a
        copy of what was in flight in the original, and have the same first stamp.
        """
        if not self._attempts_changed:
            return
        self._attempts_changed = False
        senders = [
            stream
            for stream in self._senders.values()
            if stream.traces.attempts.unanswered or stream.traces.copied
        ]
        owners: dict[str, Stream] = {}
        for stream in sorted(senders, key=lambda each: each.sort_key):
            for attempt_id in stream.traces.attempts.unanswered:
                owners.setdefault(attempt_id, stream)
        answered: set[str] = set()
        for stream in self._senders.values() if owners else ():
            answered |= owners.keys() & stream.traces.attempts.answered
        for stream in senders:
            copied = frozenset(
                attempt_id
                for attempt_id in stream.traces.attempts.unanswered
                if attempt_id in answered or owners[attempt_id] is not stream
            )
            if copied != stream.traces.copied:
                stream.traces.copied = copied
                self._note_change(stream.owner_id)

    def _session(self, stream: Stream) -> SessionLedger:
        session = self._session_of(stream.owner_id)
        if stream.source.path not in session.streams:
            session.streams[stream.source.path] = stream
            self._settle_home(stream, 1)
        return session

    def _settle_home(self, stream: Stream, count: int) -> None:
        """A session has one file more, or less: guesses may point there now, or no more."""
        if stream.source.agent_id is not None:
            return
        self._homes[stream.owner_id] += count
        if not self._homes[stream.owner_id]:
            del self._homes[stream.owner_id]
        self._order_changed = True

    def _session_of(self, session_id: str) -> SessionLedger:
        session = self.sessions.get(session_id)
        if session is None:
            session = self.sessions[session_id] = SessionLedger(session_id)
        return session

    def _arrive(self, sighting: Sighting) -> None:
        """A response has its first line in a file."""
        first = self._seen.setdefault(sighting.message_id, sighting)
        if sighting.guess is not None:
            self._guessed.add(sighting.message_id)
        if first is sighting:
            self._place_alone(sighting)
        else:
            self._copies.add(first, sighting)

    def _leave(self, sighting: Sighting) -> None:
        """A file no longer has this response."""
        message_id = sighting.message_id
        others = self._copies.remove(sighting)
        self._best.pop(message_id, None)
        self._unplace(message_id)
        if others:
            self._seen[message_id] = others[0]
            self._place_alone(others[0])
        else:
            self._seen.pop(message_id, None)
            self._guessed.discard(message_id)

    def _reorder(self, stream: Stream) -> None:
        """The place of a file among others has changed after it had responses."""
        self._order_changed = True
        threads: dict[tuple[str, str], Thread] = {}
        for message_id in stream.sightings:
            session_id, placed = self._placed[message_id]
            if placed.stream is stream:
                key = (session_id, placed.agent)
                threads[key] = self.sessions[session_id].threads[placed.agent]
        for (session_id, _), thread in threads.items():
            thread.reorder()
            self._note_change(session_id)

    def _place_alone(self, sighting: Sighting) -> None:
        """Let a session account for a response that stands in one file only."""
        guess = sighting.guess if sighting.guess in self._homes else None
        session_id = sighting.claim or guess or sighting.stream.owner_id
        if self._placed.get(sighting.message_id) != (session_id, sighting):
            self._unplace(sighting.message_id)
            self._place(session_id, sighting)

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
            self._touch(message_id)

    def _place(self, session_id: str, sighting: Sighting) -> None:
        self._placed[sighting.message_id] = (session_id, sighting)
        self._session_of(session_id).thread(sighting.agent).add(sighting)
        self._note_change(session_id)

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
        self._note_change(session_id)

    def _touch(self, message_id: str) -> None:
        session_id, sighting = self._placed[message_id]
        self.sessions[session_id].threads[sighting.agent].touch(sighting)
        self._note_change(session_id)

    def _note_change(self, session_id: str) -> None:
        session = self.sessions.get(session_id)
        if session is not None:
            session.revision += 1
            self._changed.add(session_id)
