"""Findings about what the context still holds: F7, F9, F10."""

import pytest
from msgspec.structs import replace

from ccmon.insight.using import COLD_AFTER
from tests.cases import case_like, found, only
from tests.working import Work

UNPRICED = "someone-else-7b"


def cold(context: int, *sizes: int, model: str = "claude-opus-5-5") -> Work:
    """Files of these sizes read into a context, and not named for twenty requests."""
    work = Work(context, model=model)
    for number, size in enumerate(sizes):
        work.call("Read", f"src/part{number}.ts", size)
    return work.say(times=COLD_AFTER + 1)


def repeated(times: int, tokens: int, *, later: int = 100) -> Work:
    """The same command so many times, and so many requests after that."""
    work = Work(200_000)
    for _ in range(times):
        work.call("Bash", "npm test", tokens)
    return work.say(times=later)


class TestColdResults:
    def test_v27_it_says_what_carrying_them_costs(self) -> None:
        finding = only(case_like(cold(60_000, 15_000, 25_000)), "F7")
        assert finding.saving_per_request == pytest.approx(0.008)
        assert finding.title == "40% of the context has gone cold"
        assert "2 files, 40.0k" in finding.basis
        assert finding.basis.endswith("the largest src/part1.ts")
        assert (finding.request, finding.severity) == (3, "info")

    def test_silent_where_they_are_a_small_part(self) -> None:
        assert found(case_like(cold(200_000, 30_000)), "F7") == []
        assert found(case_like(cold(160_000, 30_000)), "F7") != []

    def test_silent_in_a_small_context(self) -> None:
        assert found(case_like(cold(38_000, 40_000)), "F7") == []

    def test_silent_while_the_files_are_named(self) -> None:
        work = cold(60_000, 40_000).say("part0.ts").say()
        assert found(case_like(work), "F7") == []

    def test_a_file_that_was_named_once_grows_cold_again(self) -> None:
        work = cold(60_000, 40_000).say("part0.ts").say(times=COLD_AFTER)
        assert found(case_like(work), "F7") != []

    def test_superseded_results_are_no_cold_ones(self) -> None:
        work = Work(60_000).call("Read", "src/a.ts", 40_000).call("Read", "src/a.ts", 1_000)
        assert found(case_like(work.say(times=COLD_AFTER + 1)), "F7") == []

    def test_silent_without_a_price(self) -> None:
        assert found(case_like(cold(60_000, 40_000, model=UNPRICED)), "F7") == []

    def test_silent_once_the_session_is_over(self) -> None:
        assert found(case_like(cold(60_000, 40_000), status="ended"), "F7") == []

    def test_silent_about_a_context_that_was_just_compacted(self) -> None:
        assert found(case_like(cold(60_000, 40_000).compact()), "F7") == []

    def test_silent_where_the_client_may_have_cleared_them_without_a_word(self) -> None:
        assert found(case_like(cold(100_000, 40_000).vanish(5_000)), "F7") != []
        assert found(case_like(cold(100_000, 40_000).vanish(30_000)), "F7") == []

    def test_no_share_is_more_than_all_of_the_context(self) -> None:
        case = case_like(cold(60_000, 40_000))
        (result,) = case.results
        many = tuple(replace(result, tokens=tokens) for tokens in (60_000, 42_000))
        finding = only(replace(case, results=many), "F7")
        assert finding.title == "100% of the context has gone cold"
        assert dict(finding.evidence)["share"] == 1.0


