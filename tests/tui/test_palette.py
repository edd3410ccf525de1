"""The command palette: every entry does what it says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.command import DiscoveryHit, Hit
from textual.content import Content
from textual.pilot import Pilot

from ccmon.tui.app import CcmonApp
from ccmon.tui.palette import MonitorCommands
from ccmon.tui.screens.help import HelpScreen
from ccmon.tui.screens.request import RequestScreen
from ccmon.tui.screens.requests import RequestsScreen
from tests import sample
from tests.tui.reading import HOSTILE, seen
from tests.tui.stage import running, settled


def provider(app: CcmonApp) -> MonitorCommands:
    return MonitorCommands(app.screen)


async def offered(app: CcmonApp) -> list[str]:
    hits = [hit async for hit in provider(app).discover()]
    return [hit.text or "" for hit in hits]


async def found(app: CcmonApp, query: str) -> list[Hit]:
    hits = [hit async for hit in provider(app).search(query)]
    assert all(isinstance(hit, Hit) for hit in hits)
    return sorted((hit for hit in hits if isinstance(hit, Hit)), reverse=True)


async def choose(app: CcmonApp, pilot: Pilot[None], text: str) -> None:
    """Do what the entry with exactly this text does, as the palette would."""
    hits = [hit async for hit in provider(app).discover()]
    (act,) = [hit.command for hit in hits if hit.text == text]
    app.call_later(act)
    await settled(app, pilot)


def requests_screen(app: CcmonApp) -> RequestsScreen:
    assert isinstance(app.screen, RequestsScreen)
    return app.screen


async def test_offers_all_kinds_of_entries_without_a_query() -> None:
    async with running(sample.sample_snapshot()) as (app, _):
        texts = await offered(app)
        assert len(texts) == len(set(texts))
        kinds = {text.partition(":")[0] for text in texts}
        assert kinds == {
            "view", "session", "theme", "unit", "filter", "sort", "export", "help", "screenshot"
        }  # fmt: skip
        assert texts[:2] == ["view: Overview", "view: Requests"]
        assert "session: shop-api Fix the coupon total 4c1f9a20" in texts


async def test_offers_only_what_works_without_a_session() -> None:
    async with running(sample.empty_snapshot()) as (app, _):
        texts = await offered(app)
        kinds = {text.partition(":")[0] for text in texts}
        assert kinds == {"view", "theme", "help", "screenshot"}
        assert texts[:2] == ["view: History", "view: Memory"]
        assert await found(app, "281") == []


async def test_is_opened_by_its_key_and_runs_the_choice() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("ctrl+p", *"docs-site")
        await seen(app, pilot, "session: docs-site Rewrite the install page")
        await pilot.press("enter")
        await seen(app, pilot, "b81d02ee")
        assert app.session is not None
        assert app.session.project == "docs-site"


@pytest.mark.parametrize("query", ["281", "#281", "goto 281", "goto: request 281", " request #281"])
async def test_a_number_leads_to_its_request(query: str) -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        hit, *_ = await found(app, query)
        assert hit.text == "goto: request 281"
        app.call_later(hit.command)
        await seen(app, pilot, "379,165")


async def test_a_number_means_the_thread_that_is_open() -> None:
    agent = sample.sample_session().subagents[0]
    async with running(sample.sample_snapshot()) as (app, pilot):
        app.open_request(agent.agent_id, 3)
        await seen(app, pilot, "› #3")
        assert not [hit for hit in await found(app, "15") if "goto" in (hit.text or "")]
        app.call_later((await found(app, "14"))[0].command)
        await seen(app, pilot, "Explore › #14")


@pytest.mark.parametrize("query", ["0", "284", "999999999", "28x", "-1"])
async def test_a_number_without_a_request_leads_nowhere(query: str) -> None:
    async with running(sample.sample_snapshot()) as (app, _):
        assert not [hit for hit in await found(app, query) if "goto" in (hit.text or "")]


async def test_views_units_and_themes() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await choose(app, pilot, "view: Requests")
        assert app.current_mode == "requests"
        for name, unit in (("tokens", "tokens"), ("share of spend", "share"), ("dollars", "usd")):
            await choose(app, pilot, f"unit: {name}")
            assert app.unit == unit
        for name in ("light", "ansi", "dark", "nord"):
            await choose(app, pilot, f"theme: {name}")
            assert app.theme == (name if name == "nord" else f"ccmon-{name}")


async def test_filters_and_sorts_on_the_requests_screen_from_anywhere() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        app.open_request("main", 281)
        await seen(app, pilot, "379,165")
        await choose(app, pilot, "filter: busts")
        rows = requests_screen(app).request_list.rows
        assert [request.n for request in rows.requests] == [205, 150, 44]
        await choose(app, pilot, "filter: prompts")
        assert all(request.starts_turn for request in rows.requests)
        await choose(app, pilot, "sort: cost")
        assert (rows.sort, rows.descending) == ("cost", True)
        await choose(app, pilot, "filter: clear")
        assert len(rows.requests) == 283


async def test_leaves_what_lies_upon_the_requests_screen() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await choose(app, pilot, "view: Requests")
        app.open_request("main", 281)
        await seen(app, pilot, "379,165")
        await choose(app, pilot, "filter: busts")
        assert requests_screen(app) is app.screen_stack[0]


async def test_exports_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample.sample_snapshot()) as (app, pilot):
        await choose(app, pilot, "export: csv")
        (written,) = tmp_path.glob("*.csv")
        assert len(written.read_text().splitlines()) == 284


async def test_copies_on_the_screens_that_have_a_request() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        assert not [text for text in await offered(app) if text.startswith("copy")]
        app.open_request("main", 281)
        await seen(app, pilot, "379,165")
        await choose(app, pilot, "copy: message id")
        assert app.clipboard == "msg_main0281"
        await choose(app, pilot, "copy: JSON")
        assert msgspec.json.decode(app.clipboard)["n"] == 281


async def test_help_begins_where_it_was_asked() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        await choose(app, pilot, "help: keys")
        assert isinstance(app.screen, HelpScreen)
        await seen(app, pilot, "│ Here ")
        await pilot.press("escape")
        await choose(app, pilot, "help: what re-read means")
        await seen(app, pilot, "re-read       Old context read again")


async def test_a_screenshot_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ccmon.svg").write_text("mine")
    async with running(sample.sample_snapshot()) as (app, pilot):
        await pilot.press("ctrl+p", *"screenshot")
        await seen(app, pilot, "SVG file")
        await pilot.press("enter")
        while not (tmp_path / "ccmon-2.svg").exists():
            await pilot.pause()
        await settled(app, pilot)
    assert (tmp_path / "ccmon.svg").read_text() == "mine"
    svg = (tmp_path / "ccmon-2.svg").read_text()
    assert "shop-api" in svg
    assert "SVG file" not in svg


async def test_a_screenshot_that_cannot_be_written_is_no_accident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(sample.sample_snapshot()) as (app, pilot):
        tmp_path.rmdir()
        await choose(app, pilot, "screenshot")
        assert app.is_running


async def test_titles_of_sessions_are_text() -> None:
    session = msgspec.structs.replace(sample.sample_session(), title=HOSTILE, project="[/b]")
    async with running(sample.snapshot_of(session)) as (app, pilot):
        (hit,) = await found(app, "session:")
        assert isinstance(hit.match_display, Content)
        assert hit.match_display.plain == "session: [/b] [bold red]x[/oops]gnp.exe  done 4c1f9a20"
        (discovered,) = [
            hit
            async for hit in provider(app).discover()
            if isinstance(hit, DiscoveryHit) and (hit.text or "").startswith("session")
        ]
        assert isinstance(discovered.display, Content)
        await pilot.press("ctrl+p", *"oops")
        await seen(app, pilot, "[bold red]x[/oops]gnp.exe")


async def test_what_was_typed_is_marked_in_the_entry() -> None:
    async with running(sample.sample_snapshot()) as (app, _):
        hit = next(hit for hit in await found(app, "billing") if "billing" in (hit.text or ""))
        assert isinstance(hit.match_display, Content)
        marked = {offset for span in hit.match_display.spans for offset in range(*span[:2])}
        assert marked == set(range(9, 16))


async def test_the_request_screen_stays_below_the_palette() -> None:
    async with running(sample.sample_snapshot()) as (app, pilot):
        app.open_request("main", 281)
        await seen(app, pilot, "379,165")
        await pilot.press("ctrl+p", *"unit: tok")
        await seen(app, pilot, "unit: tokens")
        await pilot.press("enter")
        await seen(app, pilot, "Where the tokens went")
        assert isinstance(app.screen, RequestScreen)
