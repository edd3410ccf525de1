"""What the scan keeps of a transcript, and how it reads on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from ccmon.history import chain as chain_module
from ccmon.history import reading, scan
from ccmon.history.scan import begin, read_on
from ccmon.history.seen import Seen
from ccmon.transcripts.decode import Decoded, decode
from ccmon.transcripts.locate import Transcript
from tests.engines import scanned
from tests.lines import SESSION, Record, assistant, call, line, record, result, usage, user

OTHER = "bbbbbbbb-2222-4222-8222-222222222222"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"{SESSION}.jsonl"


def transcript(path: Path, session: str | None = SESSION, agent: str | None = None) -> Transcript:
    return Transcript(str(path), str(path.parent), "-home-dev-shop", session, agent, 0, 0.0)


def written(path: Path, records: Iterable[Record]) -> Transcript:
    path.write_bytes(b"".join(line(value) + b"\n" for value in records))
    return transcript(path)


def response(message_id: str, *, used: Record | None = None, **fields: object) -> Record:
    message: Record = {"id": message_id, "usage": used or usage()}
    return assistant(message=message, **{"uuid": f"u-{message_id}", **fields})


def chain(*records: Record) -> list[Record]:
    """Records that follow one another, each the child of the one before."""
    before, linked = None, []
    for number, value in enumerate(records):
        linked.append({**value, "uuid": f"link-{number}", "parentUuid": before})
        before = f"link-{number}"
    return linked


def test_the_line_with_the_largest_output_speaks_for_a_response(path: Path) -> None:
    lines = [
        response("m1", used=usage(output_tokens=5, cache_read_input_tokens=100)),
        response("m1", used=usage(output_tokens=90, cache_read_input_tokens=100)),
        response("m1", used=usage(output_tokens=7, cache_read_input_tokens=100)),
    ]
    (seen,) = scanned(written(path, lines)).responses
    assert seen.usage is not None
    assert seen.usage.tokens.output == 90


def test_of_lines_with_as_much_output_the_later_one_speaks(path: Path) -> None:
    lines = [response("m1", used=usage(input_tokens=number)) for number in (5, 7)]
    (seen,) = scanned(written(path, [user("Fix it"), *lines])).responses
    assert seen.usage is not None
    assert seen.usage.tokens.input == 7


def test_a_first_time_is_looked_for_until_a_line_has_one(path: Path) -> None:
    lines = [user("Fix it", timestamp=None), response("m1", timestamp=None), user([result()])]
    assert scanned(written(path, lines)).first_stamp == 1_795_165_200.0


def test_what_cannot_matter_is_not_decoded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [user("Fix it"), response("m1"), user([result("x" * 9_000)]), response("m2")]
    decoded: list[bytes] = []

    def watched(data: bytes) -> Decoded:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr(reading, "decode", watched)
    seen = scanned(written(path, lines))
    assert [item.message_id for item in seen.responses] == ["m1", "m2"]
    assert decoded == [line(lines[0])]


@pytest.mark.parametrize("text", ["x", "U", "Uuid", '{"parentUuid":'])
def test_a_record_glued_to_another_one_is_found(path: Path, text: str) -> None:
    whole = line(user("Fix it")) + b"\n"
    cut = line(user([result(text * 500)]))[:400]
    path.write_bytes(whole + cut + line(response("m1")) + b"\n")
    seen = scanned(transcript(path))
    assert [item.message_id for item in seen.responses] == ["m1"]
    assert seen.malformed == 1


def test_the_session_of_an_old_agent_file_is_the_one_its_lines_name(tmp_path: Path) -> None:
    path = tmp_path / "agent-a1.jsonl"
    written(path, [user("Look", sessionId=OTHER), response("m1", sessionId=OTHER)])
    seen = scanned(transcript(path, None, "a1"))
    assert seen.session_id == OTHER
    assert [(item.agent, item.guess) for item in seen.responses] == [("a1", None)]


def test_the_lines_tell_who_paid_and_whose_they_call_themselves(path: Path) -> None:
    lines = [
        response("m1", requestSessionId=OTHER),
        response("m2", sessionId=OTHER),
        response("m3", forkedFrom={"sessionId": OTHER}),
        response("m4", requestSessionId=SESSION),
    ]
    seen = scanned(written(path, lines))
    assert [item.claim for item in seen.responses] == [OTHER, None, OTHER, None]
    assert [item.guess for item in seen.responses] == [None, OTHER, None, None]


def test_the_first_prompt_is_not_looked_for_in_results(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []

    def watched(data: bytes) -> Decoded:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr(reading, "decode", watched)
    quoted = 'said "content":[{"type":"tool_result"}]'
    lines: list[Record] = [
        user("<local-command-caveat>asked nothing", isMeta=True),
        user([result("{}")]),
        user([{"tool_use_id": "t", "type": "tool_result", "content": [{"type": "text"}]}]),
        user([{"type": "text", "text": quoted}], toolUseResult={"type": "tool_result"}),
        user("And the till"),
    ]
    assert scanned(written(path, lines)).first_prompt == quoted
    assert decoded == [line(value) for value in (lines[0], lines[3])]


def test_titles_folder_times_and_first_prompt_are_kept(path: Path) -> None:
    lines: list[Record] = [
        {"type": "ai-title", "aiTitle": "First"},
        user("Fix the basket"),
        response("m1", timestamp="2026-11-20T09:05:00.000Z"),
        user("And the till"),
        {"type": "ai-title", "aiTitle": "Second"},
    ]
    seen = scanned(written(path, lines))
    assert seen.titles == {"ai-title": "Second"}
    assert seen.first_prompt == "Fix the basket"
    assert seen.cwd == "/home/dev/shop"
    assert seen.first_stamp is not None
    assert seen.last_stamp == seen.first_stamp + 300


def test_a_compaction_opens_the_next_response_only(path: Path) -> None:
    boundary = record("system", subtype="compact_boundary", compactMetadata={"trigger": "auto"})
    lines = [response("m1"), boundary, response("m2"), response("m3")]
    seen = scanned(written(path, lines))
    assert [item.opens for item in seen.responses] == [False, True, False]


def test_the_notice_of_a_broken_stream_marks_the_response_before(path: Path) -> None:
    notice = "Your response above was cut off mid-stream. Go on."
    lines = [user("Fix it"), response("m1"), user(notice, isMeta=True), response("m2")]
    seen = scanned(written(path, lines))
    assert [item.cut for item in seen.responses] == [True, False]


def test_where_a_loss_may_be_a_rewind_the_chain_is_looked_up(path: Path) -> None:
    large = usage(cache_read_input_tokens=50_000)
    rows = chain(user("Fix it"), response("m1", used=large), user("On"), response("m2", used=large))
    back = [
        user("Rather", uuid="back", parentUuid="link-1"),
        response("m3", used=usage(cache_read_input_tokens=20_000), parentUuid="back"),
    ]
    seen = scanned(written(path, [*rows, *back]))
    assert [item.parent_id for item in seen.responses] == [None, None, "m1"]


def test_a_chain_is_followed_over_lines_longer_than_a_block(path: Path) -> None:
    large = usage(cache_read_input_tokens=50_000)
    lines = chain(
        user("Fix it"),
        response("m1", used=large),
        user([result("x" * 200_000)]),
        record("attachment", attachment={"type": "hook_success", "content": "y" * 150_000}),
        response("m2", used=usage()),
    )
    seen = scanned(written(path, lines))
    assert [item.parent_id for item in seen.responses] == [None, "m1"]


@pytest.mark.parametrize("block", range(40, 60))
def test_a_uuid_across_two_blocks_is_found(
    path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(chain_module, "BLOCK", block)
    large = usage(cache_read_input_tokens=50_000)
    rows = chain(user("Fix it"), response("m1", used=large), user("On"), response("m2"))
    assert [item.parent_id for item in scanned(written(path, rows)).responses] == [None, "m1"]


def test_a_response_that_reads_less_in_a_late_line_is_looked_up_after_all(path: Path) -> None:
    large = usage(cache_read_input_tokens=50_000)
    late = usage(cache_read_input_tokens=20_000, output_tokens=300)
    rows = chain(user("Fix it"), response("m1", used=large), user("On"), response("m2", used=large))
    back = response("m3", used=large, parentUuid="link-1")
    seen = scanned(
        written(path, [*rows, back, response("m4", used=large), {**back, **late_of(late)}])
    )
    assert [item.parent_id for item in seen.responses][2] == "m1"


def late_of(used: Record) -> Record:
    """The message of a further line of ``m3``."""
    return {"message": response("m3", used=used)["message"]}


def test_agents_inside_a_session_file_are_chains_of_their_own(path: Path) -> None:
    lines = [
        user("Fix it", uuid="top"),
        response("m1"),
        user("Look around", uuid="agent-root", isSidechain=True),
        response("m2", isSidechain=True, uuid="s1", parentUuid="agent-root"),
        response("m3"),
    ]
    seen = scanned(written(path, lines))
    assert [item.agent for item in seen.responses] == ["main", "sidechain-agent-ro", "main"]


def grown(path: Path, seen: Seen, more: bytes) -> Seen:
    with path.open("ab") as file:
        file.write(more)
    while read_on(seen):
        pass
    return seen


def test_a_whole_last_line_counts_before_its_newline_is_there(path: Path) -> None:
    seen = scanned(written(path, [user("Fix it")]))
    offset = seen.offset
    grown(path, seen, line(response("m1")))
    assert [item.message_id for item in seen.responses] == ["m1"]
    assert seen.offset == offset
    grown(path, seen, b"\n" + line(response("m2")) + b"\n")
    assert [item.message_id for item in seen.responses] == ["m1", "m2"]
    assert seen.offset == path.stat().st_size


def test_a_last_line_that_vanished_does_not_count_any_more(path: Path) -> None:
    seen = scanned(written(path, [user("Fix it")]))
    grown(path, seen, line(response("m1")))
    os.truncate(path, seen.offset)
    assert grown(path, seen, b"").responses == []


def test_half_a_line_waits_for_the_rest(path: Path) -> None:
    whole = line(response("m1")) + b"\n"
    path.write_bytes(whole[:60])
    seen = scanned(transcript(path))
    assert (seen.responses, seen.offset) == ([], 0)
    assert [item.message_id for item in grown(path, seen, whole[60:]).responses] == ["m1"]


def test_reading_on_after_a_restart_of_ccmon_ends_where_one_pass_ends(path: Path) -> None:
    first = written(path, [user("Fix it"), call_of("m1")])
    data = msgspec.msgpack.encode(scanned(first))
    seen = msgspec.msgpack.decode(data, type=Seen)
    grown(path, seen, line(user([result()])) + b"\n" + line(response("m2")) + b"\n")
    assert seen == scanned(first)


def call_of(message_id: str) -> Record:
    return assistant(call("Read", file_path="a.py"), message={"id": message_id})


@pytest.mark.parametrize("how", ["truncated", "rewritten in place", "replaced"])
def test_a_file_that_is_another_now_is_read_from_its_beginning(path: Path, how: str) -> None:
    seen = scanned(written(path, [user("Fix it"), response("m1"), response("m2")]))
    if how == "truncated":
        written(path, [user("Fix it"), response("m3")])
    elif how == "rewritten in place":
        written(path, [user("Fix them"), *[response(f"n{number}") for number in range(9)]])
    else:
        fresh = path.with_suffix(".new")
        written(fresh, [user("Fix it"), response("m1"), response("m2"), response("m3")])
        fresh.replace(path)
    again = grown(path, seen, b"")
    assert again == scanned(transcript(path))
    assert "m3" in str(again.responses) or "n8" in str(again.responses)


def test_a_file_that_is_gone_is_told_and_what_was_read_stays(path: Path) -> None:
    seen = scanned(written(path, [response("m1")]))
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_on(seen)
    assert len(seen.responses) == 1


def test_what_is_no_file_cannot_be_read(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        read_on(begin(transcript(path)))


def test_a_line_that_is_too_long_is_skipped_and_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "READ_SIZE", 1 << 12)
    monkeypatch.setattr(scan, "LINE_LIMIT", 1 << 16)
    lines = [
        response("m1"),
        user("x" * (1 << 15)),
        response("m2"),
        user("x" * (1 << 17)),
        response("m3"),
    ]
    seen = scanned(written(path, lines))
    assert [item.message_id for item in seen.responses] == ["m1", "m2", "m3"]
    assert seen.malformed == 1
    assert grown(path, seen, line(response("m4")) + b"\n") == scanned(transcript(path))
