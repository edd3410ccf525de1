"""What several sessions found out again, and whether a memory of it pays: accounting, 14."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon import words
from ccmon.insight.memory import Find, FindKind, Piece, Study, again, candidates, carried, texts
from ccmon.ledger.costs import write_price
from ccmon.measures import Ttl
from ccmon.past import Candidate
from tests.builders import OPUS_5, OPUS_5_5, START, price_of

ROOT = "/home/dev/shop-api"
PRICE = price_of(OPUS_5_5)
LIFE = 40.0
REQUESTS = 53


def find(
    key: str, tokens: int = 9_000, digest: int = 1, *, kind: FindKind = "file", life: float = LIFE,
    number: int = 0,
) -> Find:  # fmt: skip
    """One read of one piece by a session on opus-5-5 that caches for an hour."""
    worth = carried(tokens, PRICE.write_1h, PRICE.read, life)
    piece = Piece(number, tokens, digest)
    return Find(kind, key, tokens, 1, (piece,), life, round(tokens * life), worth, worth)


def pieced(*pieces: Piece, key: str = "a.md", rest: int = 0) -> Find:
    """One read of several pieces, and of ``rest`` tokens that nobody can compare."""
    tokens = rest + sum(piece.tokens for piece in pieces)
    return replace(find(key, tokens), pieces=pieces)


def study(
    number: int, *finds: Find, root: str = ROOT, requests: int = REQUESTS, threads: int = 1
) -> Study:
    """A session of a project."""
    name, at = root.rsplit("/", 1)[-1], START + number
    return Study(
        f"session-{number}", root, name, at, requests, threads, PRICE.write_1h, PRICE.read, finds
    )


def studies(
    count: int, *finds: Find, of: int | None = None, requests: int = REQUESTS
) -> list[Study]:
    """So many sessions that found the same, ``of`` all those of the project."""
    return [
        study(number, *(finds if number < count else ()), requests=requests)
        for number in range(of or count)
    ]


def only(given: Sequence[Study]) -> Candidate:
    (candidate,) = candidates(given)
    return candidate


class TestPublishedExample:
    """V30."""

    @pytest.mark.parametrize(
        ("model", "ttl", "cost"),
        [(OPUS_5, "5m", 0.0655), (OPUS_5_5, "5m", 0.0312), (OPUS_5_5, "1h", 0.0372)],
    )
    def test_two_thousand_tokens_in_53_requests(self, model: str, ttl: Ttl, cost: float) -> None:
        price = price_of(model)
        assert carried(2_000, write_price(price, ttl), price.read, 53) == pytest.approx(cost)

    @pytest.mark.parametrize(
        ("model", "ttl", "worth"), [(OPUS_5, "5m", 0.23625), (OPUS_5_5, "1h", 0.144)]
    )
    def test_a_read_of_nine_thousand_with_a_life_of_40(
        self, model: str, ttl: Ttl, worth: float
    ) -> None:
        price = price_of(model)
        assert carried(9_000, write_price(price, ttl), price.read, 40) == pytest.approx(worth)

    def test_it_is_recommended(self) -> None:
        candidate = only(studies(5, find("ARCHITECTURE.md")))
        assert candidate.memory_tokens == 2_000
        assert candidate.session_saving == pytest.approx(0.144)
        assert candidate.memory_cost == pytest.approx(0.0372)
        assert candidate.net == pytest.approx(0.1068)
        assert candidate.saving == pytest.approx(4 * 0.144)
        assert (candidate.belongs, candidate.recommended) == ("CLAUDE.md", True)


class TestCandidates:
    def test_it_takes_three_sessions(self) -> None:
        assert candidates(studies(2, find("a.md"), of=9)) == ()
        assert only(studies(3, find("a.md"), of=9)).sessions == 3

    def test_it_takes_two_thousand_tokens_in_each(self) -> None:
        assert candidates(studies(9, find("a.md", 1_999))) == ()
        assert only(studies(9, find("a.md", 2_000))).tokens == 2_000

    def test_one_session_is_no_evidence_for_others(self) -> None:
        little = [study(number, find("a.md", 20)) for number in (11, 12)]
        assert candidates([study(1, find("a.md", 28_700)), *little]) == ()
        mixed = only([*little, *studies(3, find("a.md", 3_000))])
        assert (mixed.sessions, mixed.tokens, mixed.reads) == (3, 3_000, 3)
        assert mixed.saving == pytest.approx(2 * carried(3_000, PRICE.write_1h, PRICE.read, LIFE))

    def test_sessions_of_different_projects_have_nothing_in_common(self) -> None:
        roots = [ROOT, "/home/dev/web", "/home/other/shop-api"]
        assert candidates(study(n, find("a.md"), root=root) for n, root in enumerate(roots)) == ()

    def test_projects_of_one_name_are_told_apart(self) -> None:
        here = [study(n, find("a.md"), root="/work/a/api") for n in range(3)]
        there = [study(n, find("a.md"), root="/work/b/api") for n in range(10, 14)]
        told = {(each.root, each.project, each.sessions) for each in candidates([*here, *there])}
        assert told == {("/work/a/api", "api", 3), ("/work/b/api", "api", 4)}

    def test_sessions_without_requests_do_not_count(self) -> None:
        idle = [study(number, requests=0) for number in range(50, 90)]
        alone, among = only(studies(3, find("a.md"))), only(studies(3, find("a.md")) + idle)
        assert (among.memory_cost, among.session_saving) == (
            alone.memory_cost, alone.session_saving,
        )  # fmt: skip

    def test_the_dearest_comes_first(self) -> None:
        found = [find("much.md", 9_000), find("little.md", 2_000)]
        often = [study(number, find("often.md", 6_000)) for number in range(10, 30)]
        keys = [each.key for each in candidates([*studies(5, *found), *often])]
        assert keys == ["often.md", "much.md", "little.md"]

    def test_it_says_what_was_paid_and_when_last(self) -> None:
        candidate = only(studies(4, find("a.md")))
        assert candidate.cost == pytest.approx(4 * 0.144)
        assert (candidate.reads, candidate.last_at) == (4, START + 3)

    def test_without_a_price_nothing_is_recommended(self) -> None:
        bare = replace(find("a.md"), cost=None, worth=None)
        unpriced = [replace(study(n, bare), write=None, read=None) for n in range(5)]
        candidate = only(unpriced)
        assert (candidate.cost, candidate.saving, candidate.session_saving) == (None, None, None)
        assert (candidate.memory_cost, candidate.net, candidate.recommended) == (None, None, False)
        assert candidate.belongs == "CLAUDE.md"


class TestFoundAgain:
    def test_parts_that_nobody_else_read_were_not_read_again(self) -> None:
        apart = [study(number, find("big.py", 9_000, number=number)) for number in range(6)]
        assert candidates(apart) == ()

    def test_a_part_that_two_sessions_share_is_too_little(self) -> None:
        pairs = [study(number, find("big.py", number=number // 2)) for number in range(6)]
        assert candidates(pairs) == ()

    def test_only_what_three_sessions_share_counts(self) -> None:
        shared, others = Piece(0, 3_000, 1), [Piece(10 + number, 6_000, 2) for number in range(4)]
        candidate = only([study(n, pieced(shared, other)) for n, other in enumerate(others)])
        worth = carried(3_000, PRICE.write_1h, PRICE.read, LIFE)
        assert (candidate.tokens, candidate.memory_tokens) == (3_000, 667)
        assert candidate.session_saving == pytest.approx(worth)
        assert candidate.cost == pytest.approx(4 * worth)

    def test_what_cannot_be_compared_does_not_count(self) -> None:
        blind = [study(number, pieced(rest=9_000)) for number in range(5)]
        assert candidates(blind) == ()
        some = [study(number, pieced(Piece(0, 2_500, 1), rest=7_000)) for number in range(5)]
        assert (only(some).tokens, only(some).contents) == (2_500, 1)

    def test_a_session_with_too_little_takes_its_share_from_the_others(self) -> None:
        one, two = Piece(0, 1_500, 1), Piece(1, 1_500, 1)
        found = [(study(n), pieced(one, two)) for n in range(2)]
        found.append((study(3), pieced(one)))
        assert again(found) == []
        found.append((study(4), pieced(one, two)))
        assert [find.tokens for _, find in again(found)] == [3_000] * 3

    def test_a_file_that_was_edited_had_to_be_read(self) -> None:
        edited = replace(find("src/app.py"), changed=True)
        assert candidates(studies(9, edited)) == ()
        mixed = [*studies(3, find("src/app.py")), *(study(n, edited) for n in range(10, 15))]
        assert only(mixed).sessions == 3

    def test_every_change_of_a_part_counts(self) -> None:
        assert texts(find("a", digest=digest) for digest in (1, 2, 3, 1)) == 3

    def test_other_parts_are_no_change(self) -> None:
        assert texts([pieced(Piece(0, 1, 1), Piece(1, 1, 2)), pieced(Piece(1, 1, 2))]) == 1

    def test_one_part_that_changes_makes_all_of_it_changing(self) -> None:
        same = Piece(0, 3_000, 1)
        changing = [study(n, pieced(same, Piece(1, 3_000, n))) for n in range(4)]
        assert (only(changing).contents, only(changing).belongs) == (4, "map")

    def test_a_part_that_changed_within_a_session_is_not_counted_twice(self) -> None:
        changed = pieced(Piece(0, 3_000, 1), Piece(0, 0, 2))
        candidate = only(studies(3, changed))
        assert (candidate.tokens, candidate.contents) == (3_000, 2)


class TestWhereItBelongs:
    def test_what_most_sessions_need_and_is_small_is_for_every_session(self) -> None:
        assert only(studies(15, find("src/app/main.py"), of=20)).belongs == "CLAUDE.md"

    def test_where_half_the_sessions_would_carry_it_for_nothing_it_is_loaded_on_demand(
        self,
    ) -> None:
        assert only(studies(10, find("src/app/main.py"), of=20)).belongs == "rule"
        assert only(studies(10, find("Makefile"), of=20)).belongs == "skill"

    def test_what_some_sessions_need_of_a_sub_tree_is_a_rule(self) -> None:
        assert only(studies(9, find("src/app/main.py"), of=20)).belongs == "rule"

    def test_what_some_sessions_need_of_the_whole_is_a_skill(self) -> None:
        assert only(studies(9, find("Makefile"), of=20)).belongs == "skill"
        assert only(studies(9, find("/etc/hosts/x"), of=20)).belongs == "skill"

    def test_what_is_large_is_a_skill(self) -> None:
        assert only(studies(19, find("src/app/main.py", 30_000), of=20)).belongs == "skill"

    def test_what_changes_is_a_map(self) -> None:
        changing = [study(number, find("src/flow.py", digest=number)) for number in range(6)]
        candidate = only(changing)
        assert (candidate.belongs, candidate.recommended) == ("map", True)
        assert (candidate.contents, candidate.is_stable) == (6, False)
        assert candidate.memory_tokens == 450
        assert candidate.session_saving == pytest.approx(0.144 * (1 - 1_300 / 9_000))

    def test_long_sessions_carry_too_much_for_what_they_read_late(self) -> None:
        candidate = only(studies(5, find("Makefile", life=3), requests=2_000))
        assert candidate.memory_cost is not None
        assert candidate.session_saving is not None
        assert candidate.belongs != "CLAUDE.md"

    def test_what_does_not_pay_belongs_nowhere_and_shows_its_cost(self) -> None:
        rare = studies(3, find("Makefile", 2_000, life=1), of=60, requests=900)
        candidate = only(rare)
        assert (candidate.belongs, candidate.recommended) == ("nothing", False)
        assert candidate.memory_cost is not None
        assert candidate.memory_cost > (candidate.session_saving or 0.0) / 2

    def test_a_map_that_few_would_use_does_not_pay(self) -> None:
        changing = [study(number, find("a.py", 2_000, number, life=2)) for number in range(3)]
        candidate = only(changing + studies(0, of=60))
        assert (candidate.belongs, candidate.recommended) == ("nothing", False)

    def test_just_twice_its_cost_is_not_enough(self) -> None:
        """A life at which a summary in every session saves exactly twice what it costs."""
        cost = carried(2_000, PRICE.write_1h, PRICE.read, REQUESTS)
        life = (2 * cost / 9_000 - PRICE.write_1h) / PRICE.read
        places = {
            margin: only(studies(5, find("Makefile", life=life * margin))).belongs
            for margin in (0.999, 1.001)
        }
        assert places == {0.999: "skill", 1.001: "CLAUDE.md"}

    def test_sessions_that_do_not_need_it_carry_it_as_well(self) -> None:
        some = only(studies(9, find("Makefile"), of=12))
        assert some.belongs == "CLAUDE.md"
        assert some.memory_cost == pytest.approx(0.0372)
        assert some.session_saving == pytest.approx(0.144 * 8 / 11)

    def test_each_sub_agent_writes_it_anew(self) -> None:
        several = [study(number, find("Makefile", life=100), threads=4) for number in range(5)]
        assert only(several).belongs == "CLAUDE.md"
        assert only(several).memory_cost == pytest.approx(0.0372 + 3 * 2_000 * PRICE.write_1h)

    def test_a_rule_is_loaded_by_all_who_read_in_its_folder(self) -> None:
        alone = only(studies(4, find("src/app/main.py"), of=20))
        other = study(100, find("src/app/other.py", 300))
        among = only([*studies(4, find("src/app/main.py"), of=19), other])
        assert (alone.belongs, among.belongs) == ("rule", "rule")
        assert among.memory_cost == pytest.approx(5 / 4 * (alone.memory_cost or 0.0))

    def test_looking_around_can_be_remembered(self) -> None:
        candidate = only(studies(5, find("ls -R src", kind="command")))
        assert (candidate.belongs, candidate.recommended) == ("CLAUDE.md", True)

    @pytest.mark.parametrize(
        "key",
        ["CLAUDE.md", "api/CLAUDE.local.md", ".claude/rules/api.md", "/home/dev/.claude/x.md"],
    )
    def test_what_is_memory_already_belongs_nowhere_else(self, key: str) -> None:
        candidate = only(studies(5, find(key)))
        assert (candidate.belongs, candidate.recommended) == ("nothing", False)
        assert words.advice(candidate) == "leave it: it is part of a memory already"
        assert only(studies(5, find(f"docs/my-{key.rpartition('/')[2]}"))).recommended


def test_planted_repetition_is_ranked_and_only_what_pays_is_recommended() -> None:
    sessions = [
        study(
            number,
            find("src/flow.py", 12_000, number),
            find("docs/guide.md", 9_000),
            find("notes.txt", 500),
            find("ls -l", 3_000, number, kind="command", number=number),
            *([find("lib/rare.py", 20_000)] if number in (4, 5) else []),
        )
        for number in range(20)
    ]
    told = [(each.key, each.belongs, each.recommended) for each in candidates(sessions)]
    assert told == [
        ("src/flow.py", "map", True),
        ("docs/guide.md", "CLAUDE.md", True),
    ]
