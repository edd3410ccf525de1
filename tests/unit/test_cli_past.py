"""``ccmon history``, ``export`` and ``memory``: what they accept, refuse, print and end with."""

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs

from ccmon import cli
from ccmon.cli.arguments import COMMANDS, Parser
from ccmon.cli.past import Asked, add_span, asked_of
from ccmon.errors import CcmonError
from ccmon.past import History, Kept, Query
from tests.fake_archive import FakeArchive
from tests.sample_past import WORK, sample_history, sample_memory

Capture = pytest.CaptureFixture[str]

NOW = 1_795_536_000.0  # 2026-11-24 16:00 UTC


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> type[FakeArchive]:
    monkeypatch.setattr(FakeArchive, "made", [], raising=False)
    monkeypatch.setattr("ccmon.history.archive.Archive", FakeArchive)
    return FakeArchive


def asked(line: str) -> Asked:
    parser = Parser("ccmon history", "", "")
    add_span(parser)
    return asked_of(parser.read(line.split()), now=NOW)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("history --jsn", "unknown option: --jsn; did you mean --json?"),
        ("history --sinse 7d", "unknown option: --sinse; did you mean --since?"),
        ("export --fromat csv", "unknown option: --fromat; did you mean --format?"),
        ("memory --dais 3", "unknown option: --dais; did you mean --days?"),
        ("history --zzz", "unknown option: --zzz; see ccmon history --help"),
        ("--by month", "unknown option: --by; did you mean ccmon history --by month?"),
        ("--until=7d --once", "unknown option: --until; did you mean ccmon history --until=7d?"),
        ("--output a.csv", "unknown option: --output; did you mean ccmon export --output a.csv?"),
        ("--days 7", "unknown option: --days; did you mean ccmon memory --days 7?"),
        ("statusline --zzz", "unknown option: --zzz; see ccmon statusline --help"),
        ("history today", "unexpected argument: today; see ccmon history --help"),
        ("histroy", "unexpected argument: histroy; did you mean ccmon history?"),
        ("--once history", "unexpected argument: history; a command comes first: ccmon history"),
        (
            "history --by hour",
            "--by: no such value: hour; one of day, week, month, project, model, session",
        ),
        ("history --json --csv", "--json and --csv exclude each other; leave one of them out"),
        (
            "history --forget --since 7d",
            "--forget drops all that is no longer on disk and prints one line;"
            " ccmon history --forget",
        ),
        (
            "history --since yesterday",
            "--since: not a day: yesterday; write 2026-11-24, 7d or 24h",
        ),
        (
            "history --until 2026-02-30",
            "--until: not a day: 2026-02-30; write 2026-11-24, 7d or 24h",
        ),
        (
            "history --since 99999d",
            "--since: not a day: 99999d; write 2026-11-24, 7d or 24h",
        ),
        (
            "history --since 2026-11-24 --until 2026-11-23",
            "--since 2026-11-24 is after --until 2026-11-23; swap them",
        ),
        (
            "history --timezone Europe/Berln",
            "unknown time zone 'Europe/Berln'; did you mean Europe/Berlin?",
        ),
        ("history --since 0x", "--since: not a day: 0x; write 2026-11-24, 7d or 24h"),
        (
            "history --since 999999999h",
            "--since: not a day: 999999999h; write 2026-11-24, 7d or 24h",
        ),
        ("history --by model --top 0", "--top: not a number of lines: 0; write 10"),
        (
            "history --top 3",
            "--top has the dearest first, --by day has the oldest;"
            " ccmon history --by session --top 3",
        ),
        (
            "export --output rows.xlsx",
            "--output: no format is known by the ending .xlsx;"
            " end it in .jsonl, .csv or .parquet, or add --format",
        ),
        ("export --format xml", "--format: no such value: xml; one of jsonl, csv, parquet"),
        ("memory --days 0", "--days: not a number of days: 0; write 30"),
        ("memory --days 1w", "--days: not a number of days: 1w; write 30"),
        ("memory --project=", "--project: is empty; see ccmon memory --help"),
    ],
)
def test_wrong_use_is_one_line_with_a_hint_and_exit_2(
    arguments: str, line: str, archive: type[FakeArchive], capsys: Capture
) -> None:
    assert cli.main(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.err == f"ccmon: {line}\n"
    assert captured.out == ""
    assert archive.made == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: ccmon {command}")


def test_the_help_of_ccmon_names_every_command(capsys: Capture) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert [command for command in COMMANDS if f"ccmon {command}" not in text] == []


@pytest.mark.parametrize(
    ("line", "since"),
    [
        ("--since 2026-11-01", date(2026, 11, 1)),
        ("--since 7d", date(2026, 11, 17)),
        ("--since 0d", date(2026, 11, 24)),
        ("--since 24h", date(2026, 11, 23)),
        ("--since 16h", date(2026, 11, 24)),
        ("--since 961m", date(2026, 11, 23)),
        ("--since 24h --timezone Pacific/Auckland", date(2026, 11, 24)),
        # It is tomorrow there.
        ("--since 0d --timezone Pacific/Auckland", date(2026, 11, 25)),
        ("--since 7d --timezone Pacific/Auckland", date(2026, 11, 18)),
    ],
)
def test_a_day_is_written_out_or_counted_back_from_today_in_that_zone(
    line: str, since: date
) -> None:
    assert asked(line).since == since


def test_what_was_asked_for_reaches_the_archive(
    archive: type[FakeArchive], scratch_home: Path
) -> None:
    line = "history --by model --since 2026-11-01 --until 2026-11-02 --timezone UTC --project shop"
    assert cli.main(line.split()) == 0
    (made,) = archive.made
    assert made.asked == [Query("model", date(2026, 11, 1), date(2026, 11, 2), "UTC", "shop")]
    assert made.folder == scratch_home / ".cache" / "ccmon"
    assert made.steps == 2
    assert made.closed


def test_text_is_for_people_json_and_csv_for_machines(
    archive: type[FakeArchive], capsys: Capture
) -> None:
    assert cli.main(["history"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("day ")
    assert "total" in text
    assert cli.main(["history", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["totals"]["requests"] == archive.shown.totals.requests
    assert cli.main(["history", "--csv"]) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title.startswith("by,key,name,")
    assert len(rows) == len(archive.shown.groups)


def test_a_warning_is_told_once_on_every_way(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    warned = structs.replace(archive.shown, warning="The history is not kept: no space.")
    monkeypatch.setattr(archive, "shown", warned)
    for form in ([], ["--json"], ["--csv"]):
        assert cli.main(["history", *form]) == 0
        captured = capsys.readouterr()
        assert (captured.out + captured.err).count("not kept: no space") == 1
        assert bool(captured.err) is (form == ["--csv"])


def empty(*, kept: Kept) -> History:
    return structs.replace(sample_history("day", ()), kept=kept)


@pytest.mark.parametrize(
    ("kept", "arguments", "line"),
    [
        (Kept(), (), "no Claude Code transcripts in "),
        (Kept(files=3), (), "no request in the transcripts in "),
        (Kept(files=3), ("--since", "7d"), "no request in that span; widen --since and --until"),
        (Kept(unreadable_files=2), (), "2 paths cannot be read; look at their permissions"),
        (Kept(gone_files=1), (), "no request in the transcripts in "),
    ],
)
def test_nothing_to_tell_of_exits_3_and_says_why(
    kept: Kept,
    arguments: tuple[str, ...],
    line: str,
    archive: type[FakeArchive],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setattr(archive, "shown", empty(kept=kept))
    monkeypatch.setattr(archive, "rows", ())
    assert cli.main(["history", *arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"ccmon: {line}")
    assert cli.main(["history", "--json", *arguments]) == 3
    assert json.loads(capsys.readouterr().out)["totals"]["cost_usd"] is None
    assert cli.main(["export", *arguments]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"ccmon: {line}")


@pytest.mark.parametrize(
    ("dropped", "line"),
    [
        (Kept(), "Nothing to forget: all that was counted is still on disk."),
        (
            Kept(gone_files=1, gone_sessions=1, gone_requests=137),
            "Forgot 137 requests of 1 session, $6.45: 1 file no longer on disk.",
        ),
    ],
)
def test_forgetting_tells_what_was_dropped(
    dropped: Kept,
    line: str,
    archive: type[FakeArchive],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    here = [cell for cell in WORK if cell.session.on_disk]
    monkeypatch.setattr(archive, "dropped", dropped)
    monkeypatch.setattr(archive, "shown", sample_history("session"))
    monkeypatch.setattr(archive, "left", sample_history("session", here))
    assert cli.main(["history", "--forget"]) == 0
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize("command", ["history", "export", "memory"])
@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (CcmonError("no project zz", "known: shop", 3), 3, "ccmon: no project zz; known: shop\n"),
    ],
)
def test_a_failure_while_reading_ends_with_its_code_and_closes_the_archive(
    command: str,
    failure: BaseException,
    code: int,
    said: str,
    archive: type[FakeArchive],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.setattr(archive, "failure", failure)
    assert cli.main([command]) == code
    assert capsys.readouterr() == ("", said)
    assert [made.closed for made in archive.made] == [True]


@pytest.mark.parametrize("command", ["history", "export", "memory"])
def test_an_output_that_cannot_be_written_is_an_error_not_a_traceback(
    command: str,
    archive: type[FakeArchive],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert cli.main([command]) == 2
        monkeypatch.undo()
    assert "cannot write the output: No space left on device" in capsys.readouterr().err


def test_the_memory_is_studied_then_printed(archive: type[FakeArchive], capsys: Capture) -> None:
    assert cli.main(["memory", "--days", "7", "--project", "shop-api"]) == 0
    (made,) = archive.made
    assert (made.steps, made.studies) == (2, 2)
    assert made.asked == [(7, "shop-api")]
    assert capsys.readouterr().out.startswith("found out again")
    assert cli.main(["memory", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["candidates"][0]["belongs"] == "CLAUDE.md"
    assert document["candidates"][0]["net_session_saving_usd"] == pytest.approx(0.1068)


def test_a_memory_of_nothing_is_one_sentence(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(archive, "remembered", sample_memory(()))
    assert cli.main(["memory"]) == 0
    assert capsys.readouterr().out == (
        "Nothing came back in three sessions or more; looked at 28 sessions of 30 days.\n"
    )


def test_a_memory_without_any_transcript_exits_3(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(archive, "remembered", structs.replace(sample_memory(()), sessions=0))
    assert cli.main(["memory"]) == 3
    assert capsys.readouterr().err.startswith("ccmon: no Claude Code transcripts in ")


def test_the_dearest_alone_are_shown_and_the_total_is_of_all(
    archive: type[FakeArchive], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(archive, "shown", sample_history("session"))
    line = ["history", "--by", "session", "--top", "2"]
    assert cli.main(line) == 0
    text = capsys.readouterr().out
    assert [row.split()[0] for row in text.splitlines()[:4]] == [
        "session", "4c1f9a20", "1fa84b3c", "total"
    ]  # fmt: skip
    assert "the 2 dearest of 7 sessions; the total is of all" in text
    assert f"{archive.shown.totals.requests:,}" in text
    assert "without a time" not in text
    assert cli.main([*line, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (len(document["groups"]), document["groups_left_out"]) == (2, 5)
    assert document["totals"]["sessions"] == 7
    assert cli.main([*line, "--csv"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(("arguments", "kept"), [((), True), (("--demo",), False)])
def test_the_screens_look_back_when_asked_and_a_demo_leaves_no_index(
    arguments: tuple[str, ...],
    kept: bool,
    archive: type[FakeArchive],
    scratch_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Callable[[], FakeArchive]] = {}

    class FakeApp:
        return_code = 0

        def __init__(self, opening: object, **named: Callable[[], FakeArchive]) -> None:
            given.update(named)

        def run(self) -> None:
            assert archive.made == []
            given["past"]()

    monkeypatch.setattr("ccmon.tui.app.CcmonApp", FakeApp)
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert cli.main(arguments) == 0
    (made,) = archive.made
    assert made.folder == (scratch_home / ".cache" / "ccmon" if kept else None)
    assert not made.whole
