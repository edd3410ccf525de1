"""Gauges, bars, graphs and frames: exact cells for exact values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.tui.safe import Part, line
from ccmon.tui.widgets.bars import share_bar, stacked_bar
from ccmon.tui.widgets.gauge import level_gauge, zone
from ccmon.tui.widgets.panel import Frame, boxed, ruled, title
from ccmon.tui.widgets.trend import Trend, area, axis, column_of, cost_bars, requests_in
from tests import sample


def text(parts: list[Part]) -> str:
    return line(*parts).plain


def style_at(parts: list[Part], cell: int) -> str:
    for part in parts:
        assert isinstance(part, tuple)
        if cell < len(part[0]):
            return part[1]
        cell -= len(part[0])
    raise IndexError(cell)


def test_share_bar_counts_in_half_cells() -> None:
    assert text(share_bar(0.5, 10, "$accent-fill", flat=True)) == "━━━━━─────"
    assert text(share_bar(0.55, 10, "$accent-fill", flat=True)) == "━━━━━╸────"
    assert text(share_bar(1.0, 4, "$accent-fill", flat=True)) == "━━━━"


def test_share_bar_shows_a_half_for_anything_above_zero_and_only_track_for_zero() -> None:
    assert text(share_bar(0.0001, 6, "$accent-fill", flat=True)) == "╸─────"
    assert share_bar(0.0, 6, "$accent-fill", flat=False) == [("━━━━━━", "$track")]
    assert share_bar(None, 6, "$accent-fill", flat=False, track=False) == ["      "]


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4), st.integers(1, 200))
def test_stacked_bar_fills_its_width_exactly(values: list[float], width: int) -> None:
    assert len(text(stacked_bar([(value, "$accent") for value in values], width))) == width


def test_level_gauge_has_its_tick_in_a_gap_of_bare_track() -> None:
    parts = level_gauge(0.4, 0.14, 25, flat=False)
    assert text(parts) == "███│██████" + " " * 15
    assert style_at(parts, 2) == "$accent-fill on $track"
    assert style_at(parts, 3) == "$bright bold on $track"
    assert style_at(parts, 4) == "$warning-fill on $track"
    assert style_at(parts, 20) == "on $track"


def test_level_gauge_turns_red_beyond_four_fifths_of_the_window() -> None:
    parts = level_gauge(0.95, None, 20, flat=False)
    assert style_at(parts, 15) == "$accent-fill on $track"
    assert style_at(parts, 17) == "$error-fill on $track"


def test_level_gauge_tells_fill_from_track_by_shape_in_16_colours() -> None:
    assert text(level_gauge(0.5, None, 8, flat=True)) == "████░░░░"


@given(st.one_of(st.none(), st.floats(0, 3)), st.one_of(st.none(), st.floats(0, 2)))
def test_level_gauge_never_leaves_its_width(fill: float | None, crossing: float | None) -> None:
    assert len(text(level_gauge(fill, crossing, 17, flat=False))) == 17


@pytest.mark.parametrize(
    ("fill", "crossing", "expected"),
    [(0.1, 0.14, "accent"), (0.4, 0.14, "warning"), (0.4, None, "accent"), (0.81, 0.9, "error")],
)
def test_zone_of_a_level(fill: float, crossing: float | None, expected: str) -> None:
    assert zone(fill, crossing) == expected


@given(st.integers(1, 500), st.integers(1, 200))
def test_columns_and_requests_agree(count: int, width: int) -> None:
    for column in range(width):
        shown = requests_in(column, count, width)
        assert len(shown) >= 1
        assert all(column_of(index, count, width) <= column for index in shown)
    for index in range(count):
        assert index in requests_in(column_of(index, count, width), count, width)


def test_area_rises_with_its_values_and_always_shows_something() -> None:
    (row,) = area([0, 50, 100], 1)
    assert text(row) == "▁▄█"
    high, low = area([0, 50, 100], 2)
    assert (text(high), text(low)) == ("  █", "▁██")


def test_busts_tower_over_ordinary_requests() -> None:
    trend = Trend.of(sample.main_requests(), 283)
    high, low = (text(row) for row in cost_bars(trend, 2))
    assert high[204] == low[204] == "█"
    assert set(high) - {high[204]} <= set(" ▁▂▃▄▅▆▇")
    assert low[203] == "▁"


def test_bust_mark_stands_in_the_column_of_its_request_with_its_time_at_the_left() -> None:
    requests, compactions = sample.main_requests(), sample.sample_session().compactions
    row = text(axis(requests, compactions, 88, "$border"))
    assert len(row) == 88
    for n in (44, 150, 205):
        assert row[column_of(n - 1, 283, 88)] == "!"
    at = column_of(204, 283, 88)
    assert row[at - 7 : at + 2] == " 13:02 ! "
    mark = column_of(70, 283, 88)
    assert row[mark - 6 : mark + 9] == "10:07 ▾ compact"
    assert row.startswith("09:02 ")
    assert row.endswith(" 14:04")


@given(st.integers(5, 200))
def test_axis_drops_labels_that_would_touch_but_never_a_mark(width: int) -> None:
    requests, compactions = sample.main_requests(), sample.sample_session().compactions
    row = text(axis(requests, compactions, width, "$border"))
    columns = {column_of(n - 1, 283, width) for n in (44, 150, 205)}
    compacted = column_of(70, 283, width)
    assert len(row) == width
    assert all(row[column] == "!" for column in columns)
    assert row[compacted] == ("!" if compacted in columns else "▾")
    for label in row.replace("─", " ").replace("!", " ").replace("▾", " ").split():
        assert label == "compact" or len(label) == 5


@given(st.integers(30, 120), st.integers(3, 9))
def test_a_box_is_a_rectangle(width: int, height: int) -> None:
    frame = Frame(
        title("Spend", "last 12 requests"), [line("x" * 200), line("short")], line("$1.36")
    )
    rows = [content.plain for content in boxed(frame, width, height)]
    assert len(rows) == height
    assert {len(row) for row in rows} == {width}
    assert rows[0][0] + rows[0][-1] + rows[-1][0] + rows[-1][-1] == "╭╮╰╯"
    assert all(row[0] == row[-1] == "│" for row in rows[1:-1])


def test_the_value_of_a_box_stands_right_in_its_title() -> None:
    top = boxed(Frame(title("Spend", "last 12"), value=line("$1.36")), 34, 3)[0].plain
    assert top == "╭─ Spend last 12 ────── $1.36 ─╮".replace("──────", "────────")


def test_column_titles_end_where_their_columns_end() -> None:
    frame = Frame(title("Spend"), columns=[(20, "last 12"), (36, "session")])
    top = boxed(frame, 40, 3)[0].plain
    assert len(top) == 40
    assert top[:22].endswith("last 12")
    assert top[:38].endswith("session")


def test_a_rule_says_the_same_without_corners() -> None:
    rows = ruled(Frame(title("Spend"), [line("re-read")], line("$1.36")), 24, 3)
    assert [row.plain for row in rows] == [
        " Spend ────────── $1.36 ",
        " re-read                ",
    ]


def test_the_row_under_the_cursor_is_marked_in_the_blank_beside_it() -> None:
    frame = Frame(title("Rows"), [line("one"), line("two")], cursor=1)
    assert [row.plain for row in boxed(frame, 12, 4)][1:3] == ["│ one      │", "│▌two      │"]
    assert [row.plain for row in ruled(frame, 12, 3)][1:] == [" one        ", "▌two        "]
