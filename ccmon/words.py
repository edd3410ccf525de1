"""What happened to the cache, in words: the same in every face.

The causes are those of accounting, section 6. None of the texts blames what is known not to break
the cache: CLAUDE.md, output style, permission mode, skills.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import tzinfo

from msgspec import Struct

from ccmon import format
from ccmon.measures import ALERT_SPAN, Ttl
from ccmon.past import Belongs, Candidate, Group, Kept, Memory, Query
from ccmon.requests import MAIN, Attempt, Cause, Kind, Why
from ccmon.snapshot import CacheAlert, Hidden, Session

TTL_SETTINGS: dict[Ttl, str] = {
    "1h": "ENABLE_PROMPT_CACHING_1H=1",
    "5m": "FORCE_PROMPT_CACHING_5M=1",
}
"""How Claude Code is told which tier to write to."""


class Wording(Struct, frozen=True):
    """One cause: ``subject`` fits before "rewrote", ``happened`` and ``remedy`` are sentences."""

    subject: str
    short: str
    happened: str
    remedy: str


WORDINGS: dict[Cause, Wording] = {
    "server_forgot": Wording(
        "server eviction",
        "server forgot the prefix",
        "The server no longer had the prefix, though its time was not up.",
        "Nothing to change on this side.",
    ),
    "tools_loaded": Wording(
        "ToolSearch",
        "ToolSearch loaded tools",
        "ToolSearch changed the tool list, so the prefix was written again.",
        "Load tools early in a session, or update Claude Code.",
    ),
    "model_switch": Wording(
        "model switch",
        "model switched",
        "Another model answered, and each model has a cache of its own.",
        "Switch models at the start of a session or right after /compact.",
    ),
    "idle_past_ttl": Wording(
        "idle",
        "idle past the TTL",
        "The pause was longer than the cache lives, so the prefix had expired.",
        "Send the next prompt before the countdown ends, or compact before a long pause.",
    ),
    "client_changed": Wording(
        "client update",
        "client changed",
        "Another version of Claude Code went on with the session; its prompt and tools differ.",
        "Update between sessions, and resume with the build that began.",
    ),
    "resume": Wording(
        "resume",
        "session resumed",
        "The session was resumed or forked, and its prefix was not the same any more.",
        "Resume with the same build, tools and MCP servers, or start a new session.",
    ),
    "effort_or_speed": Wording(
        "effort change",
        "effort or speed changed",
        "Effort, speed or thinking was changed, and they are part of what is cached.",
        "Set effort and speed before the first prompt, and keep them.",
    ),
    "tool_list_changed": Wording(
        "tool list",
        "tool list changed",
        "The list of tools, MCP servers or agents changed, and it stands before everything else.",
        "Fix the MCP server that comes and goes, or connect it before the first prompt.",
    ),
    "image_or_setting": Wording(
        "image",
        "image in the prompt",
        "An image came into the prompt, which can change how the prefix is cached.",
        "Show images early in a session, or in a session of their own.",
    ),
    "thinking_stripped": Wording(
        "stripped thinking",
        "thinking stripped at prompt",
        "This model drops earlier thinking at each new prompt, so what follows it moved.",
        "Expected with this model; longer prompts with more in them break it less often.",
    ),
    "thinking_dropped": Wording(
        "dropped thinking",
        "thinking dropped",
        "The API dropped thinking that no longer belonged to the prefix.",
        "Keep one model and one effort through the session.",
    ),
    "long_pause": Wording(
        "long pause",
        "pause inside the TTL",
        "After pauses of minutes the server sometimes has lost a prefix whose time was not up.",
        "Nothing to change on this side; shorter pauses make it rarer.",
    ),
    "unknown": Wording(
        "cache miss",
        "cause unknown",
        "Nothing in the transcript explains it: probably the server evicted or rerouted.",
        "Nothing to do about one; if it keeps coming back, update or start a new session.",
    ),
}
"""Every cause in words."""

VERDICTS = {
    "system_changed": Wording(
        "system prompt",
        "system prompt changed",
        "The system prompt was another one than before; the transcript does not say why.",
        "Keep settings, MCP servers and the build the same through a session.",
    ),
    "messages_changed": Wording(
        "changed messages",
        "earlier messages changed",
        "Earlier messages of the conversation were not the same any more.",
        "Nothing to change on this side; an update may help if it keeps coming back.",
    ),
}
"""What the server's verdict alone says, where the transcript shows no cause."""

