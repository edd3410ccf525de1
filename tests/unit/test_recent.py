"""The end of a transcript says what the whole of it says, or that it says less."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccmon.format import iso
from ccmon.insight.running import Folds, Running
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Source
from ccmon.measures import Span
from ccmon.report import recent
from ccmon.report.recent import Recent, read_recent, transcript_at
from ccmon.transcripts.decode import decode
from ccmon.transcripts.locate import Home, config_homes
from tests.homes import FIRST, ConfigHome
from tests.lines import Record, assistant, line, record, user

PRICES = PriceTable.load()
START = 1_795_340_000
STEP = 30


def stamp(number: int) -> str:
    return iso(START + STEP * number) or ""


def answer(number: int, read: int, written: int = 1_500, **fields: object) -> bytes:
    """Response ``number``, half a minute after the one before, with some weight to it."""
    tokens = {
        "input_tokens": 2,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation": {"ephemeral_1h_input_tokens": written, "ephemeral_5m_input_tokens": 0},
        "output_tokens": 400,
    }
    message: Record = {"id": f"msg_{number}", "usage": tokens, "stop_reason": "tool_use"}
    text: Record = {"type": "text", "text": "x" * 2_000}
    whole = assistant(text, message=message, timestamp=stamp(number), uuid=f"a{number}", **fields)
    return line({**whole, "sessionId": FIRST}) + b"\n"


def growing(first: int, last: int, context: int) -> Iterator[bytes]:
    """Responses ``first`` to ``last``; each reads what the one before left and adds 1,500."""
    for number in range(first, last + 1):
        yield answer(number, context + 1_500 * (number - first))


def compaction(number: int) -> list[bytes]:
    about = {"trigger": "manual", "preTokens": 300_000, "postTokens": 5_000}
    boundary = record(
        "system", subtype="compact_boundary", compactMetadata=about, timestamp=stamp(number)
    )
    summary = user("s" * 15_000, isCompactSummary=True, timestamp=stamp(number))
    return [line({**each, "sessionId": FIRST}) + b"\n" for each in (boundary, summary)]


@pytest.fixture
def home(config_home: Path) -> ConfigHome:
    return ConfigHome(config_home)


@pytest.fixture(autouse=True)
def small_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end of about thirty of the responses here."""
    monkeypatch.setattr(recent, "END_BYTES", 80_000)
    monkeypatch.setattr(recent, "_PART", 10_000)


def homes(home: ConfigHome) -> tuple[Home, ...]:
    return config_homes([str(home.path)], {}, home.path)


def end_of(home: ConfigHome, *lines: bytes) -> Recent:
    found = transcript_at(str(home.write(*lines)), homes(home))
    assert found is not None
    told = read_recent(found, PRICES)
    assert told is not None
    return told


def whole_of(lines: list[bytes]) -> Folds:
    """What the house's accounting says of all lines."""
    ledger, source = Ledger(PRICES), Source(f"/p/{FIRST}.jsonl", FIRST)
    for number, text in enumerate(lines):
        for entry in decode(text[:-1]).entries:
            ledger.apply(source, Span(source.path, number, 1), entry)
    ledger.settle()
    thread = ledger.sessions[FIRST].main
    return Running().over(thread.rows, thread.compactions)


def test_a_short_transcript_is_read_whole_and_exact(home: ConfigHome) -> None:
    lines = list(growing(1, 20, 60_000))
    told, whole = end_of(home, *lines), whole_of(lines)
    assert told.overdue == whole.drag.ratios.o
    assert not told.overdue_is_lower_bound
    assert told.last is not None
    assert told.last.message_id == "msg_20"
    assert told.expires_at == START + STEP * 20 + 3_600


def test_of_a_long_one_the_state_is_right_and_the_multiple_a_lower_bound(home: ConfigHome) -> None:
    lines = list(growing(1, 200, 60_000))
    told, whole = end_of(home, *lines), whole_of(lines)
    assert told.overdue_is_lower_bound
    assert told.overdue is not None
    assert whole.drag.ratios.o is not None
    assert 0 < told.overdue < whole.drag.ratios.o
    assert told.drag == whole.drag.state == "high"


def test_the_base_is_the_segments_own_beginning_not_that_of_the_end(home: ConfigHome) -> None:
    # From 300k on each request carries 100k more than the end's first one, not 240k.
    lines = [*growing(1, 1, 60_000), *growing(2, 150, 61_500), *growing(151, 180, 300_000)]
    far = end_of(home, *lines)
    assert far.overdue is not None
    carried = sum(0.20e-6 * (300_000 + 1_500 * number + 1_502 - 61_502) for number in range(30))
    plan = whole_of(lines).drag.plan
    assert plan is not None
    assert far.overdue == pytest.approx(carried / plan.cost, rel=0.1)


