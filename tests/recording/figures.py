"""The numbers of the shop-api session: 283 requests that add up to known totals.

The session is invented, its totals are not free: contexts, outputs and times
given here are kept exactly, and what lies between is drawn at random and then
moved until every sum is met. Cache counts follow from the contexts: a request
reads what the one before left in the cache and writes what is new, except at a
session start, a compaction and the three busts.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

REQUESTS = 283
COMPACTED = 71
MODEL_SWITCH = 44
AGENT_CALL = 119
LIVE_FROM = 243
"""First request that the demo plays live; a prompt starts here."""
FLOW_TOKENS, FLOW_GREP_TOKENS = 12_827, 842

TURNS = frozenset({1, 14, 23, 36, 44, 58, 71, 82, 95, 105, 118, 131, 142, 150, 163, 176, 189, 198})
TURNS |= {215, 229, 243, 257, 272}
"""The requests that answer a prompt first."""

CONTEXTS = {1: 30_702, 43: 99_944, 70: 143_796, 71: 46_300, 149: 181_338, 150: 182_600}
CONTEXTS |= {203: 264_510, 204: 265_220, 205: 269_032, 263: 355_230, 271: 362_290, 272: 363_690}
CONTEXTS |= {273: 366_193, 274: 370_483, 275: 371_843, 276: 372_760, 277: 373_573, 278: 376_314}
CONTEXTS |= {279: 377_188, 280: 379_165, 281: 394_068, 282: 396_335, 283: 397_389}

READ_FROM_CACHE = {1: 17_100, 44: 0, 71: 18_200, 150: 17_100, 205: 0}
"""Cache reads that do not follow from the request before."""

OUTPUTS = {1: (645, 0), 71: (1033, 208), 149: (1012, 330), 150: (688, 407), 203: (520, 0)}
OUTPUTS |= {204: (890, 131), 205: (688, 214), 271: (1150, 420), 272: (1050, 388), 273: (985, 300)}
OUTPUTS |= {274: (1217, 591), 275: (776, 716), 276: (691, 0), 277: (276, 216), 278: (579, 519)}
OUTPUTS |= {279: (519, 459), 280: (1204, 911), 281: (388, 0), 282: (903, 640), 283: (412, 180)}
"""Output tokens and the thinking among them."""

TOOLS = {1: "Read", 84: "Read", 86: "Read", 92: "Read", 119: "Agent", 204: "ToolSearch"}
TOOLS |= {205: "TaskCreate", 272: "Grep", 273: "Read", 274: "Edit", 275: "Write", 276: "Edit"}
TOOLS |= {277: "Read", 278: "Grep", 279: "Bash", 280: "Grep", 281: "Bash", 282: "Edit", 283: "Edit"}

NOON = -18_252.0
"""When request 1 was answered, in seconds before the end of the recording."""
TIMES = {1: 0, 44: 1911, 71: 3937, 149: 8069, 150: 11_934, 204: 14_359, 205: 14_393, 274: 17_905}
TIMES |= {275: 17_925, 276: 17_953, 277: 17_985, 278: 18_014, 279: 18_035, 280: 18_061}
TIMES |= {281: 18_085, 282: 18_096, 283: 18_112}
LONG_PAUSES = (58, 95, 118, 131, 189, 215, 243)
"""Turns that began after more than five minutes of thought."""

CONTEXT_SUMS = {(1, 43): 2_865_747, (44, 70): 3_316_012, (71, 283): 47_807_270}
OUTPUT_SUMS = {(1, 43): 31_999, (44, 70): 19_644, (71, 283): 151_685}
THINKING_BLOCKS, THINKING_SUM = 116, 52_998

FRESH = {85: 7904, 87: 2812, 93: 3310, 120: 1180}
"""What some results brought: the schema, the cart, the lock file, the agent's report."""

TYPICAL_RESULT = {"Read": 2100, "Bash": 1100, "Grep": 420, "Agent": 1180, "ToolSearch": 2922}
TYPICAL_CALL = {"Read": 70, "Bash": 110, "Grep": 90, "Edit": 330, "Write": 700, "Agent": 330}
SMALLEST = 24
"""Fewest tokens anything is given."""


