"""How near sizes come to the truth where that is known: accounting.md, section 10.

No labelled sample of the models' own counts ships with ccmon. Sessions are made instead from real
texts (the sources and the documentation of Python's library), whose true sizes are what the weights
say of their public tokens, off by as much as was measured on such samples. Several results enter at
a time, so that only their sum is known, and what is asked is how much is lost on the way back.
"""

from __future__ import annotations

import inspect
import json
import math
import pydoc
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from statistics import median
from types import ModuleType

import pytest
from msgspec import Struct

from ccmon.ledger.intake import foretold
from ccmon.ledger.tokens import Tokenizer
from ccmon.ledger.weights import NEWER, Calibration, content_tokens
from ccmon.monitor import Monitor, Scope
from ccmon.requests import Entered
from ccmon.settings import Settings
from ccmon.snapshot import Session
from ccmon.transcripts.locate import config_homes
from tests.homes import FIRST, NOW, ConfigHome, read
from tests.lines import assistant, call, line, result, usage, user

MEASURED_ERROR = 0.064
"""Median error of the weights for one result on the models' own counts."""
SPREAD = MEASURED_ERROR / 0.6745
"""Of a normal distribution with that median."""
REQUESTS = 120
MODEL = "claude-opus-5-5"


class Made(Struct, frozen=True):
    """What was written: the results of each request with their true sizes."""

    sizes: list[list[int]]
    lines: list[bytes]


@cache
def texts() -> tuple[str, ...]:
    """Pieces of code and of prose, 1 to 12 kB long."""
    choose = random.Random(7)
    modules: list[ModuleType] = [inspect, json, pydoc, random]
    whole = [inspect.getsource(each) for each in modules]
    whole += [pydoc.plain(pydoc.render_doc(each)) for each in (Path, dict, str, random)]
    pieces = []
    for text in whole:
        start = 0
        while start < len(text) - 1_000:
            size = choose.randint(1_000, 12_000)
            pieces.append(text[start : start + size])
            start += size
    return tuple(pieces)


@cache
def counted(text: str) -> int:
    found = _tokenizer().count(text)
    assert found is not None
    return found


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer()


def made(seed: int, *, bias: float = 1.0) -> Made:
    """A session in which two to four results enter with each request."""
    choose = random.Random(seed)
    lines, sizes = [], []
    context, output = 20_000, 100
    uuid = "first"
    lines.append(answer(0, uuid, None, 0, context, output))
    for number in range(1, REQUESTS + 1):
        chosen = choose.choices(texts(), k=choose.randint(2, 4))
        true = [
            round(
                bias * content_tokens(NEWER, 0, counted(text)) * math.exp(choose.gauss(0, SPREAD))
            )
            for text in chosen
        ]
        content = [result(text, tool_use_id=f"t{number}-{at}") for at, text in enumerate(chosen)]
        came = user(content, uuid=f"r{number}", parentUuid=uuid, timestamp=stamp(number * 10 - 5))
        lines.append(line(came) + b"\n")
        growth = output + sum(true)
        uuid = f"a{number}"
        lines.append(answer(number, uuid, f"r{number}", context, growth, output))
        context += growth
        sizes.append(true)
    return Made(sizes, lines)


def answer(
    number: int, uuid: str, parent: str | None, read: int, written: int, output: int
) -> bytes:
    calls = [
        {**call("Bash", command=f"{number}-{at}"), "id": f"t{number + 1}-{at}"} for at in range(4)
    ]
    counts = usage(
        input_tokens=0,
        output_tokens=output,
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
    )
    whole = assistant(
        *calls,
        message={"id": f"msg_{number}", "usage": counts, "model": MODEL},
        uuid=uuid,
        parentUuid=parent,
        timestamp=stamp(number * 10),
        sessionId=FIRST,
    )
    return line(whole) + b"\n"


def stamp(second: int) -> str:
    return f"2026-11-22T12:{second // 60:02d}:{second % 60:02d}.000Z"


def accounted(home: ConfigHome, session: Made, *, tokenizer: bool) -> Session:
    home.write(*session.lines)
    monitor = Monitor(
        config_homes([str(home.path)], {}, home.path),
        Settings(tokenizer=tokenizer),
        Scope(session=FIRST, everything=True),
        clock=lambda: NOW,
        counting=True,
    )
    (shown,) = read(monitor).sessions
    return shown


def results_of(session: Session) -> Iterator[list[Entered]]:
    for row in session.requests[1:]:
        yield [item for item in row.entered if item.kind == "tool_result"]


def errors(session: Session, session_made: Made) -> list[float]:
    found = list(results_of(session))
    assert len(found) == len(session_made.sizes)
    pairs = [
        (item, size)
        for items, sizes in zip(found, session_made.sizes, strict=True)
        for item, size in zip(items, sizes, strict=True)
        if size >= 300
    ]
    assert {item.method for item, _ in pairs} == {"split"}
    return [abs((item.tokens or 0) - size) / size for item, size in pairs]


@pytest.fixture
def home(config_home: Path) -> ConfigHome:
    return ConfigHome(config_home)


def test_shares_by_the_tokenizer_lose_nothing(home: ConfigHome) -> None:
    session = made(1)
    off = errors(accounted(home, session, tokenizer=True), session)
    assert median(off) <= 0.10
    assert sum(error <= 0.20 for error in off) >= 0.80 * len(off)


def test_shares_by_characters_stay_near(home: ConfigHome) -> None:
    session = made(2)
    off = errors(accounted(home, session, tokenizer=False), session)
    assert median(off) <= 0.12
    assert sum(error <= 0.20 for error in off) >= 0.80 * len(off)


@pytest.mark.parametrize(
    ("bias", "learning"), [(1.0, 0), (0.7, REQUESTS // 2), (1.4, REQUESTS // 2)]
)
def test_the_sum_of_a_session_is_foretold(home: ConfigHome, bias: float, learning: int) -> None:
    """Each request is predicted with what the ones before it taught, and the sum is compared.

    For a model that counts otherwise than the weights say, once half of the session taught that.
    """
    session = made(3, bias=bias)
    shown = accounted(home, session, tokenizer=True)
    calibration, foreseen, grown = Calibration(), 0.0, 0
    for number, items in enumerate(results_of(shown)):
        predicted, growth = foretold(items, MODEL), sum(session.sizes[number])
        if number >= learning:
            foreseen += calibration.factor * predicted
            grown += growth
        calibration = calibration.after(growth, predicted)
    assert abs(foreseen - grown) <= 0.05 * grown
