"""What a pause costs, which tier suits the pauses, one bust explained: as frames."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.measures import Price
from ccmon.requests import Bust, Why
from ccmon.snapshot import NextRequest, Session, TtlCheck
from ccmon.tui.widgets.cache_panels import (
    KeepWarm,
    bust_frame,
    pause_frame,
    ttl_frame,
)
from ccmon.tui.widgets.panel import Frame
from ccmon.tui.widgets.vitals import countdown_moves
from tests import sample
from tests.sample_rows import at

WIDTH = 46
DEADLINE = at("15:04:02")


def text_of(frame: Frame) -> str:
    value = frame.value.plain if frame.value is not None else ""
    return "\n".join([f"{frame.title.plain}  {value}", *(row.plain for row in frame.rows)])


def cache_of(**changes: object) -> Session:
    session = sample.sample_session()
    assert session.cache is not None
    return replace(session, cache=replace(session.cache, **changes))


def test_a_lapse_costs_as_much_as_so_many_warm_requests() -> None:
    """V16: per 100k of context, opus-5-5 in the tier of an hour."""
    following = NextRequest(0.03, 0.81, 0.02, 0.01, 0.78)
    keep = KeepWarm.of(replace(sample.sample_session(), next_request=following))
    assert keep is not None
    assert (keep.request, keep.lapse, keep.requests) == (0.02, 0.78, 39)


def test_an_aside_does_not_change_what_keeping_warm_costs() -> None:
    """A request for a title, on another model: nothing that lies ahead is priced by it."""
    session = sample.sample_session()
    haiku = Price("haiku", 1e-6, 1.25e-6, 2e-6, 0.1e-6, 5e-6)
    aside = replace(session.requests[-1], context=300, price=haiku)
    with_aside = replace(session, requests=(*session.requests, aside))
    assert KeepWarm.of(with_aside) == KeepWarm.of(session)


def test_without_a_price_or_a_request_nothing_is_said_of_keeping_warm() -> None:
    session = sample.sample_session()
    unpriced = NextRequest(None, None, None, None)
    assert KeepWarm.of(replace(session, next_request=unpriced)) is None
    assert KeepWarm.of(replace(session, next_request=None)) is None


def test_a_forecast_after_a_compaction_is_an_estimate() -> None:
    session = sample.sample_session()
    assert session.next_request is not None
    estimate = replace(session.next_request, estimated=True)
    session = replace(session, next_request=estimate)
    assert "~$0.107" in text_of(pause_frame(session, WIDTH, sample.NOW))
    assert "~$3.21" in text_of(pause_frame(session, WIDTH, DEADLINE))


def test_a_warm_cache_says_until_when_and_what_comes_after() -> None:
    assert text_of(pause_frame(sample.sample_session(), WIDTH, sample.NOW)).splitlines() == [
        "If you pause now  WARM 1h  57:40",
        "until 15:04   next request    $0.107",
        "after 15:04   next request    $3.21  30x",
        "/compact now  or after 15:04  $0.517 or $3.62",
        "39 requests to keep it warm = going cold once",
    ]


def test_the_second_after_the_deadline_the_cache_is_cold() -> None:
    session = sample.sample_session()
    assert "WARM 1h  0:01" in text_of(pause_frame(session, WIDTH, DEADLINE - 1))
    assert text_of(pause_frame(session, WIDTH, DEADLINE)).splitlines() == [
        "The cache is cold  COLD 0s",
        "now           next request    $3.21 for 397k",
        "then          each request    $0.107",
        "/compact now                  $3.62",
        "Waiting costs no more. New task: new session.",
    ]


@pytest.mark.parametrize(
    ("left", "style"),
    [(601.0, "$foreground"), (599.0, "$warning")],
)
def test_the_last_ten_minutes_are_a_warning(left: float, style: str) -> None:
    frame = pause_frame(sample.sample_session(), WIDTH, DEADLINE - left)
    assert frame.value is not None
    assert str(frame.value.spans[-1].style) == style


def test_how_long_a_cache_has_been_cold_is_told_unless_no_clock_can_be_right() -> None:
    frame = pause_frame(sample.sample_session(), WIDTH, DEADLINE + 3900)
    assert text_of(frame).startswith("The cache is cold  COLD 1h05m")
    absurd = pause_frame(cache_of(expires_at=300.0), WIDTH, sample.NOW)
    assert text_of(absurd).splitlines()[0] == "The cache is cold  COLD"


def test_a_clock_that_is_ahead_makes_no_countdown_longer_than_the_cache_lives() -> None:
    ahead = cache_of(expires_at=sample.NOW + 90 * 86_400)
    assert text_of(pause_frame(ahead, WIDTH, sample.NOW)).startswith(
        "If you pause now  WARM 1h  60:00"
    )


def test_no_caching_no_deadline_and_no_request_are_said_instead() -> None:
    off = pause_frame(cache_of(caching=False, expires_at=None), WIDTH, sample.NOW)
    assert "Nothing is cached" in text_of(off)
    assert "the last request cost $0.096" in text_of(off)
    unknown = pause_frame(cache_of(expires_at=None), WIDTH, sample.NOW)
    assert "not known" in text_of(unknown)
    assert "warm $0.107   cold $3.21" in text_of(unknown)
    none = pause_frame(replace(sample.sample_session(), cache=None), WIDTH, sample.NOW)
    assert "no request yet" in text_of(none)


@pytest.mark.parametrize("width", range(12, 80))
def test_no_price_of_a_pause_is_ever_cut(width: int) -> None:
    for now in (sample.NOW, DEADLINE + 1):
        rows = pause_frame(sample.sample_session(), max(20, width), now).rows
        assert "$3.21" in "".join(row.plain for row in rows)
        assert not any("…" in row.plain for row in rows if "$" in row.plain)


@pytest.mark.parametrize(
    ("before", "now", "moves"),
    [
        (DEADLINE - 2990, DEADLINE - 2989, False),
        (DEADLINE - 2990, DEADLINE - 2930, True),
        (DEADLINE - 500, DEADLINE - 499, True),
        (DEADLINE - 0.5, DEADLINE + 0.5, True),
        (DEADLINE + 30, DEADLINE + 31, True),
        (DEADLINE + 61, DEADLINE + 62, False),
        (DEADLINE + 61, DEADLINE + 122, True),
    ],
)
def test_the_countdown_moves_by_minutes_then_by_seconds(
    before: float, now: float, moves: bool
) -> None:
    assert countdown_moves(sample.sample_session().cache, before, now) is moves
    assert not countdown_moves(None, before, now)


def test_both_tiers_are_priced_and_the_better_one_is_named() -> None:
    lines = text_of(ttl_frame(sample.sample_session(), WIDTH, flat=False)).splitlines()
    assert lines[1] == "pauses over 5 min  8   over 60 min  1"
    assert lines[2].startswith("1h writes, now  ━")
    assert lines[2].endswith("$5.74  best")
    assert lines[3].rstrip().endswith("$9.88")
    assert lines[4] == "1h saves $4.13 against 5m"


def test_a_tier_that_would_have_been_better_names_its_setting() -> None:
    assert "would save $4.13: ENABLE_PROMPT_CACHING_1H=1" in text_of(
        ttl_frame(cache_of(ttl="5m"), WIDTH, flat=False)
    )
    cheaper_5m = cache_of(ttl_check=TtlCheck(1.288, 1.6, 4, 0))
    assert "would save $0.312: FORCE_PROMPT_CACHING_5M=1" in text_of(
        ttl_frame(cheaper_5m, WIDTH, flat=False)
    )


def test_too_few_pauses_are_not_compared() -> None:
    few = text_of(ttl_frame(cache_of(ttl_check=TtlCheck(None, None, 3, 1)), WIDTH, flat=False))
    assert "2 pauses of 5 to 60 min, 3 needed" in few
    unpriced = cache_of(ttl_check=TtlCheck(None, None, 5, 0))
    assert "no price for this model" in text_of(ttl_frame(unpriced, WIDTH, flat=False))
    assert "best" not in few


def test_a_bust_is_explained_with_its_remedy_and_its_price() -> None:
    session = sample.sample_session()
    frame = bust_frame(session, session.busts[-1], 96, 3, "usd")
    assert text_of(frame).splitlines() == [
        "#205 ToolSearch  $2.07 wasted",
        "ToolSearch changed the tool list, so the prefix was written again.",
        "Load tools early in a session, or update Claude Code.",
        "all of it was lost   evidence server: tools_changed"
        "   rewriting cost $2.12, reading $0.053",
    ]


@pytest.mark.parametrize(
    ("unit", "said"),
    [("usd", "$2.07 wasted"), ("tokens", "100% lost"), ("share", "9.3% of spend")],
)
def test_the_unit_counts_what_was_lost(unit: str, said: str) -> None:
    session = sample.sample_session()
    assert said in text_of(bust_frame(session, session.busts[-1], 96, 3, unit))


def test_a_price_that_rests_on_a_guess_is_marked() -> None:
    session = sample.sample_session()
    guessed = replace(session.busts[-1], estimated=True)
    assert "~$2.07 wasted" in text_of(bust_frame(session, guessed, 96, 3, "usd"))


def test_the_bust_of_a_sub_agent_names_its_thread_and_where_it_broke() -> None:
    why = Why("idle_past_ttl", "timestamps", None, "", 400.0, 300.0, "partial", "Read foo.py")
    bust = Bust(12, "a7e03c", at("10:34:00"), 30_000, 9_000, 21_000, None, why)
    text = text_of(bust_frame(sample.sample_session(), bust, 96, 3, "usd"))
    assert text.startswith("Explore a7e03c #12 idle  ? wasted")
    assert "lost from Read foo.py on   evidence timestamps   pause 6m" in text


def test_long_sentences_are_folded_and_never_cut() -> None:
    session = sample.sample_session()
    frame = bust_frame(session, session.busts[-1], 40, 3, "usd")
    assert max(row.cell_length for row in frame.rows) <= 40
    text = " ".join(row.plain for row in frame.rows)
    assert "so the prefix was written again. Load tools early" in text
