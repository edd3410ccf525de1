"""How a growing file is followed, whatever happens to it."""

import os
from pathlib import Path

import pytest

from ccmon.transcripts.tail import Chunk, Tail


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def texts(chunk: Chunk) -> list[bytes]:
    return [text for _, text in chunk.lines]


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_lines_come_with_the_offset_where_they_start(path: Path) -> None:
    path.write_bytes(b"one\nthree\n\nx\n")
    assert Tail(path).read().lines == [(0, b"one"), (4, b"three"), (10, b""), (11, b"x")]


def test_only_new_lines_come_after_an_append(path: Path) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()
    append(path, b"two\n")
    chunk = tail.read()
    assert chunk.lines == [(4, b"two")]
    assert not chunk.reset


def test_a_line_without_newline_waits_and_is_shown_as_the_rest(path: Path) -> None:
    path.write_bytes(b"one\ntw")
    tail = Tail(path)
    chunk = tail.read()
    assert texts(chunk) == [b"one"]
    assert chunk.tail == (4, b"tw")
    assert tail.offset == 4
    append(path, b"o\n")
    assert tail.read().lines == [(4, b"two")]


def test_only_a_newline_ends_a_line(path: Path) -> None:
    separators = "a\u2028b\u2029c\u0085d\x0be\x0cf".encode()
    path.write_bytes(separators + b"\n")
    assert texts(Tail(path).read()) == [separators]


def test_a_carriage_return_before_the_newline_is_dropped_and_no_other(path: Path) -> None:
    path.write_bytes(b"a\rb\r\r\n\r\n")
    assert texts(Tail(path).read()) == [b"a\rb\r", b""]


def test_a_byte_order_mark_is_no_part_of_the_first_line(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n")
    assert Tail(path).read().lines == [(3, b"one"), (7, b"\xef\xbb\xbftwo")]


def test_reads_in_pieces_until_nothing_is_left(path: Path) -> None:
    path.write_bytes(b"".join(b"line %03d\n" % n for n in range(100)))
    tail = Tail(path)
    lines: list[tuple[int, bytes]] = []
    more = True
    while more:
        chunk = tail.read(limit=64)
        assert len(chunk.lines) <= 8
        lines += chunk.lines
        more = chunk.more
    assert lines == [(n * 9, b"line %03d" % n) for n in range(100)]


def test_a_line_longer_than_one_read_comes_whole(path: Path) -> None:
    path.write_bytes(b"x" * 1000 + b"\nend\n")
    tail = Tail(path)
    first = tail.read(limit=10)
    assert texts(first)[0] == b"x" * 1000
    assert texts(first) + texts(tail.read()) == [b"x" * 1000, b"end"]


def test_a_line_longer_than_the_limit_is_skipped_and_counted(path: Path) -> None:
    path.write_bytes(b"a\n" + b"x" * 5000 + b"\nb\n")
    tail = Tail(path, line_limit=100)
    seen: list[bytes] = []
    oversized = 0
    more = True
    while more:
        chunk = tail.read(limit=50)
        seen += texts(chunk)
        oversized += chunk.oversized
        more = chunk.more
    assert (seen, oversized) == ([b"a", b"b"], 1)


def test_a_line_that_outgrows_the_limit_while_it_is_written_is_counted_once(path: Path) -> None:
    path.write_bytes(b"a\n")
    tail = Tail(path, line_limit=100)
    tail.read()
    counted = 0
    for _ in range(5):
        append(path, b"x" * 60)
        chunk = tail.read()
        counted += chunk.oversized
        assert not chunk.lines
    assert (counted, tail.offset) == (0, 2)
    append(path, b"\nb\n")
    last = [tail.read(), tail.read()]
    assert sum(chunk.oversized for chunk in last) == 1
    assert [text for chunk in last for text in texts(chunk)] == [b"b"]


def test_a_truncated_file_is_read_anew(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    tail.read()
    os.truncate(path, 4)
    chunk = tail.read()
    assert chunk.reset
    assert chunk.lines == [(0, b"one")]


@pytest.mark.parametrize("regrown", [b"ONE\nTWO\n", b"ONE\nTWO\nTHREE\n"])
def test_a_file_truncated_and_grown_between_two_reads_is_read_anew(
    path: Path, regrown: bytes
) -> None:
    path.write_bytes(b"one\ntwo\n")
    tail = Tail(path)
    tail.read()
    path.write_bytes(regrown)
    chunk = tail.read()
    assert chunk.reset
    assert texts(chunk) == regrown.split(b"\n")[:-1]


def test_a_replaced_file_is_read_anew_even_if_it_begins_alike(path: Path) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()
    other = path.with_name("other")
    other.write_bytes(b"one\ntwo\n")
    other.replace(path)
    chunk = tail.read()
    assert chunk.reset
    assert texts(chunk) == [b"one", b"two"]


def test_a_deleted_file_is_gone_and_its_successor_is_read_anew(path: Path) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()
    path.unlink()
    assert tail.read() == Chunk(gone=True)
    assert tail.read().gone
    path.write_bytes(b"one\n")
    chunk = tail.read()
    assert (chunk.reset, texts(chunk)) == (True, [b"one"])
    assert not tail.read().reset


def test_a_file_that_was_never_there_makes_nothing_void(path: Path) -> None:
    tail = Tail(path)
    assert tail.read().gone
    path.write_bytes(b"one\n")
    assert not tail.read().reset


def test_a_shrunken_rest_is_no_reset_for_none_of_it_was_read(path: Path) -> None:
    path.write_bytes(b"one\nhalf a li")
    tail = Tail(path)
    tail.read()
    os.truncate(path, 6)
    chunk = tail.read()
    assert (chunk.reset, chunk.tail) == (False, (4, b"ha"))


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "nowhere"])
def test_what_is_no_file_is_as_good_as_gone(path: Path, kind: str) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else "nowhere")
    assert tail.read() == Chunk(gone=True)
    assert tail.error is None


@pytest.mark.parametrize("limit", [3, 1 << 20])
def test_a_file_rewritten_in_its_middle_is_read_anew(path: Path, limit: int) -> None:
    line = b"x" * 200 + b"\n"
    path.write_bytes(b"a" * 200 + b"\n" + line + b"z" * 200 + b"\n")
    tail = Tail(path)
    while tail.read(limit).more:
        pass
    with path.open("r+b") as file:
        file.seek(300)
        file.write(b"y")
    os.utime(path, (1, 1))
    chunk = tail.read()
    assert chunk.reset
    assert texts(chunk)[1].count(b"y") == 1


@pytest.mark.parametrize("line_limit", [50, 1 << 20])
def test_a_file_that_is_only_touched_is_not_read_anew(path: Path, line_limit: int) -> None:
    path.write_bytes(b"one\n" + b"x" * 200 + b"\n" + b"two\nthr")
    tail = Tail(path, line_limit=line_limit)
    while tail.read(60).more:
        pass
    os.utime(path, (1, 1))
    assert not tail.read().reset
    append(path, b"ee\n")
    assert texts(tail.read()) == [b"three"]


def test_an_error_keeps_the_position_and_passes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()
    append(path, b"two\n")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        assert tail.read() == Chunk()
        assert tail.error == "Permission denied"
    assert texts(tail.read()) == [b"two"]
    assert tail.error is None


def test_reading_leaves_the_file_as_it_was(path: Path) -> None:
    path.write_bytes(b"one\ntwo")
    path.chmod(0o400)
    before = path.stat()
    Tail(path).read()
    after = path.stat()
    assert (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
