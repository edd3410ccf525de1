"""The client's own totals of a session against what its responses add up to.

Source: transcripts.md section 9, accounting.md section 13.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ccmon.entries import ModelBill, Tokens
from ccmon.ledger.costs import split_cost
from ccmon.ledger.prices import PriceTable, normalised
from ccmon.ledger.session import SessionLedger
from ccmon.ledger.stream import Stream
from ccmon.ledger.thread import Thread
from ccmon.ledger.traces import SAME_MONEY, Bill
from ccmon.ledger.usage import BILLED_BESIDES, settle
from ccmon.measures import Price, Ttl, Usage
from ccmon.requests import Request


class Sum(Struct, gc=False):
    """Sums over responses of one model; ``cost`` is what has a price, in USD.

    ``firm`` says that ``cost`` is that of ``usage``: all is priced, without a guess.
    """

    usage: Usage = Usage()
    web_searches: int = 0
    cost: float = 0.0
    firm: bool = True

    def add(self, usage: Usage, web_searches: int, cost: float | None, *, firm: bool) -> None:
        """Take in one more response."""
        self.usage += usage
        self.web_searches += web_searches
        self.cost += cost or 0.0
        self.firm = self.firm and firm and cost is not None


class Difference(Struct, frozen=True, eq=False, gc=False):
    """What the totals have more than the responses before them.

    ``by_model`` holds the models for which they differ. ``usage`` is None when the totals give
    none, ``cost`` when no price is known; ``estimated`` says that a guess decided it. ``negative``
    says that the totals have less somewhere: then nothing else is said.
    """

    by_model: Mapping[str, Usage] = {}
    usage: Usage | None = None
    cost: float | None = None
    negative: bool = False
    estimated: bool = False

    @property
    def found(self) -> bool:
        """Whether the totals have more at all."""
        return bool(self.by_model) or (self.cost or 0.0) > SAME_MONEY


NONE = Difference({}, Usage(), 0.0)
NEGATIVE = Difference(negative=True)


class Visible:
    """Sums of the responses before a session's totals, kept while these responses stay."""

    def __init__(self) -> None:
        self._known: tuple[object, ...] = ()
        self._sums: dict[str, Sum] = {}
        self._copied = False

    def difference(
        self, ledger: SessionLedger, stream: Stream, bill: Bill, prices: PriceTable, largest: int
    ) -> Difference | None:
        """What the totals say beyond the responses; None when they are not the session's alone.

        ``largest`` is the largest prompt that may be hidden, which decides the price of models
        that charge more for long ones.
        """
        self._refresh(ledger, stream, bill)
        if not self._copied:
            return _difference(bill, self._sums, prices, largest, ledger.main.carried.tier)
        # A fork's totals go on from those of the original, whose hidden requests are in them too.
        if not bill.entry.models or _beyond(bill, self._sums):
            return None
        return NONE

    def _refresh(self, ledger: SessionLedger, stream: Stream, bill: Bill) -> None:
        counts = {
            agent: thread.begun_before(stream, bill.responses, bill.until)
            for agent, thread in sorted(ledger.threads.items())
        }
        # A change anywhere in a thread replaces every row behind it: the last ones tell.
        lasts = (ledger.threads[agent].rows[count - 1] for agent, count in counts.items() if count)
        known = (bill.entry, *lasts)
        if len(known) == len(self._known) and all(map(_same, known, self._known)):
            return
        before = {agent: ledger.threads[agent].rows[:count] for agent, count in counts.items()}
        own = {row.message_id for rows in before.values() for row in rows}
        in_file = list(stream.sightings.values())[: bill.responses]
        sums: dict[str, Sum] = {}
        for agent, rows in before.items():
            _add_rows(sums, ledger.threads[agent], rows)
        copies = [sighting for sighting in in_file if sighting.message_id not in own]
        for sighting in copies:
            if sighting.usage is not None:
                usage, _ = settle(sighting.usage.tokens, "5m")
                sums.setdefault(_name(sighting.model), Sum()).add(usage, 0, None, firm=False)
        self._known, self._sums, self._copied = known, sums, bool(copies)


def _same(one: object, other: object) -> bool:
    return one is other


def _name(model: str | None) -> str:
    return normalised(model or "")


def _add_rows(sums: dict[str, Sum], thread: Thread, rows: list[Request]) -> None:
    for row in rows:
        own = sums.setdefault(_name(row.model), Sum())
        own.add(row.usage, row.web_searches, row.cost, firm=not row.estimated)
        if row.extra_cost:
            for model, usage in _beside(thread, row):
                other = sums.setdefault(_name(model), Sum())
                other.add(usage, 0, 0.0, firm=other is own)
                own.firm = own.firm and other is own


def _beside(thread: Thread, row: Request) -> Iterator[tuple[str | None, Usage]]:
    """Calls of a response that its own counts leave out; their cost is in that of the response."""
    line = thread.member(row).usage
    for iteration in line.iterations if line else ():
        if iteration.type in BILLED_BESIDES:
            yield iteration.model or row.model, settle(iteration.tokens, "5m")[0]


