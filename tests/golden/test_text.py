"""Golden bytes of the two printed faces: what scripts and eyes rely on.

``CCMON_UPDATE_GOLDEN=1 pytest tests/golden`` writes the files anew; read the difference.
"""

import re
from collections.abc import Iterator
from datetime import UTC

import pytest
from msgspec import structs

from ccmon.report import safe
from ccmon.report.document import render_json
from ccmon.report.text import Page, render_text
from ccmon.requests import MAIN, Attempt, Kind
from ccmon.snapshot import (
    AttemptCounts,
    CacheAlert,
    Composition,
    Inventory,
    Limit,
    NextRequest,
    Reported,
    Snapshot,
)
from tests.golden.kept import HOSTILE, check
from tests.golden.shown import (
    CACHE,
    NOW,
    at,
    empty_session,
    finding,
    request,
    session,
    snapshot,
    subagent,
    unpriced_session,
    usage,
    with_health,
)

PAGE = Page(zone=UTC)


def small_session_snapshot() -> Snapshot:
    (compaction,) = session().compactions
    requests = (
        request(1, growth=30_700, thinks=True),
        request(2, bust=True, rewritten=164_236, cost=1.341, at=NOW, output_is_lower_bound=True),
        request(3, cost=None, split=None, at=None, verb="", label="", growth=-97_500),
    )
    agent = subagent(requests=(request(1, thread="a7e03c", verb="Grep", label="coupon"),))
    return snapshot(
        session(
            requests=requests,
            subagents=(agent,),
            request_count=4,
            compactions=(
                structs.replace(compaction, before_request=3),
                structs.replace(compaction, before_request=4, method="exact"),
            ),
        )
    )


def text_of(shown: Snapshot, page: Page = PAGE, *, requests: bool = False, now: float = NOW) -> str:
    return render_text(shown, page, requests=requests, now=now)


def test_the_block_of_one_session() -> None:
    check("session.txt", text_of(snapshot(session())).encode())


def test_a_session_in_trouble_says_everything_it_has_to_say() -> None:
    attempts = (
        Attempt(MAIN, at("14:05:10"), "lost", "connection", cost=0.0812),
        Attempt(MAIN, at("14:06:10"), "in_flight", ""),
    )
    limits = (
        Limit("5h", 0.42, at("16:00:00")),
        Limit("7d", 0.18, None),
        Limit("reset since", 0.99, NOW),
    )
    shown = session(
        attempts=attempts,
        attempt_counts=AttemptCounts(in_flight=1, lost=1),
        cache=structs.replace(CACHE, alert=CacheAlert("severe", 0.41, 4, 365_000, 177)),
        findings=tuple(finding(f"F{number}", severity="info") for number in range(10, 17)),
        reported=Reported(NOW, limits=limits),
    )
    check("trouble.txt", text_of(snapshot(shown)).encode())


def test_several_sessions_the_unpriced_and_the_empty_one_included() -> None:
    shown = snapshot(session(), unpriced_session(), empty_session())
    shown = with_health(shown, malformed_lines=3, unreadable_files=1)
    check("sessions.txt", text_of(shown).encode())


def test_the_list_of_requests() -> None:
    check("requests.txt", text_of(small_session_snapshot(), requests=True).encode())


def test_a_colour_terminal() -> None:
    page = Page(table_columns=100, color=True, zone=UTC)
    check("requests-color.txt", text_of(small_session_snapshot(), page, requests=True).encode())


def test_a_terminal_that_knows_only_ascii() -> None:
    page = Page(encoding="ascii", zone=UTC)
    text = text_of(small_session_snapshot(), page, requests=True)
    assert text.isascii()
    check("requests-ascii.txt", text.encode("ascii"))


@pytest.fixture
def _fixed_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccmon.report.document.__version__", "0.1.0")


@pytest.mark.usefixtures("_fixed_version")
def test_the_document() -> None:
    shown = snapshot(session(), unpriced_session(), empty_session())
    check("document.json", render_json(shown, now=NOW))


@pytest.mark.usefixtures("_fixed_version")
def test_the_document_with_requests() -> None:
    check("document-requests.json", render_json(small_session_snapshot(), requests=True, now=NOW))


def hostile_snapshot() -> Snapshot:
    (last,) = session().compactions
    agent = subagent(agent_id=HOSTILE, type=HOSTILE, description=HOSTILE * 20)
    hostile = session(
        session_id=HOSTILE,
        project=HOSTILE * 20,
        model=HOSTILE,
        version=HOSTILE,
        requests=(request(verb=HOSTILE, label=HOSTILE * 50),),
        subagents=(agent,),
        findings=(finding(title=HOSTILE * 9), finding(HOSTILE, request=None)),
        compactions=(structs.replace(last, trigger=HOSTILE, before_request=1),),
        reported=Reported(NOW, limits=(Limit(HOSTILE, 0.5, None),)),
        inventory=inventory_of(("tool_result", HOSTILE * 9, 10, 0.5)),
    )
    return snapshot(hostile)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp437", "no-such-encoding"])
