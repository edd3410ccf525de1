"""Findings about what was brought into the context: F6, F12."""

import pytest
from msgspec.structs import replace

from ccmon.requests import MAIN
from tests.cases import case_like, found, only
from tests.working import Work

UNPRICED = "someone-else-7b"


def reads(count: int, tokens: int, *, work: Work | None = None) -> Work:
    """So many files read in a row."""
    work = work or Work(200_000)
    for number in range(count):
        work.call("Read", f"src/part{number}.ts", tokens)
    return work


class TestLargeResult:
    def test_v27_it_says_what_a_narrower_call_would_have_saved(self) -> None:
        case = case_like(Work(200_000).call("Read", "src/checkout/flow.ts", 12_827).say())
        finding = only(case, "F6")
        assert finding.title == "Read src/checkout/flow.ts brought 12.8k"
        assert finding.saving == pytest.approx(0.184432)
        assert (finding.thread, finding.request, finding.severity) == (MAIN, 2, "info")
        assert finding.value == pytest.approx(0.2e-6 * 11_527 * case.ahead)
        assert dict(finding.evidence) == {"results": 1, "tokens": 12_827, "largest": 12_827}
        assert "offset and limit" in finding.action

    def test_a_share_of_the_context_is_large_as_well(self) -> None:
        assert found(case_like(Work(60_000).call("Bash", "npm ls", 9_000).say()), "F6")
        assert found(case_like(Work(200_000).call("Bash", "npm ls", 9_000).say()), "F6") == []

    def test_several_are_one_finding_about_the_largest(self) -> None:
        work = Work(200_000).call("Bash", "npm ls", 20_000).call("Read", "src/a.ts", 12_000).say()
        finding = only(case_like(work), "F6")
        assert finding.title == "2 large results brought 32.0k"
        assert finding.request == 2
        assert "head, tail" in finding.action

    @pytest.mark.parametrize(
        ("tool", "advice"), [("Agent", "short summaries"), ("WebFetch", "filter or limit")]
    )
    def test_the_advice_fits_the_tool(self, tool: str, advice: str) -> None:
        case = case_like(Work(200_000).call(tool, "x", 20_000).say())
        assert advice in only(case, "F6").action

    def test_the_mean_life_counts_once_it_is_known(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827).say("a.ts", times=60)
        case = case_like(work)
        assert case.life > 50
        assert only(case, "F6").saving == pytest.approx(11_527 * (8e-6 + 0.2e-6 * case.life))

    def test_silent_for_a_file_that_was_edited_later(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827)
        assert found(case_like(work.call("Edit", "src/other.ts", 90).say()), "F6") != []
        assert found(case_like(work.call("Edit", "src/a.ts", 90).say()), "F6") == []
        before = Work(200_000).call("Edit", "src/a.ts", 90).call("Read", "src/a.ts", 12_827)
        assert found(case_like(before.say()), "F6") != []

    def test_silent_where_it_would_have_saved_little(self) -> None:
        assert found(case_like(Work(60_000).call("Read", "src/a.ts", 7_000).say()), "F6") == []

    def test_silent_about_sizes_that_are_only_predicted(self) -> None:
        case = case_like(Work(200_000).call("Read", "src/a.ts", 12_827).say())
        (result,) = case.results
        guessed = replace(result, what=replace(result.what, method="estimated"))
        assert found(replace(case, results=(guessed,)), "F6") == []

    def test_silent_about_what_a_compaction_has_taken_away(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827).say().compact().say()
        assert found(case_like(work), "F6") == []

    def test_silent_about_what_a_compaction_takes_away_with_the_next_request(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827).say().compact()
        assert found(case_like(work), "F6") == []

    def test_silent_about_what_the_client_may_have_cleared_without_a_word(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827).say()
        assert found(case_like(work.vanish(9_000)), "F6") != []
        assert found(case_like(work.vanish(9_000)), "F6") == []

    def test_silent_while_an_edit_of_the_file_is_called_for(self) -> None:
        work = Work(200_000).call("Read", "src/a.ts", 12_827)
        assert found(case_like(work.answer_with("Edit", "src/other.ts")), "F6") != []
        work = Work(200_000).call("Read", "src/a.ts", 12_827)
        assert found(case_like(work.answer_with("Edit", "src/a.ts")), "F6") == []

    def test_what_a_later_run_supersedes_is_left_to_the_command(self) -> None:
        work = Work(200_000)
        for _ in range(4):
            work.call("Bash", "npm test", 12_000)
        case = case_like(work.say(times=20))
        assert dict(only(case, "F6").evidence)["results"] == 1
        assert dict(only(case, "F10").evidence)["superseded"] == 3

    def test_what_an_exploration_brought_is_left_to_it(self) -> None:
        case = case_like(reads(6, 13_000).say(times=4))
        assert dict(only(case, "F12").evidence)["tokens"] == 78_000
        assert found(case, "F6") == []

    def test_silent_without_a_price(self) -> None:
        work = Work(200_000, model=UNPRICED).call("Read", "src/a.ts", 12_827).say()
        assert found(case_like(work), "F6") == []


