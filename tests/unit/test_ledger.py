"""One request per response over all files, and who paid: transcripts.md sections 1, 6 and 7."""

from typing import Any

import pytest

from ccmon.entries import AnyEntry, Block, TitleEntry, ToolResult, UserEntry
from ccmon.ledger.prices import PriceTable
from ccmon.ledger.requests import Copies
from ccmon.ledger.session import Ledger
from ccmon.ledger.stream import Stream
from ccmon.requests import MAIN
from tests.builders import (
    OTHER,
    SESSION,
    START,
    assistant,
    boundary,
    feed,
    ledger_of,
    main_rows,
    prompt,
    session_of,
    usage,
)


def fed(*files: tuple[str, list[AnyEntry]], agent: str | None = None) -> Ledger:
    ledger = Ledger(PriceTable.load())
    for session, entries in files:
        feed(ledger, entries, path=f"/p/{session}.jsonl", session=session, agent=agent)
    ledger.settle()
    return ledger


def ids(ledger: Ledger, session: str, agent: str = MAIN) -> list[str]:
    thread = ledger.sessions[session].threads.get(agent) if session in ledger.sessions else None
    return [row.message_id for row in thread.rows] if thread else []


def test_lines_of_one_response_are_one_request_with_the_largest_output() -> None:
    outputs = (8, 8, 370, 8)
    rows = main_rows([assistant("msg_1", usage(2, o=output)) for output in outputs])
    assert [row.usage.output_tokens for row in rows] == [370]


def test_on_a_tie_the_later_line_counts_whole() -> None:
    entries = [assistant("msg_1", usage(2, o=8)), assistant("msg_1", usage(3, r=5, o=8))]
    row = main_rows(entries)[0]
    assert (row.usage.input_tokens, row.usage.cache_read_input_tokens) == (3, 5)


def test_a_response_stays_open_while_others_come_in_between() -> None:
    entries = [
        assistant("msg_1", usage(2, o=1), stop=None),
        assistant("msg_2", usage(3, o=1)),
        assistant("msg_1", usage(2, o=9)),
    ]
    rows = main_rows(entries)
    assert [(row.n, row.message_id, row.usage.output_tokens) for row in rows] == [
        (1, "msg_1", 9),
        (2, "msg_2", 1),
    ]
    assert not rows[0].output_is_lower_bound


def test_a_change_renews_the_rows_behind_it_and_no_others() -> None:
    ledger = Ledger(PriceTable.load())
    feed(ledger, [assistant(f"msg_{n}", usage(n, r=n * 10_000, o=1)) for n in range(1, 6)])
    ledger.settle()
    rows = ledger.sessions[SESSION].main.rows
    before = list(rows)
    feed(ledger, [assistant("msg_4", usage(4, r=40_000, o=77))])
    ledger.settle()
    assert [one is other for one, other in zip(rows, before, strict=True)] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_marked_copy_belongs_to_the_session_that_paid(order: tuple[int, int]) -> None:
    files: list[tuple[str, list[AnyEntry]]] = [
        (SESSION, [assistant("msg_1", usage(2, o=1)), assistant("msg_2", usage(2, o=1))]),
        (
            OTHER,
            [
                assistant("msg_1", usage(2, o=1), session=OTHER, payer=SESSION),
                assistant("msg_3", usage(2, o=1), session=OTHER, payer=OTHER),
            ],
        ),
    ]
    ledger = fed(*(files[index] for index in order))
    assert ids(ledger, SESSION) == ["msg_1", "msg_2"]
    assert ids(ledger, OTHER) == ["msg_3"]
    assert ledger.copies == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_unmarked_copies_the_file_with_the_earlier_stamp_paid(order: tuple[int, int]) -> None:
    files: list[tuple[str, list[AnyEntry]]] = [
        (OTHER, [prompt(at=START), assistant("msg_1", usage(2, o=1), session=OTHER)]),
        (SESSION, [prompt(at=START + 9), assistant("msg_1", usage(2, o=1))]),
    ]
    ledger = fed(*(files[index] for index in order))
    assert ids(ledger, OTHER) == ["msg_1"]
    assert ids(ledger, SESSION) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_with_equal_stamps_the_file_with_the_older_line_of_its_own_paid(
    order: tuple[int, int],
) -> None:
    shared = START + 1
    files: list[tuple[str, list[AnyEntry]]] = [
        (
            SESSION,
            [
                assistant("msg_1", usage(2, o=1), at=shared),
                assistant("msg_9", usage(2, o=1), at=START + 900),
            ],
        ),
        (
            OTHER,
            [
                assistant("msg_1", usage(2, o=1), at=shared, session=OTHER),
                assistant("msg_2", usage(2, o=1), at=START + 60, session=OTHER),
            ],
        ),
    ]
    ledger = fed(*(files[index] for index in order))
    assert ids(ledger, OTHER) == ["msg_1", "msg_2"]
    assert ids(ledger, SESSION) == ["msg_9"]