_SMALL = Wording(
    "cache miss",
    "small, not explained",
    "Too little was lost to name a cause without the server's word.",
    "Nothing to do: it cost next to nothing.",
)

STUCK = "The cache has been stuck: the same part was read again and again while the context grew."
STUCK_REMEDY = "Update Claude Code or start a new session: each request writes the same part again."
REPEATED_REMEDY = "Update Claude Code or start a new session: it keeps coming back."


def wording(why: Why | None) -> Wording:
    """The words of a cause; a bust without one was too small to be given one."""
    if why is None:
        return _SMALL
    if why.cause == "unknown" and why.server_reason in VERDICTS:
        return VERDICTS[why.server_reason]
    return WORDINGS[why.cause]


def cause(why: Why | None) -> str:
    """What broke the cache in about 30 characters: ``idle 1h04m > 1h TTL``."""
    if why is None:
        return _SMALL.short
    if why.cause == "idle_past_ttl" and why.idle is not None and why.ttl is not None:
        return f"idle {format.age(why.idle)} > {ttl(why.ttl)} TTL"
    if why.cause == "long_pause" and why.idle is not None and why.ttl is not None:
        return f"pause {format.age(why.idle)} inside {ttl(why.ttl)} TTL"
    if why.cause == "model_switch" and why.detail:
        return f"model {why.detail}"
    if why.cause == "client_changed" and why.detail:
        return f"client {why.detail}"
    if why.cause in ("effort_or_speed", "tool_list_changed") and why.detail:
        return why.detail
    return wording(why).short


def evidence(why: Why | None) -> str:
    """What that rests on: ``server: tools_changed``, ``timestamps``, ``no evidence``."""
    if why is None or why.confidence == "unknown":
        return "no evidence"
    if why.confidence == "server":
        return f"server: {why.server_reason}"
    return why.confidence


def happened(why: Why | None) -> str:
    """One sentence on what happened."""
    if why is not None and why.stuck:
        return STUCK
    return wording(why).happened


def reach(why: Why | None) -> str:
    """How much of the prefix was lost, and from where on: ``lost from Read foo.py on``."""
    if why is None:
        return ""
    if why.broke_at:
        return f"lost from {why.broke_at} on"
    return {
        "everything": "all of it was lost",
        "system kept": "system prompt and tools were kept",
        "partial": "part of it was lost",
    }[why.reach]


def remedy(why: Why | None) -> str:
    """One sentence on what to do about it."""
    if why is not None and why.stuck:
        return STUCK_REMEDY
    return wording(why).remedy


def source(kind: Kind, tool: str | None) -> str:
    """What fills a context, in a word or two: ``Read``, ``text``, ``tool input``."""
    return tool or ("tool input" if kind == "tool_use" else kind.replace("_", " "))


Fact = tuple[tuple[str, bool], ...]
"""A part of a sentence in pieces; True marks the figures."""


def plain(*facts: Fact) -> str:
    """Facts as text."""
    return "".join(text for fact in facts for text, _ in fact)


def drag_facts(session: Session) -> list[Fact]:
    """What re-reading costs and what compacting would, the most telling first.

    ``re-reading 66% of recent spend``, ``; compact $0.52``, ``, 15x overdue``, ``, pays back in 7
    requests``: those known, each with what joins it to the ones before.
    """
    facts: list[Fact] = []
    drag, split = session.drag, session.spend.last12 if session.spend is not None else None
    if split is not None and split.total > 0:
        share = format.percent(split.carry / split.total)
        facts.append((("re-reading ", False), (share, True), (" of recent spend", False)))
    if drag is not None and drag.compact is not None:
        joint = "; " if facts else ""
        facts.append(((f"{joint}compact ", False), (format.money(drag.compact, short=True), True)))
    if drag is not None and drag.o is not None:
        joint = ", " if facts else ""
        facts.append(((joint, False), (format.multiple(drag.o), True), (" overdue", False)))
    if drag is not None and drag.payback_requests is not None:
        joint, requests = ", " if facts else "", max(1, round(drag.payback_requests))
        number, _, noun = format.plural(requests, "request").partition(" ")
        facts.append(((f"{joint}pays back in ", False), (number, True), (f" {noun}", False)))
    return facts


