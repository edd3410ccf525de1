"""The Overview at every size: the golden pictures as text, and frames that close."""

from pathlib import Path

import msgspec
import pytest

from ccmon.settings import Settings
from ccmon.snapshot import Place, Snapshot
from tests import sample
from tests.tui.stage import check_golden, running, screen_lines, settled

SIZES = [(60, 20), (80, 24), (100, 30), (120, 35), (160, 45)]
SNAPSHOTS = {
    "high": sample.sample_snapshot,
    "calm": sample.calm_snapshot,
    "dominating": sample.dominating_snapshot,
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
async def test_the_sample_session_is_drawn_as_agreed(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, _):
        check_golden(f"overview-{size[0]}x{size[1]}", screen_lines(app))


@pytest.mark.parametrize("name", ["calm", "dominating"])
async def test_calm_and_dominating_sessions_are_drawn_as_agreed(name: str) -> None:
    async with running(SNAPSHOTS[name](), (100, 30)) as (app, _):
        check_golden(f"overview-{name}-100x30", screen_lines(app))


def assert_frames_close(lines: list[str]) -> None:
    """Every box has its four corners in the same columns, and sides in between."""
    open_boxes: set[tuple[int, int]] = set()
    closed = 0
    for row in lines:
        tops = [column for column, glyph in enumerate(row) if glyph in "╭╮"]
        bottoms = [column for column, glyph in enumerate(row) if glyph in "╰╯"]
        # The sub-agent's branch in the Sessions strip is no corner.
        bottoms = [column for column in bottoms if row[column : column + 2] != "╰╴"]
        for left, right in zip(bottoms[::2], bottoms[1::2], strict=True):
            assert (left, right) in open_boxes, row
            open_boxes.remove((left, right))
            closed += 1
        for left, right in open_boxes:
            assert row[left] == row[right] == "│", row
        for left, right in zip(tops[::2], tops[1::2], strict=True):
            assert (row[left], row[right]) == ("╭", "╮"), row
            open_boxes.add((left, right))
    assert not open_boxes
    assert closed


@pytest.mark.parametrize("name", SNAPSHOTS)
@pytest.mark.parametrize(
    "size", [(80, 22), (83, 24), (101, 30), (149, 50), (150, 36), (150, 37), (163, 44), (200, 60)]
)
async def test_frames_close_at_any_size(name: str, size: tuple[int, int]) -> None:
    async with running(SNAPSHOTS[name](), size) as (app, _):
        lines = screen_lines(app)
    assert {len(row) for row in lines} == {size[0]}
    assert_frames_close(lines)


@pytest.mark.parametrize("size", [(40, 8), (60, 10), (60, 14), (79, 40), (100, 12), (100, 18)])
async def test_small_screens_keep_the_gauges_and_cut_no_number(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, _):
        lines = screen_lines(app)
    text = "\n".join(lines)
    assert {len(row) for row in lines} == {size[0]}
    assert "397" in text
    assert "$3.21" in text
    assert "57:40" in text
    assert "HIGH" in text


@pytest.mark.parametrize("size", [(39, 7), (30, 3), (24, 1)])
async def test_below_40x8_one_line_remains(size: tuple[int, int]) -> None:
    async with running(sample.sample_snapshot(), size) as (app, _):
        rows = [row.strip() for row in screen_lines(app) if row.strip()]
    assert len(rows) == 1
    assert rows[0].startswith("397k 40%")


async def test_resizing_redraws_for_the_new_size() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        before = screen_lines(app)
        await pilot.resize_terminal(160, 45)
        await settled(app, pilot)
        assert_frames_close(screen_lines(app))
        await pilot.resize_terminal(100, 30)
        await settled(app, pilot)
        assert screen_lines(app) == before


async def test_the_warning_row_is_kept_blank_so_that_panels_do_not_jump() -> None:
    async with running(sample.calm_snapshot(), (100, 30)) as (app, _):
        calm = screen_lines(app)
    async with running(sample.sample_snapshot(), (100, 30)) as (app, _):
        high = screen_lines(app)
    assert calm[1].strip() == ""
    assert high[1].startswith(" !! DRAG HIGH  re-reading 66% of recent spend; compact $0.52, ")
    assert calm[2].startswith("╭─ Context")
    assert high[2].startswith("╭─ Context")


@pytest.mark.parametrize("name", SNAPSHOTS)
async def test_ascii_leaves_no_other_character_and_moves_no_column(name: str) -> None:
    snapshot: Snapshot = SNAPSHOTS[name]()
    async with running(snapshot, (160, 45), settings=Settings(ascii=True)) as (app, _):
        lines = screen_lines(app)
    assert all(row.isascii() for row in lines)
    assert {len(row) for row in lines} == {160}
    assert "40%" in lines[3] or name != "high"


@pytest.mark.parametrize("theme", ["dark", "light", "ansi"])
async def test_every_theme_says_the_same(theme: str) -> None:
    settings = Settings(theme=theme)  # type: ignore[arg-type]  # a literal, from the list above
    async with running(sample.sample_snapshot(), (100, 30), settings=settings) as (app, _):
        text = "\n".join(screen_lines(app))
    for words in ("!! DRAG HIGH", "WARM 1h", " HIGH ", "3 busts", "66%"):
        assert words in text


async def test_the_unit_key_turns_money_into_tokens_and_shares() -> None:
    async with running(sample.sample_snapshot(), (100, 30)) as (app, pilot):
        assert "66%  $0.90 │" in screen_lines(app)[8]
        await pilot.press("t")
        await settled(app, pilot)
        assert "4.5M │" in screen_lines(app)[8]
        await pilot.press("t")
        await settled(app, pilot)
        assert "4.1% │" in screen_lines(app)[8]


async def test_nothing_found_says_where_was_looked() -> None:
    async with running(sample.empty_snapshot(), (100, 30)) as (app, _):
        check_golden("empty-100x30", screen_lines(app))


async def test_loading_says_how_far_it_is() -> None:
    async with running(sample.loading_snapshot(), (100, 30)) as (app, _):
        check_golden("loading-100x30", screen_lines(app))


async def test_places_below_the_home_folder_are_written_with_a_tilde(scratch_home: Path) -> None:
    places = (
        Place(f"{scratch_home}/.claude", "default", False),
        Place("/srv/claude", "flag", True),
    )
    snapshot = sample.snapshot_of(places=places, progress=sample.empty_snapshot().progress)
    async with running(snapshot, (100, 30)) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "looked in   ~/.claude     not there" in text
    assert "            /srv/claude   no sessions" in text


async def test_a_narrow_empty_screen_needs_no_box() -> None:
    async with running(sample.empty_snapshot(), (60, 12)) as (app, _):
        lines = screen_lines(app)
    assert lines[2].startswith(" Waiting for a transcript ───")
    assert {len(row) for row in lines} == {60}


async def test_a_compaction_that_no_request_followed_yet_is_announced() -> None:
    session = sample.sample_session()
    assert session.context is not None
    context = msgspec.structs.replace(session.context, compacted_to=46_300)
    session = msgspec.structs.replace(session, context=context)
    async with running(sample.snapshot_of(session), (100, 30)) as (app, _):
        assert "▾ compacted to ~46.3k" in screen_lines(app)[5]


async def test_a_demo_says_that_it_is_one() -> None:
    snapshot = sample.sample_snapshot()
    demo = msgspec.structs.replace(snapshot, places=(Place("/scratch", "--demo", True),))
    async with running(demo, (100, 30)) as (app, _):
        assert " demo " in screen_lines(app)[0]
    async with running(snapshot, (100, 30)) as (app, _):
        assert " demo " not in screen_lines(app)[0]


async def test_the_command_to_point_elsewhere_has_a_row_of_its_own_where_it_needs_one() -> None:
    async with running(sample.empty_snapshot(), (60, 20)) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "or point here:" in text
    assert "ccmon --config-dir DIR" in text