def test_a_compaction_before_the_end_is_where_the_segment_begins(home: ConfigHome) -> None:
    after = [answer(101, 18_000, 72_000), *growing(102, 200, 90_000)]
    lines = [*growing(1, 100, 60_000), *compaction(100), *after]
    told, whole = end_of(home, *lines), whole_of(lines)
    assert told.overdue_is_lower_bound
    assert told.overdue is not None
    assert whole.drag.ratios.o is not None
    assert 0 < told.overdue < whole.drag.ratios.o
    assert whole.drag.base == 90_002


def test_a_compaction_within_the_end_makes_it_exact(home: ConfigHome) -> None:
    after = [answer(201, 18_000, 30_000), *growing(202, 215, 48_000)]
    lines = [*growing(1, 200, 60_000), *compaction(200), *after]
    told, whole = end_of(home, *lines), whole_of(lines)
    assert told.overdue == whole.drag.ratios.o
    assert not told.overdue_is_lower_bound


def test_without_an_opening_within_reach_the_base_is_the_ends_first_context(
    home: ConfigHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "SEARCHED_BYTES", 20_000)
    lines = list(growing(1, 200, 60_000))
    told, whole = end_of(home, *lines), whole_of(lines)
    assert told.overdue_is_lower_bound
    assert told.overdue is not None
    assert whole.drag.ratios.o is not None
    assert told.overdue < whole.drag.ratios.o


def test_the_last_bust_is_found_with_its_cause(home: ConfigHome) -> None:
    bust = answer(191, 0, 345_000, diagnostics=None)
    lines = [*growing(1, 190, 60_000), bust, *growing(192, 200, 345_000)]
    told = end_of(home, *lines)
    assert told.bust is not None
    assert told.bust.message_id == "msg_191"
    assert told.bust.why is not None


def test_the_first_response_of_the_end_is_no_bust(home: ConfigHome) -> None:
    """It is held against one that did not come right before it."""
    lines = list(growing(1, 200, 60_000))
    size = sum(map(len, lines))
    cut = size - 80_000
    offset, first = 0, 0
    while offset < cut:
        offset += len(lines[first])
        first += 1
    lines[first] = answer(first + 1, 0, 60_000 + 1_500 * first)
    assert end_of(home, *lines).bust is None


def test_a_line_being_written_does_not_count_until_it_is_whole(home: ConfigHome) -> None:
    lines = list(growing(1, 3, 60_000))
    told = end_of(home, *lines[:2], lines[2][:-400])
    assert told.last is not None
    assert told.last.message_id == "msg_2"


def test_text_that_speaks_of_a_compaction_is_none(home: ConfigHome) -> None:
    quoted = user('"subtype":"compact_boundary"', timestamp=stamp(50))
    lines = [*growing(1, 50, 60_000), line({**quoted, "sessionId": FIRST}) + b"\n"]
    lines += growing(51, 200, 135_000)
    without = [text for text in lines if b"compact_boundary" not in text]
    assert end_of(home, *lines).overdue == pytest.approx(end_of_copy(home, without), rel=0.02)


def end_of_copy(home: ConfigHome, lines: list[bytes]) -> float:
    home.transcript().unlink()
    overdue = end_of(home, *lines).overdue
    assert overdue is not None
    return overdue


@pytest.mark.parametrize(
    "place",
    [
        "projects/p/notes.txt",
        "settings.json",
        "projects/../settings.jsonl",
        "history.jsonl",
        "projects/p/agent-a1.jsonl",
        "projects/p/missing.jsonl",
        "../elsewhere.jsonl",
        "projects/p/\0.jsonl",
        "",
    ],
)
def test_only_a_sessions_own_transcript_is_opened(home: ConfigHome, place: str) -> None:
    folder = home.path / "projects" / "p"
    folder.mkdir(parents=True)
    for name in ("settings.json", "settings.jsonl", "history.jsonl", "../elsewhere.jsonl"):
        (home.path / name).write_bytes(answer(1, 50_000))
    for name in ("notes.txt", "agent-a1.jsonl"):
        (folder / name).write_bytes(answer(1, 50_000))
    assert transcript_at(f"{home.path}/{place}", homes(home)) is None


def test_a_link_out_of_the_projects_is_not_followed(home: ConfigHome, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_bytes(answer(1, 50_000))
    link = home.transcript()
    link.symlink_to(secret)
    assert transcript_at(str(link), homes(home)) is None


def test_a_pipe_in_place_of_a_transcript_does_not_wait(home: ConfigHome) -> None:
    path = home.write(answer(1, 50_000))
    found = transcript_at(str(path), homes(home))
    assert found is not None
    path.unlink()
    os.mkfifo(path)
    assert read_recent(found, PRICES) is None


def test_an_empty_transcript_says_nothing(home: ConfigHome) -> None:
    told = end_of(home, json.dumps({"type": "mode"}).encode() + b"\n")
    assert told == Recent(None, None, None, None, "off", None, False, None)
