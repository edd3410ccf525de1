"""The Monitor owns the pipe from files to snapshots and runs it step by step.

One owner calls ``step`` and ``snapshot``, one call at a time; ``touch`` may come from another
thread. Nothing here waits, sleeps or knows a terminal: the Textual app and ``--once`` drive the
same object, which is why they agree on every number. Only the shares of what entered together may
differ, and the sums of their kinds: they are weighed by counted tokens where a tokenizer counts
(the app, ``--items``) and by characters where a single look is to be quick. ``health.estimator``
says which it was.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ccmon.feed import Feed
from ccmon.insight.judge import Judge
from ccmon.insight.notices import Notices
from ccmon.insight.summary import Facts, Summaries, Summed, add_models
from ccmon.insight.totals import totals_of
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger, SessionLedger
from ccmon.measures import Span
from ccmon.past import Candidate
from ccmon.reported import Reports
from ccmon.settings import Settings
from ccmon.snapshot import Health, Place, Progress, Session, Snapshot, Status
from ccmon.transcripts.locate import AgentMeta, Home, Transcript, project_name, read_agent_meta
from ccmon.transcripts.registry import LiveSession, Registry, went_on
from ccmon.transcripts.select import Scope, Selection
from ccmon.transcripts.text import TextBlock, read_blocks

if TYPE_CHECKING:
    import asyncio

    from ccmon.recount import Recount
    from ccmon.transcripts.watch import Watcher

__all__ = ["Monitor", "Scope", "TextBlock"]

REGISTRY_SECONDS = 2.0
"""How often the registry of running clients is looked at without being told to."""
SCAN_SECONDS = 120.0
"""How often it is looked anew which sessions are in scope, without being told of a file."""
OUTSIDE_SECONDS = 5.0
"""How often at most files out of scope make it look: they may have come into scope."""
CLOSED_SECONDS = 30.0
"""How often it looks while something cannot be looked at: nothing tells when that has changed."""

log = logging.getLogger(__name__)
# Without any handler Python writes warnings to stderr: over the screens, whatever a path holds.
logging.getLogger("ccmon").addHandler(logging.NullHandler())


class Monitor:
    """Everything known about the sessions in scope, kept up to date by ``step``.

    ``revision`` grows whenever there may be something new to show. ``reports`` is the folder where
    the status line leaves what it is told. ``counting`` has texts that entered contexts counted by
    the tokenizer, unless the settings forbid it: those of sessions that are active or were asked
    for by name.
    """

    def __init__(
        self,
        homes: Sequence[Home],
        settings: Settings,
        scope: Scope,
        clock: Callable[[], float] = time.time,
        *,
        reports: Path | None = None,
        counting: bool = False,
    ) -> None:
        self.settings = settings
        self.homes = tuple(homes)
        self.revision = 0
        self._clock = clock
        self._prices = PriceTable.load(settings)
        self._ledger = Ledger(self._prices)
        self._summaries = Summaries(self._prices)
        self._judge = Judge()
        self._notices = Notices(settings.bust_usd)
        self._registry = Registry()
        self._reports = Reports(reports)
        self._selection = Selection(self.homes, scope, settings)
        self._live: dict[str, LiveSession] = {}
        self._went_on: dict[str, str] = {}
        self._registry_due = 0.0
        self._scan_at = 0.0
        self._scanned_at = 0.0
        self._stepped_at = 0.0
        self._watching = "off"
        self._outside: frozenset[str] = frozenset()
        self._around = (self._selection.homes, self._selection.closed)
        self._ages_at = inf
        self._feeds: dict[str, Feed] = {}
        self._queue: dict[str, None] = {}
        self._touched: deque[str] = deque()
        self._asked: deque[str] = deque()
        self._learnt: Sequence[Candidate] | None = None
        self._agents: dict[str, AgentMeta] = {}
        self._summed: dict[str, tuple[int, Facts, Summed]] = {}
        self._read_once = False
        self._reread: set[str] = set()
        self._watcher: Watcher | None = None
        self._recount = _recount(self._ledger, self._selection, counting and settings.tokenizer)

    def touch(self, paths: Iterable[str]) -> None:
        """Something happened to these files; callable from any thread."""
        self._touched.extend(paths)

    def open(self, session_id: str) -> None:
        """Take this session in, however old; callable from any thread.

        One that has no transcript is not there later on either.
        """
        self._asked.append(session_id)

    def know(self, candidates: Sequence[Candidate]) -> None:
        """Sessions of the past found these out again and again; callable from any thread."""
        self._learnt = candidates

    def step(self, budget: float = 0.05) -> bool:
        """Read on for at most about ``budget`` seconds; True when there is more to read.

        Raises CcmonError when the scope names a session or project that is not there.
        """
        deadline = time.monotonic() + budget
        self._take_touched()
        while self._asked:
            self._selection.opened.add(self._asked.popleft())
            self._scan_at = 0.0
            if self._recount is not None:
                self._recount.want_again()
        if self._learnt is not None:
            learnt, self._learnt = self._learnt, None
            self.revision += self._judge.know(learnt)
        now = self._clock()
        if now < self._stepped_at:
            # The clock was set back: what was due then would not be for as long.
            self._registry_due = self._scan_at = 0.0
            self.revision += 1
        self._stepped_at = now
        if now >= self._registry_due:
            self._refresh_registry(now)
        if now >= self._scan_at:
            self._scan(now)
        if self._watching != (watching := self._watching_now()):
            self._watching = watching
            self.revision += 1
        if now > self._ages_at or now >= self._judge.changes_at:
            self._ages_at = self._judge.changes_at = inf
            self.revision += 1
        while self._queue:
            self._read(next(iter(self._queue)))
            if time.monotonic() >= deadline:
                break
        changed, recount = self._ledger.settle(), self._recount
        self.revision += bool(changed)
        if recount is not None:
            recount.note(changed)
        if self._queue or self._touched:
            return True
        if recount is None:
            return False
        # News is shown first: it does not wait for the counts.
        self.revision += recount.step(0.0 if changed else deadline, now, self._live)
        return recount.busy

    def snapshot(self, now: float | None = None) -> Snapshot:
        """Everything that can be shown at this moment."""
        now = self._clock() if now is None else now
        summed = self._summaries_in_scope(now)
        sessions = tuple(sorted(self._judge.sessions(summed, now), key=_newest_first))
        progress = self._progress()
        self._notices.observe(sessions, self._settled(progress), self._reread)
        self._reread = set()
        return Snapshot(
            generated_at=now,
            places=tuple(
                Place(home.path, home.origin, home.found) for home in self._selection.homes
            ),
            price_table_date=self._prices.table_date,
            totals=totals_of(sessions),
            sessions=sessions,
            by_model=add_models(totals for each in summed for totals in each.models),
            health=self._health(),
            progress=progress,
            notices=self._notices.recent,
        )

    async def watch(self, stop: asyncio.Event) -> AsyncIterator[set[str]]:
        """Paths that changed, as they change, until ``stop`` is set; pass them to ``touch``."""
        from ccmon.transcripts.watch import Watcher

        self._watcher = Watcher([Path(home.path) for home in self.homes])
        async for paths in self._watcher.batches(stop):
            yield paths

    def read_text(self, spans: Iterable[Span]) -> tuple[TextBlock, ...]:
        """The text of lines, read back from disk.

        Raises CcmonError when a file is gone or no longer holds the line.
        """
        blocks: list[TextBlock] = []
        for span in spans:
            blocks.extend(read_blocks(span.path, span.offset, span.length))
        return tuple(blocks)

    def _take_touched(self) -> None:
        while self._touched:
            path = self._touched.popleft()
            if path in self._feeds:
                self._queue[path] = None
            elif path.endswith(".meta.json"):
                self._look_at_agent(path.removesuffix(".meta.json") + ".jsonl")
            elif path.endswith(".json"):
                self._registry_due = 0.0
            elif path in self._outside:
                self._scan_at = min(self._scan_at, self._scanned_at + OUTSIDE_SECONDS)
            else:
                self._scan_at = 0.0

    def _refresh_registry(self, now: float) -> None:
        live = self._registry.refresh(self.homes)
        self._registry_due = now + REGISTRY_SECONDS
        before, self._live = self._live, live
        left = {**self._went_on, **went_on(before, live)}
        self._went_on = {key: following for key, following in left.items() if key not in live}
        if _lives(live) != _lives(before):
            self._scan_at = 0.0
        if _states(live) != _states(before):
            self.revision += 1
            if self._recount is not None:
                self._recount.want_again()
        if self._reports.refresh():
            self.revision += 1
        # Nothing tells when a disk works again.
        self._queue.update((path, None) for path, feed in self._feeds.items() if feed.error)

    def _scan(self, now: float) -> None:
        """Look what files there are; new ones are read, newest session first."""
        self._scanned_at, self._scan_at = now, now + SCAN_SECONDS
        choice = self._selection.choose(now, self._live)
        self._outside = choice.outside
        selection = self._selection
        if self._around != (around := (selection.homes, selection.closed)):
            self._around = around
            self.revision += 1
        if selection.closed:
            self._scan_at = now + CLOSED_SECONDS
        for transcript in choice.shown:
            self._follow(transcript, shown=True)
            self._look_at_agent(transcript.path)
        for transcript in choice.kin:
            self._follow(transcript, shown=False)
        chosen = {transcript.path for transcript in (*choice.shown, *choice.kin)}
        for path in self._feeds.keys() - chosen:
            if path in choice.outside:
                self._drop(path)
            else:
                # Not there any more, or out of reach just now: reading it will tell.
                self._queue[path] = None

    def _follow(self, transcript: Transcript, *, shown: bool) -> None:
        feed = self._feeds.get(transcript.path)
        if feed is None:
            feed = self._feeds[transcript.path] = Feed(transcript, self._ledger)
            self._queue[transcript.path] = None
            self.revision += 1
        elif transcript.size != feed.size:
            self._queue[transcript.path] = None
        if feed.shown != shown:
            feed.shown = shown
            self.revision += 1

    def _drop(self, path: str) -> None:
        """Let go of a file that has fallen out of scope."""
        del self._feeds[path]
        self._queue.pop(path, None)
        self._ledger.forget(path)
        self.revision += 1

    def _look_at_agent(self, path: str) -> None:
        """Read the description beside an agent's file, if that is read."""
        feed = self._feeds.get(path)
        agent_id = feed.transcript.agent_id if feed else None
        if agent_id is None:
            return
        meta = read_agent_meta(path)
        if meta is not None and meta != self._agents.get(agent_id):
            self._agents[agent_id] = meta
            self.revision += 1

    def _read(self, path: str) -> None:
        """Read a part of the first file in the queue; it leaves the queue once it is read."""
        feed = self._feeds[path]
        error, read_once = feed.error, feed.read_once
        session_id, restarts = feed.session_id, feed.restarts
        more = feed.read()
        if feed.restarts != restarts and session_id is not None:
            self._reread.add(session_id)
        if feed.error != error:
            log.warning("%s: %s", path, feed.error)
        if (feed.error, feed.read_once) != (error, read_once):
            self.revision += 1
        if feed.gone:
            del self._feeds[path]
            self.revision += 1
            # Perhaps not deleted, but something that is no file.
            self._scan_at = min(self._scan_at, self._scanned_at + OUTSIDE_SECONDS)
        if not more:
            del self._queue[path]

    def _summaries_in_scope(self, now: float) -> list[Summed]:
        in_scope = {feed.session_id for feed in self._feeds.values() if feed.shown}
        everything = self._selection.scope.everything and self._selection.scope.since is None
        known_before, self._summed = self._summed, {}
        self._ages_at = inf
        for session_id, ledger in self._ledger.sessions.items():
            if not everything and session_id not in in_scope:
                continue
            facts = self._facts(ledger, now)
            known = known_before.get(session_id)
            if known is None or known[0] != ledger.revision or known[1] != facts:
                known = (ledger.revision, facts, self._summaries.summarise(ledger, facts))
            self._summed[session_id] = known
        self._summaries.keep_only(set(self._summed))
        return [summed for _, _, summed in self._summed.values()]

    def _facts(self, ledger: SessionLedger, now: float) -> Facts:
        latest, recent = self._freshness(ledger, now)
        live = self._live.get(ledger.session_id)
        following = self._went_on.get(ledger.session_id)
        active = following is None and self._selection.is_active(
            ledger.session_id, latest, now, self._live
        )
        status: Status = "ended" if not active else live.status if live else "unknown"
        main = next(iter(ledger.main_streams()), None)
        last = ledger.main.last
        stream = main or (last.stream if last else next(iter(ledger.streams.values()), None))
        path = Path(stream.source.path) if stream else Path()
        return Facts(
            project=project_name(stream.cwd if stream else None, path.parent.name),
            status=status,
            active=active,
            waiting_for=live.waiting_for if live and live.alive else None,
            agents={
                agent: self._agents[agent] for agent in ledger.threads if agent in self._agents
            },
            recent=recent,
            reported=self._reports.of(ledger.session_id),
            went_on=following,
        )

    def _freshness(self, ledger: SessionLedger, now: float) -> tuple[float, frozenset[str]]:
        """When a session was last written to, and by which agents lately.

        Notes when this will have changed by the mere passing of time.
        """
        latest, recent = 0.0, set()
        limit = self.settings.active_minutes * 60
        for stream in ledger.streams.values():
            stamp = stream.last_stamp or 0.0
            latest = max(latest, stamp)
            if now - stamp <= limit:
                self._ages_at = min(self._ages_at, stamp + limit)
                if stream.source.agent_id:
                    recent.add(stream.source.agent_id)
        return latest, frozenset(recent)

    def _health(self) -> Health:
        feeds = self._feeds.values()
        return Health(
            files=len(feeds),
            bytes=sum(feed.bytes_read for feed in feeds),
            unreadable_files=len(
                self._selection.closed.union(
                    path for path, feed in self._feeds.items() if feed.error
                )
            ),
            malformed_lines=sum(feed.faults.malformed for feed in feeds),
            salvaged_records=sum(feed.faults.salvaged for feed in feeds),
            synthetic=sum(feed.faults.synthetic for feed in feeds),
            copies=self._ledger.copies,
            unknown_types=sum(feed.faults.unknown for feed in feeds),
            watching=self._watching_now(),
            cost_state_conflicts=sum(summed.conflict for _, _, summed in self._summed.values()),
            estimator="cl100k" if self._recount and self._recount.works else "characters",
        )

    def _watching_now(self) -> Literal["events", "polling", "off"]:
        return self._watcher.mode if self._watcher else "off"

    def _settled(self, progress: Progress) -> set[str]:
        """Sessions whose files have all been read; none before the first reading is over."""
        self._read_once = self._read_once or not progress.loading
        if not self._read_once:
            return set()
        reading = {feed.session_id for feed in self._feeds.values() if not feed.read_once}
        return self._summed.keys() - reading

    def _progress(self) -> Progress:
        feeds = self._feeds.values()
        return Progress(
            files_done=sum(feed.read_once for feed in feeds),
            files_total=len(feeds),
            bytes_done=sum(min(feed.bytes_read, feed.size) for feed in feeds),
            bytes_total=sum(feed.size for feed in feeds),
        )


def _recount(ledger: Ledger, selection: Selection, wanted: bool) -> Recount | None:
    if not wanted:
        return None
    from ccmon.recount import Recount  # only where something is to be counted

    return Recount(ledger, selection)


def _lives(live: Mapping[str, LiveSession]) -> dict[str, bool]:
    """What the scope depends on."""
    return {session_id: item.alive for session_id, item in live.items()}


def _states(live: Mapping[str, LiveSession]) -> dict[str, tuple[object, ...]]:
    """What is shown of it."""
    return {
        session_id: (item.alive, item.status, item.waiting_for) for session_id, item in live.items()
    }


def _newest_first(session: Session) -> tuple[float, str]:
    return (-(session.last_line_at or 0.0), session.session_id)
