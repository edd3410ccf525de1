"""Folds kept between calls: the same as folding anew, at the price of what changed."""

from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccmon.insight import running
from ccmon.insight.running import Running
from ccmon.ledger.stats import ThreadStats
from ccmon.requests import MAIN, Compaction, Request
from tests.builders import Row, boundary, main_rows, rows_of, session_of

LONG = 40


def grown(rows: Sequence[Row]) -> list[Request]:
    return main_rows(rows_of(rows))


def told(value: object) -> object:
    """Everything that a fold knows, to be compared; a request stands for itself."""
    if isinstance(value, Request):
        return id(value)
    if fields := getattr(value, "__slots__", ()) or getattr(value, "__struct_fields__", ()):
        return [told(getattr(value, name)) for name in fields]
    if isinstance(value, dict):
        return {key: told(item) for key, item in value.items()}
    if isinstance(value, list | tuple | deque):
        return [told(item) for item in value]
    return told(vars(value)) if hasattr(value, "__dict__") else value


def anew(rows: Sequence[Request], compactions: Sequence[Compaction] = ()) -> object:
    return told(Running().over(rows, compactions))


counts = st.integers(0, 300_000)
row = st.tuples(st.integers(0, 50), counts, counts, counts, st.integers(0, 5_000))
versions = st.lists(
    st.tuples(st.integers(0, 14), st.lists(row, min_size=1, max_size=14)), min_size=2, max_size=6
)
"""Each keeps so many rows of the one before and has these behind them."""


@given(versions)
@settings(max_examples=60, deadline=None)
def test_rows_that_grow_change_or_shrink_are_folded_as_if_for_the_first_time(
    versions: list[tuple[int, list[Row]]],
) -> None:
    kept, rows, before = Running(), list[Request](), list[Row]()
    for keep, more in versions:
        before = [*before[:keep], *more]
        # The rows of one list go on in the next as the same objects up to where it differs.
        rows = [*rows[:keep], *grown(before)[len(rows[:keep]) :]]
        assert told(kept.over(rows, ())) == anew(rows)
    for length in (len(rows) // 2, 1, 0):
        assert told(kept.over(rows[:length], ())) == anew(rows[:length])


def ordinary(count: int, output: int = 500) -> list[Row]:
    return [(2, 20_000 + 900 * n, 0, 900, output) for n in range(count)]


@pytest.mark.parametrize("index", [0, 1, LONG // 2, LONG - 5, LONG - 4, LONG - 1])
def test_a_row_replaced_anywhere_is_seen(index: int) -> None:
    kept, rows = Running(), grown(ordinary(LONG))
    kept.over(rows, ())
    other = grown([*ordinary(index), *ordinary(LONG, output=9_000)[index:]])
    changed = [*rows[:index], *other[index:]]
    folds = kept.over(changed, ())
    assert folds.stats.usage.output_tokens == index * 500 + (LONG - index) * 9_000
    assert told(folds) == anew(changed)


def test_a_compaction_among_the_newest_rows_is_taken_in() -> None:
    lines = rows_of([*ordinary(LONG)])
    lines += [boundary(56_000, 9_000), *rows_of([*ordinary(LONG), (2, 0, 0, 12_000, 500)])[LONG:]]
    thread = session_of(lines).threads[MAIN]
    assert [item.before_request for item in thread.compactions] == [LONG + 1]
    kept = Running()
    kept.over(thread.rows[:LONG], ())
    folds = kept.over(thread.rows, thread.compactions)
    assert told(folds) == anew(thread.rows, thread.compactions)
    assert told(folds) != anew(thread.rows)


def test_what_was_given_out_does_not_change_later() -> None:
    kept, rows = Running(), grown(ordinary(LONG))
    given_out = kept.over(rows[:20], ())
    before = told(given_out)
    kept.over(rows, ())
    assert told(given_out) == before == anew(rows[:20])


class TestCost:
    @pytest.fixture
    def pushed(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """The numbers of the rows that are folded."""
        numbers: list[int] = []

        class Counting(ThreadStats):
            def push(self, row: Request) -> bool:
                numbers.append(row.n)
                return super().push(row)

        monkeypatch.setattr(running, "ThreadStats", Counting)
        return numbers

    def test_rows_that_stood_still_cost_nothing(self, pushed: list[int]) -> None:
        kept, rows = Running(), grown(ordinary(LONG))
        folds = kept.over(rows, ())
        pushed.clear()
        assert kept.over(tuple(rows), ()) is folds
        assert pushed == []

    def test_a_new_row_costs_no_look_at_the_old_ones(self, pushed: list[int]) -> None:
        kept, rows = Running(), grown(ordinary(LONG))
        kept.over(rows[:-1], ())
        pushed.clear()
        kept.over(rows, ())
        assert min(pushed) >= LONG - 5

    @pytest.mark.parametrize("newest", [1, 2, 4])
    def test_rows_that_get_more_lines_at_the_end_do_not_start_it_all_anew(
        self, pushed: list[int], newest: int
    ) -> None:
        kept, rows = Running(), grown(ordinary(LONG))
        kept.over(rows, ())
        pushed.clear()
        other = grown([*ordinary(LONG - newest), *ordinary(LONG, output=9)[-newest:]])
        kept.over([*rows[:-newest], *other[-newest:]], ())
        assert sorted(pushed) == [LONG - 3, LONG - 2, LONG - 1, LONG]