class TestLongExploration:
    def test_v27_it_says_what_a_summary_would_have_saved(self) -> None:
        case = case_like(reads(1, 1, work=reads(6, 5_000)).say(times=4))
        context = case.session.context
        assert context is not None
        # Three requests have carried it since, and 57 are expected.
        busy = replace(case.session, context=replace(context, requests_per_turn=28.5))
        finding = only(replace(case, session=busy), "F12")
        assert finding.saving == pytest.approx(0.348, abs=2e-5)
        assert finding.value == pytest.approx(0.2e-6 * 29_001 * 57)
        assert finding.title == "7 lookups in a row brought 30.0k"
        assert (finding.request, finding.severity) == (2, "info")
        assert dict(finding.evidence) == {"lookups": 7, "tokens": 30_001}

    def test_searches_count_with_reads(self) -> None:
        work = reads(3, 7_000).call("Grep", "coupon", 7_000).call("Glob", "**/*.ts", 7_000)
        assert found(case_like(work.say(times=4)), "F12") != []

    def test_silent_for_few_lookups_and_for_small_ones(self) -> None:
        assert found(case_like(reads(4, 9_000).say(times=4)), "F12") == []
        assert found(case_like(reads(6, 5_000).say(times=4)), "F12") == []

    def test_silent_where_another_tool_or_a_prompt_parts_them(self) -> None:
        parted = reads(3, 6_000).call("Bash", "npm test", 90)
        assert found(case_like(reads(3, 6_000, work=parted).say(times=4)), "F12") == []
        asked = reads(3, 6_000).say().ask()
        assert found(case_like(reads(3, 6_000, work=asked).say(times=4)), "F12") == []

    def test_silent_when_an_edit_follows_within_three_requests(self) -> None:
        edited = reads(6, 6_000).say(times=2).call("Edit", "src/part1.ts", 90).say(times=3)
        assert found(case_like(edited), "F12") == []
        later = reads(6, 6_000).say(times=3).call("Edit", "src/part1.ts", 90).say(times=3)
        assert found(case_like(later), "F12") != []

    def test_silent_until_it_is_known_that_no_edit_follows(self) -> None:
        assert found(case_like(reads(6, 7_000).say(), status="busy"), "F12") == []
        assert found(case_like(reads(6, 7_000).say(times=4), status="busy"), "F12") != []
        assert found(case_like(reads(6, 7_000).say(), status="idle"), "F12") != []
        assert found(case_like(reads(6, 7_000).say(), status="ended"), "F12") != []

    def test_silent_while_an_edit_is_called_for_within_three_requests(self) -> None:
        work = reads(6, 6_000).say(times=2).answer_with("Edit", "src/other.ts")
        assert found(case_like(work), "F12") == []
        work = reads(6, 6_000).say(times=3).answer_with("Edit", "src/other.ts")
        assert found(case_like(work), "F12") != []

    def test_silent_when_most_of_the_files_are_edited_later_on(self) -> None:
        work = reads(6, 6_000).say(times=5)
        for number in range(3):
            work.call("Edit", f"src/part{number}.ts", 90)
        assert found(case_like(work.say()), "F12") != []
        assert found(case_like(work.call("Edit", "src/part3.ts", 90).say()), "F12") == []

    def test_silent_where_it_would_have_saved_little(self) -> None:
        assert found(case_like(reads(6, 5_200).say()), "F12") == []
        assert found(case_like(reads(6, 5_200).say(times=8)), "F12") != []

    def test_silent_about_what_a_compaction_takes_away_with_the_next_request(self) -> None:
        assert found(case_like(reads(6, 6_000).say(times=4).compact()), "F12") == []