class AlertFacts(Struct, frozen=True):
    """What rewriting costs: ``2 busts in 50 requests`` `` rewrote 365k`` ``22% of spend``.

    ``cause`` is the one that leads: ``; last: idle 6m > 5m TTL``.
    """

    busts: Fact
    rewrote: Fact
    share: Fact
    cause: Fact

    def text(self) -> str:
        """All of it as text."""
        return plain(self.busts, self.rewrote, ((", ", False),), self.share, self.cause)


def alert_facts(session: Session, alert: CacheAlert) -> AlertFacts:
    """How many busts took which share of the spend, and the cause that leads."""
    number, _, noun = format.plural(alert.busts, "bust").partition(" ")
    span = min(ALERT_SPAN, len(session.requests))
    return AlertFacts(
        ((number, True), (f" {noun} in {span} requests", False)),
        ((" rewrote ", False), (format.tokens_short(alert.rewritten), True)),
        ((format.percent(alert.share), True), (" of spend", False)),
        ((_leading_cause(session, alert.busts), False),),
    )


def _leading_cause(session: Session, recent: int) -> str:
    """The cause that came more than once among the recent busts, else the last one."""
    mine = [bust for bust in session.busts if bust.thread == MAIN]
    causes = [cause(bust.why) for bust in mine[max(0, len(mine) - recent) :] if bust.why]
    if not causes:
        return ""
    leading, count = Counter(reversed(causes)).most_common(1)[0]
    return f"; {leading} x{count}" if count > 1 else f"; last: {causes[-1]}"


def why_no_drag(session: Session) -> str:
    """Why drag cannot be told: ``no price known for acme-9``; empty where it can."""
    if session.drag is None or session.drag.o is not None or not session.requests:
        return ""
    segment = session.requests[-1].segment
    for row in reversed(session.requests):
        if row.segment != segment:
            break
        if row.price is None:
            return f"no price known for {format.model(row.model)}"
    return "not enough requests yet to compare"


def only_subagents(session: Session) -> str:
    """``no request in the main thread; 10 in 1 subagent``; empty where it has requests."""
    inner = sum(len(agent.requests) for agent in session.subagents)
    if session.requests or not inner:
        return ""
    agents = format.plural(len(session.subagents), "subagent")
    return f"no request in the main thread; {inner:,} in {agents}"


def ttl(seconds: float) -> str:
    """A cache lifetime as the tiers are called: 5m, 1h."""
    return f"{seconds / 3600:.0f}h" if seconds >= 3600 else f"{seconds / 60:.0f}m"


def unseen(hidden: Hidden | None, lost: int) -> str:
    """What is billed and stands in no line: ``~$0.12 hidden in 3 requests (1 lost)``.

    ``lost`` attempts may be billed and are among the hidden requests; empty where there is nothing.
    """
    requests = max(hidden.requests if hidden is not None else 0, lost)
    cost = hidden.cost if hidden is not None else None
    if not requests and not cost:
        return ""
    estimated = hidden is not None and hidden.method != "exact" and cost is not None
    price = format.money(cost, estimated=estimated, short=True)
    if not requests:
        return f"{price} beyond what the lines show"
    return f"{price} hidden in {format.plural(requests, 'request')}" + (
        f" ({lost:,} lost)" if lost else ""
    )


def in_flight(attempts: Sequence[Attempt], *, zone: tzinfo | None = None) -> str:
    """What is being answered now: ``request in flight since 14:06:10``; empty for nothing.

    ``zone`` overrides the system's time zone (tests).
    """
    sent = [attempt for attempt in attempts if attempt.state == "in_flight"]
    if not sent:
        return ""
    noun = "request" if len(sent) == 1 else f"{len(sent)} requests"
    since = min((attempt.at for attempt in sent if attempt.at is not None), default=None)
    return f"{noun} in flight" + (
        f" since {format.clock(since, zone=zone)}" if since is not None else ""
    )


NO_DATE = "no date"
RETENTION = "Claude Code deletes transcripts after 30 days; ccmon keeps the sums."
"""Why there is something to keep, and whose word ends it."""

BELONGS: dict[Belongs, str] = {
    "CLAUDE.md": "CLAUDE.md",
    "rule": "a rule with paths",
    "skill": "a skill",
    "map": "a map of what lives where",
    "nothing": "nowhere",
}
"""Where something that is found out again should stand."""