@pytest.mark.parametrize("columns", [40, 80, 200])
def test_hostile_text_stays_on_its_line_and_cannot_command_the_terminal(
    encoding: str, columns: int
) -> None:
    page = Page(table_columns=columns, encoding=encoding, zone=UTC)
    text = text_of(hostile_snapshot(), page, requests=True)
    assert "\ud800" not in text
    assert [character for character in text if not character.isprintable()] == ["\n"] * text.count(
        "\n"
    )
    assert all(safe.width(line) <= max(80, columns) for line in text.splitlines())
    text.encode("utf-8" if encoding == "no-such-encoding" else encoding)


def variations() -> Iterator[Snapshot]:
    yield snapshot(session())
    yield snapshot(session(project="a-project-with-a-name-" * 9, version="2.1.330-beta.1+build"))
    yield snapshot(session(project="漢字" * 60))
    yield snapshot(session(findings=(finding(title="漢字" * 60, saving=1e9),)))
    yield snapshot(session(cost=123_456.78, next_request=NextRequest(1_234.5, 9_876.5, 1.0, 1.0)))
    yield with_health(snapshot(unpriced_session()), files=123_456, malformed_lines=1_234_567)


@pytest.mark.parametrize("shown", variations())
def test_no_line_is_wider_than_the_page(shown: Snapshot) -> None:
    for encoding in ("utf-8", "ascii"):
        text = text_of(shown, Page(encoding=encoding, zone=UTC), requests=True)
        assert max(safe.width(line) for line in text.splitlines()) <= 80


def test_a_figure_that_does_not_fit_is_left_out_whole() -> None:
    shown = snapshot(session(findings=()))
    narrow = text_of(shown, Page(columns=40, zone=UTC))
    full = text_of(shown)
    for line, whole in zip(narrow.splitlines()[1:-1], full.splitlines()[1:-1], strict=True):
        assert whole.startswith(line)
        assert re.match(r",?\s|$", whole[len(line) :])


def test_colour_adds_nothing_but_colour() -> None:
    colored = text_of(snapshot(session()), Page(color=True, zone=UTC))
    assert "\x1b[1;31mHIGH\x1b[0m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == text_of(snapshot(session()))


def inventory_of(*bills: tuple[Kind, str | None, int, float | None]) -> Inventory:
    """Kind, tool, bill in tokens and in money."""
    sums = [
        Composition(kind, tool, 1, 10, tokens, cost, "exact") for kind, tool, tokens, cost in bills
    ]
    return Inventory(tuple(sums), lambda: ())


def bill_line(*bills: tuple[Kind, str | None, int, float | None]) -> str:
    text = text_of(snapshot(session(inventory=inventory_of(*bills))))
    return next((line for line in text.splitlines() if line.startswith("bill ")), "")


def test_the_bill_is_shared_out_by_money_and_by_tokens_without_a_price() -> None:
    mcp = "mcp__issues__search_everything"
    assert bill_line(
        ("tool_use", None, 60, 3.0), ("tool_result", mcp, 30, 6.0), ("unattributed", None, 10, 1.0)
    ) == "bill      mcp__issues… 60%  tool input 30%  ?10%"  # fmt: skip
    assert bill_line(("text", None, 60, None), ("loaded_tools", None, 40, None)) == (
        "bill      text 60%  loaded tools 40%  ?0%"
    )


def test_what_left_the_context_unseen_is_taken_off() -> None:
    bills: tuple[tuple[Kind, str | None, int, float | None], ...] = (("text", None, 90, 1.0),)
    assert bill_line(*bills, ("unattributed", None, -1, -0.001)).endswith("text 100%  ?0%")
    assert bill_line(*bills, ("unattributed", None, -9, -0.1)).endswith("text 111%  ?-11%")


def test_without_any_bill_there_is_no_line_for_it() -> None:
    assert bill_line(("text", None, 0, 0.0)) == ""
    assert bill_line() == ""


def test_the_cache_that_went_cold_says_for_how_long() -> None:
    text = text_of(snapshot(session()), now=NOW + 2 * 3600)
    assert "cache 1h, cold for 1h02m" in text


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("plain text", "plain text"),
        ("  two\n\tlines\u2028and more ", "two lines and more"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;never closed", "0;never closed"),
        ("\x9b2Jclear", "clear"),
        ("\x1b(0line\x1bc", "line"),
        ("user\u202egpj.exe", "usergpj.exe"),
        ("zero\u200bwidth\ufeff\u00ad", "zerowidth"),
        ("\ud83d\ude00 lone", "\ufffd\ufffd lone"),
        ("heart\u2764\ufe0f", "heart\u2764"),
        ("no\u00a0break", "no break"),
        ("z" + "\u0301" * 500, "z\u0301\u0301"),
        ("", ""),
    ],
)
def test_plain_text_is_one_line_a_terminal_only_draws(hostile: str, harmless: str) -> None:
    assert safe.plain(hostile) == harmless