@dataclass(slots=True)
class Row:
    """One request: what it reads and says. ``fresh`` came from outside with it.

    ``at`` is when its first line was written, in seconds before the end.
    """

    n: int
    tool: str = ""
    thinking: int = 0
    call: int = 0
    text: int = 0
    fresh: int = SMALLEST
    context: int = 0
    cache_read: int = 0
    at: float = 0.0

    @property
    def output(self) -> int:
        """All output tokens."""
        return self.thinking + self.call + self.text

    @property
    def cache_write(self) -> int:
        """All but two tokens are cached, so the rest of the context was written."""
        return self.context - 2 - self.cache_read

    @property
    def starts_turn(self) -> bool:
        """A prompt stands before this request."""
        return self.n in TURNS

    @property
    def ends_turn(self) -> bool:
        """The request answers the user and calls nothing."""
        return self.n + 1 in TURNS


def shop_api_rows() -> list[Row]:
    """All main requests of the session, oldest first."""
    rng = random.Random(330)
    rows = [Row(n) for n in range(1, REQUESTS + 1)]
    _choose_tools(rows, rng)
    _choose_outputs(rows, rng)
    _choose_fresh(rows, rng)
    for (first, last), total in CONTEXT_SUMS.items():
        _meet_context_sum(rows, first, last, total, rng)
    for row, before in zip(rows[1:], rows, strict=False):
        row.cache_read = before.context - 2
    for n, tokens in READ_FROM_CACHE.items():
        rows[n - 1].cache_read = tokens
    _choose_times(rows, rng)
    return rows


def _choose_tools(rows: Sequence[Row], rng: random.Random) -> None:
    quotas = {
        (1, 70): {"Read": 26, "Grep": 14, "Bash": 20, "Edit": 4},
        (71, 283): {"Read": 31, "Bash": 69, "Grep": 26, "Edit": 56, "Write": 11},
    }
    for (first, last), quota in quotas.items():
        for n, tool in TOOLS.items():
            if first <= n <= last and tool in quota:
                quota[tool] -= 1
        bag = [tool for tool, count in quota.items() for _ in range(count)]
        rng.shuffle(bag)
        for row in rows[first - 1 : last]:
            if row.n in TOOLS:
                row.tool = TOOLS[row.n]
            elif not row.ends_turn:
                row.tool = bag.pop() if bag else "Edit"


def _choose_outputs(rows: Sequence[Row], rng: random.Random) -> None:
    free = [row for row in rows if row.n not in OUTPUTS]
    late = [row for row in free if row.n >= COMPACTED]
    pinned = [OUTPUTS[n][1] for n in OUTPUTS if n >= COMPACTED and OUTPUTS[n][1]]
    thinking = _parts(THINKING_SUM - sum(pinned), THINKING_BLOCKS - len(pinned), 60, rng)
    for row, tokens in zip(rng.sample(late, len(thinking)), thinking, strict=True):
        row.thinking = tokens
    for row in free:
        if row.n < COMPACTED and rng.random() < 0.55:
            row.thinking = round(rng.lognormvariate(5.9, 0.55))
        row.call = around(TYPICAL_CALL.get(row.tool, 60), rng) if row.tool else 0
    for n, (output, thinks) in OUTPUTS.items():
        row = rows[n - 1]
        row.thinking = thinks
        typical = TYPICAL_CALL.get(row.tool, 60) if row.tool else 0
        row.call = min(around(typical, rng), output - thinks) if typical else 0
        row.text = output - thinks - row.call
    rows[279].call, rows[279].text = 162, 131
    rows[281].call, rows[281].text = 263, 0
    for (first, last), total in OUTPUT_SUMS.items():
        block = rows[first - 1 : last]
        _share_text(
            [row for row in block if row in free], total - sum(r.output for r in block), rng
        )


def _share_text(rows: Sequence[Row], total: int, rng: random.Random) -> None:
    weights = [
        rng.lognormvariate(0, 0.4) * (2.2 if row.ends_turn else 1.0) * (0.4 if row.n > 263 else 1.0)
        for row in rows
    ]
    for row, tokens in zip(rows, largest_remainder(total, weights), strict=True):
        row.text = tokens


