"""Which results are superseded or cold, since when, and what carrying them on has cost."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ccmon.entries import UserEntry
from ccmon.insight.inventory import inventory
from ccmon.insight.running import Running
from ccmon.insight.using import COLD_AFTER, Result, results_of
from ccmon.requests import MAIN
from ccmon.snapshot import Item
from tests.builders import START, assistant, folds_of, session_of, usage
from tests.working import Work


def results(work: Work) -> dict[str, Result]:
    return {result.what.label: result for result in results_of(folds_of(work.entries).uses)}


def flags(work: Work) -> list[tuple[str, str | None]]:
    found = results_of(folds_of(work.entries).uses)
    return [(result.what.label, result.flag) for result in found]


def items(work: Work) -> list[Item]:
    folds = folds_of(work.entries)
    found = inventory(folds.contents, lambda: results_of(folds.uses), priced=True)
    assert found is not None
    return [item for item in found.items() if item.kind == "tool_result"]


def failed(work: Work) -> Work:
    """The last call failed or was denied."""
    entry = work.entries[-1]
    assert isinstance(entry, UserEntry)
    results = tuple(replace(each, is_error=True) for each in entry.results)
    work.entries[-1] = replace(entry, results=results)
    return work


class TestSuperseded:
    def test_the_same_command_run_again(self) -> None:
        work = Work().call("Bash", "npm test", 900).call("Bash", "ls", 90)
        assert flags(work.call("Bash", "npm test", 910).say()) == [
            ("npm test", "superseded"),
            ("ls", None),
            ("npm test", None),
        ]

    def test_another_tool_with_the_same_argument_is_not_the_same(self) -> None:
        work = Work().call("Bash", "coupon", 900).call("Grep", "coupon", 900).say()
        assert [flag for _, flag in flags(work)] == [None, None]

    def test_a_read_whose_lines_cover_it(self) -> None:
        work = Work().call("Read", "src/a.py", 900, lines=(10, 50))
        narrower = work.call("Read", "src/a.py", 800, lines=(10, 40)).say()
        assert [flag for _, flag in flags(narrower)] == [None, None]
        wider = work.call("Read", "src/a.py", 2_000, lines=(1, 90)).say()
        assert [flag for _, flag in flags(wider)] == ["superseded", "superseded", None]

    def test_an_edit_of_the_file_leaves_it(self) -> None:
        work = Work().call("Read", "src/a.py", 900).call("Edit", "src/a.py", 100).say()
        assert [flag for _, flag in flags(work)] == [None, None]

    def test_a_read_that_brought_a_note_leaves_it(self) -> None:
        work = Work().call("Read", "src/a.py", 3_000).call("Read", "src/a.py", 40).say()
        assert [flag for _, flag in flags(work)] == [None, None]

    def test_a_read_that_failed_leaves_what_was_read(self) -> None:
        work = failed(Work().call("Read", "src/a.py", 900).call("Read", "src/a.py", 800)).say()
        assert flags(work) == [("src/a.py", None), ("src/a.py", None)]

    def test_a_command_that_was_denied_leaves_its_output(self) -> None:
        work = failed(Work().call("Bash", "npm test", 900).call("Bash", "npm test", 30)).say()
        assert [flag for _, flag in flags(work)] == [None, None]

    def test_a_command_that_failed_again_supersedes_its_failure(self) -> None:
        work = failed(Work().call("Bash", "npm test", 900)).call("Bash", "npm test", 800)
        again = failed(work).call("Bash", "npm test", 30)
        assert [flag for _, flag in flags(failed(again).say())] == ["superseded", None, None]

    def test_not_by_a_call_in_another_segment(self) -> None:
        work = Work().call("Bash", "npm test", 900).say().compact()
        assert flags(work.call("Bash", "npm test", 900).say()) == [("npm test", None)]

    def test_not_any_more_when_the_conversation_went_back_before_it(self) -> None:
        work = Work().call("Bash", "npm test", 900).say()
        again = work.call("Bash", "npm test", 900).say()
        assert [flag for _, flag in flags(again)] == ["superseded", None]
        assert flags(again.go_back(2).say()) == [("npm test", None)]

    def test_the_bill_counts_from_the_request_that_brought_the_same(self) -> None:
        work = Work().call("Bash", "npm test", 1_000).say(times=4)
        work.call("Bash", "npm test", 1_000).say(times=10)
        first, _ = items(work)
        assert (first.entered, first.carried) == (2, 15)
        assert first.useless_tokens == 1_000 * 10
        assert first.useless_cost == pytest.approx(1_000 * 10 * 0.2e-6)


class TestCold:
    def test_a_file_that_was_not_named_for_twenty_requests(self) -> None:
        work = Work().call("Read", "src/a.py", 900).say().say("a.py").say(times=COLD_AFTER - 1)
        assert flags(work) == [("src/a.py", None)]
        assert flags(work.say()) == [("src/a.py", "cold")]
        assert results(work)["src/a.py"].named == 3

    def test_one_that_was_never_named_since_it_was_read_is_unused(self) -> None:
        work = Work().call("Read", "src/a.py", 900).say(times=COLD_AFTER)
        assert flags(work) == [("src/a.py", None)]
        assert flags(work.say()) == [("src/a.py", "unused")]
        assert results(work)["src/a.py"].named is None

    def test_a_call_that_names_it_is_a_use(self) -> None:
        work = Work().call("Read", "src/a.py", 900).say(times=COLD_AFTER)
        work.call("Bash", "grep x src/a.py", 90, names=["a.py"]).say()
        assert results(work)["src/a.py"].flag is None

    def test_superseded_says_more_than_cold(self) -> None:
        work = Work().call("Read", "src/a.py", 900).call("Read", "src/a.py", 900).say(times=30)
        assert [flag for _, flag in flags(work)] == ["superseded", "unused"]

    def test_only_results_of_files_go_cold(self) -> None:
        work = Work().call("Bash", "ls", 900).call("Edit", "src/a.py", 90).say(times=40)
        assert [flag for _, flag in flags(work)] == [None, None]

    def test_v19_the_bill_counts_from_the_last_mention(self) -> None:
        work = Work().say(times=84).call("Read", "src/generated/schema.ts", 7_904)
        work.say(times=23).say("schema.ts").say(times=174)
        (item,) = items(work)
        assert (item.entered, item.named, item.flag) == (86, 109, "cold")
        assert item.useless_tokens == 1_375_296
        assert item.useless_cost == pytest.approx(0.275059, abs=1e-6)

    def test_what_is_of_use_has_no_useless_bill(self) -> None:
        (item,) = items(Work().call("Read", "src/a.py", 900).say(times=5))
        assert (item.flag, item.useless_tokens, item.useless_cost) == (None, 0, None)


def test_a_request_that_did_not_read_the_context_counts_for_nothing() -> None:
    work = Work().call("Bash", "npm test", 1_000).call("Bash", "npm test", 1_000).say(times=3)
    title = assistant("msg_title", usage(i=300, o=8), at=START + 200)
    entries = [*work.entries[:-2], title, *work.entries[-2:]]
    uses = folds_of(entries).uses
    assert [each.superseded for each in uses.results()] == [3, None]
    assert results_of(uses)[0].useless_tokens == 3_000


def test_growing_request_by_request_comes_to_the_same_as_one_pass() -> None:
    work = Work().call("Bash", "npm test", 900).call("Read", "src/a.py", 900).say(times=25)
    work.call("Bash", "npm test", 900).say("a.py").compact().call("Read", "src/a.py", 700).say()
    thread = session_of(work.entries).threads[MAIN]
    running = Running()
    for count in range(1, len(thread.rows) + 1):
        uses = running.over(thread.rows[:count], thread.compactions).uses
        whole = Running().over(thread.rows[:count], thread.compactions).uses
        assert results_of(uses) == results_of(whole)


def test_the_fold_goes_on_from_a_copy_without_touching_the_first() -> None:
    work = Work().call("Bash", "npm test", 900).call("Read", "src/a.py", 900).say(times=3)
    uses = folds_of(work.entries).uses
    before = list(uses.results())
    twin = uses.copy()
    later = work.call("Bash", "npm test", 900).say("a.py")
    rows = folds_of(later.entries).stats.recent
    for row in list(rows)[-2:]:
        twin.push(row, requests=row.n, read=0.0)
    assert [each.superseded for each in twin.results()] == [7, None, None]
    after = list(uses.results())
    assert [(use.superseded, use.named) for use in after] == [
        (use.superseded, use.named) for use in before
    ]
