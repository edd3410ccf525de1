"""One line for the status line: what stands in it, and what leaves it when it is not known."""

from typing import Any

import pytest
from msgspec import structs

from ccmon.ledger.prices import PriceTable
from ccmon.measures import Ttl
from ccmon.report.recent import Recent
from ccmon.report.statusline import known_window, statusline
from ccmon.report.told import Told
from ccmon.requests import Why
from ccmon.settings import Settings
from ccmon.snapshot import Reported
from tests.golden.shown import NOW, OPUS, at, request

LINE = (
    "397k/1.0M 40% · cache 57:40 · drag HIGH 15x · bust 13:02 ToolSearch loaded tools $2.07"
    " · $22.28"
)
_WHY = Why("tools_loaded", "server", "tools_changed")
_BUST = request(205, at=at("13:02:03"), bust=True, avoidable=2.0687, why=_WHY)


def told(context: int | None = 397_389, **changes: object) -> Told:
    ttl: Ttl = "1h"
    whole = Reported(NOW, 1_000_000, ttl, at("15:04:02"), 22.281)
    return Told("id", None, OPUS, context, structs.replace(whole, **changes))


def recent(**changes: object) -> Recent:
    facts: dict[str, Any] = {
        "last": request(283, context=397_389),
        "compacted_to": None,
        "window": 1_000_000,
        "expires_at": at("15:00:00"),
        "drag": "high",
        "overdue": 14.68,
        "overdue_is_lower_bound": False,
        "bust": _BUST,
    }
    return Recent(**{**facts, **changes})


def shown(
    said: Told | None = None, ending: Recent | None = None, window: int | None = 1_000_000
) -> str:
    return statusline(said or told(), ending, window, NOW)


def test_everything_on_one_line() -> None:
    assert shown(told(), recent()) == LINE


def test_without_a_transcript_the_client_alone_speaks() -> None:
    assert shown() == "397k/1.0M 40% · cache 57:40 · $22.28"


def test_what_nobody_said_is_left_out() -> None:
    nothing = Told(None, None, None, None, Reported(NOW))
    assert shown(nothing, None, None) == "-/?"


def test_the_deadline_is_computed_where_the_client_says_none() -> None:
    assert " · cache 53:38 · " in shown(told(expires_at=None), recent())


def test_a_cache_that_has_expired_is_cold() -> None:
    assert " · cache cold · " in shown(told(expires_at=NOW))
    assert " · cache 0:01 · " in shown(told(expires_at=NOW + 1.0))


def test_a_countdown_never_exceeds_the_life_of_the_cache() -> None:
    assert " · cache 60:00 · " in shown(told(expires_at=NOW + 3_700.0))
    assert " · cache 5:00 · " in shown(told(expires_at=NOW + 400.0, ttl="5m"))
    ahead = recent(expires_at=NOW + 7_000.0, ttl="5m")
    assert " · cache 5:00 · " in shown(told(expires_at=None, ttl=None), ahead)


@pytest.mark.parametrize(
    ("changes", "drag"),
    [
        ({"overdue_is_lower_bound": True}, "drag HIGH ≥15x"),
        ({"drag": "dominates"}, "drag DOMINATES 15x"),
        ({"drag": "off", "overdue": 0.42}, "drag off 0.4x"),
    ],
)
def test_drag_says_its_state_and_how_sure_its_multiple_is(
    changes: dict[str, object], drag: str
) -> None:
    assert f" · {drag} · " in shown(told(), recent(**changes))


def test_drag_that_cannot_be_told_yet_is_left_out() -> None:
    assert "drag" not in shown(told(), recent(overdue=None))


def test_the_context_is_the_clients_else_that_of_the_last_request() -> None:
    assert shown(told(None), recent()).startswith("397k/1.0M 40% · ")
    assert shown(told(28_885), recent()).startswith("28.9k/1.0M 3% · ")


def test_after_a_compaction_the_context_is_an_estimate() -> None:
    assert shown(told(None), recent(compacted_to=28_885)).startswith("~28.9k/1.0M 3% · ")


def test_a_hostile_cause_cannot_command_the_terminal() -> None:
    hostile = Why("model_switch", "exact", detail="\x1b[2J\x07\u202e" + "x" * 99 + "\n")
    line = shown(told(), recent(bust=structs.replace(_BUST, why=hostile)))
    assert line.isprintable()
    assert len(line) < 120


@pytest.mark.parametrize(
    ("settings", "reported", "window"),
    [
        (Settings(windows={OPUS: 300_000}), 500_000, 300_000),
        (Settings(), 500_000, 500_000),
        (Settings(), None, 1_000_000),
    ],
)
def test_the_window_is_the_users_else_the_clients_else_the_tables(
    settings: Settings, reported: int | None, window: int
) -> None:
    prices = PriceTable.load(settings)
    assert known_window(told(window=reported), recent(), prices) == window
    assert known_window(told(window=reported), None, prices) == window