def _choose_fresh(rows: Sequence[Row], rng: random.Random) -> None:
    for row, before in zip(rows[1:], rows, strict=False):
        typical = 240 if row.starts_turn else TYPICAL_RESULT.get(before.tool, 100)
        row.fresh = around(typical, rng)
    rows[0].context = CONTEXTS[1]
    rows[70].context = CONTEXTS[COMPACTED]
    for first, last in _spans():
        wanted = CONTEXTS[last] - CONTEXTS[first]
        wanted -= sum(row.output for row in rows[first - 1 : last - 1])
        wanted -= sum(tokens for n, tokens in FRESH.items() if first < n <= last)
        span = [row for row in rows[first:last] if row.n not in FRESH]
        weights = [float(row.fresh) for row in span]
        spare = wanted - SMALLEST * len(span)
        assert spare >= 0, (first, last, spare)
        for row, extra in zip(span, largest_remainder(spare, weights), strict=True):
            row.fresh = SMALLEST + extra
    for n, tokens in FRESH.items():
        rows[n - 1].fresh = tokens
    _add_up(rows)


def _spans() -> Iterator[tuple[int, int]]:
    pins = sorted(CONTEXTS)
    yield from ((a, b) for a, b in pairwise(pins) if b != COMPACTED)


def _add_up(rows: Sequence[Row]) -> None:
    for row, before in zip(rows[1:], rows, strict=False):
        if row.n != COMPACTED:
            row.context = before.context + before.output + row.fresh


def _meet_context_sum(
    rows: Sequence[Row], first: int, last: int, total: int, rng: random.Random
) -> None:
    """Moves growth to earlier or later requests until the contexts add up to ``total``."""
    spans = [(a + 1, b) for a, b in _spans() if b > max(a + 1, first) and a + 1 < last]
    for _ in range(200_000):
        missing = total - sum(row.context for row in rows[first - 1 : last])
        if not missing:
            return
        low, high = rng.choice([span for span in spans if first <= span[1] <= last])
        i, j = sorted(rng.sample(range(low, high + 1), 2))
        if i in FRESH or j in FRESH:
            continue
        giver, taker = (rows[j - 1], rows[i - 1]) if missing > 0 else (rows[i - 1], rows[j - 1])
        amount = min(abs(missing) // (j - i), (giver.fresh - SMALLEST) // 8, taker.fresh // 3)
        giver.fresh -= amount
        taker.fresh += amount
        if amount:
            _add_up(rows)
    raise ArithmeticError(f"contexts {first} to {last} do not reach {total}")


def _choose_times(rows: Sequence[Row], rng: random.Random) -> None:
    anchors = sorted(TIMES)
    for first, last in pairwise(anchors):
        span = rows[first:last]
        pauses = {row.n: rng.uniform(312, 400) for row in span if row.n in LONG_PAUSES}
        rest = TIMES[last] - TIMES[first] - sum(pauses.values())
        weights = {
            row.n: rng.lognormvariate(0, 0.5) * (3 if row.starts_turn else 1)
            for row in span
            if row.n not in pauses
        }
        at = float(TIMES[first])
        for row in span:
            at += pauses.get(row.n) or rest * weights[row.n] / sum(weights.values())
            row.at = NOON + at
    rows[0].at = NOON


def around(typical: int, rng: random.Random) -> int:
    """A number of tokens of that order."""
    return max(SMALLEST, round(typical * rng.lognormvariate(-0.1, 0.45)))


def _parts(total: int, count: int, least: int, rng: random.Random) -> list[int]:
    weights = [rng.lognormvariate(0, 0.6) for _ in range(count)]
    return [least + extra for extra in largest_remainder(total - least * count, weights)]


def largest_remainder(total: int, weights: Sequence[float]) -> list[int]:
    """Splits ``total`` by weight into integers that add up to it."""
    assert total >= 0, total
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: parts[i] - exact[i])
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
