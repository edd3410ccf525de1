"""Accounting of single requests: the vectors of sections 2 and 6."""

import pytest

from ccmon.entries import AnyEntry, Iteration, Tokens, UsageLine, UserEntry
from ccmon.ledger.cache import rewritten_tokens
from ccmon.ledger.costs import split_cost
from ccmon.measures import Split, Usage
from tests.builders import (
    FABLE_5_2,
    OPUS_5,
    OPUS_5_5,
    SESSION,
    START,
    Row,
    assistant,
    boundary,
    main_rows,
    price_of,
    prompt,
    rows_of,
    tokens,
    usage,
)


def parts(split: Split | None) -> tuple[float, float, float, float]:
    assert split is not None
    return split.carry, split.rewrite, split.fresh, split.output


BEFORE: Row = (2, 180_000, 0, 17_695, 1_204)
AFTER: Row = (2, 197_695, 0, 14_903, 388)


def test_v2_context_growth_and_expected_read_of_a_normal_request() -> None:
    row = main_rows(rows_of([BEFORE, AFTER]))[1]
    assert (row.context, row.growth, row.new, row.reread) == (212_600, 14_903, 14_903, 197_697)
    assert (row.expected_read, row.rewritten, row.bust) == (197_695, 0, False)
    assert row.growth - BEFORE[4] == 13_699
    assert row.reread / row.context == pytest.approx(0.9299, abs=5e-5)


@pytest.mark.parametrize(
    ("model", "cost", "carry", "fresh", "output", "share"),
    [
        (OPUS_5, 0.2575875, 0.0988475, 0.14904, 0.0097, 0.384),
        (OPUS_5_5, 0.166531, 0.039539, 0.119232, 0.00776, 0.237),
        (FABLE_5_2, 0.293523, 0.039539, 0.238464, 0.01552, 0.135),
    ],
)
def test_v3_cost_split_by_model(
    model: str, cost: float, carry: float, fresh: float, output: float, share: float
) -> None:
    row = main_rows(rows_of([BEFORE, AFTER], model))[1]
    assert row.cost == pytest.approx(cost, abs=1e-9)
    assert parts(row.split) == pytest.approx((carry, 0, fresh, output), abs=1e-9)
    assert carry / cost == pytest.approx(share, abs=5e-4)


@pytest.mark.parametrize(
    ("counts", "expected", "rewritten", "split", "avoidable"),
    [
        pytest.param(
            Usage(42_000, 0, 0, 0, 0, 50),
            41_000,
            41_000,
            (0, 0.205, 0.005, 0.00125),
            0.1845,
            id="v5-in-input",
        ),
        pytest.param(
            Usage(15_000, 30_000, 30_000, 0, 20_000, 10),
            60_000,
            40_000,
            (0.01, 0.2375, 0.025, 0.00025),
            0.2175,
            id="v6-in-both",
        ),
    ],
)
def test_a_bust_is_paid_in_writes_first_then_in_input(
    counts: Usage,
    expected: int,
    rewritten: int,
    split: tuple[float, float, float, float],
    avoidable: float,
) -> None:
    price = price_of(OPUS_5)
    call = tokens(
        counts.input_tokens,
        counts.cache_read_input_tokens,
        w5=counts.cache_creation_input_tokens,
    )
    found = rewritten_tokens(call, counts.prompt_tokens, expected, expected)
    assert found == rewritten
    cost = split_cost(counts, price, found)
    assert parts(cost) == pytest.approx(split, abs=1e-9)
    assert cost.rewrite - price.read * found == pytest.approx(avoidable, abs=1e-9)


V7: list[Row] = [
    (2, 17_000, 0, 13_000, 400),
    (2, 30_000, 0, 1_500, 600),
    (2, 31_500, 0, 2_400, 300),
    (2, 17_000, 0, 18_200, 500),
    (2, 35_200, 0, 900, 250),
    (2, 17_000, 0, 9_000, 350),
    (2, 26_000, 0, 1_200, 200),
    (2, 27_200, 0, 300, 120),
]


