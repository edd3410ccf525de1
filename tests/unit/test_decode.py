"""What one line of a transcript says, and that no line can do harm."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ccmon.entries import (
    AssistantEntry,
    AttachmentEntry,
    ChainEntry,
    CompactionEntry,
    FallbackEntry,
    TitleEntry,
    Tokens,
    UserEntry,
)
from ccmon.transcripts.decode import Decoded, decode, first_stamp
from tests.lines import SESSION, Record, assistant, call, line, record, usage, user

SYNTHETIC = Path(__file__).parent.parent / "corpus" / "synthetic"


def the_assistant(value: Record) -> AssistantEntry:
    (entry,) = decode(line(value)).entries
    assert isinstance(entry, AssistantEntry)
    return entry


def tokens(**fields: object) -> Tokens:
    found = the_assistant(assistant(message={"usage": fields})).usage
    assert found is not None
    return found.tokens


class TestAssistantLines:
    def test_carry_who_answered_when_and_for_how_much(self) -> None:
        entry = the_assistant(
            assistant(
                {"type": "text", "text": "ok"},
                uuid="u2",
                parentUuid="u1",
                requestId="req_1",
                requestSessionId="other",
                requestedModel="claude-opus-5-5[1m]",
                effort="high",
                forkedFrom={"sessionId": "parent", "messageUuid": "m"},
            )
        )
        assert entry.message_id == "msg_1"
        assert entry.model == "claude-opus-5-5"
        assert entry.stop_reason == "end_turn"
        assert (entry.uuid, entry.parent_uuid, entry.session_id) == ("u2", "u1", SESSION)
        assert entry.timestamp == datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()
        assert (entry.request_id, entry.request_session_id) == ("req_1", "other")
        assert (entry.requested_model, entry.effort) == ("claude-opus-5-5[1m]", "high")
        assert entry.forked_from == "parent"
        assert not entry.is_sidechain

    def test_what_most_lines_say_is_kept_once(self) -> None:
        first, second = (the_assistant(assistant(call("Bash", command="ls"))) for _ in range(2))
        assert first.model is second.model
        assert first.version is second.version
        assert first.stop_reason is second.stop_reason
        assert first.blocks[0].type is second.blocks[0].type
        assert first.blocks[0].name is second.blocks[0].name

    def test_count_the_arguments_of_a_call(self) -> None:
        text: Record = {"type": "text", "text": "x"}
        blocks = [call("Read", file_path="a.py", offset=3, limit=9), text]
        found = the_assistant(assistant(*blocks)).blocks
        assert [block.arguments for block in found] == [3, 0]

    def test_size_of_a_block_is_that_of_its_json(self) -> None:
        block: Record = {"type": "text", "text": 'é "quoted" \n'}
        assert the_assistant(assistant(block)).blocks[0].size == len(line(block))

    def test_price_marks_of_the_usage_are_kept(self) -> None:
        found = the_assistant(
            assistant(
                message={
                    "usage": usage(
                        speed="fast",
                        inference_geo="us",
                        server_tool_use={"web_search_requests": 3},
                        output_tokens_details={"thinking_tokens": 9},
                        iterations=[
                            {"type": "message", "input_tokens": 1},
                            {"type": "advisor_message", "model": "m", "output_tokens": 5},
                        ],
                    )
                }
            )
        ).usage
        assert found is not None
        assert (found.speed, found.inference_geo) == ("fast", "us")
        assert (found.web_search_requests, found.thinking_tokens) == (3, 9)
        assert [(i.type, i.model) for i in found.iterations] == [
            ("message", None),
            ("advisor_message", "m"),
        ]
        assert [(i.tokens.input, i.tokens.output) for i in found.iterations] == [(1, 0), (0, 5)]

    def test_cache_writes_are_the_larger_of_total_and_split(self) -> None:
        split = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 300}
        assert tokens(cache_creation_input_tokens=0, cache_creation=split) == Tokens(
            cache_creation=400, cache_creation_5m=100, cache_creation_1h=300
        )
        assert tokens(cache_creation_input_tokens=500).split_known is False

    @pytest.mark.parametrize(
        "absurd",
        [
            *("-5", "12.5", '"12"', "null", "true", "[1]", '{"a":1}', "1e999", "NaN"),
            *(str(2**53 + 1), str(2**70)),
            pytest.param("9" * 5000, id="5000 digits"),
        ],
    )
    def test_an_absurd_count_is_worth_nothing_and_costs_no_other(self, absurd: str) -> None:
        text = line(assistant(message={"usage": usage(input_tokens="?")}))
        (entry,) = decode(text.replace(b'"?"', absurd.encode())).entries
        assert isinstance(entry, AssistantEntry)
        assert entry.usage is not None
        assert entry.usage.tokens == Tokens(input=0, output=2, split_known=False)

    @pytest.mark.parametrize("odd", [7, {"a": 1}, [1, "x", None], True])
    def test_odd_content_never_costs_the_usage(self, odd: object) -> None:
        entry = the_assistant(assistant(message={"content": odd}))
        assert entry.usage is not None
        assert entry.usage.tokens.output == 2

    def test_the_clients_own_messages_are_links_and_no_responses(self) -> None:
        found = decode(line(assistant(message={"model": "<synthetic>"})))
        assert found.synthetic == 1
        assert [type(entry) for entry in found.entries] == [ChainEntry]

    @pytest.mark.parametrize("message", ["text", [1], None, {}, {"id": ""}, {"id": 7}])
    def test_without_message_id_there_is_no_response(self, message: object) -> None:
        found = decode(line(record("assistant", message=message)))
        assert [type(entry) for entry in found.entries] == [ChainEntry]
        assert found.malformed == 0


class TestOtherRecords:
    def test_a_boundary_tells_the_sizes_before_and_after(self) -> None:
        metadata = {"trigger": "auto", "preTokens": 70449, "postTokens": 8726}
        boundary = record("system", subtype="compact_boundary", compactMetadata=metadata)
        (entry,) = decode(line(boundary)).entries
        assert isinstance(entry, CompactionEntry)
        assert (entry.trigger, entry.pre_tokens, entry.post_tokens) == ("auto", 70449, 8726)

    def test_a_boundary_without_sizes_is_one_all_the_same(self) -> None:
        boundary = record("system", subtype="compact_boundary", compactMetadata="?")
        (entry,) = decode(line(boundary)).entries
        assert isinstance(entry, CompactionEntry)
        assert (entry.trigger, entry.pre_tokens) == ("unknown", None)

    @pytest.mark.parametrize("kind", ["system", "attachment", "progress"])
    def test_others_of_the_chain_are_links_whatever_they_hold(self, kind: str) -> None:
        value = record(kind, uuid="u2", parentUuid="u1", data={"message": assistant()})
        (entry,) = decode(line(value)).entries
        assert isinstance(entry, ChainEntry)
        assert (entry.uuid, entry.parent_uuid) == ("u2", "u1")

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ({"type": "custom-title", "customTitle": "A"}, TitleEntry("custom-title", "A")),
            ({"type": "ai-title", "aiTitle": " A \n B "}, TitleEntry("ai-title", "A B")),
            ({"type": "summary", "summary": "S", "leafUuid": "x"}, TitleEntry("summary", "S")),
            ({"type": "last-prompt", "lastPrompt": "P"}, TitleEntry("last-prompt", "P")),
        ],
    )
    def test_titles_are_read(self, value: Record, expected: TitleEntry) -> None:
        assert decode(line(value)).entries == (expected,)

    @pytest.mark.parametrize("text", ["", None, 7])
    def test_a_title_of_nothing_is_none(self, text: object) -> None:
        assert decode(line({"type": "ai-title", "aiTitle": text})) == Decoded()

    def test_what_nobody_needs_is_skipped_without_decoding(self) -> None:
        for kind in (
            "queue-operation",
            "file-history-snapshot",
            "api-request-blob",
            "api-request-shape",
        ):
            assert decode(b'{"type":"%s","never":[closed' % kind.encode()) == Decoded(skipped=True)

    def test_an_unknown_type_is_no_error(self) -> None:
        for value in ({"type": "hologram"}, {"type": 7}, {"no": 1}, [1, 2], "text", None, 3.5):
            assert decode(line(value)) == Decoded(unknown=True)


class TestOddLines:
    def test_blanks_key_order_and_escapes_make_no_difference(self) -> None:
        value = assistant(call("Bash", command="ls"), requestId="r")
        expected = the_assistant(value)
        spaced = json.dumps(dict(reversed(value.items())), separators=(" , ", " : ")).encode()
        (entry,) = decode(spaced).entries
        assert isinstance(entry, AssistantEntry)
        assert entry.blocks[0].label == "ls"
        assert msgspec.structs.replace(entry, blocks=expected.blocks) == expected
        escaped = line(value).replace(b'"type":"assistant"', b'"\\u0074ype":"\\u0061ssistant"')
        assert decode(escaped).entries == (expected,)

    def test_the_last_of_two_types_counts(self) -> None:
        text = line(assistant()).replace(b'"type":"assistant"', b'"type":"user","type":"assistant"')
        assert isinstance(decode(text).entries[0], AssistantEntry)
        text = line(assistant()).replace(b'"type":"assistant"', b'"type":"mode","type":"assistant"')
        assert isinstance(decode(text).entries[0], AssistantEntry)

    def test_two_records_on_one_line_are_both_read(self) -> None:
        glued = line(assistant(message={"id": "a"})) + line(assistant(message={"id": "b"}))
        found = decode(glued)
        assert [e.message_id for e in found.entries if isinstance(e, AssistantEntry)] == ["a", "b"]
        assert (found.salvaged, found.malformed) == (2, 0)

    def test_a_record_behind_one_nobody_needs_is_not_skipped_with_it(self) -> None:
        mode = line({"type": "mode", "mode": "normal"})
        for glued in (mode + line(assistant()), mode[:-4] + line(assistant())):
            assert isinstance(decode(glued).entries[0], AssistantEntry)

    def test_braces_in_text_are_no_seam(self) -> None:
        found = decode(line(assistant({"type": "text", "text": 'a }{"type":"user"}{ b'})))
        assert (len(found.entries), found.salvaged, found.malformed) == (1, 0, 0)

    def test_a_whole_record_behind_a_cut_one_is_saved_at_any_cut(self) -> None:
        cut_one = line(assistant({"type": "text", "text": "some text"}, message={"id": "cut"}))
        whole = line(assistant(message={"id": "whole"}))
        saved = 0
        for cut in range(1, len(cut_one) - 1):
            found = decode(cut_one[:cut] + whole)
            ids = [e.message_id for e in found.entries if isinstance(e, AssistantEntry)]
            assert ids in (["whole"], [])
            assert found.malformed == 1
            saved += len(ids)
        assert saved > 0.85 * len(cut_one)

    def test_a_record_inside_a_cut_one_is_not_taken_for_its_own(self) -> None:
        text = line(record("progress", data={"message": assistant()}))
        assert decode(text.removesuffix(b"}}")) == Decoded(malformed=1)

    def test_a_cut_record_is_lost_and_counted(self) -> None:
        text = line(assistant())
        assert decode(text[: len(text) // 2]) == Decoded(malformed=1)

    def test_a_run_of_nul_bytes_before_a_record_is_passed(self) -> None:
        found = decode(b"\0" * 4096 + line(assistant()))
        assert isinstance(found.entries[0], AssistantEntry)
        assert (found.salvaged, found.malformed) == (1, 0)
        assert decode(b"\0" * 4096) == Decoded(malformed=1)

    def test_an_empty_line_is_nothing(self) -> None:
        assert decode(b"") == decode(b" \t ") == Decoded()

    @pytest.mark.parametrize("text", [b"# Notes", b"{", b"}", b"\x89PNG\r", b'{"a":', b"nul"])
    def test_what_is_no_json_is_counted(self, text: bytes) -> None:
        assert decode(text) == Decoded(malformed=1)

    def test_a_lone_surrogate_costs_nothing(self) -> None:
        text = json.dumps(user("a \ud800 b")).encode()
        (entry,) = decode(text).entries
        assert isinstance(entry, UserEntry)
        assert entry.label == "a \ufffd b"

    def test_bytes_that_are_no_utf8_cost_nothing(self) -> None:
        value = assistant({"type": "text", "text": "?"})
        for odd in (b"\xff\xfe", b"\xed\xa0\x80", b"\x01"):
            (entry,) = decode(line(value).replace(b"?", odd)).entries
            assert isinstance(entry, AssistantEntry)
            assert entry.usage is not None

    def test_bottomless_nesting_is_lost_and_counted(self) -> None:
        deep = line(user("?")).replace(b'"?"', b"[" * 10_000 + b"]" * 10_000)
        assert decode(deep) == Decoded(malformed=1)

    def test_a_long_line_of_rubbish_is_given_up_soon(self) -> None:
        assert decode(b'x{"' * 300_000).malformed == 1

    @pytest.mark.parametrize("stamp", ["yesterday", 7, None, "2026-13-01T00:00:00Z"])
    def test_an_unreadable_time_is_none(self, stamp: object) -> None:
        assert the_assistant(assistant(timestamp=stamp)).timestamp is None


class TestFirstStamp:
    def test_reads_the_time_of_records_of_any_kind(self) -> None:
        expected = datetime(2026, 11, 20, 9, 0, 0, 500_000, tzinfo=UTC).timestamp()
        for kind in ("queue-operation", "user", "api-request"):
            value = {"type": kind, "timestamp": "2026-11-20T09:00:00.500Z"}
            assert first_stamp(line(value)) == expected

    def test_a_time_further_inside_is_not_the_records(self) -> None:
        value = {"type": "file-history-snapshot", "snapshot": {"timestamp": "2026-11-20T09:00:00Z"}}
        assert first_stamp(line(value)) is None

    @pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"timestamp":7}', b"\0\0"])
    def test_without_a_time_there_is_none(self, text: bytes) -> None:
        assert first_stamp(text) is None


@pytest.mark.parametrize("shape", sorted(SYNTHETIC.glob("*/")), ids=lambda path: path.name)
def test_each_odd_shape_gives_its_totals(shape: Path) -> None:
    """The counting rule in short: per message id the usage with the largest output."""
    best: dict[str, Tokens] = {}
    for path in shape.rglob("*.jsonl"):
        if "projects" not in path.parts or path.name == "journal.jsonl":
            continue
        for text in path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            for entry in decode(text).entries:
                if isinstance(entry, AssistantEntry) and entry.usage:
                    held = best.get(entry.message_id)
                    if held is None or entry.usage.tokens.output >= held.output:
                        best[entry.message_id] = entry.usage.tokens
    expected = json.loads((shape / "expected.json").read_bytes())["usage"]
    assert {
        "input_tokens": sum(t.input for t in best.values()),
        "cache_creation_input_tokens": sum(t.cache_creation for t in best.values()),
        "cache_creation_5m_input_tokens": sum(t.cache_creation_5m for t in best.values()),
        "cache_creation_1h_input_tokens": sum(t.cache_creation_1h for t in best.values()),
        "cache_read_input_tokens": sum(t.cache_read for t in best.values()),
        "output_tokens": sum(t.output for t in best.values()),
    } == expected


class TestWhatMayBreakTheCache:
    def test_a_verdict_stands_in_the_diagnostics(self) -> None:
        verdict = {"cache_miss_reason": {"type": "tools_changed", "cache_missed_input_tokens": 9}}
        assert the_assistant(assistant(message={"diagnostics": verdict})).miss_reason == (
            "tools_changed"
        )

    @pytest.mark.parametrize("value", [None, {}, {"cache_miss_reason": None}, "odd", [1]])
    def test_no_verdict_is_none(self, value: object) -> None:
        assert the_assistant(assistant(message={"diagnostics": value})).miss_reason is None

    def test_dropped_thinking_is_named_by_its_reason(self) -> None:
        dropped = [{"type": "thinking", "reason": "prefix_binding_mismatch"}]
        message: Record = {"input_transformations": dropped}
        assert the_assistant(assistant(message=message)).thinking_dropped
        message = {"input_transformations": [{"reason": "something else"}]}
        assert not the_assistant(assistant(message=message)).thinking_dropped

    @pytest.mark.parametrize(
        ("attachment", "what", "detail"),
        [
            (
                {"type": "deferred_tools_delta", "addedNames": ["A", "B", "C"], "removedNames": []},
                "tools",
                "tools +A +B and 1 more",
            ),
            ({"type": "mcp_instructions_delta", "addedNames": ["github"]}, "tools", "MCP +github"),
            (
                {"type": "agent_listing_delta", "addedTypes": ["x"], "removedTypes": ["y"]},
                "tools",
                "agents +x -y",
            ),
            ({"type": "hook_success", "hookName": "SessionStart:resume"}, "resume", ""),
        ],
    )
    def test_attachments_tell_of_changes(self, attachment: Record, what: str, detail: str) -> None:
        (entry,) = decode(line(record("attachment", attachment=attachment))).entries
        assert isinstance(entry, AttachmentEntry)
        assert (entry.change, entry.detail) == (what, detail)

    @pytest.mark.parametrize(
        "attachment",
        [
            {"type": "total_tokens_reminder"},
            {"type": "hook_success", "hookName": "SessionStart:startup"},
            {"type": "hook_success", "hookName": 7},
            {"type": "deferred_tools_delta_of_tomorrow", "addedNames": ["A"]},
        ],
    )
    def test_other_attachments_tell_of_none(self, attachment: object) -> None:
        (entry,) = decode(line(record("attachment", attachment=attachment))).entries
        assert isinstance(entry, AttachmentEntry)
        assert entry.change is None

    @pytest.mark.parametrize("attachment", ["odd", None, 7])
    def test_an_attachment_that_is_none_is_a_link(self, attachment: object) -> None:
        (entry,) = decode(line(record("attachment", attachment=attachment))).entries
        assert type(entry) is ChainEntry

    @pytest.mark.parametrize(
        ("attachment", "rendered", "size"),
        [
            ({"type": "date", "date": "2026-11-23"}, [{"content": "Today"}], 21),
            ({"type": "hook_success", "content": ""}, None, 0),
            ({"type": "hook_success", "content": "said"}, None, 6),
            ({"type": "reminder", "text": "left"}, None, 6),
            ({"type": "prompt_snapshot", "text": "never sent"}, None, 0),
        ],
    )
    def test_an_attachment_is_as_large_as_what_entered(
        self, attachment: Record, rendered: object, size: int
    ) -> None:
        value = record("attachment", attachment=attachment, rendered=rendered)
        (entry,) = decode(line(value)).entries
        assert isinstance(entry, AttachmentEntry)
        assert entry.size == size

    def test_a_safety_fallback_names_both_models(self) -> None:
        value = record(
            "system",
            subtype="model_fallback",
            originalModel="claude-fable-5",
            fallbackModel="claude-opus-5",
        )
        (entry,) = decode(line(value)).entries
        assert isinstance(entry, FallbackEntry)
        assert entry.detail == "fable-5 -> opus-5"

    @pytest.mark.parametrize(
        ("content", "shown"),
        [
            ([{"type": "image", "source": {"type": "base64", "data": "AAAA"}}], True),
            ([{"type": "tool_result", "content": [{"type": "image", "source": {}}]}], True),
            ([{"type": "tool_result", "content": 'says "type":"image" itself'}], False),
            ("a prompt", False),
        ],
    )
    def test_an_image_is_seen_alone_and_in_a_result(self, content: object, shown: bool) -> None:
        (entry,) = decode(line(user(content))).entries
        assert isinstance(entry, UserEntry)
        assert entry.has_image is shown

    def test_every_reason_of_the_corpus_is_read(self) -> None:
        expected = json.loads((SYNTHETIC / "cache_miss_reasons" / "expected.json").read_text())
        files = (SYNTHETIC / "cache_miss_reasons").rglob("*.jsonl")
        lines = [text for path in files for text in path.read_bytes().splitlines()]
        entries = [entry for text in lines for entry in decode(text).entries]
        reasons = [one.miss_reason for one in entries if isinstance(one, AssistantEntry)]
        assert Counter(filter(None, reasons)) == expected["cache_miss_reasons"]