@pytest.mark.parametrize(
    ("text", "cells", "clipped"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢字漢字", 8, "漢字漢字"),
        ("漢字漢字", 6, "漢字…"),
        ("漢字漢字", 4, "漢…"),
        ("ab cd", 4, "ab…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_clipping_counts_cells(text: str, cells: int, clipped: str) -> None:
    assert safe.clip(text, cells) == clipped


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("≥$1.20 …", "utf-8", "≥$1.20 …"),
        ("≥$1.20 …", "ascii", ">=$1.20 ~"),
        ("é ≥", "latin-1", "é >="),
        ("漢", "latin-1", "?"),
        ("≥ é", "klingon", ">= ?"),
    ],
)
def test_glyphs_an_encoding_lacks_are_replaced(text: str, encoding: str, written: str) -> None:
    assert safe.encodable(text, encoding) == written


def test_a_bust_of_another_day_says_which() -> None:
    text = text_of(snapshot(session()), now=NOW + 24 * 3600)
    assert "ToolSearch rewrote 265.2k tokens at 11-23 13:02: $2.07\n" in text


def test_a_clock_that_is_ahead_promises_no_more_than_the_cache_lives() -> None:
    text = text_of(snapshot(session()), now=NOW - 3 * 3600)
    assert "cache 1h, expires 12:06:22 (60:00)" in text


def test_a_cache_cold_since_the_epoch_is_only_cold() -> None:
    shown = snapshot(session(cache=structs.replace(CACHE, expires_at=310.0)))
    assert re.search(r"cache 1h, cold$", text_of(shown), re.MULTILINE)


@pytest.mark.parametrize("columns", [60, 80])
def test_long_names_give_way_to_the_count_of_requests(columns: int) -> None:
    shown = session(
        project="漢字" * 30, model="acme/" + "long-name-" * 9, version="1.2.3-" + "x" * 70
    )
    header = text_of(snapshot(shown), Page(columns=columns, zone=UTC)).splitlines()[0]
    assert header.endswith("  busy  283 requests + 14 in 1 subagent")
    assert "…" in header
    assert safe.width(header) <= columns


def test_a_session_of_sub_agents_alone_says_so_and_what_it_cost() -> None:
    alone = empty_session(subagents=(subagent(),), request_count=14, cost=0.577)
    lines = text_of(snapshot(alone)).splitlines()
    assert lines[0] == "billing  0f77c1d4  ?  ended"
    assert lines[1] == "no request in the main thread; 14 in 1 subagent"
    assert lines[2] == "spend     $0.577 list"


def test_what_rests_on_a_guess_is_marked() -> None:
    plain = session()
    assert plain.next_request is not None
    shown = text_of(snapshot(plain))
    assert " $4.13 wasted" in shown
    assert " warm $0.107   cold $3.21" in shown
    guessed = session(
        busts=tuple(structs.replace(bust, estimated=True) for bust in plain.busts),
        next_request=structs.replace(plain.next_request, estimated=True),
    )
    shown = text_of(snapshot(guessed))
    assert " ~$4.13 wasted" in shown
    assert " warm ~$0.107   cold ~$3.21" in shown


def test_busts_of_sub_agents_are_counted_beside_those_of_the_main_thread() -> None:
    busts = session().busts
    inner = tuple(structs.replace(bust, thread="a7e03c") for bust in busts)
    only_inner = text_of(snapshot(session(busts=inner)))
    assert f"no busts, {len(inner)} in subagents\n" in only_inner
    both = text_of(snapshot(session(busts=busts + inner)), Page(columns=100, zone=UTC))
    assert f"   {len(inner)} more in subagents\n" in both


def test_read_is_whole_only_when_all_was_read() -> None:
    nearly = request(1, usage(209_999, 1, 10), context=210_002, cached=209_999)
    text = text_of(snapshot(session(requests=(nearly,))), requests=True)
    assert " 99% " in text
    assert "100%" not in text


def test_a_finding_of_several_busts_says_when_the_last_one_was() -> None:
    several = finding(title="ToolSearch rewrote 500.0k in 2 busts", evidence=(("busts", 2),))
    text = text_of(snapshot(session(findings=(several,))))
    assert "rewrote 500.0k in 2 busts, last at 13:02: $2.07\n" in text
