"""Numbers as people see them: screens.md, section 3."""

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon import format as fmt

BERLIN_SUMMER = timezone(timedelta(hours=2))
AT = 1_795_442_782.0  # 2026-11-23T14:06:22Z


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"), (0, "0"), (-0.2, "0"), (874, "874"), (999, "999"), (999.5, "1.0k"),
        (1_000, "1.0k"), (14_903, "14.9k"), (397_389, "397.4k"), (999_949, "999.9k"),
        (999_950, "1.0M"), (1_234_567, "1.2M"), (54_012_345, "54.0M"), (999_950_000, "1.0G"),
        (4_290_000_000, "4.3G"), (-97_496, "-97.5k"),
    ],
)  # fmt: skip
def test_tokens(count: float | None, text: str) -> None:
    assert fmt.tokens(count) == text


@given(st.integers(0, 999_949_999_999))
def test_tokens_never_need_more_than_six_characters(count: int) -> None:
    assert len(fmt.tokens(count)) <= 6


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"), (99_949, "99.9k"), (99_950, "100k"), (397_389, "397k"), (999_499, "999k"),
        (999_500, "999.5k"), (999_950, "1.0M"), (-397_389, "-397k"),
    ],
)  # fmt: skip
def test_tokens_in_narrow_places(count: float | None, text: str) -> None:
    assert fmt.tokens_short(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(None, "-"), (0, "+0"), (1_656, "+1.7k"), (-97_496, "-97.5k")]
)
def test_growth_always_has_a_sign(count: int | None, text: str) -> None:
    assert fmt.growth(count) == text


@pytest.mark.parametrize(("count", "text"), [(None, "-"), (0, "0"), (53_228_548, "53,228,548")])
def test_exact_tokens_have_commas(count: int | None, text: str) -> None:
    assert fmt.exact(count) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0.00"), (0.0000499, "$0.00"), (0.00005, "$0.0001"), (0.0051, "$0.0051"),
        (0.00994, "$0.0099"), (0.00996, "$0.010"), (0.01, "$0.010"), (0.106969, "$0.107"),
        (0.99949, "$0.999"), (0.9995, "$1.00"), (1, "$1.00"), (22.15661, "$22.16"),
        (999.994, "$999.99"), (999.995, "$1,000.00"), (12_345.678, "$12,345.68"),
        (99_999.4, "$99,999.40"), (123_456.78, "$123,457"),
    ],
)  # fmt: skip
def test_money(usd: float, text: str) -> None:
    assert fmt.money(usd) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0.0051, "$0.0051"), (0.01, "$0.01"), (0.106969, "$0.11"), (22.156, "$22.16")],
)
def test_money_in_narrow_columns(usd: float, text: str) -> None:
    assert fmt.money(usd, short=True) == text


def test_money_says_what_it_is_not() -> None:
    assert fmt.money(None) == "?"
    assert fmt.money(None, lower_bound=True) == "?"
    assert fmt.money(22.156, lower_bound=True) == "≥$22.16"
    assert fmt.money(0.106969, estimated=True) == "~$0.107"
    assert fmt.money(22.156, lower_bound=True, estimated=True) == "≥$22.16"


def test_money_lost_has_its_sign_before_the_dollar_and_none_when_it_rounds_to_zero() -> None:
    assert fmt.money(-0.5) == "-$0.500"
    assert fmt.money(-1e-9) == "$0.00"


@pytest.mark.parametrize(
    ("ratio", "share", "rate"),
    [(None, "-", "-"), (0, "0%", "0.0%"), (0.6615, "66%", "66.1%"), (0.9808, "98%", "98.1%")],
)
def test_shares_are_whole_and_hit_rates_have_one_decimal(
    ratio: float | None, share: str, rate: str
) -> None:
    assert fmt.percent(ratio) == share
    assert fmt.rate(ratio) == rate


@pytest.mark.parametrize(
    ("factor", "text"),
    [(None, "-"), (2.9489, "2.9x"), (9.94, "9.9x"), (9.96, "10x"), (14.6825, "15x")],
)
def test_multiples(factor: float | None, text: str) -> None:
    assert fmt.multiple(factor) == text


def test_clock_is_local_time() -> None:
    assert fmt.clock(AT, zone=BERLIN_SUMMER) == "16:06:22"
    assert fmt.clock(AT, seconds=False, zone=BERLIN_SUMMER) == "16:06"
    assert fmt.clock(None) == "-"


