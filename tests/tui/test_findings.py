"""The findings: how they are listed, what is said of the chosen one, and where they lead."""

from typing import cast

import msgspec
import pytest

from ccmon.snapshot import Finding, Session
from ccmon.tui.app import CcmonApp
from ccmon.tui.modes import MODES
from ccmon.tui.safe import line
from ccmon.tui.screens.context import ContextScreen
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.requests import RequestsScreen
from ccmon.tui.widgets.findings import FindingsPanel, Listed, finding_row, findings_frame, saving
from tests import sample
from tests.tui.stage import FakeMonitor, running, screen_lines, settled

F1, TOOLS, MODEL = sample.sample_session().findings


def finding(number: int, **changes: object) -> Finding:
    """A finding of its own."""
    return msgspec.structs.replace(
        F1, **{"key": f"F1:{number}", "title": f"finding {number}"} | changes
    )


def listed(*findings: Finding) -> Listed:
    return Listed(findings)


def texts(listing: Listed, chosen: int | None, width: int = 46, height: int = 10) -> list[str]:
    frame, _ = findings_frame(listing, chosen, width, height)
    return [row.plain.rstrip() for row in frame.rows]


def with_findings(*findings: Finding) -> Session:
    return msgspec.structs.replace(sample.sample_session(), findings=findings)


def test_a_row_says_how_bad_it_is_what_and_what_acting_saves() -> None:
    assert finding_row(F1, 46).plain == "!! compact is 15x overdue     -$0.070/req   F1"
    assert finding_row(TOOLS, 46).plain == "!  ToolSearch rewrote 265.2k       -$2.07   F4"
    info = finding(1, severity="info", id="F16", saving_per_request=None)
    assert finding_row(info, 46).plain == "i  finding 1                               F16"
    assert saving(info) == ""


def test_in_a_narrow_panel_the_id_goes_before_the_title_is_cut() -> None:
    assert finding_row(F1, 36).plain == "!! compact is 15x overdue -$0.07/req"
    cut = finding_row(finding(1, title="x" * 80), 36).plain
    assert len(cut) == 36
    assert cut.endswith("… -$0.07/req")


def test_without_a_cursor_the_first_one_says_what_to_do_where_that_fits_as_a_whole() -> None:
    assert texts(listed(F1, TOOLS), None, height=4) == [
        "!! compact is 15x overdue     -$0.070/req   F1",
        "   Run /compact with a focus at this break, or",
        "   /clear when the task is done.",
        "!  ToolSearch rewrote 265.2k       -$2.07   F4",
    ]
    assert len(texts(listed(F1, TOOLS), None, height=3)) == 2


def test_the_chosen_one_says_what_to_do_and_what_that_rests_on() -> None:
    frame, owners = findings_frame(listed(F1, TOOLS, MODEL), 1, 46, 10)
    assert [row.plain.rstrip() for row in frame.rows[1:5]] == [
        "!  ToolSearch rewrote 265.2k       -$2.07   F4",
        "   Load tools early in a session, or update",
        "   Claude Code.",
        "   server: tools_changed",
    ]
    assert frame.cursor == 1
    assert frame.tone == "border-focus"
    assert owners == [0, 1, 1, 1, 1, 2]


@pytest.mark.parametrize("chosen", range(5))
@pytest.mark.parametrize("height", range(1, 12))
def test_the_chosen_one_is_in_sight_at_any_height(chosen: int, height: int) -> None:
    frame, owners = findings_frame(listed(*map(finding, range(5))), chosen, 46, height)
    assert frame.cursor is not None
    assert frame.cursor < height
    assert f"finding {chosen}" in frame.rows[frame.cursor].plain
    assert owners[frame.cursor] == chosen


def test_the_foot_gives_way_to_what_is_said_of_the_chosen_one() -> None:
    listing = Listed((F1, TOOLS), foot=(line("sum"),))
    assert texts(listing, None, height=10)[-1] == "sum"
    assert texts(listing, 0, height=7)[-1] == "sum"
    assert "sum" not in texts(listing, 0, height=6)