def _beyond(bill: Bill, sums: Mapping[str, Sum]) -> bool:
    """Whether the totals differ from the sums in any count."""
    billed = {_name(each.model): each.tokens for each in bill.entry.models}
    return any(
        _counts(billed.get(model, Tokens())) != _counts_of(sums.get(model, Sum()).usage)
        for model in billed.keys() | sums.keys()
    )


def _counts(tokens: Tokens) -> tuple[int, int, int, int]:
    return tokens.input, tokens.cache_creation, tokens.cache_read, tokens.output


def _counts_of(usage: Usage) -> tuple[int, int, int, int]:
    return (
        usage.input_tokens,
        usage.cache_creation_input_tokens,
        usage.cache_read_input_tokens,
        usage.output_tokens,
    )


def _difference(
    bill: Bill, sums: Mapping[str, Sum], prices: PriceTable, largest: int, tier: Ttl | None
) -> Difference:
    entry = bill.entry
    if not entry.models:
        money = entry.cost - sum(each.cost for each in sums.values())
        if money < -SAME_MONEY:
            return NEGATIVE
        unsure = not all(each.firm for each in sums.values())
        return Difference({}, None, money, estimated=unsure) if money > SAME_MONEY else NONE
    billed = {_name(each.model): each for each in entry.models}
    by_model: dict[str, Usage] = {}
    costs: list[Cost] = []
    for model in sorted(billed.keys() | sums.keys()):
        own, known = billed.get(model, ModelBill(model, Tokens())), sums.get(model, Sum())
        more = [a - b for a, b in zip(_counts(own.tokens), _counts_of(known.usage), strict=True)]
        searches = own.web_search_requests - known.web_searches
        if min(*more, searches) < 0:
            return NEGATIVE
        if not any(more) and not searches:
            continue
        part = _part(model, more, searches, own.tokens, known, tier)
        said = None if entry.guessed or own.cost is None else own.cost - known.cost
        by_model[model] = part.usage
        costs.append(_cost(part, prices, bill.since, largest, said, known.firm))
    return Difference(
        by_model,
        sum(by_model.values(), Usage()),
        _total([cost.usd for cost in costs]),
        estimated=any(cost.estimated for cost in costs),
    )


class Part(Struct, frozen=True, gc=False):
    """What the totals have more of one model; ``split_known``: how its writes split is no guess."""

    model: str
    usage: Usage
    searches: int
    split_known: bool

    def at(self, price: Price, *, short: int | None = None) -> float:
        """Its cost at a price, with so many ``short`` writes to the tier of 5m."""
        usage = self.usage
        if short is not None:
            long = usage.cache_creation_input_tokens - short
            usage = replace(
                usage, cache_creation_5m_input_tokens=short, cache_creation_1h_input_tokens=long
            )
        return split_cost(usage, price, 0).total + self.searches * price.web_search


class Cost(Struct, frozen=True, gc=False):
    """A cost in USD (None: no price is known), and whether a guess decided it."""

    usd: float | None
    estimated: bool


def _part(
    model: str, more: list[int], searches: int, own: Tokens, known: Sum, tier: Ttl | None
) -> Part:
    """The counts that differ; the split of the writes as given, else all in the thread's tier."""
    fresh, written, read, output = more
    short = own.cache_creation_5m - known.usage.cache_creation_5m_input_tokens
    given = own.split_known and 0 <= short <= written
    if not given:
        short = 0 if tier == "1h" else written
    usage = Usage(fresh, written, short, written - short, read, output)
    return Part(model, usage, searches, not written or (given and known.firm))


def _cost(
    part: Part,
    prices: PriceTable,
    at: float | None,
    largest: int,
    said: float | None,
    firm: bool,
) -> Cost:
    """What a part costs by the table, or what the client ``said`` where that knows better.

    The totals do not tell how long a prompt was, which speed it had and where it was answered,
    sometimes not how its writes split; the client knew all that. ``firm`` says that what is visible
    can be taken off its figure. One that no price in the list explains is not believed.
    """
    price = prices.price(part.model, at, prompt_tokens=largest)
    if price is None:
        return Cost(said, not firm)
    lowest = prices.price(part.model, at, prompt_tokens=0)
    highest = prices.price(part.model, at, prompt_tokens=part.usage.prompt_tokens)
    guessed = not part.split_known or lowest != highest or price.estimated
    ours = part.at(price)
    if said is None or not firm:
        return Cost(ours, guessed)
    if abs(said - ours) <= SAME_MONEY:
        return Cost(ours, False)
    if _is_possible(said, part, prices.possible(part.model, at)):
        return Cost(said, False)
    return Cost(ours, guessed)


def _is_possible(said: float, part: Part, possible: Sequence[Price]) -> bool:
    splits = (None,) if part.split_known else (0, part.usage.cache_creation_input_tokens)
    costs = [part.at(price, short=short) for price in possible for short in splits]
    return bool(costs) and min(costs) - SAME_MONEY <= said <= max(costs) + SAME_MONEY


def _total(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) and min(known, default=0.0) >= 0 else None
