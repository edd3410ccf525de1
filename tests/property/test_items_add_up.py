"""What is in a context adds up to it after every request of every corpus, however it was read.

Items = context, bills = sum of contexts, money = cost of all input: accounting.md, section 9.
"""

import random
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccmon.entries import AnyEntry, Block, Entry, ToolResult, UserEntry
from ccmon.feed import Feed
from ccmon.ledger.contents import Contents, Group, group_of
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.ledger.thread import Thread
from ccmon.measures import Picture
from ccmon.requests import Request
from ccmon.transcripts.locate import config_homes, discover
from tests.builders import (
    SESSION,
    START,
    assistant,
    boundary,
    ledger_of,
    prompt,
    session_of,
    summary,
    usage,
)
from tests.homes import CORPUS

FOLDERS = sorted(
    str(path.parent.relative_to(CORPUS)) for path in CORPUS.rglob("projects") if path.is_dir()
)
TINY = 1_000
"""A smaller request did not read its thread's context and is in no item."""


def add_up(thread: Thread) -> Contents:
    """Check the sums after every single request; the items after the last one."""
    contents, contexts, money, context = Contents(), 0, 0.0, 0
    by_position: dict[Group, float] = defaultdict(float)
    for row in thread.rows:
        is_aside = row.context < TINY <= contents.tokens
        contents.push(row)
        contexts += row.context
        money += input_cost(row)
        context = context if is_aside else row.context
        bills = contents.bills.values()
        assert contents.tokens == context
        assert sum(bill.tokens for bill in bills) == context
        assert sum(bill.tokens_billed(contents.requests) for bill in bills) == contexts
        assert sum(bill.cost_billed(contents.rate) for bill in bills) == pytest.approx(
            money, abs=1e-9
        )
        if is_aside:
            by_position["unattributed", ""] += input_cost(row)
        elif row.split is not None:
            charge(by_position, row, contents)
        if row.context >= TINY and not row.starts_segment:
            assert sum(item.tokens or 0 for item in row.entered) == row.growth
    for group, bill in contents.bills.items():
        cost = bill.cost_billed(contents.rate)
        assert cost == pytest.approx(by_position[group], rel=1e-9, abs=1e-9), group
    return contents


def input_cost(row: Request) -> float:
    return row.split.total - row.split.output if row.split else 0.0


def charge(by_position: dict[Group, float], row: Request, contents: Contents) -> None:
    """Charge every item for what lies between its two ends, one position after the other."""
    assert row.price is not None
    steps = [(row.cached, row.price.read)]
    one_call = row.usage.prompt_tokens == row.context
    if one_call:
        steps.append((row.usage.cache_creation_1h_input_tokens, row.price.write_1h))
        steps.append((row.usage.cache_creation_5m_input_tokens, row.price.write_5m))
    steps.append((row.context - sum(tokens for tokens, _ in steps), row.price.input))
    charged, end = 0.0, 0
    for held in contents.held():
        start, end = end, end + held.tokens
        cost = up_to(end, steps) - up_to(start, steps)
        by_position[group_of(held.what)] += cost
        charged += cost
    beside = input_cost(row) - charged
    if one_call and not row.extra_cost:
        assert beside == pytest.approx(0.0, abs=1e-9)
    by_position["unattributed", ""] += beside


def up_to(position: int, steps: Iterable[tuple[int, float]]) -> float:
    """What all tokens before a position cost; those beyond an end of the prompt as that end."""
    cost, left, price = 0.0, position, 0.0
    for tokens, price in [step for step in steps if step[0] > 0]:
        cost += min(left, tokens) * price
        left -= min(left, tokens)
    return cost + left * price


def held_adds_up(contents: Contents) -> None:
    """The items one by one are the sums of their groups."""
    held = contents.held()
    assert sum(item.tokens for item in held) == contents.tokens
    gone = [(bill.gone_tokens, bill.gone_cost) for bill in contents.bills.values()]
    billed = sum(bill.tokens_billed(contents.requests) for bill in contents.bills.values())
    assert sum(item.bill for item in held) + sum(tokens for tokens, _ in gone) == billed
    cost = sum(bill.cost_billed(contents.rate) for bill in contents.bills.values())
    assert sum(item.cost for item in held) + sum(cost for _, cost in gone) == pytest.approx(
        cost, abs=1e-9
    )


def threads(ledger: Ledger) -> Iterator[tuple[tuple[str, str], Thread]]:
    ledger.settle()
    for session_id, session in ledger.sessions.items():
        for agent, thread in session.threads.items():
            yield (session_id, agent), thread


def sums(ledger: Ledger) -> dict[tuple[str, str], object]:
    """What every thread holds and has been billed for, checked on the way."""
    found: dict[tuple[str, str], object] = {}
    for name, thread in threads(ledger):
        contents = add_up(thread)
        held_adds_up(contents)
        if thread.rows:
            found[name] = {
                group: (bill.items, bill.tokens, bill.tokens_billed(contents.requests))
                for group, bill in contents.bills.items()
            }
    return found


def feeds(home: Path, ledger: Ledger) -> list[Feed]:
    homes = config_homes([str(home)], {}, home)
    return [Feed(transcript, ledger) for transcript in discover(homes)]


def read_all(feeds: Iterable[Feed]) -> None:
    for feed in feeds:
        while feed.read():
            pass


@pytest.mark.parametrize("name", FOLDERS)
def test_items_add_up_after_every_request_of_a_corpus(name: str) -> None:
    forwards, backwards = Ledger(PriceTable.load()), Ledger(PriceTable.load())
    read_all(feeds(CORPUS / name, forwards))
    read_all(reversed(feeds(CORPUS / name, backwards)))
    assert sums(forwards) == sums(backwards)