def test_nothing_found_is_said_calmly() -> None:
    assert texts(Listed(), None) == ["Nothing worth doing about this session now."]
    assert "2 dismissed" in texts(Listed(dismissed=2), None)[0]


def test_hostile_text_stays_text() -> None:
    hostile = finding(1, title="[red]\x1b[2Jx\u202e", action="[/oops]\x1b]0;t\x07 do", basis="\r")
    frame, _ = findings_frame(listed(hostile), 0, 46, 10)
    text = "\n".join(row.plain for row in frame.rows)
    assert "[red]x" in text
    assert "[/oops] do" in text
    assert not set(text) & set("\x1b\x07\r\u202e")


def findings(app: CcmonApp) -> FindingsPanel:
    return app.screen.query_one(FindingsPanel)


async def test_tab_goes_to_the_findings_and_back_and_j_moves_where_the_keys_are() -> None:
    async with running(sample.sample_snapshot(), (100, 45)) as (app, pilot):
        await pilot.press("tab", "j")
        await settled(app, pilot)
        assert findings(app).chosen is TOOLS
        assert "│▌!  ToolSearch rewrote 265.2k" in "\n".join(screen_lines(app))
        await pilot.press("G")
        assert findings(app).chosen is MODEL
        await pilot.press("j", "k", "g", "k")
        assert findings(app).chosen is F1
        await pilot.press("tab", "j")
        await settled(app, pilot)
        assert "▌ 282" in "\n".join(screen_lines(app))


async def test_narrow_the_findings_take_the_place_of_the_list_and_its_keys() -> None:
    async with running(sample.sample_snapshot(), (60, 20)) as (app, pilot):
        await pilot.press("j", "j")
        await settled(app, pilot)
        assert "▌!  ToolSearch rewrote 265.2k" in "\n".join(screen_lines(app))
        await pilot.press("tab")
        await settled(app, pilot)
        assert not any(row.startswith("▌") for row in screen_lines(app))


async def test_x_puts_a_finding_away_until_another_one_of_its_kind_comes() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("tab", "x")
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "compact is 15x overdue  " not in text
        assert "2, 1 dismissed" in text
        await pilot.press("j", "x", "x")
        await settled(app, pilot)
        assert "Nothing else worth doing; 3 dismissed" in "\n".join(screen_lines(app))
        newer = msgspec.structs.replace(TOOLS, key="F4:main:290", request=282)
        cast(FakeMonitor, app.monitor).put(sample.snapshot_of(with_findings(TOOLS, newer)))
        while app.session is None or app.session.findings != (TOOLS, newer):
            await pilot.pause()
        await settled(app, pilot)
        assert findings(app).chosen is newer


async def test_the_first_x_shows_what_it_would_put_away() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("x")
        await settled(app, pilot)
        text = "\n".join(screen_lines(app))
        assert "│▌!! compact is 15x overdue" in text
        assert "dismissed" not in text
        assert findings(app).has_focus


async def test_capital_x_brings_back_all_that_was_put_away_of_this_session() -> None:
    one = sample.sample_session()
    other = msgspec.structs.replace(one, session_id="ffff0000-0000-4000-8000-000000000000")
    async with running(sample.snapshot_of(one, other)) as (app, pilot):
        await pilot.press("tab", "x", "x", "]", "x")
        await settled(app, pilot)
        assert [len(app.findings_of(each)) for each in (one, other)] == [1, 2]
        await pilot.press("X")
        await settled(app, pilot)
        assert [len(app.findings_of(each)) for each in (one, other)] == [1, 3]
        assert "dismissed" not in "\n".join(screen_lines(app))


async def test_without_a_price_nothing_can_be_judged_which_is_not_calm() -> None:
    session = with_findings()
    last = msgspec.structs.replace(session.requests[-1], model="acme-9", price=None)
    session = msgspec.structs.replace(session, requests=(*session.requests[:-1], last))
    async with running(sample.snapshot_of(session)) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "No price is known for acme-9, so what is" in text
    assert "Nothing worth doing" not in text


