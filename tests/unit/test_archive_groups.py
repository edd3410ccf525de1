"""What the history is grouped by: days of a zone, weeks, months, projects, models, sessions."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ccmon.errors import CcmonError
from ccmon.past import By, Query
from tests.archives import archive_of, at, caught_up, counted
from tests.homes import FIRST, SECOND, ConfigHome
from tests.lines import Record, assistant, line, usage

TIMES: tuple[By, ...] = ("day", "week", "month")


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "home")


class TestGroups:
    def days(
        self, home: ConfigHome, stamps: list[str], timezone: str | None, by: By = "day"
    ) -> dict[str, int]:
        home.write(*(at(stamp, f"m{number}") for number, stamp in enumerate(stamps)))
        archive = caught_up(archive_of(home.path))
        return counted(archive.history(Query(by=by, timezone=timezone)))

    def test_days_begin_at_midnight_of_the_zone(self, home: ConfigHome) -> None:
        stamps = ["2026-11-20T22:59:59Z", "2026-11-20T23:00:00Z", "2026-11-21T22:59:59Z"]
        assert self.days(home, stamps, "Europe/Berlin") == {"2026-11-20": 1, "2026-11-21": 2}

    def test_zones_of_a_quarter_hour_are_exact(self, home: ConfigHome) -> None:
        stamps = ["2026-11-20T18:14:59Z", "2026-11-20T18:15:00Z"]
        assert self.days(home, stamps, "Asia/Kathmandu") == {"2026-11-20": 1, "2026-11-21": 1}

    def test_the_day_of_the_change_to_winter_time_has_25_hours(self, home: ConfigHome) -> None:
        stamps = [
            "2026-10-24T21:59:59Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T22:59:59Z",
            "2026-10-25T23:00:00Z",
        ]
        found = self.days(home, stamps, "Europe/Berlin")
        assert found == {"2026-10-24": 1, "2026-10-25": 2, "2026-10-26": 1}

    def test_the_day_of_the_change_to_summer_time_has_23_hours(self, home: ConfigHome) -> None:
        stamps = ["2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"]
        assert self.days(home, stamps, "Europe/Berlin") == {"2026-03-29": 2, "2026-03-30": 1}

    def test_weeks_are_those_of_the_calendar_and_begin_on_monday(self, home: ConfigHome) -> None:
        stamps = ["2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z", "2027-01-03T12:00:00Z"]
        found = self.days(home, stamps, "UTC", "week")
        assert found == {"2026-W47": 1, "2026-W48": 1, "2026-W53": 1}

    def test_months_are_cut_by_the_zone_as_well(self, home: ConfigHome) -> None:
        stamps = ["2026-10-31T14:59:59Z", "2026-10-31T15:00:00Z"]
        assert self.days(home, stamps, "Asia/Tokyo", "month") == {"2026-10": 1, "2026-11": 1}

    def test_the_machine_has_a_zone_with_a_name(
        self, home: ConfigHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "America/New_York")
        home.write(at("2026-11-20T04:59:59Z", "m1"))
        history = caught_up(archive_of(home.path)).history(Query())
        assert (history.timezone, counted(history)) == ("America/New_York", {"2026-11-19": 1})

    def test_a_zone_without_a_name_in_the_database_is_that_of_the_system(
        self, home: ConfigHome, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", "XYZ-3")
        time.tzset()
        home.write(at("2026-11-20T20:59:59Z", "m1"), at("2026-11-20T21:00:00Z", "m2"))
        archive = caught_up(archive_of(home.path))
        history = archive.history(Query())
        assert history.timezone == "XYZ"
        assert counted(history) == {"2026-11-20": 1, "2026-11-21": 1}
        cut = archive.history(Query(since=date(2026, 11, 21)))
        assert counted(cut) == {"2026-11-21": 1}

    @pytest.mark.parametrize("setting", ["Mars/Foo", ":Nowhere", "", "UTC"])
    def test_a_setting_that_means_nothing_is_utc_and_says_so(
        self, home: ConfigHome, monkeypatch: pytest.MonkeyPatch, setting: str
    ) -> None:
        monkeypatch.setenv("TZ", setting)
        time.tzset()
        home.write(at("2026-11-20T23:59:59Z", "m1"), at("2026-11-21T00:00:00Z", "m2"))
        history = caught_up(archive_of(home.path)).history(Query())
        assert history.timezone == "UTC"
        assert counted(history) == {"2026-11-20": 1, "2026-11-21": 1}

    def test_both_days_of_a_span_are_in_it(self, home: ConfigHome) -> None:
        stamps = ["2026-11-19T22:59:59Z", "2026-11-19T23:00:00Z", "2026-11-21T22:59:59Z",
                  "2026-11-21T23:00:00Z"]  # fmt: skip
        home.write(*(at(stamp, f"m{number}") for number, stamp in enumerate(stamps)))
        archive = caught_up(archive_of(home.path))
        query = Query(since=date(2026, 11, 20), until=date(2026, 11, 21), timezone="Europe/Berlin")
        assert counted(archive.history(query)) == {"2026-11-20": 1, "2026-11-21": 1}
        assert [one.message_id for one in archive.requests(query)] == ["m1", "m2"]

    @pytest.mark.parametrize("by", TIMES)
    def test_what_has_no_time_is_in_no_day(self, home: ConfigHome, by: By) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"), at("never", "m2"))
        archive = caught_up(archive_of(home.path))
        whole = archive.history(Query(by=by, timezone="UTC"))
        assert whole.totals.requests == 2
        assert whole.groups[0].key == ""
        cut = archive.history(Query(by=by, since=date(2026, 1, 1), timezone="UTC"))
        assert (cut.totals.requests, "" in counted(cut)) == (1, False)
        assert [one.message_id for one in archive.requests(Query())] == ["m1", "m2"]

    def test_the_ends_of_the_calendar_are_days_like_any(self, home: ConfigHome) -> None:
        home.write(at("0001-01-01T00:00:00Z", "m1"), at("9999-12-31T23:59:59Z", "m2"))
        archive = caught_up(archive_of(home.path))
        for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
            query = Query(since=date.min, until=date.max, timezone=zone)
            assert archive.history(query).totals.requests <= 2
            assert archive.history(Query(timezone=zone)).totals.requests == 2

    def test_worktrees_belong_to_their_project(self, home: ConfigHome) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        tree = "/home/dev/shop/.claude/worktrees/fix"
        home.write(at("2026-11-20T09:00:00Z", "m2", SECOND, cwd=tree), session=SECOND, project="-x")
        archive = caught_up(archive_of(home.path))
        assert counted(archive.history(Query(by="project"))) == {"shop": 2}

    def test_a_project_is_found_whatever_its_case(self, home: ConfigHome) -> None:
        home.write(at("2026-11-20T09:00:00Z", "m1"))
        home.write(at("2026-11-20T09:00:00Z", "m2", SECOND, cwd="/home/dev/docs"), session=SECOND)
        archive = caught_up(archive_of(home.path))
        assert archive.history(Query(project="SHOP")).totals.requests == 1
        assert [one.project for one in archive.requests(Query(project="Docs"))] == ["docs"]
        for ask in (archive.history, archive.requests):
            with pytest.raises(CcmonError, match="no project 'nope'") as caught:
                ask(Query(project="nope"))
            assert (caught.value.exit_code, caught.value.hint) == (3, "known are: docs, shop")

    def test_a_zone_that_does_not_exist_is_refused(self, home: ConfigHome) -> None:
        archive = archive_of(home.path)
        with pytest.raises(CcmonError, match="unknown time zone 'Europe/Berlim'") as caught:
            archive.history(Query(timezone="Europe/Berlim"))
        assert (caught.value.exit_code, caught.value.hint) == (2, "did you mean Europe/Berlin?")

    @pytest.mark.parametrize(
        "name", ["", "Europe", "../../etc/passwd", "\0", "\ud800", "tzdata.zi"]
    )
    def test_what_is_no_name_of_a_zone_is_refused(self, home: ConfigHome, name: str) -> None:
        with pytest.raises(CcmonError, match="unknown time zone"):
            archive_of(home.path).history(Query(timezone=name))

    def test_a_session_tells_its_title_models_and_agents(self, home: ConfigHome) -> None:
        title = line({"type": "custom-title", "customTitle": "Fix it", "sessionId": FIRST}) + b"\n"
        home.write(at("2026-11-20T09:00:00Z", "m1"), title)
        agent = home.transcript().with_suffix("") / "subagents" / "agent-a1.jsonl"
        agent.parent.mkdir(parents=True)
        message: Record = {"id": "m2", "model": "claude-haiku-4-5", "usage": usage()}
        agent.write_bytes(line(assistant(message=message, agentId="a1", isSidechain=True)) + b"\n")
        (group,) = caught_up(archive_of(home.path)).history(Query(by="session")).groups
        assert (group.name, group.project, group.subagents) == ("Fix it", "shop", 1)
        assert sorted(group.models) == ["claude-haiku-4-5", "claude-opus-5-5"]
        assert group.first_at == datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()

    def test_the_dearest_comes_first_and_what_has_no_price_last(self, home: ConfigHome) -> None:
        for number, (model, output) in enumerate(
            [("acme-9", 10), ("claude-opus-5-5", 10), ("claude-haiku-4-5", 900_000)]
        ):
            message: Record = {
                "id": f"m{number}",
                "model": model,
                "usage": usage(output_tokens=output),
            }
            home.write(line(assistant(message=message)) + b"\n")
        history = caught_up(archive_of(home.path)).history(Query(by="model"))
        keys = [group.key for group in history.groups]
        assert keys == ["claude-haiku-4-5", "claude-opus-5-5", "acme-9"]
        unknown = history.groups[-1].sums
        assert (unknown.cost, unknown.unpriced, unknown.cost_is_lower_bound) == (None, 1, True)
