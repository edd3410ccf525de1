"""From the lines of a transcript to what the scan keeps of it, decoding as few as it can.

A line whose first bytes tell that it cannot matter is passed over; the lines of responses are
decoded for the few fields that accounts need; whatever is odd goes to the full reader
(``transcripts.decode``), so that both always agree. Source: performance.md, section 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from ccmon.entries import (
    AnyEntry,
    AssistantEntry,
    CompactionEntry,
    CostEntry,
    Entry,
    TitleEntry,
    UsageLine,
    UserEntry,
)
from ccmon.history.seen import Response, Seen
from ccmon.ledger.cache import DEFICIT_TOKENS
from ccmon.ledger.usage import calls_of
from ccmon.requests import MAIN
from ccmon.transcripts.build import SYNTHETIC_MODEL, usage_line
from ccmon.transcripts.decode import decode, first_stamp
from ccmon.transcripts.records import ForkedFrom, Usage, seconds

PROMPT_WITHIN = 1 << 20
"""The first prompt of a session is looked for in so many bytes."""
NOTICE_WITHIN = 4096
"""The notice of a broken stream is a short line: no longer one is searched for it."""

_TITLES = frozenset({b"custom-title", b"ai-title", b"summary", b"last-prompt"})
_EVER = datetime(1, 1, 1, tzinfo=UTC)
_BRACE = ord("{")
_BOUNDARY = b"compact_boundary"
_NOTICE = b"cut off mid-stream"
_RESULT = b'"type":"tool_result"'
_GLUED = b'{"parentUuid":'
"""How a record of the chain begins: inside a line, a newline was lost."""
_RARE, _RARE_AT = b"U", _GLUED.index(b"U")
"""A letter of it that few lines have often: looking for one is ten times as fast."""
_RARE_TRIES = 8

Follow = Callable[[int, str | None], str | None]
"""Finds the response that a line at an offset goes on from, by the uuid of its parent."""


class Intricate(Exception):
    """The file has to be read line by line: it holds several chains, or a response that changed."""


class _Message(Struct, gc=False):
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: Usage | None = None


class _Assistant(Struct, rename="camel", gc=False):
    """The fields of ``records.AssistantRecord`` that the accounts need, of the same types."""

    type: str | None = None
    parent_uuid: str | None = None
    timestamp: datetime | None = None
    session_id: str | None = None
    version: str | None = None
    is_sidechain: bool | None = None
    message: _Message | None = None
    request_id: str | None = None
    request_session_id: str | None = None
    forked_from: ForkedFrom | None = None


_ASSISTANT = msgspec.json.Decoder(_Assistant).decode


class Reading:
    """Takes the lines of one file in, in their order, into its ``Seen``.

    ``follow`` looks up which response a line goes on from. Raises Intricate where lines that were
    passed over turn out to matter; the file must then be read anew with ``seen.chain`` set.
    """

    def __init__(self, seen: Seen, follow: Follow) -> None:
        self._seen = seen
        self._follow = follow
        self._known = {response.message_id: response for response in seen.responses}
        agent = f"agent-{MAIN}" if seen.agent_id == MAIN else seen.agent_id
        self._agent = agent or MAIN
        self._latest = _EVER
        # The newest response, while its lines still come: its largest usage as written, and where
        # its first line stands.
        self._current: Response | None = None
        self._current_id = ""
        self._usage: Usage | None = None
        self._begun: tuple[int, str | None] = (0, None)

    def take(self, data: bytes, base: int) -> int:
        """Take in the whole lines of ``data``, which stands at ``base``; returns their length."""
        find, rfind = data.find, data.rfind
        start, one_by_one = 0, True
        while (end := find(b"\n", start)) >= 0:
            if one_by_one and (one_by_one := self._is_new()):
                self._decode(data[start:end], base + start)
                start = end + 1
                continue
            second = find(b"{", start + 1, end)
            at = rfind(b'"type":"', start, second if second > 0 else end)
            told = at > start and data[at - 1] in b"{," and data[start] == _BRACE
            if not told or data.startswith(b'assistant"', at + 8):
                self._response(data[start:end], base + start)
            elif self._matters(data, at + 8, second, end, base) or _is_glued(data, second, end):
                self._decode(data[start:end], base + start)
            start = end + 1
        self._close()
        if self._latest is not _EVER:
            self._stamp(seconds(self._latest))
        return start

    def take_early(self, line: bytes, offset: int) -> None:
        """A last line that is whole but for its newline: a response on it counts already."""
        if not line.endswith(b"}"):
            return
        decoded = decode(line)
        if decoded.malformed or decoded.salvaged or len(decoded.entries) != 1:
            return
        if isinstance(decoded.entries[0], AssistantEntry):
            self._entry(decoded.entries[0], offset)

    def _is_new(self) -> bool:
        """Whether nothing may be passed over (yet)."""
        seen = self._seen
        named = seen.session_id is not None and seen.chained and seen.cwd is not None
        return seen.chain is not None or seen.first_stamp is None or not named

    def _matters(self, data: bytes, kind: int, second: int, end: int, base: int) -> bool:
        """Whether a line of another kind than a response has to be decoded."""
        if data.startswith(b'user"', kind):
            seen = self._seen
            unprompted = seen.first_prompt is None and seen.agent_id is None
            if unprompted and base + end <= PROMPT_WITHIN and not _is_result(data, second, end):
                return True
            return end - kind <= NOTICE_WITHIN and data.find(_NOTICE, kind, end) >= 0
        if data.startswith(b'system"', kind):
            return data.find(_BOUNDARY, kind, end) >= 0
        name = data[kind : data.find(b'"', kind, end)]
        return name in _TITLES or b"\\" in name

    def _response(self, line: bytes, offset: int) -> None:
        """A line that is, or may be, part of a response."""
        try:
            record = _ASSISTANT(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._decode(line, offset)
            return
        message = record.message
        if record.type != "assistant" or message is None:
            self._decode(line, offset)
            return
        if record.is_sidechain and self._seen.agent_id is None:
            raise Intricate
        stamp, message_id, usage = record.timestamp, message.id, message.usage
        if stamp is not None:
            try:
                if stamp > self._latest:
                    self._latest = stamp
            except TypeError:
                # One of the two has no zone.
                self._stamp(seconds(stamp))
        if message.model == SYNTHETIC_MODEL or not message_id:
            return
        response = self._current
        if response is None or message_id != self._current_id:
            response = self._known.get(message_id)
            if response is None:
                response = self._begin(record, message_id, usage, offset)
            elif usage is not None:
                self._use(response, usage_line(usage))
        elif usage is not None and (
            self._usage is None or (usage.output_tokens or 0) >= (self._usage.output_tokens or 0)
        ):
            self._usage = usage
        if response.at is None:
            response.at = seconds(stamp)
        stop_reason = message.stop_reason
        if stop_reason != response.stop_reason or not response.model or not response.request_id:
            _tell(response, stop_reason, message.model, record.request_id)

    def _begin(
        self, record: _Assistant, message_id: str, usage: Usage | None, offset: int
    ) -> Response:
        """The first line of a response; the usage of the one before will hardly change any more."""
        self._close()
        payer = record.request_session_id
        if not payer and record.forked_from is not None:
            payer = record.forked_from.session_id
        self._current_id, self._usage = message_id, usage
        self._begun = (offset, record.parent_uuid)
        response = self._open(message_id, self._agent, record.session_id, payer, record.version)
        self._current = response
        return response

    def _close(self) -> None:
        """Settle what the newest response used, as far as its lines have come."""
        response = self._current
        if response is None:
            return
        read = left = 0
        if self._usage is not None:
            response.usage = usage_line(self._usage)
            read, left = _cached(response.usage)
        if self._is_short(response, read):
            response.parent_id = self._follow(*self._begun)
        self._seen.left = max(self._seen.left, left)
        self._current, self._current_id = None, ""

    def _decode(self, line: bytes, offset: int) -> None:
        """Any line, as the full reader takes it."""
        line = line.removesuffix(b"\r")
        if not line:
            return
        if self._seen.first_stamp is None:
            self._stamp(first_stamp(line))
        decoded = decode(line)
        self._seen.malformed += decoded.malformed
        self._close()
        for entry in decoded.entries:
            # A record may follow another one of its own line.
            self._entry(entry, offset + len(line) if decoded.salvaged else offset)

    def _entry(self, entry: AnyEntry, offset: int) -> None:
        seen = self._seen
        if isinstance(entry, TitleEntry):
            if seen.session_id is not None:
                seen.titles[entry.source] = entry.text
            return
        if isinstance(entry, CostEntry):
            return
        if seen.session_id is None:
            if not entry.session_id:
                return
            seen.session_id, seen.told = entry.session_id, True
        self._stamp(entry.timestamp)
        seen.chained = True
        seen.cwd = seen.cwd or entry.cwd
        agent = self._chain_of(entry)
        if isinstance(entry, AssistantEntry):
            self._whole_response(entry, agent, offset)
        elif isinstance(entry, CompactionEntry):
            if agent not in seen.waiting:
                seen.waiting.append(agent)
        elif isinstance(entry, UserEntry):
            self._user(entry, agent)
        if seen.chain is not None and entry.uuid is not None:
            self._link(seen.chain, entry, entry.uuid)

    def _stamp(self, at: float | None) -> None:
        if at is None:
            return
        seen = self._seen
        if seen.first_stamp is None:
            seen.first_stamp = at
        if seen.last_stamp is None or at > seen.last_stamp:
            seen.last_stamp = at

    def _chain_of(self, entry: Entry) -> str:
        """The chain that a line belongs to, as ``ledger.stream`` names it."""
        seen = self._seen
        if seen.agent_id is not None or not entry.is_sidechain:
            return self._agent
        if seen.chain is None:
            raise Intricate
        if entry.agent_id:
            return entry.agent_id
        root = seen.roots.get(entry.parent_uuid or "") or f"sidechain-{(entry.uuid or '')[:8]}"
        if entry.uuid:
            seen.roots[entry.uuid] = root
        return root

    def _whole_response(self, entry: AssistantEntry, agent: str, offset: int) -> None:
        response = self._known.get(entry.message_id)
        if response is None:
            payer = entry.request_session_id or entry.forked_from
            response = self._open(entry.message_id, agent, entry.session_id, payer, entry.version)
            if self._seen.chain is not None:
                response.parent_id = self._seen.chain.get(entry.parent_uuid or "")
            elif self._is_short(response, _cached(entry.usage)[0] if entry.usage else 0):
                response.parent_id = self._follow(offset, entry.parent_uuid)
        if entry.usage is not None:
            self._use(response, entry.usage)
        if response.at is None:
            response.at = entry.timestamp
        _tell(response, entry.stop_reason, entry.model, entry.request_id)

    def _user(self, entry: UserEntry, agent: str) -> None:
        seen = self._seen
        if entry.cut_notice:
            last = next((item for item in reversed(seen.responses) if item.agent == agent), None)
            if last is not None:
                last.cut = True
                return
        if entry.prompt == "human":
            seen.first_prompt = seen.first_prompt or entry.label

    def _link(self, chain: dict[str, str], entry: Entry, uuid: str) -> None:
        if isinstance(entry, AssistantEntry):
            chain[uuid] = entry.message_id
        elif (before := chain.get(entry.parent_uuid or "")) is not None:
            chain[uuid] = before

    def _open(
        self,
        message_id: str,
        agent: str,
        session_id: str | None,
        payer: str | None,
        version: str | None,
    ) -> Response:
        """A response has its first line."""
        seen = self._seen
        owner = seen.session_id or seen.path
        response = Response(
            message_id,
            agent,
            version=sys.intern(version) if version else version,
            claim=payer if payer and payer != owner else None,
            guess=session_id if session_id and session_id != owner else None,
        )
        if agent in seen.waiting:
            seen.waiting.remove(agent)
            response.opens, seen.left = True, 0
        seen.responses.append(response)
        self._known[message_id] = response
        return response

    def _is_short(self, response: Response, read: int) -> bool:
        """Whether less may have come from the cache than any response had left there.

        Also one that is not the newest may be what this one is compared with: the others may be
        copies, which another session paid for.
        """
        return not response.opens and self._seen.left - read > DEFICIT_TOKENS

    def _use(self, response: Response, usage: UsageLine) -> None:
        """A usage of a response: the largest output wins, on a tie the later line."""
        known = response.usage
        if known is not None and usage.tokens.output < known.tokens.output:
            return
        seen = self._seen
        response.usage = usage
        if seen.chain is None:
            # What was looked up, or was not, rests on what the lines before said of the cache.
            late = known is None and response is not seen.responses[-1]
            if late or (known is not None and _cached(known) != _cached(usage)):
                raise Intricate
            seen.left = max(seen.left, _cached(usage)[1])


def _is_glued(data: bytes, start: int, end: int) -> bool:
    """Whether another record begins within a line, at ``start`` or behind; there is none at -1."""
    at = start if start > 0 else end
    for _ in range(_RARE_TRIES):
        at = data.find(_RARE, at, end)
        if at < 0:
            return False
        if data.startswith(_GLUED, at - _RARE_AT, end):
            return True
        at += 1
    return data.find(_GLUED, at - _RARE_AT, end) >= 0


def _is_result(data: bytes, second: int, end: int) -> bool:
    """Whether the content of a user's line evidently begins with a result: that is no prompt.

    ``second`` is where the first object within the line begins; the next one is the first block
    of the content then. An unescaped quote in front of a key cannot stand inside a string.
    """
    block = data.find(b"{", second + 1, end) if second > 0 else -1
    if block < 0 or not data.endswith(b'"message":', 0, second):
        return False
    within = data.find(b"{", block + 1, end)
    at = data.find(_RESULT, block, within if within > 0 else end)
    return at > 0 and data[at - 1] in b"{," and data.endswith(b'"content":[', 0, block)


def _tell(
    response: Response, stop_reason: str | None, model: str | None, request_id: str | None
) -> None:
    """What else a line says of a response."""
    if stop_reason is not None:
        response.stop_reason, response.final = sys.intern(stop_reason), True
    if not response.model and model is not None:
        response.model = sys.intern(model)
    if not response.request_id:
        response.request_id = request_id


def _cached(usage: UsageLine) -> tuple[int, int]:
    """What came from the cache, and what is in there afterwards."""
    first, last = calls_of(usage)
    return first.cache_read, last.cache_read + last.cache_creation
