"""What a user line is: a prompt and whose, a tool result, a notice, an output."""

import pytest

from ccmon.entries import UserEntry
from ccmon.transcripts.decode import decode
from tests.lines import Record, line, result, user


def the_user(value: Record) -> UserEntry:
    (entry,) = decode(line(value)).entries
    assert isinstance(entry, UserEntry)
    return entry


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "human"),
        ({"promptSource": "sdk", "turnOrigin": "sdk"}, "human"),
        ({"origin": {"kind": "human"}, "promptSource": "typed"}, "human"),
        ({"promptSource": "queued"}, "human"),
        ({"promptSource": "suggestion_accepted"}, "human"),
        ({"promptSource": "system"}, "machine"),
        ({"origin": {"kind": "task-notification"}}, "machine"),
        ({"origin": {"kind": "peer"}}, "machine"),
        ({"origin": {"kind": "something new"}}, "machine"),
        ({"origin": {"kind": "auto-continuation"}}, None),
        ({"isSidechain": True, "agentId": "a1"}, "machine"),
        ({"isMeta": True}, None),
        ({"isVisibleInTranscriptOnly": True}, None),
        ({"isCompactSummary": True}, None),
    ],
)
def test_a_prompt_tells_who_asked(fields: Record, expected: str | None) -> None:
    assert the_user(user("Do it", **fields)).prompt == expected


@pytest.mark.parametrize(
    "text",
    [
        "<local-command-stdout>done</local-command-stdout>",
        "<local-command-caveat>x</local-command-caveat>",
        "<bash-input>ls</bash-input>",
        "<bash-stdout>a</bash-stdout><bash-stderr></bash-stderr>",
        "<system-reminder>only this</system-reminder>",
        "<command-name>/clear</command-name>\n  <command-message>clear</command-message>",
        "",
    ],
)
def test_output_of_commands_and_reminders_are_no_prompts(text: str) -> None:
    assert the_user(user(text)).prompt is None


def test_a_command_for_the_model_is_a_prompt_and_reads_as_it_was_typed() -> None:
    text = (
        "<command-message>review is running…</command-message>\n"
        "<command-name>/review</command-name>\n<command-args>all of it</command-args>"
    )
    entry = the_user(user(text))
    assert (entry.prompt, entry.label) == ("human", "/review all of it")


def test_a_command_of_the_client_is_no_prompt_but_has_a_label() -> None:
    text = (
        "<command-name>/compact</command-name>\n            "
        "<command-message>compact</command-message>\n            "
        "<command-args></command-args>"
    )
    entry = the_user(user(text))
    assert (entry.prompt, entry.label) == (None, "/compact")


def test_the_label_leaves_out_what_the_client_put_before_the_prompt() -> None:
    blocks = [
        {"type": "text", "text": "<system-reminder>\nx\n</system-reminder>"},
        {"type": "text", "text": "<ide_opened_file>f</ide_opened_file>"},
        {"type": "text", "text": "Fix  it\nplease"},
    ]
    entry = the_user(user(blocks))
    assert (entry.prompt, entry.label) == ("human", "Fix it please")


def test_a_prompt_of_an_image_alone_is_one() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "A" * 100}}
    entry = the_user(user([image]))
    assert (entry.prompt, entry.label) == ("human", "[image]")


def test_results_name_their_call_size_and_failure() -> None:
    blocks = [result("x" * 50), result("no", is_error=True, tool_use_id="toolu_2")]
    entry = the_user(user(blocks))
    assert entry.prompt is None
    assert [(r.tool_use_id, r.size, r.is_error) for r in entry.results] == [
        ("toolu_1", len(line(blocks[0])), False),
        ("toolu_2", len(line(blocks[1])), True),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"agentId": "a7"}, "a7"), ("Error: x", None), ([1, {}], None), (7, None), ({}, None)],
)
def test_a_result_may_name_the_agent_that_gave_it(given: object, expected: str | None) -> None:
    entry = the_user(user([result()], toolUseResult=given))
    assert entry.result_agent_id == expected
    assert len(entry.results) == 1


@pytest.mark.parametrize(("given", "expected"), [(True, True), (False, False), ("yes", False)])
def test_a_receipt_for_an_agent_is_no_result_of_it(given: object, expected: bool) -> None:
    answer = {"agentId": "a7", "isAsync": given, "status": "async_launched"}
    assert the_user(user([result()], toolUseResult=answer)).result_is_receipt is expected


def test_notices_of_the_client_are_told_apart() -> None:
    cut = the_user(user("Your response above was cut off mid-stream. Resume", isMeta=True))
    assert (cut.cut_notice, cut.is_meta, cut.prompt) == (True, True, None)
    for text in ("[Request interrupted by user]", "[Request interrupted by user for tool use]"):
        stopped = the_user(user([{"type": "text", "text": text}]))
        assert (stopped.interrupted, stopped.prompt) == (True, None)
        assert stopped.stopped_tool is text.endswith("for tool use]")
    summary = the_user(user("This session is being continued", isCompactSummary=True))
    assert (summary.is_compact_summary, summary.prompt) == (True, None)
