"""One transcript file as accounting sees it: its responses in the order of their first lines.

A file may carry several lanes (the main chain, sub-agents of old clients); what happens between
two responses of a lane (prompts, tool results, a compaction) belongs to the later one.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ccmon.entries import (
    AnyEntry,
    AssistantEntry,
    AttachmentEntry,
    AttemptEntry,
    Block,
    CompactionEntry,
    CostEntry,
    Entry,
    ErrorEntry,
    FallbackEntry,
    TitleEntry,
    UsageLine,
    UserEntry,
)
from ccmon.ledger.arrivals import of_attachment, of_user
from ccmon.ledger.traces import Interrupt, Traces
from ccmon.measures import Span
from ccmon.requests import MAIN, Entered


class Source(Struct, frozen=True, gc=False):
    """A transcript file: whose session it is by its place, and which agent's.

    ``session_id`` is None where only the lines tell (old flat agent files).
    """

    path: str
    session_id: str | None
    agent_id: str | None = None


class Signs(Struct, frozen=True, gc=False):
    """What lies between two responses of a lane that may explain why the cache broke.

    ``tools`` names what changed in the lists of tools, servers or agents, ``fallback`` the models
    of a safety fallback; ``prompts`` counts what people asked.
    """

    tools: str = ""
    fallback: str = ""
    resumed: bool = False
    image: bool = False
    prompts: int = 0
    machine: bool = False


NO_SIGNS = Signs()


class Sighting:
    """What one file says of one response: the union of its lines there.

    ``claim`` names the session that paid when the lines say it is another than the file's;
    ``guess`` names the one that the line calls its own, when that is another: the original of an
    old fork, or the former name of a renamed file.
    ``parent_id`` is the response this one follows in the message chain, ``first`` the first one of
    its chain in the file (itself, if it is that), ``first_usage`` what that had used by then.
    ``read_back`` says that the texts of what ``entered`` have been asked for, to be counted.
    """

    __slots__ = (
        "at",
        "blocks",
        "boundaries",
        "claim",
        "cut",
        "effort",
        "entered",
        "final",
        "first",
        "first_usage",
        "guess",
        "index",
        "lane",
        "message_id",
        "miss_reason",
        "model",
        "order",
        "parent_id",
        "prompt",
        "read_back",
        "request_id",
        "requested_model",
        "signs",
        "spans",
        "started_at",
        "stop_reason",
        "stream",
        "summary_size",
        "thinking_dropped",
        "usage",
        "version",
    )

    def __init__(self, stream: Stream, lane: Lane, entry: AssistantEntry) -> None:
        self.stream = stream
        self.lane = lane
        self.message_id = entry.message_id
        self.order = len(stream.sightings)
        self.index = -1
        self.first = lane.first or self
        self.first_usage = lane.first.usage if lane.first else None
        self.read_back = False
        self.claim = stream.other(entry.request_session_id or entry.forked_from)
        self.guess = stream.other(entry.session_id)
        self.parent_id = stream.chain.get(entry.parent_uuid or "")
        self.at = entry.timestamp
        self.started_at = lane.started(entry.timestamp)
        self.request_id = entry.request_id
        self.model = entry.model
        self.requested_model = entry.requested_model
        self.effort = entry.effort
        self.version = entry.version
        self.stop_reason: str | None = None
        self.usage: UsageLine | None = None
        self.final = False
        self.cut = False
        self.blocks: list[Block] = []
        self.spans: list[Span] = []
        self.boundaries = tuple(lane.boundaries)
        self.summary_size = lane.summary_size
        self.signs = lane.signs
        self.miss_reason: str | None = None
        self.thinking_dropped = False
        self.prompt = lane.prompt
        self.entered = tuple(lane.entered)
        self.add(entry)

    @property
    def agent(self) -> str:
        """The thread's name within the session: ``main`` or an agent id."""
        return self.lane.agent

    @property
    def sort_key(self) -> tuple[float, str, int]:
        """Order within a thread: files by their first stamp, then position in the file."""
        return (*self.stream.sort_key, self.order)

    def add(self, entry: AssistantEntry) -> None:
        """Take in one more line: largest output wins, on a tie the later line."""
        if entry.usage is not None and (
            self.usage is None or entry.usage.tokens.output >= self.usage.tokens.output
        ):
            self.usage = entry.usage
        if entry.stop_reason is not None:
            self.stop_reason = entry.stop_reason
            self.final = True
        if self.at is None:
            self.at = entry.timestamp
        self.model = self.model or entry.model
        self.request_id = self.request_id or entry.request_id
        self.miss_reason = self.miss_reason or entry.miss_reason
        self.thinking_dropped = self.thinking_dropped or entry.thinking_dropped
        self.blocks.extend(entry.blocks)


