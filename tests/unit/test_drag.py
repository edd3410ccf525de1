"""Compaction break-even and the drag state: the vectors of sections 3.1, 5 and 11."""

import pytest

from ccmon.entries import Iteration
from ccmon.insight.compaction import Habits, plan_compaction
from ccmon.insight.drag import Ratios, StateMachine
from ccmon.measures import Ttl
from ccmon.snapshot import DragState
from tests.builders import (
    FABLE_5_2,
    OPUS_5,
    OPUS_5_5,
    Row,
    assistant,
    boundary,
    folded,
    folds_of,
    price_of,
    rows_of,
    session_of,
    summary,
    tokens,
    usage,
)

SIZES = (60_000, 80_000, 100_000, 150_000, 200_000, 300_000, 500_000, 800_000)
COMPACTING = {
    OPUS_5: (0.605, 0.615, 0.625, 0.650, 0.675, 0.725, 0.825, 0.975),
    OPUS_5_5: (0.472, 0.476, 0.480, 0.490, 0.500, 0.520, 0.560, 0.620),
}
SAVING = {
    OPUS_5: (0.006, 0.016, 0.026, 0.051, 0.076, 0.126, 0.226, 0.376),
    OPUS_5_5: (0.0024, 0.0064, 0.0104, 0.0204, 0.0304, 0.0504, 0.0904, 0.1504),
}
COLD = {
    OPUS_5: (1.175, 1.375, 1.575, 2.075, 2.575, 3.575, 5.575, 8.575),
    OPUS_5_5: (0.94, 1.10, 1.26, 1.66, 2.06, 2.86, 4.46, 6.86),
}
PAYBACK: dict[tuple[str, Ttl], tuple[float, ...]] = {
    (OPUS_5, "1h"): (100.8, 38.4, 24.0, 12.7, 8.9, 5.8, 3.7, 2.6),
    (OPUS_5, "5m"): (72.7, 27.9, 17.5, 9.4, 6.7, 4.4, 2.9, 2.1),
    (OPUS_5_5, "1h"): (196.7, 74.4, 46.2, 24.0, 16.4, 10.3, 6.2, 4.1),
    (OPUS_5_5, "5m"): (140.4, 53.3, 33.2, 17.4, 12.0, 7.6, 4.7, 3.2),
}


@pytest.mark.parametrize("model", [OPUS_5, OPUS_5_5])
def test_v11_price_and_saving_of_compacting(model: str) -> None:
    plans = [plan_compaction(size, price_of(model), "1h", Habits()) for size in SIZES]
    assert [plan.cost for plan in plans] == pytest.approx(COMPACTING[model], abs=1e-9)
    assert [plan.saving for plan in plans] == pytest.approx(SAVING[model], abs=1e-9)
    assert [plan.cost_cold for plan in plans] == pytest.approx(COLD[model], abs=1e-9)


@pytest.mark.parametrize(("model", "ttl"), list(PAYBACK))
def test_v11_requests_until_compacting_pays_back(model: str, ttl: Ttl) -> None:
    plans = [plan_compaction(size, price_of(model), ttl, Habits()) for size in SIZES]
    found = [plan.payback for plan in plans]
    assert found == pytest.approx(PAYBACK[model, ttl], abs=0.051)


@pytest.mark.parametrize(
    ("model", "context"), [(OPUS_5, 96_000), (OPUS_5_5, 142_000), (FABLE_5_2, 234_000)]
)
def test_v12_two_prompts_pay_a_compaction_back(model: str, context: int) -> None:
    paid = plan_compaction(context + 1_000, price_of(model), "1h", Habits()).payback
    unpaid = plan_compaction(context - 1_000, price_of(model), "1h", Habits()).payback
    assert paid is not None
    assert unpaid is not None
    assert paid < 26 < unpaid


def test_a_small_context_has_nothing_to_save() -> None:
    plan = plan_compaction(48_000, price_of(OPUS_5), "1h", Habits())
    assert plan.payback is None


@pytest.mark.parametrize(
    ("context", "model", "d"),
    [
        (214_300, OPUS_5, 0.767),
        (214_300, OPUS_5_5, 0.622),
        (214_300, FABLE_5_2, 0.451),
        (412_000, OPUS_5, 0.864),
        (412_000, OPUS_5_5, 0.760),
        (412_000, FABLE_5_2, 0.613),
        (800_000, OPUS_5, 0.925),
        (800_000, OPUS_5_5, 0.860),
        (800_000, FABLE_5_2, 0.755),
    ],
)
def test_v24_share_of_carrying_over_twelve_requests(context: int, model: str, d: float) -> None:
    rows: list[Row] = [(2, context - 1_402, 0, 1_400, 735)] * 13
    _, drag = folded(rows_of(rows, model))
    assert drag.ratios.d == pytest.approx(d, abs=5e-4)


