"""The folder of status-line reports: who may be written, who is read, when it is read again."""

import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from ccmon.errors import CcmonError
from ccmon.reported import KEPT_SECONDS, Reports, keep, reports_folder
from ccmon.snapshot import Limit, Reported
from tests.homes import FIRST, NOW, SECOND

REPORT = Reported(NOW, 1_000_000, "1h", NOW + 3_600.0, 22.281, (Limit("5h", 0.42, NOW + 60.0),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "ccmon" / "statusline"


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_kept_is_read_back(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    assert Reports(folder).of(FIRST) == REPORT
    assert Reports(folder).of(SECOND) is None
    assert Reports(None).of(FIRST) is None


def test_a_report_that_lacks_a_value_leaves_the_one_before(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    for later in (NOW + 9.0, NOW + 18.0):
        keep(folder, FIRST, Reported(later))
        assert Reports(folder).of(FIRST) == replace(REPORT, at=later, cache_at=NOW)


def test_what_a_report_tells_replaces_what_was_told(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    keep(folder, FIRST, Reported(NOW + 9.0))
    week = Limit("7d", 0.18, None)
    keep(folder, FIRST, Reported(NOW + 18.0, 200_000, "5m", NOW + 318.0, 0.0, (week,)))
    limits = (*REPORT.limits, week)
    assert Reports(folder).of(FIRST) == Reported(
        NOW + 18.0, 200_000, "5m", NOW + 318.0, 0.0, limits
    )


def test_a_report_over_one_that_cannot_be_read_stands_alone(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    (folder / f"{FIRST}.json").write_bytes(b"{")
    keep(folder, FIRST, Reported(NOW, cost=1.0))
    assert Reports(folder).of(FIRST) == Reported(NOW, cost=1.0)


def test_only_the_user_can_look_at_it(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    assert permissions(folder) == permissions(folder.parent) == 0o700
    assert permissions(folder / f"{FIRST}.json") == 0o600
    assert [path.name for path in folder.iterdir()] == [f"{FIRST}.json"]


@pytest.mark.parametrize(
    "session_id", ["", "..", "../x", "a/b", "a\0b", ".x", "-x", "x\n", "x.json", "ä", "x" * 129]
)
def test_no_other_name_than_a_plain_one_becomes_a_file(folder: Path, session_id: str) -> None:
    with pytest.raises(CcmonError, match="not a plain one"):
        keep(folder, session_id, REPORT)
    assert not folder.exists()
    assert Reports(folder).of(session_id) is None


def test_nothing_is_written_into_a_config_home_even_through_a_link(tmp_path: Path) -> None:
    home = tmp_path / ".claude"
    home.mkdir()
    (tmp_path / "cache").symlink_to(home)
    for folder in (home / "statusline", tmp_path / "cache" / "statusline"):
        with pytest.raises(CcmonError, match="Claude config folder"):
            keep(folder, FIRST, REPORT, forbidden=[str(home)])
    assert list(home.iterdir()) == []


def test_a_place_that_cannot_be_written_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CcmonError, match=r"cannot keep the report in .*: "):
        keep(tmp_path / "file" / "statusline", FIRST, REPORT)


def test_reports_not_renewed_for_a_month_go_when_a_new_session_comes(folder: Path) -> None:
    keep(folder, FIRST, REPORT)
    keep(folder, SECOND, REPORT)
    (folder / "notes.txt").touch()
    for name, at in ((FIRST, NOW - KEPT_SECONDS - 1), (SECOND, NOW - KEPT_SECONDS + 1)):
        os.utime(folder / f"{name}.json", (at, at))
    os.utime(folder / "notes.txt", (0.0, 0.0))
    keep(folder, "third", REPORT)
    assert {path.name for path in folder.iterdir()} == {f"{SECOND}.json", "third.json", "notes.txt"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"at": "x"}', b"\xff", b" " * 100_000])
def test_a_file_that_is_no_report_counts_as_none(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / f"{FIRST}.json").write_bytes(content)
    assert Reports(folder).of(FIRST) is None


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    keep(folder, SECOND, REPORT)
    (folder / f"{FIRST}.json").symlink_to(folder / f"{SECOND}.json")
    assert Reports(folder).of(FIRST) is None


def test_a_refresh_sees_new_changed_and_deleted_reports(folder: Path) -> None:
    reports = Reports(folder)
    assert reports.of(FIRST) is None
    assert not reports.refresh()
    keep(folder, FIRST, REPORT)
    assert reports.refresh()
    assert reports.of(FIRST) == REPORT
    assert not reports.refresh()
    later = replace(REPORT, at=NOW + 9.0, cost=23.0)
    keep(folder, FIRST, later)
    assert reports.refresh()
    assert reports.of(FIRST) == later
    (folder / f"{FIRST}.json").unlink()
    assert reports.refresh()
    assert reports.of(FIRST) is None


def test_a_report_of_a_session_nobody_asked_for_is_no_news(folder: Path) -> None:
    reports = Reports(folder)
    reports.of(FIRST)
    keep(folder, SECOND, REPORT)
    assert not reports.refresh()


def test_the_folder_is_the_users_cache_unless_the_environment_names_another(
    scratch_home: Path,
) -> None:
    assert reports_folder({"CCMON_CACHE": "/x/y"}) == Path("/x/y/statusline")
    assert reports_folder({}).is_relative_to(scratch_home)