class Lane:
    """What has happened in one chain of a file since its last response."""

    __slots__ = (
        "agent",
        "boundaries",
        "entered",
        "first",
        "last",
        "last_input_at",
        "prompt",
        "signs",
        "summary_size",
    )

    def __init__(self, agent: str) -> None:
        self.agent = agent
        self.first: Sighting | None = None
        self.last: Sighting | None = None
        self.last_input_at: float | None = None
        self.prompt: str | None = None
        self.boundaries: list[CompactionEntry] = []
        self.summary_size = 0
        self.signs = NO_SIGNS
        self.entered: list[Entered] = []

    def attach(self, span: Span, entry: AttachmentEntry) -> None:
        """The client has put something into the prompt by itself."""
        if entry.change == "tools" and not self.signs.tools:
            self.signs = replace(self.signs, tools=entry.detail)
        elif entry.change == "resume":
            self.signs = replace(self.signs, resumed=True)
        self.entered.extend(of_attachment(span, entry))

    def started(self, answered_at: float | None) -> float | None:
        """When the request behind a response began: with the last that a line shows of its input.

        Some input leaves no line that counts as one. What is older than the response before began
        that one, and this one not before it was answered.
        """
        known, before = self.last_input_at, self.last
        stale = before is not None and before.at is not None and (known or 0.0) < before.at
        return answered_at if stale else known

    def open(self, sighting: Sighting) -> None:
        """Everything that waited now belongs to this response."""
        self.first = self.first or sighting
        self.last = sighting
        self.prompt = None
        self.boundaries = []
        self.summary_size = 0
        self.signs = NO_SIGNS
        self.entered = []


