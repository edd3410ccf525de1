"""The graph of the Cache screen: marks in their columns, labels beside data, clicks that agree."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.requests import Bust, Request
from ccmon.tui.safe import line
from ccmon.tui.widgets.timeline import Place, Plot, Timeline
from ccmon.tui.widgets.trend import column_of, request_at
from tests import sample

MANY = 50_000


def busts_of(requests: tuple[Request, ...], *numbers: int) -> list[Bust]:
    return [Bust(n, "main", requests[n - 1].at, 90_000, 0, 90_000 + n, 0.5) for n in numbers]


def drawn(plot: Plot, selected: Place | None = None) -> list[str]:
    return [line(*parts).plain for parts in plot.drawn(selected)]


def many_requests() -> tuple[Request, ...]:
    requests = sample.main_requests()
    return tuple(replace(requests[i % len(requests)], n=i + 1, bust=False) for i in range(MANY))


@pytest.mark.parametrize("width", [20, 56, 96, 156, 400])
def test_a_mark_stands_in_the_column_of_its_request_and_the_click_finds_it(width: int) -> None:
    requests = sample.main_requests()
    for bust in sample.sample_session().busts:
        plot = Plot.of(requests, [bust], width, 10)
        column = column_of(bust.request - 1, len(requests), width)
        rows = drawn(plot)
        (marked,) = [row for row in rows if "!" in row]
        assert marked.index("!") == column
        below = plot.grid[rows.index(marked) + 1 :]
        assert below
        assert all(cells[column][1] == "$warning-mid" for cells in below)
        assert request_at(column, requests, width).n == bust.request


def test_a_label_names_the_request_and_what_it_rewrote() -> None:
    rows = drawn(Plot.of(sample.main_requests(), sample.sample_session().busts, 96, 11))
    for label in ("#44 99.9k !", "#150 164k !", "#205 265k !"):
        assert any(label in row for row in rows)


def test_every_bust_has_room_for_its_mark_even_on_the_highest_column() -> None:
    requests = sample.main_requests()
    for rows in range(2, 14):
        plot = Plot.of(requests, busts_of(requests, len(requests)), 56, rows)
        assert "!" in "".join(drawn(plot))


@pytest.mark.parametrize("rows", range(1, 16))
@pytest.mark.parametrize("width", [8, 30, 96])
def test_words_never_stand_on_data(width: int, rows: int) -> None:
    requests = sample.main_requests()
    plot = Plot.of(requests, busts_of(requests, 3, 4, 44, 60, 150, 151, 205, 283), width, rows)
    text = drawn(plot)
    assert [len(row) for row in text] == [width] * rows
    for row, cells in zip(text, plot.grid, strict=True):
        for shown, (data, _) in zip(row, cells, strict=True):
            assert data in (" ", shown)


def test_the_selected_bust_keeps_its_label_where_two_would_touch() -> None:
    level = tuple(replace(each, context=50_000) for each in sample.main_requests())
    # In columns 5, 18 and 22: only one label fits between the first two marks.
    plot = Plot.of(level, busts_of(level, 27, 92, 112), 56, 10)
    for selected, other in ((27, 92), (92, 27)):
        text = "".join(drawn(plot, ("main", selected)))
        assert f"#{selected} 90." in text
        assert f"#{other} 90." not in text


def test_the_scale_says_the_top_and_the_middle() -> None:
    rows = drawn(Plot.of(sample.main_requests(), [], 96, 11))
    assert rows[0].startswith("400k ")
    assert rows[5].startswith("200k ")


def test_the_scale_goes_where_the_data_leave_room() -> None:
    falling = tuple(
        replace(each, context=400_000 - 1000 * each.n) for each in sample.main_requests()
    )
    rows = drawn(Plot.of(falling, [], 96, 11))
    assert rows[0].endswith("   400k")


@pytest.mark.parametrize("height", [4, 13])
def test_the_title_says_how_high_a_graph_is_that_has_no_room_for_its_scale(height: int) -> None:
    level = tuple(replace(each, context=50_000) for each in sample.main_requests())
    graph = Timeline()
    for requests, said in ((level, True), (sample.main_requests(), height == 4)):
        session = replace(sample.sample_session(), requests=requests, busts=())
        graph.show(session, None, width=100, height=height)
        assert ("per request, up to " in graph.lines[0].plain) is said


def test_no_request_is_no_graph() -> None:
    assert drawn(Plot.of((), [], 10, 2)) == [" " * 10] * 2


def test_a_long_session_is_plotted_once_and_a_new_request_plots_it_again() -> None:
    session = replace(sample.sample_session(), requests=many_requests())
    graph = Timeline()
    graph.show(session, None, width=100, height=12)
    first = graph.plot
    graph.show(session, ("main", 205), width=100, height=12)
    assert graph.plot is first
    graph.show(session, None, width=120, height=12)
    assert graph.plot is not first
    first = graph.plot
    graph.show(replace(session, turns=99), None, width=120, height=12)
    assert graph.plot is not first
