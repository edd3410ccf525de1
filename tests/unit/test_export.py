"""Rows for databases: the same columns in every format, whole files, nothing that runs."""

import csv
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from ccmon.errors import CcmonError
from ccmon.past import PastRequest
from ccmon.report.export import COLUMNS, Form, export, row_of
from tests.golden.kept import HOSTILE
from tests.sample_past import sample_requests

Row = dict[str, Any]

README = Path(__file__).parents[2] / "README.md"


def request(**changes: object) -> PastRequest:
    return structs.replace(sample_requests()[0], **changes)


def as_json(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def as_csv(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def written(form: Form, tmp_path: Path, *requests: PastRequest) -> Path:
    file = tmp_path / f"out.{form}"
    assert export(requests, form, file) == len(requests)
    return file


def test_a_row_has_the_columns_in_their_order() -> None:
    for each in sample_requests():
        assert list(row_of(each)) == list(COLUMNS)


def test_json_lines_hold_what_the_requests_hold(tmp_path: Path) -> None:
    requests = sample_requests()
    rows = as_json(written("jsonl", tmp_path, *requests))
    assert rows == [row_of(each) for each in requests]
    first = rows[0]
    assert first["at"] == "2026-10-19T10:30:00.000Z"
    assert first["cache_creation_1h_input_tokens"] == 214_800
    assert first["cost_usd"] == pytest.approx(
        sum(first[f"{part}_usd"] for part in ("carry", "rewrite", "fresh", "output")), abs=4e-6
    )


def test_csv_says_the_same_as_json(tmp_path: Path) -> None:
    requests = sample_requests()
    rows = as_csv(written("csv", tmp_path, *requests))
    for found, expected in zip(rows, map(row_of, requests), strict=True):
        for name, value in expected.items():
            if value is None:
                assert found[name] == ""
            elif isinstance(value, bool):
                assert found[name] == str(value).lower()
            else:
                assert found[name] == str(value)


def test_csv_is_as_the_standard_has_it(tmp_path: Path) -> None:
    data = written("csv", tmp_path, request(project='a, "b"\nc')).read_bytes()
    title, row, end = data.split(b"\r\n")
    assert title.decode().split(",") == list(COLUMNS)
    assert b',"a, ""b"" c",' in row
    assert end == b""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\x07=1"])
def test_csv_cells_are_no_formulas(text: str, tmp_path: Path) -> None:
    (row,) = as_csv(written("csv", tmp_path, request(project=text, cwd=f"/{text}", avoidable=-1.5)))
    assert row["project"].startswith("'")
    assert row["cwd"].startswith("/")
    assert row["avoidable_usd"] == "-1.5"


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_hostile_text_reaches_no_terminal(form: Form, tmp_path: Path) -> None:
    hostile = request(project=HOSTILE, cwd=HOSTILE, model=HOSTILE, message_id=HOSTILE)
    text = written(form, tmp_path, hostile).read_bytes().decode()
    assert all(character.isprintable() for character in text.replace("\r\n", "").rstrip("\n"))


def test_a_time_that_no_calendar_has_is_null() -> None:
    assert row_of(request(at=1e18))["at"] is None
    assert row_of(request(at=1_795_536_000.1234))["at"] == "2026-11-24T16:00:00.123Z"


def test_a_file_takes_the_place_of_the_one_before_through_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("before")
    link.symlink_to(real)
    export([request()], "jsonl", link)
    assert link.is_symlink()
    assert len(as_json(real)) == 1
    assert sorted(tmp_path.iterdir()) == [link, real]


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), CcmonError("gone"), ValueError("odd")])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_broken_run_leaves_what_was_there_and_nothing_else(
    form: Form, failure: BaseException, tmp_path: Path
) -> None:
    file = tmp_path / "rows"
    file.write_text("before")

    def breaking() -> Iterator[PastRequest]:
        yield request()
        raise failure

    with pytest.raises(type(failure)):
        export(breaking(), form, file)
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("", "is no file"),
        ("no/such/folder", "No such file or directory"),
        ("pipe", "is no file"),
        ("open", "is no file"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(name: str, complaint: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading, writing = os.pipe()
    (tmp_path / "open").symlink_to(f"/dev/fd/{writing}")
    with pytest.raises(CcmonError, match=complaint):
        export([request()], "jsonl", tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    os.close(reading)
    os.close(writing)


def test_rows_are_written_as_they_come(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with os.fdopen(writing, "w") as out, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        seen: list[int] = []

        def growing() -> Iterator[PastRequest]:
            for _ in range(60):
                yield request()
                with open(reading, "rb", closefd=False) as so_far:
                    seen.append(len(so_far.read() or b""))

        assert export(growing(), "jsonl") == 60
    os.close(reading)
    assert sum(seen) > 8_192


def test_parquet_holds_the_same_rows_with_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    requests = [*sample_requests(), request(project="\ud800漢", at=None, cost=None, split=None)]
    table = parquet.read_table(written("parquet", tmp_path, *requests))
    kinds = {"text": "string", "count": "int64", "truth": "bool", "usd": "double",
             "time": "timestamp[ms, tz=UTC]"}  # fmt: skip
    assert {field.name: str(field.type) for field in table.schema} == {
        name: kinds[kind] for name, kind in COLUMNS.items()
    }
    for found, expected in zip(table.to_pylist(), map(row_of, requests), strict=True):
        moment = found.pop("at")
        text = expected.pop("at")
        assert moment == (datetime.fromisoformat(text) if isinstance(text, str) else None)
        assert found == expected
    assert table.column("at")[0].as_py() == datetime(2026, 10, 19, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_where_there_is_nothing_to_write_what_was_there_stays(form: Form, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{form}"
    assert export([], form, file) == 0
    assert not file.exists()
    file.write_text("before")
    assert export([], form, file) == 0
    assert file.read_text() == "before"


def test_the_readme_explains_every_column_and_no_other() -> None:
    shown = README.read_text().partition("<!-- columns -->\n")[2].partition("<!-- /columns -->")[0]
    lines = shown.strip().splitlines()[2:]
    named = [name for line in lines for name in line.split("|")[1].replace("`", "").split(", ")]
    assert [name.strip() for name in named] == list(COLUMNS)