class Stream:
    """The state of one file, fed line by line in file order."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.session_id = source.session_id
        self.first_stamp: float | None = None
        self.last_stamp: float | None = None
        self.cwd: str | None = None
        self.version: str | None = None
        self.titles: dict[str, str] = {}
        self.first_prompt: str | None = None
        self.sightings: dict[str, Sighting] = {}
        self.chain: dict[str, str] = {}
        self.calls: dict[str, Block] = {}
        self.agents: dict[str, Block] = {}
        self.traces = Traces()
        self._lanes: dict[str, Lane] = {}
        self._roots: dict[str, str] = {}

    @property
    def sort_key(self) -> tuple[float, str]:
        """Earliest first stamp first, then path: the order that no reading order changes."""
        return (float("inf") if self.first_stamp is None else self.first_stamp, self.source.path)

    @property
    def owner_id(self) -> str:
        """The session this file belongs to; its own path while nothing names one."""
        return self.session_id or self.source.path

    def stamp(self, timestamp: float) -> None:
        """Note the time of any line, also of one that is no entry."""
        if self.first_stamp is None:
            self.first_stamp = timestamp
        if self.last_stamp is None or timestamp > self.last_stamp:
            self.last_stamp = timestamp

    def apply(self, span: Span, entry: AnyEntry) -> Sighting | None:
        """Take in one entry; returns the response it changed, None when it changed none."""
        if isinstance(entry, TitleEntry):
            self.titles[entry.source] = entry.text
            return None
        if isinstance(entry, CostEntry):
            if entry.session_id == self.session_id and self.source.agent_id is None:
                self.traces.total(entry, span.offset, len(self.sightings), self.last_stamp)
            return None
        if entry.uuid in self.chain and not self._answers_anew(entry):
            return self._again(entry)
        self._note(entry)
        lane = self._lane(entry)
        if self.traces.bill is not None:
            self.traces.go_on(entry.timestamp)
        changed: Sighting | None = None
        if isinstance(entry, AssistantEntry):
            changed = self._response(span, entry, lane)
        elif isinstance(entry, CompactionEntry):
            lane.boundaries.append(entry)
        elif isinstance(entry, UserEntry):
            changed = self._user(span, entry, lane)
        elif isinstance(entry, AttachmentEntry):
            lane.attach(span, entry)
        elif isinstance(entry, FallbackEntry):
            lane.signs = replace(lane.signs, fallback=entry.detail)
        elif isinstance(entry, AttemptEntry):
            self.traces.attempts.send(entry, lane.agent, span.offset)
        elif isinstance(entry, ErrorEntry):
            self.traces.attempts.fail(entry, lane.agent)
        self._link(entry)
        return changed

    def other(self, session_id: str | None) -> str | None:
        """The session when it is another than the file's."""
        return session_id if session_id and session_id != self.owner_id else None

    def is_copied(self, session_id: str | None, at: float | None) -> bool:
        """Whether a line came from another session's file, by its session and its time.

        A fork begins with a stamp of its own, which is later than those of the lines it copied.
        """
        if self.other(session_id) is not None:
            return True
        return at is not None and self.first_stamp is not None and at < self.first_stamp

    def lane_of(self, agent: str) -> Lane | None:
        """The chain of that name, if the file has it."""
        return self._lanes.get(agent)

    def _note(self, entry: Entry) -> None:
        if self.session_id is None and entry.session_id:
            self.session_id = entry.session_id
        self.cwd = self.cwd or entry.cwd
        self.version = entry.version or self.version

    def _lane(self, entry: Entry) -> Lane:
        agent = self.source.agent_id
        if agent == MAIN:
            agent = f"agent-{MAIN}"
        elif agent is None:
            sent_for = entry.agent_id if isinstance(entry, AttemptEntry) else None
            agent = self._root(entry) if entry.is_sidechain else sent_for or MAIN
        lane = self._lanes.get(agent)
        if lane is None:
            lane = self._lanes[agent] = Lane(agent)
        return lane

    def _root(self, entry: Entry) -> str:
        """Name of a sidechain inside a session file: its agent id, else the root of its chain."""
        if entry.agent_id:
            return entry.agent_id
        root = self._roots.get(entry.parent_uuid or "") or f"sidechain-{(entry.uuid or '')[:8]}"
        if entry.uuid:
            self._roots[entry.uuid] = root
        return root

    def _link(self, entry: Entry) -> None:
        """Note the response that a line belongs to or follows; before the first one it is none."""
        if entry.uuid is None:
            return
        if isinstance(entry, AssistantEntry):
            known = self.sightings.get(entry.message_id)
            # The id of its first line: every further one would keep a copy.
            self.chain[entry.uuid] = known.message_id if known else entry.message_id
        else:
            self.chain[entry.uuid] = self.chain.get(entry.parent_uuid or "", "")

    def _answers_anew(self, entry: Entry) -> bool:
        """Whether a line is of another response than the one that stood under its name."""
        return (
            isinstance(entry, AssistantEntry)
            and self.chain.get(entry.uuid or "") != entry.message_id
        )

    def _again(self, entry: Entry) -> Sighting | None:
        """A line is repeated: it brings nothing, unless it knows of more output by now."""
        if not isinstance(entry, AssistantEntry) or entry.usage is None:
            return None
        sighting = self.sightings.get(entry.message_id)
        if sighting is None:
            return None
        known = sighting.usage
        if known is not None and entry.usage.tokens.output <= known.tokens.output:
            return None
        sighting.add(replace(entry, blocks=()))
        return sighting

    def _response(self, span: Span, entry: AssistantEntry, lane: Lane) -> Sighting:
        sighting = self.sightings.get(entry.message_id)
        if sighting is None:
            sighting = Sighting(self, lane, entry)
            self.sightings[entry.message_id] = sighting
            lane.open(sighting)
            self.traces.attempts.answer(entry.attempt_id, lane.agent, entry.message_id)
        else:
            sighting.add(entry)
        sighting.spans.append(span)
        for block in entry.blocks:
            if block.tool_use_id:
                self.calls[block.tool_use_id] = block
        return sighting

    def _user(self, span: Span, entry: UserEntry, lane: Lane) -> Sighting | None:
        if entry.cut_notice and lane.last is not None:
            lane.last.cut = True
            return lane.last
        if entry.interrupted:
            last = lane.last.message_id if lane.last else None
            answered = entry.stopped_tool and lane.last is not None and lane.last.final
            interrupt = Interrupt(span.offset, entry.timestamp, last)
            self.traces.stop(lane.agent, interrupt, answered=answered)
        if entry.timestamp is not None and (entry.prompt or entry.results):
            lane.last_input_at = entry.timestamp
        if entry.prompt is not None or entry.has_image:
            lane.signs = _with_input(lane.signs, entry)
        if entry.prompt == "human":
            lane.prompt = entry.label
            self.first_prompt = self.first_prompt or entry.label
        if entry.is_compact_summary:
            lane.summary_size = entry.size
        if entry.result_agent_id and entry.results:
            self.traces.result(
                entry.result_agent_id, entry.timestamp, receipt=entry.result_is_receipt
            )
            call = self.calls.get(entry.results[0].tool_use_id)
            if call is not None:
                self.agents[entry.result_agent_id] = call
        lane.entered.extend(of_user(span, entry, self.calls))
        return None


def _with_input(signs: Signs, entry: UserEntry) -> Signs:
    return replace(
        signs,
        image=signs.image or entry.has_image,
        prompts=signs.prompts + (entry.prompt == "human"),
        machine=signs.machine or entry.prompt == "machine",
    )
