"""How much of the prefix a bust lost, and where it broke."""

from msgspec.structs import replace

from ccmon.entries import AnyEntry, AssistantEntry, Block, ToolResult, UserEntry
from ccmon.requests import Request
from tests.builders import SESSION, START, assistant, boundary, main_rows, rows_of, usage

Row = tuple[int, int, int, int, int]


def growing(*after: Row) -> list[Request]:
    """Requests of 20k, 40k, 60k and 80k, each of which reads all before it, and then these."""
    steady: list[Row] = [(0, 16_000, 0, 4_000, 1)]
    steady += [(0, 20_000 * n, 0, 20_000, 1) for n in (1, 2, 3)]
    return main_rows(rows_of([*steady, *after]))


def why(rows: list[Request], index: int = -1) -> tuple[str, str | None, bool]:
    found = rows[index].why
    assert found is not None
    return found.reach, found.broke_at, found.stuck


def test_nothing_found_is_everything_lost() -> None:
    assert why(growing((0, 0, 0, 81_000, 1))) == ("everything", None, False)


def test_what_a_first_request_found_is_the_system_prefix() -> None:
    assert why(growing((0, 16_400, 0, 64_600, 1))) == ("system kept", None, False)


def test_a_read_inside_the_first_request_keeps_the_system_prefix() -> None:
    assert why(growing((0, 19_000, 0, 62_000, 1)))[0] == "system kept"


def test_the_least_an_earlier_bust_found_is_the_system_prefix() -> None:
    rows = growing((0, 12_000, 0, 69_000, 1), (0, 81_000, 0, 500, 1), (0, 12_300, 0, 70_000, 1))
    assert why(rows) == ("system kept", None, False)


def test_a_partial_loss_names_what_came_with_the_request_it_broke_at() -> None:
    lines: list[AnyEntry] = list(rows_of([(0, 16_000, 0, 4_000, 1), (0, 20_000, 0, 20_000, 1)]))
    call = Block("tool_use", 90, "Read", "toolu_1", "src/foo.py")
    assert isinstance(lines[-1], AssistantEntry)
    lines[-1] = replace(lines[-1], blocks=(call,))
    given = UserEntry(
        timestamp=START + 130, session_id=SESSION, results=(ToolResult("toolu_1", 80_000),)
    )
    third = assistant("msg_3", usage(r=40_000, w1=20_000), at=START + 180)
    broken = assistant("msg_4", usage(r=45_000, w1=16_000), at=START + 240)
    rows = main_rows([*lines, given, third, broken])
    assert why(rows) == ("partial", "#3 Read src/foo.py", False)


def test_three_reads_of_the_same_while_the_context_grows_are_a_stuck_cache() -> None:
    stuck: list[Row] = [(0, 30_000, 0, 51_000 + 1_000 * n, 1) for n in range(4)]
    rows = growing(*stuck)
    assert [why(rows, index)[2] for index in (-4, -3, -2, -1)] == [False, False, True, True]


def test_a_cache_that_holds_nothing_is_not_stuck() -> None:
    rows = growing(*((0, 0, 0, 81_000 + 1_000 * n, 1) for n in range(4)))
    assert [why(rows, index)[2] for index in (-2, -1)] == [False, False]


def test_what_the_server_explains_is_not_stuck() -> None:
    steady: list[Row] = [(0, 16_000, 0, 4_000, 1), (0, 20_000, 0, 60_000, 1)]
    lines = rows_of([*steady, *((0, 30_000, 0, 51_000 + 1_000 * n, 1) for n in range(4))])
    told = lines[-1]
    assert isinstance(told, AssistantEntry)
    lines[-1] = replace(told, miss_reason="system_changed")
    rows = main_rows(lines)
    assert [why(rows, index)[2] for index in (-2, -1)] == [True, False]


def test_a_hit_in_between_ends_a_stuck_cache() -> None:
    rows = growing(
        (0, 30_000, 0, 51_000, 1),
        (0, 30_000, 0, 52_000, 1),
        (0, 82_000, 0, 1_000, 1),
        (0, 30_000, 0, 54_000, 1),
    )
    assert why(rows)[2] is False


def test_much_less_than_a_first_request_found_is_a_part_without_a_name() -> None:
    rows = main_rows(rows_of([(0, 200_000, 0, 10_000, 1), (0, 120_000, 0, 90_500, 1)]))
    assert why(rows) == ("partial", None, False)


def test_within_three_percent_it_is_the_same_prefix() -> None:
    rows = growing((0, 30_000, 0, 51_000, 1), (0, 81_000, 0, 500, 1), (0, 30_900, 0, 51_500, 1))
    assert why(rows)[0] == "system kept"
    rows = growing((0, 30_000, 0, 51_000, 1), (0, 81_000, 0, 500, 1), (0, 30_901, 0, 51_500, 1))
    assert why(rows)[0] == "partial"


def test_a_cache_is_stuck_only_while_the_context_grows() -> None:
    stuck: list[Row] = [(0, 30_000, 0, 51_000, 1)] * 4
    assert [why(growing(*stuck), index)[2] for index in (-2, -1)] == [False, False]


def test_after_a_compaction_the_first_read_is_the_system_prefix() -> None:
    entries: list[AnyEntry] = [*rows_of([(0, 16_000, 0, 90_000, 1)]), boundary(pre=106_000)]
    entries.append(assistant("msg_2", usage(r=18_000, w1=30_000), at=START + 120))
    entries.append(assistant("msg_3", usage(r=48_000, w1=9_000), at=START + 180))
    entries.append(assistant("msg_4", usage(r=18_100, w1=39_500), at=START + 240))
    assert why(main_rows(entries))[0] == "system kept"