async def test_what_is_dismissed_in_one_session_stays_in_another() -> None:
    one = sample.sample_session()
    other = msgspec.structs.replace(one, session_id="ffff0000-0000-4000-8000-000000000000")
    async with running(sample.snapshot_of(one, other)) as (app, pilot):
        await pilot.press("tab", "x", "]")
        await settled(app, pilot)
        assert [len(app.findings_of(each)) for each in (one, other)] == [2, 3]
        assert "compact is 15x overdue" in "\n".join(screen_lines(app))


async def test_five_are_shown_and_the_others_counted() -> None:
    session = with_findings(*map(finding, range(7)))
    async with running(sample.snapshot_of(session)) as (app, _):
        text = "\n".join(screen_lines(app))
    assert "finding 4" in text
    assert "finding 5" not in text
    assert "─ 5 of 7 ─╮" in text


async def test_the_cursor_stays_on_its_finding_when_a_more_pressing_one_comes() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("tab", "j")
        session = with_findings(finding(9), F1, TOOLS)
        cast(FakeMonitor, app.monitor).put(sample.snapshot_of(session))
        while app.session is not session:
            await pilot.pause()
        await settled(app, pilot)
        assert findings(app).chosen is TOOLS


async def test_enter_opens_the_request_of_a_finding() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("tab", "j", "enter")
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)
        assert "#205" in screen_lines(app)[0]


@pytest.mark.parametrize(
    ("identity", "shown"),
    [
        ("F1", "sort $carry"),
        ("F13", "Requests 14 of 14"),
        ("F15", "sort #"),
        ("F16", "Requests 0 of 283"),
    ],
)
async def test_a_finding_without_a_request_leads_to_the_requests_it_speaks_of(
    identity: str, shown: str
) -> None:
    session = with_findings(finding(1, id=identity))
    async with running(sample.snapshot_of(session)) as (app, pilot):
        await pilot.press("tab", "enter")
        while not isinstance(app.screen, RequestsScreen):
            await pilot.pause()
        await settled(app, pilot)
        assert shown in screen_lines(app)[0]


async def test_a_finding_about_the_cache_leads_to_the_cache_screen() -> None:
    async with running(sample.snapshot_of(with_findings(finding(1, id="F2")))) as (app, pilot):
        await pilot.press("tab", "enter")
        await settled(app, pilot)
        assert app.current_mode == ("cache" if "cache" in MODES else "requests")


async def test_a_click_chooses_and_a_second_one_opens() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.click(FindingsPanel, offset=(6, 4))
        await settled(app, pilot)
        assert findings(app).chosen is TOOLS
        await pilot.click(FindingsPanel, offset=(6, 2))
        await settled(app, pilot)
        assert isinstance(app.screen, RequestScreen)


@pytest.mark.parametrize(("identity", "words"), [("F7", "cold"), ("F10", "superseded")])
async def test_a_finding_about_items_leads_to_them(identity: str, words: str) -> None:
    finding = msgspec.structs.replace(F1, id=identity, key=identity)
    async with running(sample.snapshot_of(with_findings(finding))) as (app, pilot):
        await pilot.press("tab", "enter")
        await settled(app, pilot)
        assert isinstance(app.screen, ContextScreen)
        assert app.screen.wanted == words
        assert words in {row.shown.items[0].flag for row in app.screen.table.rows}


@pytest.mark.parametrize(
    "name", ["a/very/long" * 30 + "/end.ts", "e\u0301\u0302\u0303" * 100], ids=["path", "marks"]
)
def test_a_long_name_in_what_a_finding_rests_on_takes_no_more_than_a_line(name: str) -> None:
    long = finding(1, action=f"Read {name} in part.", basis="")
    rows = texts(listed(long), 0)
    assert [row for row in rows[1:] if row][2:] == []
    assert "in part." in " ".join(rows)
