"""``ccmon export``: where the rows go, in which form, and what is never written over."""

import stat
import sys
from pathlib import Path

import pytest

from ccmon import cli
from tests.fake_archive import FakeArchive

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> type[FakeArchive]:
    monkeypatch.setattr(FakeArchive, "made", [], raising=False)
    monkeypatch.setattr("ccmon.history.archive.Archive", FakeArchive)
    return FakeArchive


@pytest.mark.parametrize(
    ("arguments", "first"),
    [((), "{"), (("--format", "csv"), "message_id,"), (("--format", "jsonl"), "{")],
)
def test_an_export_goes_to_stdout(
    arguments: tuple[str, ...], first: str, archive: type[FakeArchive], capsys: Capture
) -> None:
    assert cli.main(["export", *arguments]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(first)
    assert len(printed.splitlines()) == len(archive.rows) + (first != "{")


@pytest.mark.parametrize(
    ("name", "arguments", "first"),
    [
        ("a.csv", (), "message_id,"),
        ("A.CSV", (), "message_id,"),
        ("a", (), "{"),
        ("a.out", ("--format", "csv"), "message_id,"),
        ("a.csv", ("--format", "jsonl"), "{"),
    ],
)
def test_the_form_is_the_one_named_else_that_of_the_file(
    name: str, arguments: tuple[str, ...], first: str, archive: type[FakeArchive], tmp_path: Path,
    capsys: Capture,
) -> None:  # fmt: skip
    file = tmp_path / name
    assert cli.main(["export", "--output", str(file), *arguments]) == 0
    assert file.read_text().startswith(first)
    assert capsys.readouterr() == ("", "")


def test_a_file_that_is_written_anew_keeps_who_may_read_it(
    archive: type[FakeArchive], tmp_path: Path
) -> None:
    file = tmp_path / "a.csv"
    file.touch(mode=0o600)
    assert cli.main(["export", "--output", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("message_id,")


@pytest.mark.parametrize("place", [".claude/x.csv", "other/../.claude/x", "link/x", "link/y/z"])
def test_an_export_into_a_config_folder_is_refused_before_anything_is_read(
    place: str, archive: type[FakeArchive], scratch_home: Path, capsys: Capture
) -> None:
    (scratch_home / "other").mkdir()
    (scratch_home / "link").symlink_to(scratch_home / ".claude")
    assert cli.main(["export", "--output", str(scratch_home / place)]) == 2
    assert "is in a Claude config folder" in capsys.readouterr().err
    assert [made.steps for made in archive.made] == [0]
    assert list((scratch_home / ".claude").iterdir()) == []


@pytest.mark.parametrize(
    "place", ["history.sqlite", "history.sqlite-wal", "statusline/x.json", "link", "config.toml"]
)
def test_an_export_over_a_file_of_ccmon_itself_is_refused(
    place: str, archive: type[FakeArchive], scratch_home: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: Capture,
) -> None:  # fmt: skip
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "link").symlink_to(cache / "history.sqlite")
    (cache / "config.toml").touch()
    monkeypatch.setenv("CCMON_CACHE", str(cache))
    monkeypatch.setenv("CCMON_CONFIG", str(cache / "config.toml"))
    for command in (["export", "--format", "csv", "--output"], ["--once", "--debug"]):
        assert cli.main([*command, str(cache / place)]) == 2
        assert "is a file of ccmon itself; name another file" in capsys.readouterr().err
    assert sorted(file.name for file in cache.iterdir()) == ["config.toml", "link"]
    assert cli.main(["export", "--output", str(cache / "rows.csv")]) == 0


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_stdout_can_be_named(
    name: str, archive: type[FakeArchive], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main(["export", "--output", name, "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("message_id,")
    assert list(tmp_path.iterdir()) == []


def test_parquet_is_not_for_a_terminal(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.main(["export", "--format", "parquet"]) == 2
    assert "does not suit a terminal; add --output FILE" in capsys.readouterr().err
    assert archive.made == []


def test_parquet_without_pyarrow_says_how_to_get_it_before_anything_is_read(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert cli.main(["export", "--output", str(tmp_path / "a.parquet")]) == 2
    assert capsys.readouterr().err == (
        "ccmon: --format parquet needs pyarrow; pip install 'ccmon-tui[parquet]',"
        " in a checkout pip install '.[parquet]'\n"
    )
    assert archive.made == []