def test_v7_a_session_with_a_bust_and_a_compaction() -> None:
    rows = main_rows(rows_of([*V7[:5], boundary(36_102), *V7[5:]]))
    assert [
        (row.context, row.growth, row.new, row.reread, row.expected_read, row.rewritten)
        for row in rows
    ] == [
        (30_002, 30_002, 13_002, 17_000, 0, 0),
        (31_502, 1_500, 1_500, 30_002, 30_000, 0),
        (33_902, 2_400, 2_400, 31_502, 31_500, 0),
        (35_202, 1_300, 1_300, 33_902, 33_900, 16_900),
        (36_102, 900, 900, 35_202, 35_200, 0),
        (26_002, -10_100, 9_002, 17_000, 0, 0),
        (27_202, 1_200, 1_200, 26_002, 26_000, 0),
        (27_502, 300, 300, 27_202, 27_200, 0),
    ]
    assert [row.cost for row in rows] == pytest.approx(
        [0.115408, 0.030008, 0.031508, 0.159008, 0.019248, 0.082408, 0.018808, 0.010248], abs=1e-9
    )
    assert [row.n for row in rows if row.starts_segment] == [1, 6]


@pytest.mark.parametrize(
    ("model", "split", "total", "avoidable"),
    [
        (OPUS_5, (0.0082, 0.995, 0.03099), 1.03659, 0.94525),
        (OPUS_5_5, (0.00328, 0.796, 0.024792), 0.825992, 0.7761),
    ],
)
def test_v13_a_bust_that_keeps_the_system_prefix(
    model: str, split: tuple[float, float, float], total: float, avoidable: float
) -> None:
    row = main_rows(rows_of([(2, 0, 0, 115_900, 10), (2, 16_400, 0, 102_598, 96)], model))[1]
    assert (row.expected_read, row.context, row.rewritten) == (115_900, 119_000, 99_500)
    assert row.cost == pytest.approx(total, abs=1e-9)
    assert parts(row.split)[:3] == pytest.approx(split, abs=1e-9)
    assert row.avoidable == pytest.approx(avoidable, abs=1e-9)


@pytest.mark.parametrize(
    ("expected", "deficit", "busts"),
    [
        (30_000, 2_000, False),
        (30_000, 2_001, True),
        (100_000, 5_000, False),
        (100_000, 5_001, True),
    ],
)
def test_v14_a_bust_exceeds_two_thousand_tokens_and_a_twentieth(
    expected: int, deficit: int, busts: bool
) -> None:
    call = tokens(r=expected - deficit, w1=50_000)
    assert rewritten_tokens(call, expected, expected, expected) == (deficit if busts else 0)


@pytest.mark.parametrize(("context", "busts"), [(70_000, True), (69_999, False)])
def test_v14_a_context_below_seven_tenths_is_a_shrink(context: int, busts: bool) -> None:
    call = tokens(w1=context)
    assert bool(rewritten_tokens(call, context, 100_000, 100_000)) is busts


def test_a_rewind_compares_with_nothing_and_opens_a_segment() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(2, 0, 0, 40_000, 10), uuid="a1"),
        prompt(uuid="u2", parent="a1"),
        assistant("msg_2", usage(2, 40_000, 0, 9_000, 10), uuid="a2", parent="u2"),
        prompt(uuid="u3", parent="a2"),
        assistant("msg_3", usage(2, 49_000, 0, 8_000, 10), uuid="a3", parent="u3"),
        prompt(uuid="u4", parent="a1"),
        assistant("msg_4", usage(2, 40_000, 0, 7_000, 10), uuid="a4", parent="u4"),
    ]
    rows = main_rows(entries)
    assert [row.starts_segment for row in rows] == [True, False, False, True]
    assert not any(row.bust for row in rows)
    assert rows[3].new == 7_002


