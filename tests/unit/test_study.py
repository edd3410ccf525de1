"""What one session is found to have found out: its transcript read back, with the bills."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccmon.history.study import FORMAT, Student, decoded, encoded, study_of
from ccmon.insight.memory import Find, Study, carried
from ccmon.ledger.prices import PriceTable
from ccmon.transcripts.locate import Home
from tests import lines
from tests.builders import OPUS_5_5, price_of
from tests.homes import FIRST, ConfigHome
from tests.sittings import ROOT, SLUG, Sitting, numbered

PRICE = price_of(OPUS_5_5)
TREE = f"{ROOT}/.claude/worktrees/fix-7"
TREE_SLUG = f"{SLUG}--claude-worktrees-fix-7"
PAGE = numbered("alpha", "beta", "gamma", "delta")


@pytest.fixture
def home(tmp_path: Path) -> ConfigHome:
    return ConfigHome(tmp_path / "config")


def studied(home: ConfigHome, *sittings: Sitting, slug: str = SLUG) -> Study:
    """The session that those sittings are the threads of."""
    paths = [str(sitting.write(home, slug)) for sitting in sittings]
    homes = [Home(str(home.path), "test", True)]
    return study_of(FIRST, paths, homes, PriceTable.load())


def found(study: Study) -> dict[str, Find]:
    return {find.key: find for find in study.finds}


class TestFiles:
    def test_a_read_is_found_with_its_tokens_life_and_bill(self, home: ConfigHome) -> None:
        study = studied(home, Sitting(FIRST).read("src/a.py", PAGE, 4_000).say(10))
        (find,) = study.finds
        assert (find.kind, find.key, find.tokens, find.reads) == ("file", "src/a.py", 4_000, 1)
        assert (find.life, find.bill) == (10.0, 40_000)
        # Written with the first of ten requests, read from the cache by nine.
        assert find.cost == pytest.approx(4_000 * (PRICE.write_1h + 9 * PRICE.read))
        assert find.worth == pytest.approx(carried(4_000, PRICE.write_1h, PRICE.read, 10))

    def test_the_session_says_what_a_memory_would_cost_it(self, home: ConfigHome) -> None:
        study = studied(home, Sitting(FIRST).read("src/a.py", PAGE, 4_000).say(10))
        assert (study.session_id, study.root, study.project) == (FIRST, ROOT, "shop-api")
        assert (study.requests, study.threads) == (11, 1)
        assert study.carry(2_000) == pytest.approx(2_000 * (PRICE.write_1h + 11 * PRICE.read))

    def test_a_worktree_is_its_project(self, home: ConfigHome) -> None:
        plain = studied(home, Sitting(FIRST).read("src/a.py", PAGE, 4_000).say())
        study = studied(home, Sitting(FIRST, cwd=TREE).read("src/a.py", PAGE, 4_000).say(),
                        slug=TREE_SLUG)  # fmt: skip
        assert (study.root, study.project) == (ROOT, "shop-api")
        assert found(study).keys() == found(plain).keys() == {"src/a.py"}

    def test_what_is_carried_ends_with_a_compaction(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).read("src/a.py", PAGE, 4_000).say(10).compact().say(30)
        (find,) = studied(home, sitting).finds
        assert (find.life, find.bill) == (10.0, 40_000)

    def test_lines_that_were_read_before_are_nothing_new(self, home: ConfigHome) -> None:
        again = Sitting(FIRST).read("src/a.py", PAGE, 4_000).read("src/a.py", PAGE, 4_000).say()
        (find,) = studied(home, again).finds
        assert (find.reads, find.tokens, len(find.pieces)) == (2, 4_000, 1)
        assert find.bill == 3 * 4_000

    def test_ranges_are_united(self, home: ConfigHome) -> None:
        first, second = numbered(*"abcd"), numbered(*"cdef", first=3)
        sitting = Sitting(FIRST).read("a.py", first, 400, offset=1, limit=4)
        (find,) = studied(home, sitting.read("a.py", second, 400, offset=3, limit=4).say()).finds
        assert (find.reads, find.tokens) == (2, 600)
        assert find.pieces == (), "no block was read as a whole"

    def test_blocks_of_lines_are_compared_wherever_a_read_begins(self, home: ConfigHome) -> None:
        rows = [f"row {number}" for number in range(90)]
        whole = Sitting(FIRST).read("a.py", numbered(*rows), 9_000).say()
        part = Sitting(FIRST).read(
            "a.py", numbered(*rows[9:65], first=10), 5_600, offset=10, limit=56
        )
        (all_,) = studied(home, whole).finds
        (some,) = studied(home, part.say(), slug="-part").finds
        assert [piece.number for piece in all_.pieces] == [0, 1, 2, 3, 4]
        assert sum(piece.tokens for piece in all_.pieces) == 9_000
        same = [(piece.number, piece.digest) for piece in all_.pieces[1:3]]
        assert [(piece.number, piece.digest) for piece in some.pieces] == same
        assert sum(piece.tokens for piece in some.pieces) < 5_600

    def test_a_read_that_was_cut_does_not_tell_where_a_file_ends(self, home: ConfigHome) -> None:
        rows = [f"row {number}" for number in range(30)]
        cut = Sitting(FIRST).read("a.py", numbered(*rows), 3_000, limit=30)
        cut.read("b.py", numbered(*rows) + "\n[12 lines truncated]", 3_000).say()
        finds = found(studied(home, cut))
        assert [len(finds[key].pieces) for key in ("a.py", "b.py")] == [1, 1]

    def test_a_change_is_another_content(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).read("a.py", PAGE, 400).read("a.py", PAGE + "!", 400).say()
        (find,) = studied(home, sitting).finds
        assert [(piece.number, piece.tokens) for piece in find.pieces] == [(0, 400), (0, 0)]

    def test_how_a_client_numbers_lines_is_no_change(self, home: ConfigHome) -> None:
        old = "     1→alpha\n     2→beta\n     3→gamma\n     4→delta"
        reminder = "\n\n<system-reminder>\nmind this\n</system-reminder>\n"
        texts = [PAGE, old, PAGE + reminder, PAGE + "\n5\t"]
        pieces = {
            studied(home, Sitting(FIRST).read("a.py", text, 400).say(), slug=f"-p{number}")
            .finds[0].pieces
            for number, text in enumerate(texts)
        }  # fmt: skip
        assert len(pieces) == 1

    def test_pictures_have_nothing_to_compare(self, home: ConfigHome) -> None:
        (find,) = studied(home, Sitting(FIRST).read("a.png", "", 4_000).say()).finds
        assert (find.tokens, find.pieces) == (4_000, ())

    def test_a_file_that_was_edited_is_marked(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).read("a.py", PAGE, 400).read("b.py", PAGE, 400).edit("a.py").say()
        study = studied(home, sitting)
        assert {key: find.changed for key, find in found(study).items()} == {
            "a.py": True, "b.py": False,
        }  # fmt: skip

    def test_an_edit_counts_from_wherever_it_was_made(self, home: ConfigHome) -> None:
        main = Sitting(FIRST).read("src/a.py", PAGE, 400).say(20)
        agent = Sitting(FIRST, agent="a7", cwd=f"{ROOT}/src").edit("a.py").say()
        assert found(studied(home, main, agent))["src/a.py"].changed

    def test_notes_and_failures_are_no_reads(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).read("a.py", "File unchanged since last read.", 40)
        sitting.read("b.py", "no such file", 4_000, result={"is_error": True}).say()
        assert studied(home, sitting).finds == ()

    def test_sub_agents_count_to_the_session(self, home: ConfigHome) -> None:
        main = Sitting(FIRST).read("a.py", PAGE, 1_000).say(2)
        agent = Sitting(FIRST, agent="a7").read("a.py", PAGE, 1_000).read("b.py", PAGE, 500).say()
        study = studied(home, main, agent)
        assert (study.requests, study.threads) == (6, 2)
        finds = found(study)
        assert (finds["a.py"].reads, finds["a.py"].tokens) == (2, 1_000)
        assert finds["b.py"].tokens == 500

    def test_what_a_fork_has_copied_it_did_not_find_out(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).read("a.py", PAGE, 1_000).read("b.py", PAGE, 500).say(2)
        path = str(sitting.write(home))
        own = {f"msg_{FIRST}_{number}" for number in (3, 4)}
        homes = [Home(str(home.path), "test", True)]
        study = study_of(FIRST, [path], homes, PriceTable.load(), own)
        assert (study.requests, list(found(study))) == (2, ["b.py"])
        assert study_of(FIRST, [path], homes, PriceTable.load(), set()).requests == 0

    def test_without_a_price_there_is_no_money(self, home: ConfigHome) -> None:
        study = studied(home, Sitting(FIRST, model="acme-9").read("a.py", PAGE, 1_000).say())
        (find,) = study.finds
        assert (find.tokens, find.cost, find.worth) == (1_000, None, None)
        assert (study.write, study.read, study.carry(100)) == (None, None, None)


class TestCommandsAndSearches:
    def test_they_are_found_by_what_they_ask(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).run("git ls-files -20", "one", 300).search("TODO", "two", 200)
        study = studied(home, sitting.search("**/*.py", "three", 100, tool="Glob").say())
        told = [(find.kind, find.key, find.tokens) for find in study.finds]
        assert told == [
            ("command", "git ls-files -#", 300), ("search", "TODO", 200),
            ("search", "**/*.py", 100),
        ]  # fmt: skip

    def test_what_says_the_same_again_is_nothing_new(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).run("ls -1", "one", 300).run("ls -1", "one", 300)
        (find,) = studied(home, sitting.run("ls -1", "two", 300).say()).finds
        assert (find.reads, find.tokens) == (3, 600)
        assert [piece.tokens for piece in find.pieces] == [300, 0]

    def test_only_what_was_asked_in_the_same_words_is_compared(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).run("ls /a", "one", 300).run("ls /b", "two", 300)
        sitting.search("TODO", "one", 300, path="src").search("TODO", "one", 300, path="lib")
        for find in studied(home, sitting.say()).finds:
            assert len({piece.number for piece in find.pieces}) == 2, find.key

    def test_a_worktree_asks_in_the_same_words(self, home: ConfigHome) -> None:
        finds = {
            studied(home, Sitting(FIRST, cwd=cwd).run(f"ls {cwd}/src", "x", 300).say(), slug=slug)
            .finds
            for cwd, slug in ((ROOT, SLUG), (TREE, TREE_SLUG))
        }  # fmt: skip
        assert len(finds) == 1

    def test_what_a_command_does_is_not_kept(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).run("npm test", "passed", 3_000)
        sitting.run("curl -H 'Authorization: Bearer abc' https://example.org", "ok", 3_000)
        assert studied(home, sitting.run("cd src\npytest -q", "ok", 3_000).say()).finds == ()

    def test_showing_a_file_is_reading_it(self, home: ConfigHome) -> None:
        plain = "alpha\nbeta\ngamma\ndelta"
        sitting = Sitting(FIRST).read("src/a.py", PAGE, 1_000).run("cat src/a.py", plain, 900)
        sitting.run(f"cd {ROOT}/src && cat a.py | head -100", plain, 900)
        (find,) = studied(home, sitting.say()).finds
        assert (find.kind, find.key, find.reads, find.tokens) == ("file", "src/a.py", 3, 1_000)
        assert len(find.pieces) == 1

    def test_what_a_client_left_out_of_an_output_is_not_compared(self, home: ConfigHome) -> None:
        rows = "\n".join(f"row {number}" for number in range(60))
        sitting = Sitting(FIRST).run("cat a.py", f"{rows}\n... [9 lines truncated] ...", 600)
        sitting.run("cat b.py", rows * 100, 9_000).run("tail -60 c.py", rows, 600)
        finds = studied(home, sitting.say()).finds
        assert [(find.key, find.pieces) for find in finds] == [
            ("a.py", ()), ("b.py", ()), ("c.py", ()),
        ]  # fmt: skip

    def test_what_has_too_long_a_name_is_not_kept(self, home: ConfigHome) -> None:
        long = "x" * 210
        sitting = Sitting(FIRST).run(f"ls {long}", "x", 300).search(long, "x", 300)
        assert studied(home, sitting.read(f"{long}.py", PAGE, 300).say()).finds == ()

    def test_they_count_as_a_session_begins(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST).say(9).run("ls", "early", 300).run("pwd", "late", 300).say()
        assert found(studied(home, sitting)).keys() == {"ls"}

    def test_files_count_at_any_time(self, home: ConfigHome) -> None:
        assert found(
            studied(home, Sitting(FIRST).say(30).read("a.py", PAGE, 300).say())
        ).keys() == {"a.py"}

    def test_the_first_requests_are_those_of_all_threads(self, home: ConfigHome) -> None:
        late = Sitting(FIRST, agent="a7", start=Sitting(FIRST).start + 1_000)
        study = studied(home, Sitting(FIRST).say(12), late.run("ls", "late", 300).say())
        assert study.finds == ()


class TestWhatIsOnDisk:
    def test_broken_lines_cost_only_what_they_hold(self, home: ConfigHome) -> None:
        path = Sitting(FIRST).read("a.py", PAGE, 300).read("b.py", PAGE, 300).say().write(home)
        path.write_bytes(path.read_bytes().replace(b'"beta', b'"\xff\x00beta').replace(
            b"1\\talpha", b"1\\t\xffalpha", 1))  # fmt: skip
        study = study_of(FIRST, [str(path)], [Home(str(home.path), "", True)], PriceTable.load())
        assert found(study).keys() == {"a.py", "b.py"}

    def test_hostile_arguments_are_no_finds(self, home: ConfigHome) -> None:
        calls: list[lines.Record] = [
            lines.call("Read", file_path=["a.py"]),
            lines.call("Read", file_path="x\x00y" * 9, offset=True, limit="9"),
            lines.call("Bash", command={"ls": 1}),
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": "a.py"},
            {"type": "tool_use", "id": ["toolu_1"], "name": None, "input": {}},
        ]
        for number, call in enumerate(calls):
            before, after = (lines.usage(input_tokens=6_000 * number + n) for n in (3_000, 6_000))
            records = [
                lines.assistant(call, message={"id": f"m{number}", "usage": before},
                                sessionId=FIRST, uuid=f"a{number}"),
                lines.user([lines.result("1\tx" * 900)], sessionId=FIRST, uuid=f"b{number}"),
                lines.assistant(message={"id": f"n{number}", "usage": after}, sessionId=FIRST,
                                uuid=f"c{number}"),
            ]  # fmt: skip
            home.write(*(lines.line(record) + b"\n" for record in records))
        path = str(home.transcript())
        study = study_of(FIRST, [path], [Home(str(home.path), "", True)], PriceTable.load())
        (find,) = study.finds
        assert find.key == "x\x00y" * 9

    def test_a_session_whose_files_are_gone_found_nothing(self, home: ConfigHome) -> None:
        study = study_of(FIRST, ["/nowhere/x.jsonl", str(home.path / "projects/p/x.jsonl")],
                         [Home(str(home.path), "", True)], PriceTable.load())  # fmt: skip
        assert (study.session_id, study.requests, study.finds) == (FIRST, 0, ())

    def test_it_is_read_bit_by_bit(self, home: ConfigHome) -> None:
        sitting = Sitting(FIRST)
        for number in range(40):
            sitting.read(f"{number}.py", numbered("x" * 20_000), 6_000)
        path = sitting.say().write(home)
        student = Student(FIRST, [str(path)], [Home(str(home.path), "", True)], PriceTable.load())
        steps = 1
        while student.step(0.0):
            assert student.study is None
            steps += 1
        assert steps > path.stat().st_size / 300_000
        assert student.bytes_done == path.stat().st_size
        assert student.study is not None
        assert len(student.study.finds) == 40


class TestKeeping:
    def test_what_is_kept_comes_back(self, home: ConfigHome) -> None:
        study = studied(home, Sitting(FIRST).read("a.py", PAGE, 300).run("ls", "x", 200).say())
        assert decoded(encoded(study)) == study

    def test_nothing_of_a_text_is_kept(self, home: ConfigHome) -> None:
        kept = encoded(studied(home, Sitting(FIRST).read("a.py", PAGE, 300).say()))
        assert b"a.py" in kept
        assert b"alpha" not in kept

    def test_half_characters_are_kept_whole(self, home: ConfigHome) -> None:
        path = (
            Sitting(FIRST, cwd=f"{ROOT}HALF").read("HALF.py", f"{PAGE}HALF", 300).say().write(home)
        )
        path.write_bytes(path.read_bytes().replace(b"HALF", b"\\ud800"))
        study = study_of(FIRST, [str(path)], [Home(str(home.path), "", True)], PriceTable.load())
        (find,) = study.finds
        assert find.key == "\ufffd.py"
        assert decoded(encoded(study)) == study

    @pytest.mark.parametrize("data", [b"", b"\x01", b"\xff" * 40, b"\x92\x01\x90"])
    def test_what_is_broken_is_made_again(self, data: bytes) -> None:
        assert decoded(data) is None

    def test_what_another_version_kept_is_made_again(self, home: ConfigHome) -> None:
        kept = bytearray(encoded(studied(home, Sitting(FIRST).say())))
        assert kept[1] == FORMAT
        kept[1] += 1
        assert decoded(bytes(kept)) is None
