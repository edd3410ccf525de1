"""The cache state: entered by several busts that cost, left by their growing old (section 11)."""

import pytest

from ccmon.insight.alert import AlertMachine
from ccmon.requests import Request
from ccmon.snapshot import AlertState, CacheAlert
from tests.builders import OPUS_5_5, Row, folds_of, main_rows, rows_of


def run(*steps: tuple[float | None, int]) -> list[AlertState]:
    machine = AlertMachine()
    return [machine.push(share, busts) for share, busts in steps]


@pytest.mark.parametrize(
    ("share", "busts", "state"),
    [
        (0.149, 9, "off"),
        (0.15, 2, "high"),
        (0.299, 2, "high"),
        (0.30, 2, "severe"),
        (0.90, 1, "off"),
        (None, 2, "off"),
    ],
)
def test_the_state_is_entered_at_a_share_by_two_busts(
    share: float | None, busts: int, state: AlertState
) -> None:
    assert run((share, busts)) == [state]


def test_high_is_left_below_a_tenth() -> None:
    assert run((0.2, 2), (0.10, 2), (0.099, 2)) == ["high", "high", "off"]


def test_high_stays_while_one_of_its_busts_is_left() -> None:
    assert run((0.2, 2), (0.12, 1)) == ["high", "high"]
    assert run((0.2, 2), (0.4, 1)) == ["high", "high"], "one bust alone never makes it worse"


def test_severe_falls_to_high_below_a_quarter() -> None:
    states = run((0.3, 2), (0.25, 2), (0.249, 2), (0.29, 2), (0.3, 2))
    assert states == ["severe", "severe", "high", "high", "severe"]


def test_severe_is_left_below_a_tenth() -> None:
    assert run((0.5, 3), (0.05, 3)) == ["severe", "off"]


HIT: Row = (0, 100_000, 0, 0, 500)
BUST: Row = (0, 0, 0, 100_000, 500)


def alert(*rows: Row, model: str = OPUS_5_5) -> CacheAlert:
    return folds_of(rows_of(rows, model)).alert.alert()


def test_nothing_is_said_before_twenty_requests() -> None:
    early = alert(*[HIT] * 5, BUST, BUST, *[HIT] * 12)
    assert (early.state, early.share, early.busts) == ("off", None, 2)
    told = alert(*[HIT] * 5, BUST, BUST, *[HIT] * 13)
    assert told.state == "severe"
    assert told.since_request == 20


def test_the_share_is_of_what_the_last_fifty_requests_cost() -> None:
    shown = alert(*[HIT] * 60, BUST, *[HIT] * 9, BUST, *[HIT] * 9)
    hit, bust = 100_000 * 0.2e-6 + 500 * 20e-6, 100_000 * 8e-6 + 500 * 20e-6
    assert shown.share == pytest.approx(2 * 0.8 / (48 * hit + 2 * bust))
    assert (shown.busts, shown.rewritten, shown.since_request) == (2, 200_000, 71)


def test_the_state_ends_when_the_busts_are_fifty_requests_old() -> None:
    shown = alert(*[HIT] * 20, BUST, BUST, *[HIT] * 50)
    assert (shown.state, shown.share, shown.since_request) == ("off", 0.0, None)


def test_without_prices_there_is_no_share() -> None:
    shown = alert(*[HIT] * 20, BUST, BUST, model="claude-unheard-of")
    assert (shown.state, shown.share, shown.busts) == ("off", None, 2)


def test_a_first_request_is_no_rewriting() -> None:
    rows: list[Request] = main_rows(rows_of([BUST, HIT]))
    assert not rows[0].bust
    assert alert(BUST, *[HIT] * 30).share == 0.0
