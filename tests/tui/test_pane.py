"""A pane shows as much of its frame as fits, and says how much does not."""

from __future__ import annotations

from textual.app import App, ComposeResult

from ccmon.tui.safe import line
from ccmon.tui.theme import THEMES
from ccmon.tui.widgets.pane import Pane
from ccmon.tui.widgets.panel import Frame, title

FRAME = Frame(title("Text"), [line(f"row {n}") for n in range(20)])


class Stage(App[None]):
    """One pane, eight rows high."""

    CSS = "Pane { width: 20; height: 8; }"

    def on_mount(self) -> None:
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = "ccmon-dark"

    def compose(self) -> ComposeResult:
        yield Pane()

    def shown(self) -> list[str]:
        return [content.plain for content in self.query_one(Pane).lines]


async def test_a_pane_counts_what_lies_below_and_scrolls_to_it() -> None:
    async with Stage().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Stage)
        pane = app.query_one(Pane)
        pane.show(FRAME)
        assert app.shown()[1] == "│ row 0            │"
        assert app.shown()[-1] == "╰ 14 more ─────────╯"
        assert pane.scroll_rows(100)
        assert app.shown()[-2:] == ["│ row 19           │", "╰──────────────────╯"]
        assert not pane.scroll_rows(1)
        assert pane.scroll_rows(-100)
        assert pane.top == 0


async def test_a_pane_stays_where_the_reader_is_when_its_frame_changes() -> None:
    async with Stage().run_test() as pilot:
        pane = pilot.app.query_one(Pane)
        pane.show(FRAME)
        pane.scroll_rows(5)
        pane.show(Frame(title("Text"), FRAME.rows[:18]))
        assert pane.top == 5
        pane.show(Frame(title("Text"), FRAME.rows[:3]))
        assert pane.top == 0


async def test_a_rule_stands_for_the_box_on_narrow_screens() -> None:
    async with Stage().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Stage)
        app.query_one(Pane).show(FRAME, boxes=False)
        assert app.shown()[:2] == [" Text ───────────── ", " row 0              "]
        assert len(app.shown()) == 8


async def test_a_pane_under_a_rule_ends_what_goes_on_with_a_mark() -> None:
    async with Stage().run_test() as pilot:
        app = pilot.app
        assert isinstance(app, Stage)
        pane = app.query_one(Pane)
        pane.show(FRAME, boxes=False)
        assert app.shown()[-1].rstrip() == " row 6 …"
        pane.scroll_rows(100)
        assert app.shown()[-1].rstrip() == " row 19"