def test_iso_is_utc() -> None:
    assert fmt.iso(AT) == "2026-11-23T14:06:22Z"
    assert fmt.iso(None) is None


@pytest.mark.parametrize("at", [1e300, -1e300, float("inf"), float("nan")])
def test_times_that_no_calendar_has_are_unknown(at: float) -> None:
    assert fmt.clock(at) == "?"
    assert fmt.iso(at) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (-3, "0s"), (0, "0s"), (24.4, "24s"), (59.6, "1m"), (60, "1m"), (299, "4m"),
        (3_599, "59m"), (3_600, "1h00m"), (3_840, "1h04m"), (86_399, "23h59m"), (86_400, "1d"),
        (200_000, "2d"),
    ],
)  # fmt: skip
def test_age(seconds: float | None, text: str) -> None:
    assert fmt.age(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (-1, "0:00"), (0.9, "0:00"), (9, "0:09"), (3_460, "57:40"), (3_600, "60:00")],
)
def test_countdown_never_promises_more_than_is_left(seconds: float | None, text: str) -> None:
    assert fmt.countdown(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(500, "500 Bytes"), (6_183_402, "6.2 MB")])
def test_size(count: int, text: str) -> None:
    assert fmt.size(count) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (None, "?"), ("", "?"), ("claude-opus-5-5", "opus-5-5"),
        ("claude-opus-5-5-20260901", "opus-5-5"), ("claude-opus-4-5", "opus-4-5"),
        ("glm-4.6", "glm-4.6"), ("-20260901", "-20260901"),
    ],
)  # fmt: skip
def test_model(name: str | None, text: str) -> None:
    assert fmt.model(name) == text


def test_plural() -> None:
    assert [fmt.plural(n, "session") for n in (0, 1, 2, 1_289)] == [
        "0 sessions", "1 session", "2 sessions", "1,289 sessions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(None, "-"), (1.0, "100%"), (0.9999, "99%"), (0.29, "29%"), (0.0, "0%"), (0.004, "0%")],
)
def test_the_whole_is_only_said_of_the_whole(ratio: float | None, text: str) -> None:
    assert fmt.whole_percent(ratio) == text


def test_a_moment_of_another_day_says_which() -> None:
    assert fmt.moment(AT, AT + 3_600, zone=BERLIN_SUMMER) == "16:06"
    assert fmt.moment(AT, AT + 86_400, zone=BERLIN_SUMMER) == "11-23 16:06"
    late = AT - 14 * 3_600 - 600  # 23:56 in UTC, tomorrow already in Berlin
    assert fmt.moment(late, AT, zone=BERLIN_SUMMER) == "01:56"
    assert fmt.moment(None, AT) == "-"
    assert fmt.moment(1e300, AT) == "?"


@pytest.mark.parametrize(
    ("column", "places"),
    [([], 2), ([None, 0.0], 2), ([0.4, 0.0031, None], 3), ([1.0, 0.0031], 2), ([-3.0, 0.1], 2)],
)
def test_a_column_of_money_has_three_decimals_where_all_of_it_is_small(
    column: list[float | None], places: int
) -> None:
    assert fmt.money_column(column) == places


@pytest.mark.parametrize(
    ("usd", "places", "shown"),
    [
        (None, 2, "?"),
        (0.0, 2, "$0.00"),
        (0.0049, 2, "<$0.01"),
        (0.0049, 3, "$0.005"),
        (0.0004, 3, "<$0.001"),
        (-0.0004, 3, ">-$0.001"),
        (-0.25, 2, "-$0.25"),
        (1_234.5, 2, "$1,234.50"),
        (123_456.7, 2, "$123,457"),
    ],
)
def test_money_has_as_many_decimals_as_its_column(
    usd: float | None, places: int, shown: str
) -> None:
    assert fmt.money_to(usd, places) == shown


def test_money_to_so_many_decimals_says_how_sure_it_is() -> None:
    assert fmt.money_to(0.001, 2, estimated=True) == "~<$0.01"
    assert fmt.money_to(0.001, 2, lower_bound=True) == "≥$0.00"
    assert fmt.money_to(2.5, 2, lower_bound=True, estimated=True) == "≥$2.50"
