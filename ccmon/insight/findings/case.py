"""What a finding may look at."""

from __future__ import annotations

from msgspec import Struct

from ccmon.insight.peers import Peers
from ccmon.insight.phase import Phase, phase_at
from ccmon.insight.using import Result
from ccmon.ledger.account import TINY_CONTEXT
from ccmon.ledger.costs import write_price
from ccmon.measures import Price
from ccmon.past import Candidate
from ccmon.requests import Request
from ccmon.snapshot import Session

PROMPTS_AHEAD = 2
"""Findings rank by the money they concern over so many prompts."""
USUAL_REQUESTS = 13.0
"""Requests per prompt where a session has not shown any."""
USUAL_LIFE = 40
"""Requests that carry an item where a session has not had so many."""
JUST_COMPACTED = 20
"""Requests after a compaction in which another one is not spoken of."""
WORTH_TELLING = 0.10
"""Least saving in USD from which on what was brought or is held is spoken of."""
VANISHED_SHARE = 0.05
"""So much of the context gone without a line that tells, and nobody knows what it still holds."""


class Case(Struct, frozen=True, eq=False):
    """One session at one moment.

    ``opening`` is its first context in tokens, None when it goes on from another session;
    ``results`` are the tool results in the main thread's context, in the order of the prompt;
    ``candidates`` is what sessions of any project find out again and again, dearest first.
    """

    session: Session
    now: float
    peers: Peers = Peers()
    opening: int | None = None
    results: tuple[Result, ...] = ()
    candidates: tuple[Candidate, ...] = ()

    @property
    def first(self) -> Request | None:
        """The oldest request that read the context."""
        return next((row for row in self.session.requests if row.context >= TINY_CONTEXT), None)

    @property
    def last(self) -> Request | None:
        """The newest request that read the context."""
        rows = reversed(self.session.requests)
        return next((row for row in rows if row.context >= TINY_CONTEXT), None)

    @property
    def holds(self) -> bool:
        """Whether the items known are what the next request reads.

        They are not after a compaction that no request has followed, nor where a client has
        cleared old results without a word: those still stand among the items then.
        """
        last, context, inventory = self.last, self.session.context, self.session.inventory
        if last is None or (context is not None and context.compacted_to is not None):
            return False
        sums = inventory.composition if inventory is not None else ()
        unexplained = sum(each.tokens for each in sums if each.kind == "unattributed")
        return unexplained >= -VANISHED_SHARE * last.context

    @property
    def held(self) -> tuple[Result, ...]:
        """The tool results that the next request reads; none where that is not known."""
        return self.results if self.holds else ()

    @property
    def just_compacted(self) -> bool:
        """Whether the last compaction is only a few requests ago."""
        first = max((each.before_request for each in self.session.compactions), default=None)
        last = self.last
        return first is not None and last is not None and last.n - first < JUST_COMPACTED

    @property
    def tokens(self) -> int:
        """Tokens of context that the next request begins with; 0 before any."""
        context = self.session.context
        if context is not None and context.compacted_to is not None:
            return context.compacted_to
        return self.last.context if self.last is not None else 0

    @property
    def price(self) -> Price | None:
        """What the next request will be priced at."""
        return self.last.price if self.last is not None else None

    def write(self, price: Price) -> float:
        """USD per token for writing to the tier that the session uses."""
        cache = self.session.cache
        return write_price(price, cache.ttl if cache is not None else None)

    @property
    def ahead(self) -> float:
        """Requests to expect over the next two prompts."""
        context = self.session.context
        per_prompt = context.requests_per_turn if context is not None else None
        return PROMPTS_AHEAD * (per_prompt or USUAL_REQUESTS)

    @property
    def life(self) -> float:
        """How many requests carry what enters now: the mean so far, once there is enough of it."""
        reread, seen = self.session.reread, len(self.session.requests)
        mean = reread.amplification if reread is not None and seen >= USUAL_LIFE else None
        return mean or USUAL_LIFE

    @property
    def phase(self) -> Phase:
        """How near the main thread's cache is to going cold."""
        return phase_at(self.session.cache, self.now)

    @property
    def resting(self) -> bool:
        """Whether the session waits for its user, who can act on what is found."""
        session = self.session
        if not session.active or session.status == "busy":
            return False
        if session.status == "unknown":
            return self.last is not None and self.last.stop_reason == "end_turn"
        return True