def test_a_side_question_replays_its_parents_response_for_free() -> None:
    ledger = Ledger(PriceTable.load())
    replay = [assistant("msg_1", usage(2, o=1), at=START - 50), assistant("msg_2", usage(7, o=1))]
    feed(ledger, replay, path=f"/p/{SESSION}/subagents/agent-x.jsonl", agent="x")
    feed(ledger, [assistant("msg_1", usage(2, o=1))])
    ledger.settle()
    assert ids(ledger, SESSION) == ["msg_1"]
    assert ids(ledger, SESSION, "x") == ["msg_2"]


def test_the_largest_output_counts_whichever_file_has_it() -> None:
    ledger = fed(
        (SESSION, [assistant("msg_1", usage(2, o=4), stop=None)]),
        (OTHER, [assistant("msg_1", usage(2, o=90), session=OTHER, payer=SESSION)]),
    )
    row = ledger.sessions[SESSION].main.rows[0]
    assert row.usage.output_tokens == 90
    assert not row.output_is_lower_bound


def test_forgetting_a_file_gives_its_copies_to_the_file_that_is_left() -> None:
    ledger = fed(
        (SESSION, [prompt(at=START), assistant("msg_1", usage(2, o=1))]),
        (OTHER, [prompt(at=START + 5), assistant("msg_1", usage(2, o=1), session=OTHER)]),
    )
    ledger.forget(f"/p/{SESSION}.jsonl")
    ledger.settle()
    assert ids(ledger, OTHER) == ["msg_1"]
    assert SESSION not in ledger.sessions
    assert ledger.copies == 0


def test_a_session_in_two_folders_is_one_session_with_shared_lines_once() -> None:
    ledger = Ledger(PriceTable.load())
    first = [assistant("msg_1", usage(2, o=1), at=START), assistant("msg_2", usage(2, o=1))]
    second = [*first, assistant("msg_3", usage(2, o=1), at=START + 50)]
    feed(ledger, second, path=f"/q/{SESSION}.jsonl")
    feed(ledger, first, path=f"/p/{SESSION}.jsonl")
    ledger.settle()
    assert sorted(ids(ledger, SESSION)) == ["msg_1", "msg_2", "msg_3"]


@pytest.mark.parametrize("stale", ["/a", "/z"])
def test_a_stale_copy_of_a_session_leaves_its_order_alone(stale: str) -> None:
    whole = [
        assistant(f"msg_{n}", usage(0, n * 5_000, 0, 5_000, 1), at=START + n) for n in range(6)
    ]
    ledger = Ledger(PriceTable.load())
    feed(ledger, whole, path=f"/m/{SESSION}.jsonl")
    feed(ledger, whole[:5], path=f"{stale}/{SESSION}.jsonl")
    ledger.settle()
    assert ids(ledger, SESSION) == [f"msg_{n}" for n in range(6)]
    assert not any(row.bust for row in ledger.sessions[SESSION].main.rows)


def test_a_renamed_transcript_keeps_its_requests_while_its_old_name_is_gone() -> None:
    renamed = "/p/my-renamed.jsonl"
    ledger = Ledger(PriceTable.load())
    feed(ledger, [assistant("msg_1", usage(2, o=1))], path=renamed, session="my-renamed")
    ledger.settle()
    assert ids(ledger, "my-renamed") == ["msg_1"]
    feed(ledger, [prompt(), assistant("msg_0", usage(2, o=1))])
    ledger.settle()
    assert sorted(ids(ledger, SESSION)) == ["msg_0", "msg_1"]
    ledger.forget(f"/p/{SESSION}.jsonl")
    ledger.settle()
    assert ids(ledger, "my-renamed") == ["msg_1"]
    assert list(ledger.sessions) == ["my-renamed"]


def test_copies_are_looked_up_again_only_when_something_about_them_changes() -> None:
    shared = [assistant(f"msg_{n}", usage(n, o=1), at=START + n) for n in range(50)]
    fork: list[AnyEntry] = [
        assistant(f"msg_{n}", usage(n, o=1), at=START + n, session=OTHER) for n in range(50)
    ]
    ledger = fed((SESSION, [*shared, assistant("own", usage(1, o=1))]), (OTHER, fork))
    asked: list[str] = []
    owner = Copies.owner

    def counting(copies: Copies[Any], message_id: str) -> object:
        asked.append(message_id)
        return owner(copies, message_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Copies, "owner", counting)
        feed(ledger, [assistant("more", usage(1, o=1), at=START + 99)])
        ledger.settle()
        assert asked == []
        feed(ledger, [assistant("msg_7", usage(7, o=99), at=START + 7)])
        ledger.settle()
    assert asked == ["msg_7"]