def group_name(group: Group, by: str) -> str:
    """What a row of the history is called: a day, a project, ``opus-5-5``, a session's title."""
    if by == "model":
        return format.model(group.key)
    if not group.name:
        return NO_DATE if by in ("day", "week", "month") else format.UNKNOWN
    return group.name


def shares(titles: Sequence[str]) -> str:
    """What those columns of the history mean that are among ``titles``."""
    parts = " ".join(title for title in ("read", "rewr", "new", "outp") if title in titles)
    wasted = "wasted: what busts cost beyond a read" if "wasted" in titles else ""
    told = f"{parts}: where the money went" if parts else ""
    return "; ".join(filter(None, (told, wasted)))


def per_session(titles: Sequence[str]) -> str:
    """What the money of a candidate is, in those columns that are among ``titles``."""
    told = {"saves": "saves by not reading it again", "costs": "costs by carrying it"}
    shown = [told[title] for title in told if title in titles]
    both = len(shown) == len(told)
    net = "net of the two" if both else "net of what it saves and what carrying it costs"
    return "per session: " + ", ".join((*shown, net))


def span(query: Query, first: str) -> str:
    """The days that were asked for: ``since 2026-11-01``, ``2026-11-01 to 2026-11-07``.

    ``first`` is the first day with a request, for where all were asked for.
    """
    if query.since is not None and query.until is not None:
        return f"{query.since} to {query.until}"
    if query.until is not None:
        return f"until {query.until}"
    return f"since {query.since or first}"


def candidate_name(candidate: Candidate) -> str:
    """What comes back: a file by its path, ``$ ls -R src``, ``search: sidebar``."""
    mark = {"file": "", "command": "$ ", "search": "search: "}[candidate.kind]
    return mark + (candidate.key or format.UNKNOWN)


def project_name(candidate: Candidate, among: Sequence[Candidate]) -> str:
    """The name of its project, with the folders above it where others have the same name."""
    roots = {each.root for each in among if each.project == candidate.project} - {candidate.root}
    folders = [part for part in candidate.root.split("/") if part]
    if not roots or not folders:
        return candidate.project
    for count in range(2, len(folders) + 1):
        end = "/".join(folders[-count:])
        if not any(root.endswith(f"/{end}") for root in roots):
            return end
    return candidate.root


def undated(requests: int) -> str:
    """What no day can hold: ``in the total alone: 2 requests without a time``."""
    return f"in the total alone: {format.plural(requests, 'request')} without a time"


def gone(kept: Kept) -> str:
    """``no longer on disk: 137 requests of 1 session``; empty where everything still is."""
    if not kept.gone_requests and not kept.gone_files:
        return ""
    requests = format.plural(kept.gone_requests, "request")
    return f"no longer on disk: {requests} of {format.plural(kept.gone_sessions, 'session')}"


def forgotten(dropped: Kept, cost: str) -> str:
    """``Forgot 137 requests of 1 session, $6.45: 1 file no longer on disk.``"""
    if not dropped.gone_files and not dropped.gone_requests:
        return "Nothing to forget: all that was counted is still on disk."
    requests = format.plural(dropped.gone_requests, "request")
    sessions = format.plural(dropped.gone_sessions, "session")
    files = format.plural(dropped.gone_files, "file")
    return f"Forgot {requests} of {sessions}, {cost}: {files} no longer on disk."


def nothing_repeated(memory: Memory) -> str:
    """One sentence for when there is no candidate."""
    sessions, days = format.plural(memory.sessions, "session"), format.plural(memory.days, "day")
    return f"Nothing came back in three sessions or more; looked at {sessions} of {days}."


def stability(candidate: Candidate) -> str:
    """Whether it said the same every time: ``stable``, ``7 texts``."""
    return "stable" if candidate.is_stable else f"{candidate.contents:,} texts"


def advice(candidate: Candidate) -> str:
    """What to do about it and why: ``put it into CLAUDE.md: saves 3.9x its cost``."""
    saving, carrying = candidate.session_saving, candidate.memory_cost
    if saving is None or carrying is None:
        return "no advice: the price of its model is not known"
    if not carrying:
        return "leave it: its model costs nothing"
    times = format.multiple(saving / carrying)
    if candidate.recommended:
        verb = "keep" if candidate.belongs == "map" else "put it into"
        return f"{verb} {BELONGS[candidate.belongs]}: saves {times} its cost"
    if saving > 2 * carrying:
        return "leave it: it is part of a memory already"
    return f"leave it: saves {times} its cost, worth it above 2x"
