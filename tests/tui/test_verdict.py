"""What the cache did for one request: the same words in list, preview and drill-down."""

import msgspec
import pytest

from ccmon import words
from ccmon.requests import Request, Why
from ccmon.tui.safe import line
from ccmon.tui.screens.request import Needs, places
from ccmon.tui.widgets.preview import preview_frame
from ccmon.tui.widgets.request_panels import money_frame
from ccmon.tui.widgets.verdict import bust_row, cause_within, explained, happened, verdict
from tests import sample
from tests.sample_rows import WHYS


def number(n: int, **changes: object) -> Request:
    return msgspec.structs.replace(sample.main_requests()[n - 1], **changes)


def said(request: Request) -> str:
    return line(*verdict(request)).plain


def test_a_verdict_says_whether_the_cache_held() -> None:
    held = number(281)
    assert said(held) == "OK, expected read = got"
    assert said(msgspec.structs.replace(held, cached=held.expected_read - 1_200)) == (
        "OK but for 1,200"
    )
    assert said(msgspec.structs.replace(held, cached=held.expected_read + 1_200)) == (
        "OK, 1,200 more than expected"
    )
    assert said(number(205)) == "BUST lost $2.07"
    assert said(number(71)) == "nothing expected yet"


@pytest.mark.parametrize(
    ("n", "cells", "text"),
    [
        (205, 40, "ToolSearch loaded tools"),
        (205, 15, "ToolSearch"),
        (205, 11, "ToolSearch"),
        (205, 6, "ToolS…"),
        (150, 19, "idle 1h04m > 1h TTL"),
        (150, 18, "idle"),
        (44, 20, "model switch"),
    ],
)
def test_a_cause_takes_the_fullest_words_that_fit(n: int, cells: int, text: str) -> None:
    assert cause_within(WHYS[n], cells) == text


def test_the_preview_of_a_bust_says_why_and_what_to_do() -> None:
    rows = preview_frame(sample.sample_session(), number(205), 96).rows
    assert [row.plain.rstrip() for row in rows] == [
        "cache    BUST ToolSearch loaded tools   server: tools_changed   lost $2.07"
        "   got 0 of 265.2k",
        "happened ToolSearch changed the tool list, so the prefix was written again.",
        "remedy   Load tools early in a session, or update Claude Code.",
    ]


def test_where_a_partial_loss_began_is_named() -> None:
    why = Why("unknown", "unknown", reach="partial", broke_at="#143 Read foo.py")
    assert happened(why).endswith(" Lost from #143 Read foo.py on.")
    assert happened(WHYS[150]).endswith(" System prompt and tools were kept.")


@pytest.mark.parametrize("n", [44, 150, 205])
def test_preview_and_drill_down_use_the_words_of_every_face(n: int) -> None:
    request, session = number(n), sample.sample_session()
    panel = " ".join(
        row.plain.strip() for row in money_frame(request, session, 40, "usd", flat=True).rows
    )
    preview = " ".join(row.plain for row in preview_frame(session, request, 200).rows)
    for text in (words.happened(request.why), words.remedy(request.why)):
        assert text in panel
        assert text in preview
    assert words.evidence(request.why) in panel
    assert words.evidence(request.why) in preview


def test_hostile_names_stay_text() -> None:
    why = Why("tool_list_changed", "inferred", None, "\x1b[2J[b]x\u202e", broke_at="\x07y\n")
    request = number(205, why=why)
    text = bust_row(request, 90).plain + "".join(row.plain for row in explained(why, 60))
    assert "[b]x" in text
    assert not set(text) & set("\x1b\x07\n\u202e")


def test_what_is_said_of_a_bust_gives_way_before_the_screen_scrolls() -> None:
    roomy, tight = Needs(6, 11, 3, 2), Needs(6, 14, 8, 2)
    assert places(100, 40, roomy)["money"].height == 13
    for needs in (roomy, tight):
        assert max(region.bottom for region in places(100, 27, needs).values()) == 27
    assert places(100, 27, tight)["money"].height >= 8