class TestMuchThinking:
    def test_v27_it_says_what_carrying_it_costs_and_warns_of_a_change_now(self) -> None:
        case = case_like(Work(100_000).think(46_100).say())
        finding = only(case, "F9")
        assert finding.saving_per_request == pytest.approx(0.00922)
        assert finding.title == "thinking is 32% of the context"
        assert "next session" in finding.action
        assert "rebuild the cache" in finding.action
        assert finding.value == pytest.approx(0.00922 * case.ahead)

    def test_silent_below_a_quarter_of_the_context(self) -> None:
        assert found(case_like(Work(140_000).think(46_100).say()), "F9") == []

    def test_silent_while_it_is_little(self) -> None:
        assert found(case_like(Work(20_000).think(9_900).say()), "F9") == []
        assert found(case_like(Work(20_000).think(10_000).say()), "F9") != []

    def test_silent_without_a_price(self) -> None:
        work = Work(100_000, model=UNPRICED).think(46_100).say()
        assert found(case_like(work), "F9") == []

    @pytest.mark.parametrize("model", ["claude-sonnet-4-5", "claude-haiku-5-5"])
    def test_silent_for_models_that_drop_it_at_the_next_prompt(self, model: str) -> None:
        assert found(case_like(Work(20_000, model=model).think(15_000).say()), "F9") == []

    def test_silent_once_the_session_is_over(self) -> None:
        work = Work(100_000).think(46_100).say()
        assert found(case_like(work, status="ended"), "F9") == []

    def test_silent_about_a_context_that_was_compacted_just_now_or_lately(self) -> None:
        work = Work(100_000).think(46_100).say().compact()
        assert found(case_like(work), "F9") == []
        work.say().think(20_000)
        assert found(case_like(work.say(times=15)), "F9") == []
        assert found(case_like(work.say(times=10)), "F9") != []

    def test_silent_where_much_has_vanished_without_a_word(self) -> None:
        work = Work(100_000).think(46_100).say().vanish(30_000)
        assert found(case_like(work), "F9") == []


class TestRepeatedCommand:
    def test_it_says_what_the_earlier_runs_have_cost_since(self) -> None:
        finding = only(case_like(repeated(6, 1_200, later=101)), "F10")
        assert finding.title == "npm test x6, 5 superseded"
        # Run k enters with request k + 1 and is superseded with k + 2; the last request is 107.
        assert finding.saving == pytest.approx(1_200 * 0.2e-6 * (105 + 104 + 103 + 102 + 101))
        assert finding.request == 7
        assert dict(finding.evidence) == {"runs": 6, "superseded": 5, "tokens": 6_000}

    def test_silent_for_three_runs(self) -> None:
        assert found(case_like(repeated(3, 9_000)), "F10") == []
        assert found(case_like(repeated(4, 9_000)), "F10") != []

    def test_runs_that_failed_do_not_count(self) -> None:
        work = Work(200_000)
        for failed in (False, True, False, True, False, True):
            work.call("Bash", "npm test", 9_000, failed=failed)
        assert found(case_like(work.say(times=100)), "F10") == []
        finding = only(case_like(work.call("Bash", "npm test", 9_000).say()), "F10")
        assert dict(finding.evidence) == {"runs": 4, "superseded": 3, "tokens": 27_000}

    def test_silent_where_they_said_little(self) -> None:
        assert found(case_like(repeated(6, 1_000, later=200)), "F10") == []

    def test_silent_where_it_would_have_saved_little(self) -> None:
        assert found(case_like(repeated(4, 9_000, later=10)), "F10") == []
        assert found(case_like(repeated(4, 9_000, later=20)), "F10") != []

    def test_silent_about_what_is_no_command(self) -> None:
        work = Work(200_000)
        for _ in range(4):
            work.call("Grep", "coupon", 9_000)
        assert found(case_like(work.say()), "F10") == []

    def test_silent_for_runs_before_a_compaction(self) -> None:
        work = repeated(4, 9_000).compact()
        assert found(case_like(work), "F10") == []
        assert found(case_like(work.call("Bash", "npm test", 900).say()), "F10") == []

    def test_the_dearest_commands_are_findings_of_their_own(self) -> None:
        work = repeated(4, 9_000)
        for command, tokens in (("make lint", 3_000), ("make", 4_000), ("make test", 2_000)):
            for _ in range(4):
                work.call("Bash", command, tokens)
        findings = found(case_like(work.say(times=100)), "F10")
        assert [finding.title.partition(" x")[0] for finding in findings] == [
            "npm test",
            "make",
            "make lint",
        ]
        assert len({finding.key for finding in findings}) == 3
