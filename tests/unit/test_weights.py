"""Weights, images, and how exact growth is shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.ledger.weights import (
    NEWER,
    OLDER,
    Calibration,
    Family,
    call_tokens,
    content_tokens,
    family,
    image_tokens,
    keeps_thinking,
    portions,
    share,
    thinking_tokens,
)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-5-5", NEWER),
        ("claude-opus-4-7", NEWER),
        ("claude-opus-4-6", OLDER),
        ("claude-sonnet-5", NEWER),
        ("claude-sonnet-4-6", OLDER),
        ("claude-fable-5-2", NEWER),
        ("claude-haiku-4-5-20251001", OLDER),
        ("claude-haiku-5-5", NEWER),
        ("claude-3-5-haiku-20241022", OLDER),
        ("someone-else-7b", NEWER),
        (None, NEWER),
    ],
)
def test_the_tokenizer_goes_by_the_model(model: str | None, expected: Family) -> None:
    assert family(model) is expected


@pytest.mark.parametrize(
    ("model", "keeps"),
    [
        ("claude-opus-4-5", True),
        ("claude-sonnet-4-5", False),
        ("claude-sonnet-4-6", True),
        ("claude-haiku-5-5", False),
        ("claude-mythos-5", True),
    ],
)
def test_thinking_stays_with_newer_models(model: str, keeps: bool) -> None:
    assert keeps_thinking(model) is keeps


def test_v23_weights() -> None:
    assert content_tokens(NEWER, 0, 400) == 649
    assert content_tokens(NEWER, 0, 40) == 78
    assert content_tokens(NEWER, 4_000) == 1_944
    assert content_tokens(OLDER, 4_000) == 1_556
    assert thinking_tokens(2_000) == 459
    assert thinking_tokens(300) == 0
    assert image_tokens(NEWER, 1_000, 800) == 1_044
    assert image_tokens(NEWER, 3_000, 2_000) == 4_784
    assert image_tokens(OLDER, 3_000, 2_000) == 1_568


def test_v21_growth_shared_out() -> None:
    assert share(1_000, [300, 600]).tokens == [333, 667]
    assert share(1_000, [300, 600]).unattributed == 0
    beyond = share(2_000, [300, 600])
    assert (beyond.tokens, beyond.unattributed) == ([330, 660], 1_010)
    less = share(-50, [300, 600])
    assert (less.tokens, less.unattributed) == ([0, 0], -50)


def test_a_call_weighs_more_with_every_argument() -> None:
    assert call_tokens(NEWER, 0, 0) == 37
    assert call_tokens(NEWER, 0, 3) == 37 + 3 * 17
    assert call_tokens(OLDER, 1_000, 2) == pytest.approx(1.10 * 306 + 27 + 2 * 12)


@pytest.mark.parametrize(("growth", "method"), [(948, "exact"), (949, "estimated")])
def test_one_item_alone_is_exact_up_to_what_it_can_be(growth: int, method: str) -> None:
    shares = share(growth, [600])
    assert shares.method == method
    assert shares.tokens == [growth if method == "exact" else 660]


def test_one_item_alone_is_exact_and_nothing_predicted_explains_nothing() -> None:
    alone = share(842, [600])
    assert (alone.tokens, alone.unattributed, alone.method) == ([842], 0, "exact")
    nothing = share(500, [])
    assert (nothing.tokens, nothing.unattributed, nothing.method) == ([], 500, "split")


@given(st.integers(-5_000, 500_000), st.lists(st.integers(0, 50_000), max_size=12))
def test_shares_and_the_rest_are_the_growth(growth: int, predicted: list[int]) -> None:
    shares = share(growth, predicted)
    assert sum(shares.tokens) + shares.unattributed == growth


@given(st.integers(0, 10**6), st.lists(st.floats(0, 1e6), min_size=1, max_size=12))
def test_portions_add_up(total: int, weights: list[float]) -> None:
    parts = portions(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0


def test_v22_calibration() -> None:
    calibration = Calibration()
    for growth, predicted in ((1_000, 800), (200, 250), (3_000, 2_000)):
        calibration = calibration.after(growth, predicted)
    assert calibration.factor == pytest.approx(1.087406, abs=1e-6)


def test_small_growth_teaches_nothing() -> None:
    assert Calibration().after(99, 10).factor == 1.0
    assert Calibration().after(500, 0).factor == 1.0
