"""What the pauses would have cost in either tier: the vectors of section 7."""

import pytest

from ccmon.entries import AnyEntry
from ccmon.insight.ttl import Pauses, tiers
from ccmon.snapshot import TtlCheck
from tests.builders import (
    FABLE_5_2,
    OPUS_5,
    OPUS_5_5,
    START,
    assistant,
    boundary,
    folds_of,
    price_of,
    prompt,
    usage,
)

MINUTE = 60.0


def pauses(*gaps: tuple[float, int]) -> Pauses:
    found = Pauses()
    for gap, context in gaps:
        found = found.after(gap, context)
    return found


V17 = pauses((8 * MINUTE, 60_000), (12 * MINUTE, 80_000), (20 * MINUTE, 120_000))


@pytest.mark.parametrize(
    ("model", "five_minutes", "hour"), [(OPUS_5_5, 2.248, 1.600), (OPUS_5, 2.745, 2.000)]
)
def test_v17_long_pauses_make_the_hour_cheaper(
    model: str, five_minutes: float, hour: float
) -> None:
    both = tiers(200_000, V17, price_of(model))
    assert both.cost_5m == pytest.approx(five_minutes, abs=1e-9)
    assert both.cost_1h == pytest.approx(hour, abs=1e-9)
    assert both.between == 3
    assert TtlCheck(both.cost_5m, both.cost_1h).cheaper == "1h"


def test_v18_one_short_pause_makes_five_minutes_cheaper() -> None:
    both = tiers(200_000, pauses((6 * MINUTE, 60_000)), price_of(OPUS_5_5))
    assert (both.cost_5m, both.cost_1h) == pytest.approx((1.288, 1.600), abs=1e-9)
    assert TtlCheck(both.cost_5m, both.cost_1h).cheaper == "5m"


def test_a_tier_outlives_a_pause_of_just_its_length() -> None:
    assert pauses((300, 10)) == Pauses()
    assert pauses((300.1, 10)) == Pauses(1, 0, 10, 0)
    assert pauses((3_600, 10)) == Pauses(1, 0, 10, 0)
    assert pauses((3_600.1, 10)) == Pauses(1, 1, 10, 10)


def check(*gaps: float, models: tuple[str, ...] = (OPUS_5_5,)) -> TtlCheck:
    """A thread that grows by 1,000 tokens a request, with these pauses between its requests."""
    entries, at = list[AnyEntry](), START
    for number, gap in enumerate((0.0, *gaps)):
        at += gap
        model = models[min(number, len(models) - 1)]
        line = usage(0, 50_000 + 1_000 * number, 0, 1_000, 100)
        entries += [prompt(at=at), assistant(f"msg_{number}", line, at=at + 5, model=model)]
    folds = folds_of(entries)
    return folds.pauses.check(folds.stats)


def test_pauses_are_counted_also_where_they_are_too_few_to_compare() -> None:
    shown = check(10, 400, 400, 5_000)
    assert (shown.over_5m, shown.over_1h) == (3, 1)
    assert (shown.cost_5m, shown.cost_1h, shown.cheaper) == (None, None, None)


def test_three_pauses_between_the_tiers_compare_them() -> None:
    shown = check(400, 10, 400, 400)
    stake, unique = 51_000 + 53_000 + 54_000, 55_000
    assert shown.cost_5m == pytest.approx(5e-6 * unique + 4.8e-6 * stake)
    assert shown.cost_1h == pytest.approx(8e-6 * unique)


def test_a_pause_before_a_compacted_context_stakes_what_was_still_read() -> None:
    entries, at = list[AnyEntry](), START
    for number, read in enumerate((0, 20_000, 0, 18_000)):
        at += 1_800
        line = usage(0, read, 0, 150_000 - read, 100)
        entries += [prompt(at=at), assistant(f"msg_{number}", line, at=at + 5), boundary(150_000)]
    found = folds_of(entries).pauses.pauses
    assert (found.over_5m, found.lapsed_5m) == (3, 20_000 + 0 + 18_000)


def test_the_model_that_cost_most_sets_the_prices() -> None:
    shown = check(400, 400, 400, 10, models=(FABLE_5_2, OPUS_5_5))
    unique = 55_000
    assert shown.cost_1h == pytest.approx(8e-6 * unique), "four requests against one"


def test_the_tier_in_use_is_that_of_the_last_write() -> None:
    folds = folds_of([assistant("msg_1", usage(0, 0, 900, 50_000, 9))])
    both = folds.pauses.tiers(folds.stats)
    assert both is not None
    assert both.used == "1h"


def test_without_prices_there_is_nothing_to_compare() -> None:
    shown = check(400, 400, 400, models=("claude-unheard-of",))
    assert (shown.cost_5m, shown.cost_1h, shown.over_5m) == (None, None, 3)
