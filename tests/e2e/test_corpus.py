"""Every transcript of the corpus adds up to the totals that are known for it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ccmon.cli import main
from tests.homes import CORPUS
from tests.known import FOLDERS, Json, name_of, within

THROUGH_A_PROCESS = ("basic", "subagents", "surrogates_and_bytes")


@pytest.fixture(params=FOLDERS, ids=name_of)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def document_of(home: Path, capfdbinary: pytest.CaptureFixture[bytes], *more: str) -> Json:
    arguments = ["--once", "--all", "--json", "--requests", *more, "--config-dir", str(home)]
    assert main(arguments) == 0
    captured = capfdbinary.readouterr()
    assert captured.err == b""
    document: Json = json.loads(captured.out)
    return document


def test_the_totals_are_known(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    expected = json.loads((folder / "expected.json").read_bytes())
    accepted = expected.get("accepted_range", {})
    document = document_of(folder, capfdbinary)
    within(document["totals"], expected, accepted)

    sessions = {one["session_id"]: one for one in document["sessions"] if one["requests"]}
    assert sessions.keys() == expected["by_session"].keys()
    models = {one["model"]: one for one in document["by_model"]}
    assert models.keys() == expected["by_model"].keys()
    if len(sessions) == 1 or not accepted:
        for session_id, sums in expected["by_session"].items():
            within(sessions[session_id], sums, accepted)
    if len(models) == 1 or not accepted:
        for model, sums in expected["by_model"].items():
            within(models[model], sums, accepted)
    if not accepted:
        # An answer saved from a cut stream has a stop reason, and still no final output count.
        unsure = expected["output_is_lower_bound_requests"] + expected.get("salvaged_requests", 0)
        assert sum(one["output_lower_bound_requests"] for one in sessions.values()) == unsure


def test_the_sums_agree_with_each_other(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    document = document_of(folder, capfdbinary)
    totals = document["totals"]
    for parts in (document["by_model"], document["sessions"]):
        assert sum(part["requests"] for part in parts) == totals["requests"]
        for count, total in totals["usage"].items():
            assert sum(part["usage"][count] for part in parts) == total
    for session in document["sessions"]:
        listed = session["request_list"]
        assert len(listed) == session["requests"]
        assert len({(one["thread"], one["n"]) for one in listed}) == len(listed)
        if session["spend_split"] and session["cost_usd"] is not None:
            split = sum(session["spend_split"].values())
            assert split == pytest.approx(session["cost_usd"], abs=4e-6)
        assert len([agent["agent_id"] for agent in session["subagents"]]) == len(
            {one["thread"] for one in listed} - {"main"}
        )


def test_the_composition_adds_up_to_contexts_and_to_the_price_of_input(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    document = document_of(folder, capfdbinary, "--items")
    for session in document["sessions"]:
        composition = session["composition"] or []
        main_rows = [one for one in session["request_list"] if one["thread"] == "main"]
        context = session["context"]["tokens"] if session["context"] else 0
        assert sum(each["tokens"] for each in composition) == context
        contexts = sum(one["context"] for one in main_rows)
        assert sum(each["bill_tokens"] for each in composition) == contexts
        splits = [one["spend_split"] for one in main_rows if one["spend_split"]]
        paid = sum(sum(split.values()) - split["output_usd"] for split in splits)
        billed = sum(each["cost_usd"] or 0.0 for each in composition)
        # Every figure is rounded to six places.
        room = 5e-7 * (len(composition) + 3 * len(splits) + 1)
        assert billed == pytest.approx(paid, abs=room)


@pytest.mark.parametrize("name", THROUGH_A_PROCESS)
def test_a_process_prints_what_main_prints(
    name: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (folder,) = (folder for folder in FOLDERS if folder.name == name)
    arguments = ["--once", "--all", "--json", "--requests", "--config-dir", str(folder)]
    process = subprocess.run(
        [sys.executable, "-m", "ccmon", *arguments], capture_output=True, timeout=60, check=True
    )
    printed, expected = json.loads(process.stdout), document_of(folder, capfdbinary)
    del printed["generated_at"], expected["generated_at"]
    assert printed == expected


def test_a_line_of_three_megabytes_hides_no_request(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    shutil.copytree(CORPUS / "synthetic" / "no_final_newline", tmp_path, dirs_exist_ok=True)
    (transcript,) = tmp_path.glob("projects/*/*.jsonl")
    first, *rest = transcript.read_bytes().splitlines(keepends=True)
    content = "some words of a large tool result\n" * 100_000
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    line = {"type": "user", "message": {"role": "user", "content": [result]}}
    transcript.write_bytes(b"".join([first, json.dumps(line).encode() + b"\n", *rest]))
    expected = json.loads((tmp_path / "expected.json").read_bytes())
    within(document_of(tmp_path, capfdbinary)["totals"], expected, {})


def test_the_corpus_is_whole() -> None:
    assert len(FOLDERS) == 64
