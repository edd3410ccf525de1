"""The filter language: what each kind of term lets through, and what it refuses."""

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmon.snapshot import Request, Usage
from ccmon.tui.query import Query, parse
from tests import sample
from tests.sample_rows import Row, requests_of


@dataclass(frozen=True)
class Made:
    """A request by the few facts that a filter looks at."""

    n: int = 7
    clock: str = "13:10:00"
    context: int = 150_000
    verb: str = "Read"
    label: str = "src/cart.ts"
    prompt: str | None = None
    changes: dict[str, object] = field(default_factory=dict)

    def build(self) -> Request:
        row = Row(self.n, self.clock, self.context, 800, 300, self.verb, self.label, self.prompt)
        (request,) = requests_of([row])
        return msgspec.structs.replace(request, **self.changes)


def passes(text: str, made: Made | None = None) -> bool:
    query = parse(text)
    assert query.errors == ()
    return query.matches((made or Made()).build())


def test_an_empty_filter_lets_everything_through_and_counts_as_none() -> None:
    assert not parse("")
    assert not parse("   ")
    assert passes("")


@pytest.mark.parametrize(
    "text", ["read", "READ", "cart", "src/cart.ts", "read cart", "!write", "cart !bash"]
)
def test_words_are_looked_for_without_regard_to_case_and_all_have_to_hold(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize("text", ["bash", "read bash", "!read", "cart !read"])
def test_one_word_that_fails_is_enough(text: str) -> None:
    assert not passes(text)


def test_words_look_into_the_prompt_too() -> None:
    assert passes("coupon total", Made(prompt="Fix the Coupon total"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tool:Read", True),
        ("tool:read", True),
        ("tool:cart", False),
        ("!tool:Read", False),
        ("path:cart", True),
        ("path:read", False),
        ("model:opus", True),
        ("model:sonnet", False),
    ],
)
def test_a_key_confines_the_word_to_one_field(text: str, expected: bool) -> None:
    assert passes(text) is expected


def test_a_model_that_is_not_known_matches_no_model() -> None:
    assert not passes("model:opus", Made(changes={"model": None}))


def test_path_finds_the_request_into_which_a_file_was_read() -> None:
    reading = sample.main_requests()[280]
    assert reading.label != "src/checkout/flow.ts"
    assert parse("path:checkout/flow").matches(reading)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ctx>149k", True),
        ("ctx>150k", False),
        ("ctx>=150k", True),
        ("ctx<0.2m", True),
        ("ctx>200K", False),
        ("out>799", True),
        ("out>1k", False),
        ("think>299", True),
        ("CTX>149k", True),
        ("!ctx>149k", False),
    ],
)
def test_numbers_compare_with_units(text: str, expected: bool) -> None:
    assert passes(text) is expected


def test_new_is_the_growth_that_the_column_shows() -> None:
    made = Made(changes={"growth": 14_903})
    assert passes("new>14k", made)
    assert not passes("new>15k", made)
    assert not passes("new>0", Made(changes={"growth": -97_500}))


def test_cost_is_dollars() -> None:
    made = Made(changes={"cost": 0.203})
    assert passes("cost>0.2", made)
    assert passes("cost>$.2", made)
    assert not passes("cost>0.21", made)


@pytest.mark.parametrize("text", ["cost>0", "cost<1", "cost=0"])
def test_a_request_without_a_price_satisfies_no_comparison(text: str) -> None:
    assert not passes(text, Made(changes={"cost": None}))


def test_read_is_the_share_from_the_cache_in_percent() -> None:
    usage = Usage(input_tokens=100, cache_read_input_tokens=890, cache_creation_input_tokens=10)
    made = Made(changes={"context": 1_000, "usage": usage})
    assert passes("read<90", made)
    assert passes("read<90%", made)
    assert not passes("read<89", made)
    assert not passes("read<90", Made(changes={"context": 0}))