def comparisons(forks: int) -> tuple[int, int]:
    """How often a place among files is asked for: by so many unmarked forks, and by one more line.

    All of them begin with the same stamp, so that only their responses tell who paid.
    """
    asked = 0
    sort_key = vars(Stream)["sort_key"]

    def counting(stream: Stream) -> object:
        nonlocal asked
        asked += 1
        return sort_key.__get__(stream)

    ledger = Ledger(PriceTable.load())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stream, "sort_key", property(counting))
        for number in range(forks):
            session = f"fork-{number:03}"
            shared = [assistant(f"msg_{n}", usage(n, o=1), session=session) for n in range(20)]
            own = assistant(f"own_{number}", usage(1, o=1), session=session)
            feed(ledger, [*shared, own], path=f"/p/{session}.jsonl", session=session)
        ledger.settle()
        assert len(ids(ledger, "fork-000")) == 21
        at_first, asked = asked, 0
        more = assistant("more", usage(1, o=1), session=session)
        feed(ledger, [more], path=f"/p/{session}.jsonl", session=session)
        ledger.settle()
    return at_first, asked


def test_forks_are_not_compared_all_with_all() -> None:
    few, many = comparisons(25), comparisons(100)
    assert many[0] < 6 * few[0]
    assert many[1] < 6 * few[1]
    assert many[1] < many[0] / 20


def test_an_agent_of_the_flat_layout_belongs_to_the_session_its_lines_name() -> None:
    ledger = Ledger(PriceTable.load())
    feed(
        ledger,
        [assistant("msg_1", usage(2, o=1), sidechain=True)],
        path="/p/agent-1a2b.jsonl",
        session=None,
        agent="1a2b",
    )
    ledger.settle()
    assert ids(ledger, SESSION, "1a2b") == ["msg_1"]


def test_a_sidechain_inside_the_session_file_is_a_thread_of_its_own() -> None:
    entries: list[AnyEntry] = [
        assistant("msg_1", usage(2, r=90_000, o=1)),
        assistant("msg_s", usage(3, o=1), uuid="feed0001-x", sidechain=True),
        assistant("msg_t", usage(3, o=1), uuid="s2", parent="feed0001-x", sidechain=True),
        assistant("msg_2", usage(2, r=90_000, o=1)),
    ]
    ledger = ledger_of(entries)
    assert ids(ledger, SESSION) == ["msg_1", "msg_2"]
    assert ids(ledger, SESSION, "sidechain-feed0001") == ["msg_s", "msg_t"]


def test_a_compaction_nobody_answered_yet_is_shown_with_an_estimated_context() -> None:
    session = session_of([assistant("msg_1", usage(0, r=90_000, o=1)), boundary(91_000, 4_000)])
    (compaction,) = session.main.compactions
    assert (compaction.before_request, compaction.context_before) == (2, 90_000)
    assert session.main.compacted_to == 22_000


def test_what_entered_names_the_call_behind_a_result() -> None:
    call = Block("tool_use", 80, "Read", "toolu_1", "src/cart.ts")
    result = UserEntry(timestamp=START, session_id=SESSION, results=(ToolResult("toolu_1", 900),))
    entries: list[AnyEntry] = [
        prompt("look"),
        assistant("msg_1", usage(0, r=30_000, o=40), blocks=[call]),
        result,
        assistant("msg_2", usage(0, r=31_000, o=4)),
    ]
    first, second = main_rows(entries)
    assert [(item.kind, item.label) for item in first.entered] == [
        ("overhead", "system, tools, CLAUDE.md"),
        ("prompt", "look"),
    ]
    assert [(item.kind, item.name, item.label, item.tokens) for item in second.entered] == [
        ("output", "output", "of #1", 40),
        ("tool_result", "Read", "src/cart.ts", 960),
    ]
    assert (first.verb, first.label) == ("Read", "src/cart.ts")


def test_the_best_title_wins_and_the_last_of_its_kind() -> None:
    entries: list[AnyEntry] = [
        prompt("first words"),
        TitleEntry("last-prompt", "last words"),
        TitleEntry("ai-title", "One"),
        TitleEntry("ai-title", "Two"),
    ]
    assert session_of(entries).title() == "Two"
    assert session_of(entries[:2]).title() == "last words"
    assert session_of(entries[:1]).title() == "first words"
