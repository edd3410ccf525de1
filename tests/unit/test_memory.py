"""What several sessions found out again, and whether a memory of it pays: accounting, 14."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ccmon.insight.keys import command_key, is_looking, path_key
from ccmon.insight.memory import Content, Find, FindKind, Study, candidates, carried, distinct
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
    first: int = 1, last: int | None = None,
) -> Find:  # fmt: skip
    """One read by a session on opus-5-5 that caches for an hour."""
    worth = carried(tokens, PRICE.write_1h, PRICE.read, life)
    content = Content(digest, first, last)
    return Find(kind, key, tokens, 1, (content,), life, round(tokens * life), worth, worth)


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
        assert candidate.saving == pytest.approx(4 * 0.144)
        assert (candidate.belongs, candidate.recommended) == ("CLAUDE.md", True)


class TestCandidates:
    def test_it_takes_three_sessions(self) -> None:
        assert candidates(studies(2, find("a.md"), of=9)) == ()
        assert only(studies(3, find("a.md"), of=9)).sessions == 3

    def test_it_takes_two_thousand_tokens_in_each(self) -> None:
        assert candidates(studies(9, find("a.md", 1_999))) == ()
        assert only(studies(9, find("a.md", 2_000))).tokens == 2_000
        mixed = [study(1, find("a.md", 500)), *studies(3, find("a.md", 3_000))]
        assert only(mixed).tokens == 2_375

    def test_sessions_of_different_projects_have_nothing_in_common(self) -> None:
        roots = [ROOT, "/home/dev/web", "/home/other/shop-api"]
        assert candidates(study(n, find("a.md"), root=root) for n, root in enumerate(roots)) == ()

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
        assert (candidate.memory_cost, candidate.recommended) == (None, False)
        assert candidate.belongs == "CLAUDE.md"


class TestContents:
    def test_the_same_text_each_time_is_one_content(self) -> None:
        assert distinct([Content(1)] * 3) == 1

    def test_every_change_of_the_same_lines_counts(self) -> None:
        assert distinct([Content(1), Content(2), Content(3), Content(1)]) == 3

    def test_other_lines_of_a_file_are_no_change(self) -> None:
        assert distinct([Content(1, 1, 100), Content(1, 1, 100), Content(2, 101, 200)]) == 1

    def test_lines_that_nobody_else_read_prove_nothing(self) -> None:
        assert distinct([Content(1, 1, 100), Content(2, 50, 90), Content(3, 7, 9)]) == 3

    def test_nothing_known_is_no_content(self) -> None:
        bare = replace(find("a.md"), contents=())
        assert distinct([]) == 0
        assert not only(studies(3, bare)).is_stable


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

    @pytest.mark.parametrize(
        ("command", "belongs"), [("ls -R src", "CLAUDE.md"), ("npm test", "nothing")]
    )
    def test_only_looking_around_can_be_remembered(self, command: str, belongs: str) -> None:
        candidate = only(studies(5, find(command, kind="command")))
        assert (candidate.belongs, candidate.recommended) == (belongs, belongs != "nothing")
        assert candidate.memory_cost is not None

    @pytest.mark.parametrize(
        "key",
        ["CLAUDE.md", "api/CLAUDE.local.md", ".claude/rules/api.md", "/home/dev/.claude/x.md"],
    )
    def test_what_is_memory_already_belongs_nowhere_else(self, key: str) -> None:
        candidate = only(studies(5, find(key)))
        assert (candidate.belongs, candidate.recommended) == ("nothing", False)
        assert only(studies(5, find(f"docs/my-{key.rpartition('/')[2]}"))).recommended


def test_planted_repetition_is_ranked_and_only_what_pays_is_recommended() -> None:
    sessions = [
        study(
            number,
            find("src/flow.py", 12_000, number),
            find("docs/guide.md", 9_000),
            find("notes.txt", 500),
            find("npm test --seed #", 3_000, number, kind="command"),
            *([find("lib/rare.py", 20_000)] if number in (4, 5) else []),
        )
        for number in range(20)
    ]
    told = [(each.key, each.belongs, each.recommended) for each in candidates(sessions)]
    assert told == [
        ("src/flow.py", "map", True),
        ("docs/guide.md", "CLAUDE.md", True),
        ("npm test --seed #", "nothing", False),
    ]


class TestKeys:
    @pytest.mark.parametrize(
        ("path", "key"),
        [
            (f"{ROOT}/src/a.py", "src/a.py"),
            (f"{ROOT}/.claude/worktrees/fix-1/src/a.py", "src/a.py"),
            ("src/../src/a.py", "src/a.py"),
            ("/home/dev/shop-api-2/a.py", "/home/dev/shop-api-2/a.py"),
            ("/etc/hosts", "/etc/hosts"),
        ],
    )
    def test_paths_are_relative_to_the_project(self, path: str, key: str) -> None:
        assert path_key(path, ROOT, f"{ROOT}/.claude/worktrees/fix-1") == key

    def test_paths_of_windows_are_the_same(self) -> None:
        root = "C:/work/shop"
        assert path_key("C:\\work\\shop\\src\\a.py", root) == "src/a.py"
        assert path_key("C:\\work\\shop\\.claude\\worktrees\\x\\src\\a.py", root) == "src/a.py"
        assert path_key("src\\a.py", root, "C:\\work\\shop").startswith("src")

    @pytest.mark.parametrize(
        ("command", "key"),
        [
            ("git log -20  --oneline", "git log -# --oneline"),
            ("git show 3f2a9c1d", "git show #"),
            ("git show 3F2A9C1DEADBEEF0123456789abcdef012345678", "git show #"),
            ("sed -n '10,40p' src/a.py", "sed -n '#,#p' src/a.py"),
            (f"cd {ROOT} && cat {ROOT}/src/a.py", "cd . && cat src/a.py"),
            (f"cat {ROOT}/.claude/worktrees/x/src/a.py", "cat src/a.py"),
            ("cat /tmp/run-81/out.txt ~/notes", "cat <path> <path>"),
            ("echo a8098c1a-f86e-11da-bd1a-00112444be1e", "echo #"),
            ("npm test -- --seed 41\n", "npm test -- --seed #"),
            ("python3 -V", "python3 -V"),
        ],
    )
    def test_commands_are_told_apart_by_what_they_do(self, command: str, key: str) -> None:
        assert command_key(command, ROOT) == key

    def test_a_long_command_is_clipped(self) -> None:
        assert len(command_key("x " * 50_000, ROOT)) <= 200

    @pytest.mark.parametrize(
        ("command", "looks"),
        [
            ("ls -R && cat README.md | head -#", True),
            ("cd src; rg -n foo", True),
            ("LC_ALL=C sort names.txt", True),
            ("git ls-files", True),
            ("git log -#", False),
            ("npm test", False),
            ("cat a.txt && make", False),
            ("sed -i s/a/b/ a.txt", False),
        ],
    )
    def test_looking_is_told_from_doing(self, command: str, looks: bool) -> None:
        assert is_looking(command) is looks
