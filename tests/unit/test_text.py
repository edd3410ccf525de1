"""Reading one line back from disk for people to look at."""

from contextlib import suppress
from pathlib import Path

import pytest

from ccmon.errors import CcmonError
from ccmon.transcripts.text import DEPTH_LIMIT, TEXT_LIMIT, TextBlock, read_blocks
from tests.lines import assistant, call, line, record, result, user


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.jsonl"


def blocks_of(path: Path, value: object) -> tuple[TextBlock, ...]:
    before, text = b'{"type":"mode"}\n', line(value)
    path.write_bytes(before + text + b"\n")
    return read_blocks(str(path), len(before), len(text))


def test_a_prompt_stands_as_it_was_typed(path: Path) -> None:
    text = "Fix it \x1b[31m\n  please [bold]"
    assert blocks_of(path, user(text)) == (TextBlock("prompt", "user", text),)


def test_an_answer_comes_block_by_block(path: Path) -> None:
    value = assistant(
        {"type": "thinking", "thinking": "hm", "signature": "zzz"},
        {"type": "text", "text": "ok"},
        call("Bash", command="ls\nwc", timeout=5, deep={"a": [1, "x"], "b": True, "c": None}),
    )
    assert blocks_of(path, value) == (
        TextBlock("thinking", "thinking", "hm"),
        TextBlock("text", "assistant", "ok"),
        TextBlock(
            "tool_use",
            "Bash",
            "command:\n  ls\n  wc\ntimeout: 5\ndeep:\n  a:\n    - 1\n    - x\n  b: true\n  c:",
        ),
    )


def test_results_are_their_text_and_failures_say_so(path: Path) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    stub = "<persisted-output>\nOutput too large\n</persisted-output>"
    value = user([result(parts), result("no", is_error=True), result(stub)])
    assert blocks_of(path, value) == (
        TextBlock("tool_result", "result", "a\nb"),
        TextBlock("tool_result", "error", "no"),
        TextBlock("tool_result", "result", stub),
    )


def test_images_are_a_note_wherever_they_stand(path: Path) -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 80_000}}
    assert blocks_of(path, user([image, result([image])])) == (
        TextBlock("image", "image", "[image, 80 kB of base64]"),
        TextBlock("tool_result", "result", "[image, 80 kB of base64]"),
    )


def test_a_record_without_message_shows_its_fields(path: Path) -> None:
    value = record("attachment", attachment={"type": "date", "date": "2026-11-23"})
    assert blocks_of(path, value) == (
        TextBlock("other", "attachment", "attachment:\n  type: date\n  date: 2026-11-23"),
    )


def test_text_is_bounded_and_says_how_much_is_left_out(path: Path) -> None:
    first, second = blocks_of(path, user([result("x" * (TEXT_LIMIT + 1500)), result("more")]))
    assert first.text == "x" * TEXT_LIMIT + "\n[cut: 1,500 more characters]"
    assert second.text == "\n[cut: 4 more characters]"


@pytest.mark.parametrize("odd", [7, None, [1, None, "x", ["y"]], {"type": 3}, [{"type": "image"}]])
def test_odd_content_is_shown_somehow(path: Path, odd: object) -> None:
    assert all(isinstance(block.text, str) for block in blocks_of(path, user(odd)))


def test_a_lone_surrogate_can_be_shown(path: Path) -> None:
    text = b'{"type":"user","message":{"role":"user","content":"a\\ud800"}}'
    path.write_bytes(text)
    (block,) = read_blocks(str(path), 0, len(text))
    assert block.text.encode() == "a\ufffd".encode()


def test_a_missing_file_is_said_to_be_gone(path: Path) -> None:
    with pytest.raises(CcmonError, match="is gone"):
        read_blocks(str(path), 0, 10)


def test_a_file_that_shrank_is_said_to_be_shorter(path: Path) -> None:
    path.write_bytes(b"{}")
    with pytest.raises(CcmonError, match="shorter"):
        read_blocks(str(path), 0, 10)


def test_bytes_that_are_no_record_any_more_are_said_to_have_changed(path: Path) -> None:
    path.write_bytes(line(user("x")) * 2)
    with pytest.raises(CcmonError, match="changed"):
        read_blocks(str(path), 5, 20)


def test_what_cannot_be_read_is_an_error_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(CcmonError, match="cannot read"):
        read_blocks(str(tmp_path), 0, 10)


@pytest.mark.parametrize("depth", [1, 10, 300, 700, 900, 5_000, 100_000])
@pytest.mark.parametrize("nest", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_no_depth_of_nesting_does_harm(path: Path, depth: int, nest: tuple[bytes, bytes]) -> None:
    deep = nest[0] * depth + b"1" + nest[1] * depth
    block = b'{"type":"tool_use","name":"Odd","input":%s}' % deep
    text = b'{"type":"assistant","message":{"role":"assistant","content":[%s]}}' % block
    path.write_bytes(text)
    with suppress(CcmonError):
        (found,) = read_blocks(str(path), 0, len(text))
        assert found.text.endswith("1" if depth <= DEPTH_LIMIT // 2 else "…")
        return
    assert depth > 300, "only what no reader takes is no record"


def test_what_is_nested_too_deep_is_left_out(path: Path) -> None:
    deep: object = "bottom"
    for _ in range(DEPTH_LIMIT + 1):
        deep = {"a": deep}
    (spelled,) = blocks_of(path, assistant(call("Odd", a=deep)))
    (last,) = spelled.text.splitlines()[-1:]
    assert last == "  " * DEPTH_LIMIT + "a: …"
    assert "bottom" not in spelled.text