def test_an_unsplit_write_takes_the_tier_the_thread_wrote_to_last() -> None:
    unsplit = UsageLine(Tokens(2, 500, 0, 0, 41_000, 10, split_known=False))
    rows = main_rows([assistant("msg_1", usage(2, 0, 0, 41_000, 9)), assistant("msg_2", unsplit)])
    assert rows[1].usage.cache_creation_1h_input_tokens == 500
    assert (rows[0].estimated, rows[1].estimated) == (False, True)
    alone = main_rows([assistant("msg_1", unsplit)])[0]
    assert alone.usage.cache_creation_5m_input_tokens == 500


def test_context_is_the_last_message_iteration_and_the_advisor_is_paid_besides() -> None:
    line = usage(
        2,
        65_500,
        0,
        1_300,
        100,
        iterations=[
            Iteration("message", None, tokens(1, 32_500, 0, 500, 40)),
            Iteration("advisor_message", "claude-opus-4-7", tokens(34_000, o=700)),
            Iteration("message", None, tokens(1, 33_000, 0, 800, 60)),
        ],
    )
    row = main_rows([assistant("msg_1", line)])[0]
    advisor = (34_000 * 5 + 700 * 25) / 1e6
    assert row.context == 33_801
    assert row.extra_cost == pytest.approx(advisor, abs=1e-9)
    own = (2 * 4 + 65_500 * 0.2 + 1_300 * 8 + 100 * 20) / 1e6
    assert row.cost == pytest.approx(own + advisor, abs=1e-9)


def test_a_web_search_is_paid_as_new_content() -> None:
    row = main_rows([assistant("msg_1", usage(500, o=10, web=2))])[0]
    assert row.extra_cost == pytest.approx(0.02)
    assert row.split is not None
    assert row.split.total == row.cost


def test_a_request_whose_advisor_has_no_price_is_unpriced() -> None:
    line = usage(2, iterations=[Iteration("advisor_message", "claude-unheard-9", tokens(10))])
    assert main_rows([assistant("msg_1", line)])[0].cost is None


def test_an_unknown_model_is_unpriced_and_still_counted() -> None:
    row = main_rows([assistant("msg_1", usage(5, o=7), model="claude-unheard-9")])[0]
    assert (row.cost, row.split, row.price, row.avoidable) == (None, None, None, None)
    assert row.usage.output_tokens == 7


def test_output_without_a_stop_reason_or_before_a_cut_notice_is_a_lower_bound() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(2, o=5), stop=None),
        assistant("msg_2", usage(2, o=5)),
        UserEntry(timestamp=START, session_id=SESSION, is_meta=True, cut_notice=True),
        assistant("msg_3", usage(2, o=5)),
    ]
    assert [row.output_is_lower_bound for row in main_rows(entries)] == [True, True, False]


def test_turns_count_prompts_that_were_answered() -> None:
    entries: list[AnyEntry] = [
        prompt("one"),
        prompt("one, again"),
        assistant("msg_1", usage(2, o=5)),
        assistant("msg_2", usage(2, o=5)),
        prompt("two"),
        assistant("msg_3", usage(2, o=5)),
        prompt("never answered"),
    ]
    rows = main_rows(entries)
    assert [row.turn for row in rows] == [1, 1, 2]
    assert [row.prompt for row in rows] == ["one, again", None, "two"]


def test_idle_is_the_time_between_the_starts_of_two_requests() -> None:
    entries: list[AnyEntry] = [
        prompt(at=START),
        assistant("msg_1", usage(2, o=5), at=START + 20),
        prompt(at=START + 400),
        assistant("msg_2", usage(2, o=5), at=START + 405),
    ]
    assert [row.idle for row in main_rows(entries)] == [None, 400.0]


