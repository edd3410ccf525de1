"""The scan accounts for every request as the full ledger does, whatever the lines are like."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ccmon.history import chain, scan
from ccmon.history.scan import begin, read_on
from ccmon.history.seen import Seen
from ccmon.transcripts.locate import Transcript
from tests.engines import accounted, in_full, scanned, stream_of, transcripts
from tests.homes import CORPUS
from tests.lines import Record, assistant, record, result, usage, user

FOLDERS = sorted(str(path.parent.relative_to(CORPUS)) for path in CORPUS.glob("**/projects"))
SESSIONS = ["s-one", "s-two", "s-three"]
PLENTY = settings(
    max_examples=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@contextmanager
def small_reads(size: int) -> Iterator[None]:
    """Blocks so small that lines lie across them."""
    with mock.patch.object(scan, "READ_SIZE", size), mock.patch.object(chain, "BLOCK", size):
        yield


def check(home: Path, limit: int = 4 << 20) -> None:
    """Both engines agree on every request and on what is known of every file."""
    files = transcripts(home)
    seens = [scanned(transcript, limit) for transcript in files]
    ledger, expected = in_full(files)
    assert accounted(seens) == expected
    for transcript, seen in zip(files, seens, strict=True):
        stream = stream_of(ledger, seen, transcript)
        found = (seen.session_id, seen.first_stamp, seen.cwd, seen.titles)
        assert found == (stream.session_id, stream.first_stamp, stream.cwd, stream.titles)
        if seen.agent_id is None:
            assert seen.first_prompt == stream.first_prompt


@pytest.mark.parametrize("name", FOLDERS)
def test_on_recorded_transcripts(name: str) -> None:
    check(CORPUS / name)


@pytest.mark.parametrize(
    "name", [*FOLDERS[::4], "synthetic/agents_flat", "synthetic/no_final_newline"]
)
@pytest.mark.parametrize("size", [300, 5_000])
def test_on_recorded_transcripts_in_small_reads(name: str, size: int) -> None:
    with small_reads(size):
        check(CORPUS / name, limit=size)


ODD = ("plain", "plain", "plain", "spaced", "shuffled", "glued", "cut", "nul", "crlf", "surrogate")

BEGINS = b'{"parentUuid":'


def spoilt(value: Record, how: str, dice: random.Random) -> bytes:
    """A record as a careful, a careless or a dying client may write it."""
    if how == "shuffled":
        value = dict(dice.sample(list(value.items()), len(value)))
    if how == "surrogate":
        value = {**value, "gitBranch": "\ud800"}
    separators = None if how == "spaced" else (",", ":")
    line = json.dumps(value, separators=separators, ensure_ascii=how != "plain").encode()
    if how == "glued":
        return line
    if how == "cut":
        return line[: dice.randrange(len(line))]
    if how == "nul":
        return b"\0" * dice.randrange(1, 9) + line + b"\n"
    return line + (b"\r\n" if how == "crlf" else b"\n")


counts = st.integers(0, 60_000) | st.none() | st.sampled_from([-1, 1.5, "7", 10**30])


@st.composite
def used(draw: st.DrawFn, number: int) -> Record | None:
    """The usage of a response: its prompt is the same on all lines, its output grows."""
    dice = random.Random(number)
    read, written = dice.randrange(60_000), dice.randrange(9_000)
    line = usage(
        input_tokens=dice.randrange(50),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        output_tokens=draw(st.sampled_from([1, 1, 8, 300, None])),
    )
    if dice.random() < 0.5:
        line["cache_creation"] = {"ephemeral_1h_input_tokens": written}
    if dice.random() < 0.2:
        line["iterations"] = [{**line, "type": "message"}, {**line, "type": "advisor_message"}]
    return line


@st.composite
def responses(draw: st.DrawFn, *, changing: bool) -> Record:
    number = draw(st.integers(1, 9))
    line = draw(used(number))
    if changing and line is not None:
        line["cache_read_input_tokens"] = draw(counts)
    fields: Record = {}
    if payer := draw(st.sampled_from([None, None, None, *SESSIONS])):
        fields["requestSessionId"] = payer
    message: Record = {
        "id": f"msg_{number}",
        "model": draw(st.sampled_from(["claude-opus-5-5", "claude-opus-5", "unheard-of"])),
        "stop_reason": draw(st.sampled_from([None, "end_turn"])),
        "usage": line if draw(st.integers(0, 9)) else None,
    }
    if not draw(st.integers(0, 30)):
        message["model"] = "<synthetic>"
    return assistant(message=message, **fields)


@st.composite
def others(draw: st.DrawFn) -> Record:
    notice = "Your response above was cut off mid-stream, go on."
    return draw(
        st.sampled_from(
            [
                user("Fix it"),
                user([result('quoted {"parentUuid":null,"type":"assistant"}')]),
                user(notice, isMeta=True),
                record("system", subtype="compact_boundary", compactMetadata={"trigger": "auto"}),
                record("system", subtype="turn_duration"),
                record("progress", data={"type": "agent_progress", "message": assistant()}),
                {"type": "ai-title", "aiTitle": "Basket"},
                {"type": "file-history-snapshot", "snapshot": {}},
                {"type": "of-tomorrow", "timestamp": "2026-11-20T09:00:30.000Z"},
            ]
        )
    )


@st.composite
def contents(draw: st.DrawFn, session: str, *, changing: bool, sidechains: bool) -> bytes:
    """What one file holds."""
    dice = random.Random(draw(st.integers(0, 2**32)))
    lines: list[bytes] = []
    for number in range(draw(st.integers(1, 14))):
        value = draw(responses(changing=changing) | others())
        if "uuid" in value:
            parent = draw(st.none() | st.integers(max(0, number - 6), number))
            value = {
                **value,
                "uuid": f"u{number}",
                "parentUuid": None if parent is None else f"u{parent - 1}",
                "sessionId": draw(st.sampled_from([session, session, session, *SESSIONS])),
                "timestamp": f"2026-11-20T09:{draw(st.integers(10, 59))}:00.000Z",
                "isSidechain": sidechains and draw(st.booleans()),
            }
        written = spoilt(value, draw(st.sampled_from(ODD)), dice)
        # Inside a line a record is looked for as the clients begin those of the chain.
        if not written.startswith(BEGINS) and lines and not lines[-1].endswith(b"\n"):
            lines.append(b"\n")
        lines.append(written)
    return b"".join(lines)


@st.composite
def folders(draw: st.DrawFn, *, sidechains: bool = False) -> dict[str, bytes]:
    """Sessions with agents, old and new, that copy from one another."""
    files: dict[str, bytes] = {}
    for session in draw(st.lists(st.sampled_from(SESSIONS), min_size=1, max_size=3, unique=True)):
        content = contents(session, changing=False, sidechains=sidechains)
        files[f"{session}.jsonl"] = draw(content)
        if draw(st.integers(0, 2)) == 0:
            files[f"{session}/subagents/agent-a1.jsonl"] = draw(content)
        if draw(st.integers(0, 3)) == 0:
            files["agent-b2.jsonl"] = draw(content)
    return files


@contextmanager
def written(files: dict[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        for name, content in files.items():
            path = home / "projects" / "-home-dev-shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield home


@PLENTY
@given(files=folders(), size=st.integers(100, 3_000))
def test_on_odd_lines_and_copies(files: dict[str, bytes], size: int) -> None:
    with written(files) as home, small_reads(size):
        check(home, limit=size)


@PLENTY
@given(files=folders(sidechains=True))
def test_on_agents_inside_session_files(files: dict[str, bytes]) -> None:
    with written(files) as home:
        check(home)


@PLENTY
@given(content=contents("s-one", changing=True, sidechains=False), size=st.integers(100, 3_000))
def test_on_responses_that_change_what_they_read(content: bytes, size: int) -> None:
    with written({"s-one.jsonl": content}) as home, small_reads(size):
        check(home, limit=size)


def regrown(transcript: Transcript, dice: random.Random) -> Seen:
    """A file that is read again and again while it grows by pieces cut anywhere."""
    path = Path(transcript.path)
    whole = path.read_bytes()
    path.write_bytes(b"")
    seen, done = begin(transcript), 0
    while done < len(whole):
        step = dice.choice([dice.randrange(1, 300), len(whole)])
        with path.open("ab") as file:
            file.write(whole[done : done + step])
        done += step
        while read_on(seen, dice.randrange(1, 2_000)):
            pass
    return seen


@PLENTY
@given(files=folders(), seed=st.integers(0, 2**32))
def test_a_file_that_grows_ends_with_what_one_pass_finds(
    files: dict[str, bytes], seed: int
) -> None:
    dice = random.Random(seed)
    with written(files) as home:
        seens = [regrown(transcript, dice) for transcript in transcripts(home)]
        once = [scanned(transcript) for transcript in transcripts(home)]
        assert accounted(sorted(seens, key=lambda seen: seen.path)) == accounted(
            sorted(once, key=lambda seen: seen.path)
        )
        assert {seen.path: seen.malformed for seen in seens} == {
            seen.path: seen.malformed for seen in once
        }
