"""Sources of a context: which kinds and tools stand together, and that nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccmon.requests import Kind
from ccmon.snapshot import Composition
from ccmon.tui.sources import Source, own_tools, sources
from tests.sample_items import sample_inventory

KINDS: list[Kind] = [
    "overhead", "prompt", "text", "thinking", "tool_use", "tool_result", "attachment", "image",
    "loaded_tools", "summary", "unattributed",
]  # fmt: skip


def sums(kind: Kind, tool: str | None, tokens: int, bill: int) -> Composition:
    return Composition(kind, tool, 1, tokens, bill, bill * 1e-6, "split")


def test_the_sample_has_the_sources_of_the_design() -> None:
    found = [(source.name, source.tokens, source.bill) for source in _sample()]
    assert found == [
        ("Read", 86_549, 10_536_307),
        ("Bash", 76_473, 9_356_711),
        ("overhead", 29_900, 8_461_700),
        ("text, prompts", 64_083, 8_005_756),
        ("thinking", 52_818, 6_014_752),
        ("tool input", 38_398, 4_591_697),
        ("attachments", 18_706, 3_276_318),
        ("other results", 21_739, 2_164_836),
        ("summary", 4_630, 986_190),
        ("unattributed", 4_093, 594_762),
    ]


def test_other_results_name_their_tools_the_dearest_first() -> None:
    (other,) = [source for source in _sample() if source.name == "other results"]
    assert other.members == ("Grep", "Edit", "loaded tools", "Agent")


def test_a_single_small_tool_goes_by_its_own_name() -> None:
    found = sources([sums("overhead", None, 900, 9_900), sums("tool_result", "Grep", 10, 100)])
    assert [source.name for source in found] == ["overhead", "Grep"]


def test_at_most_four_tools_are_sources_of_their_own() -> None:
    tools = [sums("tool_result", f"tool{n}", 10, 100 + n) for n in range(6)]
    assert own_tools(tools) == {"tool5", "tool4", "tool3", "tool2"}


def test_without_any_price_there_is_no_money() -> None:
    assert sources([Composition("text", None, 1, 5, 5, None, "split")])[0].cost is None


@given(
    st.lists(
        st.builds(
            sums,
            st.sampled_from(KINDS),
            st.sampled_from(["Read", "Bash", "mcp__x"]),
            st.integers(-50, 10_000),
            st.integers(0, 10_000),
        )
    )
)
def test_sources_add_up_to_the_composition(composition: list[Composition]) -> None:
    found = sources(composition)
    assert sum(source.tokens for source in found) == sum(each.tokens for each in composition)
    assert sum(source.bill for source in found) == sum(each.bill_tokens for each in composition)
    assert sum(source.items for source in found) == len(composition)
    assert [source.bill for source in found] == sorted((s.bill for s in found), reverse=True)


def _sample() -> list[Source]:
    return sources(sample_inventory().composition)