def test_rew_finds_what_was_written_again() -> None:
    assert passes("rew>0", Made(changes={"rewritten": 1}))
    assert not passes("rew>0")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("#7", {7}),
        ("#5..7", {5, 6, 7}),
        ("#5..#7", {5, 6, 7}),
        ("!#5..7", {1, 2, 3, 4, 8, 9}),
    ],
)
def test_request_numbers_and_ranges_include_both_ends(text: str, numbers: set[int]) -> None:
    assert {n for n in range(1, 10) if passes(text, Made(n=n))} == numbers


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("12:59:59", False),
        ("13:00:00", True),
        ("13:30:59", True),
        ("13:31:00", False),
    ],
)
def test_a_span_of_time_includes_both_minutes(clock: str, expected: bool) -> None:
    assert passes("13:00..13:30", Made(clock=clock)) is expected


def test_a_span_over_midnight_runs_on() -> None:
    assert passes("23:00..01:00", Made(clock="23:59:00"))
    assert passes("23:00..01:00", Made(clock="00:30:00"))
    assert not passes("23:00..01:00", Made(clock="12:00:00"))


@pytest.mark.parametrize("moment", [None, 1e300, -1e300, float("nan")])
def test_a_request_without_a_usable_time_lies_in_no_span(moment: float | None) -> None:
    assert not passes("00:00..23:59", Made(changes={"at": moment}))


@pytest.mark.parametrize(
    ("flag", "change"),
    [
        ("bust", {"bust": True}),
        ("prompt", {"starts_turn": True}),
        ("lower", {"output_is_lower_bound": True}),
    ],
)
def test_flags(flag: str, change: dict[str, object]) -> None:
    assert passes(flag, Made(changes=change))
    assert passes(flag.upper(), Made(changes=change))
    assert not passes(flag)
    assert passes(f"!{flag}")


@pytest.mark.parametrize(
    "term",
    [
        "ctx>",
        "ctx>big",
        "cost>1.2.3",
        "#",
        "#x",
        "#1..",
        "#1-5",
        "25:00..26:00",
        "13:70..13:80",
        "13:00..",
        "tool:",
        "path:",
        "agent:",
        "!",
        pytest.param("#" + "9" * 5_000, id="number-too-long"),
    ],
)
def test_a_term_that_does_not_parse_is_reported_and_ignored(term: str) -> None:
    query = parse(f"{term} tool:Read")
    assert query.errors == (term,)
    assert query.matches(Made().build())
    assert not query.matches(Made(verb="Bash").build())


def threads(text: str) -> list[str]:
    session = sample.sample_session()
    return [rows[0].thread for rows in parse(text).threads(session)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["main"]),
        ("agent:main", ["main"]),
        ("agent:all", ["main", "a7e03c"]),
        ("agent:a7e", ["a7e03c"]),
        ("agent:explore", ["a7e03c"]),
        ("agent:Explore tool:Read", ["a7e03c"]),
        ("agent:nobody", []),
    ],
)
def test_agents_are_looked_at_only_when_they_are_named(text: str, expected: list[str]) -> None:
    assert threads(text) == expected


TERMS = st.one_of(
    st.text(),
    st.text(alphabet="#!.:<>=0123456789kmgctxagent ", max_size=24),
    st.from_regex(r"!?(ctx|new|out|cost|rew|read|#|agent:|tool:)[<>=]{0,2}.{0,12}", fullmatch=True),
)


@given(TERMS)
def test_no_text_breaks_the_parser_and_every_result_can_be_asked(text: str) -> None:
    query = parse(text)
    assert isinstance(query, Query)
    assert set(query.errors) <= set(text.split())
    assert query.matches(Made().build()) in (True, False)


@given(st.lists(st.sampled_from(["read", "tool:Bash", "ctx>100k", "bust", "#1..50", "!cart"])))
def test_more_terms_never_let_more_through(terms: list[str]) -> None:
    rows = sample.main_requests()[::12]
    narrower = parse(" ".join(terms))
    wider = parse(" ".join(terms[:-1]))
    assert all(wider.matches(row) for row in rows if narrower.matches(row))
