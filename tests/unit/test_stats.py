"""Sums over a thread: the vectors of sections 2 to 4."""

import pytest

from ccmon.insight.compaction import crossing_point, forecast
from ccmon.measures import Ttl
from tests.builders import FABLE_5_2, OPUS_5, OPUS_5_5, boundary, folded, price_of, rows_of
from tests.unit.test_account import V7


def test_v8_totals_of_the_mini_session() -> None:
    stats, _ = folded(rows_of([*V7[:5], boundary(36_102), *V7[5:]]))
    assert stats.contexts == 247_416
    assert stats.unique == 63_604
    assert stats.contexts / stats.unique == pytest.approx(3.88994, abs=1e-5)
    assert stats.hit_rate() == pytest.approx(0.811993, abs=1e-6)
    assert stats.write_factor() == pytest.approx(1.288017, abs=1e-6)
    assert stats.rereads == 217_812
    assert stats.rereads / stats.contexts == pytest.approx(0.880347, abs=1e-6)
    split = stats.split
    assert (split.carry, split.rewrite, split.fresh, split.output) == pytest.approx(
        (0.04018, 0.1352, 0.236864, 0.0544), abs=1e-9
    )
    assert stats.cost == pytest.approx(0.466644, abs=1e-9)
    assert stats.avoidable == pytest.approx(0.13182, abs=1e-9)
    assert split.total / (split.fresh + split.output) == pytest.approx(1.602134, abs=1e-6)


def test_v8_forecast_takes_the_means_of_the_thread_while_the_segment_is_short() -> None:
    stats, _ = folded(rows_of([*V7[:5], boundary(36_102), *V7[5:]]))
    growth, output, measured = stats.means()
    assert growth == pytest.approx(1266.67, abs=0.01)
    assert (output, measured) == (340, True)
    price = price_of(OPUS_5_5)
    following = forecast(stats, price, stats.tier)
    assert following.warm == pytest.approx(0.022434, abs=1e-6)
    assert following.cold == pytest.approx(0.236949, abs=1e-6)
    assert crossing_point(stats, price, stats.tier) == pytest.approx(84_667, abs=1)


def test_the_means_of_a_segment_count_from_five_requests_on() -> None:
    rows = [(0, 0, 0, 30_000, 100), (0, 30_000, 0, 1_000, 100)]
    grown = [(0, 20_000 + 100 * n, 0, 100, 7) for n in range(5)]
    stats, _ = folded(rows_of([*rows, boundary(), *grown]))
    assert stats.means() == (100.0, 7.0, True)
    shorter, _ = folded(rows_of([*rows, boundary(), *grown[:4]]))
    assert shorter.means()[1] != 7.0


def test_a_thread_without_growth_is_forecast_by_the_usual_means() -> None:
    stats, _ = folded(rows_of([(0, 0, 0, 30_000, 100)]))
    assert stats.means() == (1_400.0, 735.0, False)


@pytest.mark.parametrize(
    ("model", "ttl", "lapse", "warm"),
    [
        (OPUS_5, "5m", 0.575, 0.05),
        (OPUS_5, "1h", 0.95, 0.05),
        (OPUS_5_5, "5m", 0.48, 0.02),
        (OPUS_5_5, "1h", 0.78, 0.02),
    ],
)
def test_v16_a_lapse_against_a_warm_request(
    model: str, ttl: Ttl, lapse: float, warm: float
) -> None:
    stats, _ = folded(rows_of([(0, 0, 0, 100_000, 100)]))
    following = forecast(stats, price_of(model), ttl)
    assert (following.reread, following.lapse) == pytest.approx((warm, lapse))


@pytest.mark.parametrize(
    ("model", "warm", "cold"),
    [
        (OPUS_5, 0.139525, 2.175375),
        (OPUS_5_5, 0.06876, 1.7403),
        (FABLE_5_2, 0.09466, 3.4806),
    ],
)
def test_v4_forecast_of_a_large_context(model: str, warm: float, cold: float) -> None:
    stats, _ = folded(rows_of([(0, 0, 0, 214_300, 1)], model))
    following = forecast(stats, price_of(model), "1h")
    assert following.warm == pytest.approx(warm, abs=1e-9)
    assert following.cold == pytest.approx(cold, abs=1e-9)


@pytest.mark.parametrize(
    ("model", "hour", "five_minutes"),
    [
        (OPUS_5, 64_570, 54_138),
        ("claude-haiku-4-5", 64_570, 54_138),
        (OPUS_5_5, 129_140, 108_275),
        ("claude-sonnet-5-5", 129_140, 108_275),
        (FABLE_5_2, 258_280, 216_550),
    ],
)
def test_v10_crossing_point_scales_with_the_read_price(
    model: str, hour: float, five_minutes: float
) -> None:
    rows = [(0, 0, 0, 30_000, 735)] + [(0, 30_000 + 1_391 * n, 0, 1_391, 735) for n in range(6)]
    stats, _ = folded(rows_of(rows, model))
    assert stats.means() == (1_391.0, 735.0, True)
    price = price_of(model)
    assert crossing_point(stats, price, "1h") == pytest.approx(hour, abs=1)
    assert crossing_point(stats, price, "5m") == pytest.approx(five_minutes, abs=1)


def test_warm_ups_say_nothing_about_a_thread() -> None:
    stats, _ = folded(rows_of([(900, 0, 0, 0, 5), (0, 0, 0, 30_000, 100), (0, 30_000, 0, 50, 9)]))
    assert stats.contexts == 60_050
    assert stats.requests == 3
    assert stats.usage.input_tokens == 900


def test_rates_need_two_requests() -> None:
    stats, _ = folded(rows_of([(0, 0, 0, 30_000, 100)]))
    assert (stats.hit_rate(), stats.recent_hit_rate(), stats.write_factor()) == (None, None, None)


def test_the_recent_hit_rate_leaves_out_the_first_request_of_the_thread() -> None:
    stats, _ = folded(rows_of([(0, 0, 0, 30_000, 100), (0, 30_000, 0, 0, 9)]))
    assert stats.recent_hit_rate() == 1.0
    assert stats.hit_rate() == 0.5