@pytest.mark.parametrize("name", ["basic", "resume", "subagents", "tui", "compact_auto", "errors"])
@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_items_add_up_while_a_corpus_grows(name: str, seed: int) -> None:
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "config"
        shutil.copytree(CORPUS / name / "projects", home / "projects")
        whole = {path: path.read_bytes() for path in home.rglob("*.jsonl")}
        left = {path: len(data) for path, data in whole.items()}
        for path in whole:
            path.write_bytes(b"")
        ledger = Ledger(PriceTable.load())
        tails = feeds(home, ledger)
        while left:
            path = dice.choice(sorted(left))
            start = len(whole[path]) - left[path]
            end = start + dice.randrange(1, max(2, len(whole[path]) // 6))
            with path.open("ab") as file:
                file.write(whole[path][start:end])
            left[path] = len(whole[path]) - end
            if left[path] <= 0:
                del left[path]
            read_all(tails)
            for _, thread in threads(ledger):
                add_up(thread)
        once = Ledger(PriceTable.load())
        read_all(feeds(home, once))
        assert sums(ledger) == sums(once)


counts = st.integers(0, 60_000)
blocks = st.lists(
    st.builds(
        Block,
        type=st.sampled_from(["text", "thinking", "tool_use"]),
        size=st.integers(0, 9_000),
        name=st.sampled_from(["", "Read", "Bash", "ToolSearch"]),
        tool_use_id=st.sampled_from(["toolu_1", "toolu_2", "toolu_3"]),
    ),
    max_size=4,
)
results = st.builds(
    ToolResult,
    tool_use_id=st.sampled_from(["toolu_1", "toolu_2", "toolu_3"]),
    size=st.integers(0, 90_000),
    pictures=st.lists(st.builds(Picture, counts, counts), max_size=1).map(tuple),
)


@st.composite
def entries(draw: st.DrawFn) -> list[AnyEntry]:
    found: list[AnyEntry] = []
    for number in range(draw(st.integers(1, 14))):
        at = START + number
        kind = draw(st.sampled_from(["answer"] * 5 + ["results"] * 3 + ["prompt", "compact"]))
        if kind == "answer":
            line = usage(draw(st.integers(0, 30)), draw(counts), draw(counts), o=draw(counts))
            line = replace(line, thinking_tokens=draw(st.none() | st.integers(0, 3_000)))
            parent = f"u{draw(st.integers(0, 14))}"
            stop = draw(st.sampled_from(["end_turn", None]))
            found.append(
                assistant(
                    f"msg_{draw(st.integers(1, 12))}",
                    line,
                    at=at,
                    model=draw(st.sampled_from(["claude-opus-5-5", "claude-haiku-4-5"])),
                    uuid=f"u{number}",
                    parent=parent,
                    stop=stop,
                    blocks=draw(blocks),
                )
            )
        elif kind == "results":
            some = tuple(draw(st.lists(results, max_size=3)))
            found.append(UserEntry(timestamp=at, session_id=SESSION, results=some))
        elif kind == "prompt":
            found.append(prompt("x" * draw(st.integers(0, 900)), at=at))
        else:
            found += [boundary(draw(counts), at=at), summary(draw(counts))]
    return found


@settings(max_examples=300, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(lines=entries())
def test_items_add_up_whatever_is_in_the_lines(lines: list[AnyEntry]) -> None:
    for _, thread in threads(ledger_of(lines)):
        held_adds_up(add_up(thread))


@settings(max_examples=100, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(lines=entries(), dice=st.randoms(use_true_random=False))
def test_a_repeated_line_changes_nothing(lines: list[AnyEntry], dice: random.Random) -> None:
    named = [
        replace(entry, uuid=entry.uuid or f"r{number}") if isinstance(entry, Entry) else entry
        for number, entry in enumerate(lines)
    ]
    repeated: list[AnyEntry] = []
    for number, entry in enumerate(named):
        repeated += [entry, dice.choice(named[: number + 1])]
    assert sums(ledger_of(repeated)) == sums(ledger_of(named))


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-4-5"])
def test_a_thread_learns_how_far_off_its_predictions_are(model: str) -> None:
    """A server that counts four bytes a token: from the half of 200 results on it is under 5 %."""
    dice = random.Random(4)
    sizes = [round(min(40_000, max(400, dice.lognormvariate(8, 1)))) for _ in range(200)]
    lines: list[AnyEntry] = [assistant("msg_0", usage(w1=20_000), model=model)]
    context = 20_000
    for number, size in enumerate(sizes, 1):
        at = START + 60 * number
        result = ToolResult("toolu_1", size + 80)
        lines.append(UserEntry(timestamp=at - 20, session_id=SESSION, results=(result,)))
        line = usage(r=context, w1=size // 4)
        lines.append(assistant(f"msg_{number}", line, at=at, model=model))
        context += size // 4
    ledger = session_of(lines)
    main = ledger.threads["main"]
    calibrated = raw = 0.0
    for before, size in zip(main.handed_on[100:-1], sizes[100:], strict=True):
        predicted = 0.486 * (size + 80) if model == "claude-opus-5-5" else 0.389 * (size + 80)
        raw += predicted
        calibrated += predicted * before.calibration.factor
    real = sum(size // 4 for size in sizes[100:])
    assert abs(raw / real - 1) > 0.5
    assert abs(calibrated / real - 1) < 0.05