def test_a_rewind_that_does_not_shrink_the_context_is_no_bust_either() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(0, 0, 0, 50_000, 10), uuid="a1"),
        prompt(uuid="u2", parent="a1"),
        assistant("msg_2", usage(0, 50_000, 0, 10_000, 10), uuid="a2", parent="u2"),
        prompt(uuid="u3", parent="a2"),
        assistant("msg_3", usage(0, 60_000, 0, 40_000, 10), uuid="a3", parent="u3"),
        prompt(uuid="u4", parent="a1"),
        assistant("msg_4", usage(0, 50_000, 0, 60_000, 10), uuid="a4", parent="u4"),
    ]
    row = main_rows(entries)[3]
    assert (row.starts_segment, row.expected_read, row.rewritten, row.new) == (True, 0, 0, 60_000)


def test_a_request_that_did_not_read_the_context_changes_nothing_for_the_next() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(0, 0, 0, 100_000, 10)),
        assistant("msg_2", usage(0, 100_000, 0, 2_000, 10)),
        assistant("msg_title", usage(300, o=9)),
        assistant("msg_empty", None),
        assistant("msg_3", usage(0, 102_000, 0, 1_000, 10)),
        assistant("msg_4", usage(0, 0, 0, 104_000, 10)),
    ]
    rows = main_rows(entries)
    assert [(row.growth, row.new, row.rewritten) for row in rows[2:]] == [
        (300, 300, 0),
        (0, 0, 0),
        (1_000, 1_000, 0),
        (1_000, 1_000, 103_000),
    ]
    assert [row.n for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.starts_segment for row in rows] == [True, *[False] * 5]


def test_a_compaction_right_before_such_a_request_still_opens_a_segment() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(0, 0, 0, 100_000, 10)),
        boundary(100_500),
        assistant("msg_title", usage(300, o=9)),
        assistant("msg_2", usage(0, 18_000, 0, 30_000, 10)),
    ]
    rows = main_rows(entries)
    assert [row.starts_segment for row in rows] == [True, False, True]
    assert rows[2].rewritten == 0


def test_a_warm_up_before_the_first_real_request_is_not_its_predecessor() -> None:
    rows = main_rows(rows_of([(900, 0, 0, 0, 5), (0, 0, 0, 30_000, 100), (0, 30_000, 0, 50, 9)]))
    assert [(row.growth, row.starts_segment) for row in rows] == [
        (900, True),
        (30_000, True),
        (50, False),
    ]


def several_calls(first_read: int) -> AnyEntry:
    calls = [
        Iteration("message", None, tokens(0, first_read, 0, 101_000 - first_read, 20)),
        Iteration("message", None, tokens(0, 101_000, 0, 500, 30)),
    ]
    whole = usage(0, first_read + 101_000, 0, 101_500 - first_read, 50, iterations=calls)
    return assistant("msg_2", whole)


def test_of_several_calls_the_first_meets_the_cache_and_the_last_is_the_context() -> None:
    warm = main_rows([assistant("msg_1", usage(0, 0, 0, 100_000, 10)), several_calls(100_000)])[1]
    assert (warm.context, warm.cached, warm.rewritten) == (101_500, 101_000, 0)
    assert warm.read_share == pytest.approx(101_000 / 101_500)
    cold = main_rows([assistant("msg_1", usage(0, 0, 0, 100_000, 10)), several_calls(0)])[1]
    assert cold.rewritten == 100_000
    assert (warm.first_read, cold.first_read) == (100_000, 0)


def test_a_compaction_iteration_is_priced_by_the_place_of_the_request() -> None:
    calls = [Iteration("compaction", None, tokens(900, 150_000, o=2_000))]
    plain = main_rows([assistant("msg_1", usage(5, 20_000, o=80, iterations=calls))])[0]
    inside = main_rows([assistant("msg_1", usage(5, 20_000, o=80, iterations=calls, geo="us"))])[0]
    assert inside.extra_cost == pytest.approx(1.1 * plain.extra_cost)
