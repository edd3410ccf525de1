"""Requests that were sent and that no response answers, in one file.

Source: transcripts.md sections 4 and 9.
"""

from typing import Literal

from ccmon.entries import AttemptEntry, ErrorEntry
from ccmon.ledger.costs import split_cost
from ccmon.ledger.prices import PriceTable
from ccmon.measures import Ttl, Usage
from ccmon.requests import Attempt, Request

State = Literal["in_flight", "refused", "lost"]

SENT_AGAIN = "no answer, sent again"
INTERRUPTED = "interrupted"
ENDED = "no answer when the session ended"
AGENT_ENDED = "no answer when the subagent ended"


class Sent:
    """One attempt without an answer.

    ``place`` is that of its line in the file, in bytes. ``followed_by`` is the response that the
    chain got next, by its ``message_id``.
    """

    __slots__ = (
        "agent",
        "at",
        "attempt_id",
        "followed_by",
        "model",
        "place",
        "reason",
        "session_id",
        "state",
    )

    def __init__(self, entry: AttemptEntry, agent: str, place: int) -> None:
        self.attempt_id = entry.attempt_id
        self.at = entry.timestamp
        self.session_id = entry.session_id
        self.model = entry.model
        self.agent = agent
        self.place = place
        self.state: State = "in_flight"
        self.reason = ""
        self.followed_by: str | None = None

    def end(self, state: State, reason: str) -> None:
        """Note what became of it, unless that is known already."""
        if self.state == "in_flight":
            self.state, self.reason = state, reason


class Attempts:
    """The attempts of one file, fed in file order; of those with an answer the ids remain.

    ``settled`` are those without one whose chain has got its next response. ``withdrawn`` counts
    those that got their answer when they had been settled.
    """

    def __init__(self) -> None:
        self.unanswered: dict[str, Sent] = {}
        self.settled: list[Sent] = []
        self.withdrawn = 0
        self.answered: set[str] = set()
        self._waiting: dict[str, list[Sent]] = {}

    def send(self, entry: AttemptEntry, agent: str, place: int) -> None:
        """A request was sent: what the chain still waited for will not be answered any more."""
        # A quick answer may be written before the line of its own request.
        if entry.attempt_id in self.unanswered or entry.attempt_id in self.answered:
            return
        waiting = self._waiting.setdefault(agent, [])
        for earlier in waiting:
            earlier.end("lost", SENT_AGAIN)
        sent = self.unanswered[entry.attempt_id] = Sent(entry, agent, place)
        waiting.append(sent)

    def fail(self, entry: ErrorEntry, agent: str) -> None:
        """The newest attempt of the chain came to nothing."""
        waiting = self._waiting.get(agent)
        if waiting:
            waiting[-1].end("refused" if entry.refused else "lost", entry.reason)

    def interrupt(self, agent: str) -> bool:
        """The user stopped the chain; says whether it waited for an answer."""
        waiting = [sent for sent in self._waiting.get(agent, ()) if sent.state == "in_flight"]
        for sent in waiting:
            sent.end("lost", INTERRUPTED)
        return bool(waiting)

    def answer(self, attempt_id: str | None, agent: str, message_id: str) -> None:
        """A response begins: what else was sent before it got none."""
        if attempt_id is not None:
            self._withdraw(attempt_id)
        for sent in self._waiting.pop(agent, ()):
            if sent.attempt_id in self.unanswered:
                sent.followed_by = message_id
                sent.end("lost", SENT_AGAIN)
                self.settled.append(sent)

    def open_since(self, settled: int) -> list[Sent]:
        """The unanswered ones behind so many settled ones."""
        waiting = (sent for each in self._waiting.values() for sent in each)
        return [
            *self.settled[settled:],
            *(sent for sent in waiting if sent.attempt_id in self.unanswered),
        ]

    def _withdraw(self, attempt_id: str) -> None:
        self.answered.add(attempt_id)
        sent = self.unanswered.pop(attempt_id, None)
        if sent is not None and sent.followed_by is not None:
            self.settled.remove(sent)
            self.withdrawn += 1

    def close(self) -> None:
        """The client ended: nothing will be answered any more."""
        for waiting in self._waiting.values():
            for sent in waiting:
                sent.end("lost", ENDED)


def attempt(
    sent: Sent,
    state: State,
    reason: str,
    after: Request | None,
    tier: Ttl | None,
    prices: PriceTable,
) -> Attempt:
    """What is shown of an attempt, in the state that is known of it by now.

    ``after`` is the next request of its chain, ``tier`` the cache tier the chain wrote to then.
    """
    usage = repeated(after, tier) if state == "lost" else None
    price = None
    if usage is not None and after is not None:
        price = prices.price(sent.model or after.model, sent.at, prompt_tokens=usage.prompt_tokens)
    cost = split_cost(usage, price, 0).total if usage is not None and price is not None else None
    return Attempt(sent.agent, sent.at, state, reason, usage, cost)


def repeated(after: Request | None, tier: Ttl | None) -> Usage | None:
    """The prompt of a lost attempt, as the request that repeats it shows it.

    It read what the one before had left in the cache, and wrote the rest. None where nothing
    repeats it: no request came, or the context was another by then.
    """
    if after is None or (after.starts_segment and after.n > 1):
        return None
    caching = after.usage.cache_read_input_tokens + after.usage.cache_creation_input_tokens
    if not caching:
        return Usage(input_tokens=after.context)
    read = min(after.expected_read, after.context)
    written = after.context - read
    short, long = (0, written) if tier == "1h" else (written, 0)
    return Usage(0, written, short, long, read, 0)