@pytest.mark.parametrize(
    ("model", "carried", "cost", "o"),
    [(OPUS_5, 2.130, 0.664, 3.208), (OPUS_5_5, 0.852, 0.4956, 1.719)],
)
def test_v25_what_carrying_has_cost_against_compacting(
    model: str, carried: float, cost: float, o: float
) -> None:
    rows: list[Row] = [(0, 46_000, 0, 2_000, 1)]
    rows += [(0, context - 2_000, 0, 2_000, 1) for context in range(60_000, 180_000, 2_000)]
    _, drag = folded(rows_of(rows, model))
    assert drag.base == 48_000
    assert drag.carried == pytest.approx(carried, abs=1e-9)
    assert drag.plan is not None
    assert drag.plan.cost == pytest.approx(cost, abs=1e-9)
    assert drag.ratios.o == pytest.approx(o, abs=5e-4)


def run(*ratios: tuple[float, float]) -> list[DragState]:
    machine = StateMachine()
    return [machine.push(Ratios(d, o)) for d, o in ratios]


def test_v26_a_low_overdue_never_enters() -> None:
    assert run(*[(0.62, 3.9)] * 3) == ["off"] * 3


def test_v26_three_requests_in_a_row_enter() -> None:
    assert run(*[(0.62, 4.1)] * 3) == ["off", "off", "high"]
    assert run((0.62, 4.1), (0.62, 4.1), (0.62, 3.9), (0.62, 4.1))[-1] == "off"


def test_v26_up_to_dominating_and_back() -> None:
    states = run(*[(0.76, 1.6)] * 3, (0.86, 4.0), (0.74, 4.2), (0.44, 4.2))
    assert states == ["off", "off", "high", "dominates", "high", "off"]


def test_a_segment_resets_the_state() -> None:
    machine = StateMachine()
    for _ in range(3):
        machine.push(Ratios(0.9, 9.0))
    assert machine.state == "high"
    assert machine.push(Ratios(None, None)) == "off"


def test_a_compaction_teaches_what_the_next_one_will_leave() -> None:
    rows: list[Row] = [(0, 0, 0, 140_000, 100)]
    after: list[Row] = [(0, 18_200, 0, 28_100, 100), (0, 46_300, 0, 1_000, 100)]
    entries = rows_of([*rows, boundary(144_139), *after])
    entries.insert(2, summary(9_527))
    _, drag = folded(entries)
    assert (drag.habits.context, drag.habits.prefix, drag.habits.summary) == (46_300, 18_200, 4_630)
    assert drag.base == 46_300


def test_what_stays_cached_is_what_the_first_call_found() -> None:
    calls = [
        Iteration("message", None, tokens(0, 18_200, 0, 28_100, 20)),
        Iteration("message", None, tokens(0, 46_300, 0, 500, 30)),
    ]
    searching = assistant("msg_2", usage(0, 64_500, 0, 28_600, 50, iterations=calls))
    _, drag = folded([*rows_of([(0, 0, 0, 140_000, 100)]), boundary(144_139), searching])
    assert (drag.habits.context, drag.habits.prefix) == (46_800, 18_200)
    assert drag.state == "off"


def test_v29_price_of_the_compaction_call() -> None:
    entries = rows_of([(0, 0, 0, 140_000, 100), boundary(144_139), (0, 20_000, 0, 9_000, 1)])
    entries.insert(2, summary(9_527))
    (compaction,) = session_of(entries).main.compactions
    assert compaction.cost == pytest.approx(0.121428, abs=1e-6)
    assert (compaction.before_request, compaction.method) == (2, "estimated")


PUBLISHED = {"requests": 1_289, "read": 65_322, "uncached": 12_490, "output": 478}


@pytest.mark.parametrize(
    ("model", "tier", "read", "write", "output", "carry_share"),
    [
        (OPUS_5, "5m", 42.10, 100.62, 15.40, 0.266),
        (OPUS_5, "1h", 42.10, 161.00, 15.40, 0.193),
        ("claude-sonnet-4-6", "5m", 25.26, 60.38, 9.24, 0.266),
        (OPUS_5_5, "5m", 16.84, 80.50, 12.32, 0.154),
        (OPUS_5_5, "1h", 16.84, 128.80, 12.32, 0.107),
    ],
)
def test_v9_the_published_case_raises_the_cache_and_keeps_drag_silent(
    model: str, tier: Ttl, read: float, write: float, output: float, carry_share: float
) -> None:
    w5 = PUBLISHED["uncached"] if tier == "5m" else 0
    row: Row = (0, PUBLISHED["read"], w5, PUBLISHED["uncached"] - w5, PUBLISHED["output"])
    folds = folds_of(rows_of([row] * PUBLISHED["requests"], model))
    stats, alert = folds.stats, folds.alert.alert()
    price = price_of(model)
    writes = stats.usage.cache_creation_input_tokens
    per_write = price.write_5m if tier == "5m" else price.write_1h
    assert stats.usage.cache_read_input_tokens * price.read == pytest.approx(read, abs=0.02)
    assert writes * per_write == pytest.approx(write, abs=0.02)
    assert stats.usage.output_tokens * price.output == pytest.approx(output, abs=0.02)
    assert stats.cost is not None
    assert stats.split.carry / stats.cost == pytest.approx(carry_share, abs=5e-4)
    assert folds.drag.state == "off"
    assert (alert.state, alert.busts, alert.since_request) == ("severe", 50, 20)
    assert alert.share == pytest.approx(stats.split.rewrite / stats.cost, rel=1e-3)
