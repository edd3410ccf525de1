"""What sessions have in common: keys of files and commands, and commands that only look."""

from __future__ import annotations

import pytest

from ccmon.insight.keys import command_key, exact, is_clipped, path_key
from ccmon.insight.looking import View, is_looking, view_of

ROOT = "/home/dev/shop-api"


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
        key = command_key("x " * 50_000, ROOT)
        assert len(key) <= 200
        assert is_clipped(key)
        assert not is_clipped(command_key("x" * 200, ROOT))

    def test_a_folder_whose_name_begins_like_the_project_is_another(self) -> None:
        assert exact(f"ls {ROOT}-2 {ROOT} {ROOT}/src", ROOT) == f"ls {ROOT}-2 . src"


class TestLooking:
    @pytest.mark.parametrize(
        "command",
        [
            "ls -R && cat README.md | head -20",
            "cd src; rg -n foo",
            "cd src\nls\n\npwd",
            "LC_ALL=C sort names.txt",
            "git ls-files",
            "git --no-pager -C api grep -n foo",
            "cat a.txt 2>/dev/null | head -20",
            "ls missing 2>&1 | wc -l",
            "grep -rn 'a|b' src | sort | uniq -c",
            "sed -n '1,20p;30p' a.py",
            "sed -n '/^def /p' a.py",
            "find . -name '*.py' | xargs -n 1 wc -l",
            "ls \\\n -l",
        ],
    )
    def test_what_only_looks(self, command: str) -> None:
        assert is_looking(command)

    @pytest.mark.parametrize(
        "command",
        [
            "npm test",
            "git log -5",
            "cat a.txt && make",
            "cd /home/dev/shop-api/src\npytest -q",
            "cd src && \\\nmake",
            f"ls {'a-long-folder/' * 20} && make test",
            f"ls {'x ' * 3_000}",
            "ls || true",
            "/tmp/ls",
            "",
            " \n ",
        ],
    )
    def test_what_runs_something(self, command: str) -> None:
        assert not is_looking(command)

    @pytest.mark.parametrize(
        "command",
        [
            "echo $(make build)",
            "echo `make build`",
            'echo "$(make build)"',
            "cat <(make)",
            "ls & make",
            "ls |& make",
            "(ls; make)",
            "ls # it's\nmake\n# that's all",
            "echo $'it\\'s'; make; echo 'x'",
            "cat 'a",
            "LD_PRELOAD=./x.so ls",
            "PAGER=make git grep x",
        ],
    )
    def test_what_may_hide_something(self, command: str) -> None:
        assert not is_looking(command)

    @pytest.mark.parametrize(
        "command",
        [
            "cat a > b",
            "cat a >> b",
            "echo x >b",
            "ls >& out",
            "cat <<END\nls\nEND",
            "sed -i s/a/b/ a.txt",
            "sed -n -i 1p a.txt",
            "sed -n '1w out' a.txt",
            "sed -n 1e a.txt",
            "sed -n 1p -i a.txt",
            "sort -o a b",
            "sort -uo a b",
            "sort --output=a b",
            "uniq a b",
            "tree -o out",
            "find . -name '*.pyc' -delete -print",
            "find . -exec rm {} \\;",
            "find . -fprint out",
            "fd -Hx rm",
            "fd --exec rm",
            "rg --pre ./convert x",
            "git grep -Oless x",
            "less '+!make' a",
            "ls | xargs rm",
            "ls | xargs -I{} sh -c 'rm {}'",
            "ls | xargs find",
            "ls | xargs --arg-file x rm",
        ],
    )
    def test_what_writes_or_hands_on(self, command: str) -> None:
        assert not is_looking(command)


class TestViews:
    @pytest.mark.parametrize(
        ("command", "view"),
        [
            ("cat a.py", View("a.py")),
            ("cat -n a.py 2>/dev/null", View("a.py")),
            ("cat a.py | head -100", View("a.py", last=100)),
            ("cat a.py | head", View("a.py", last=10)),
            ("head -50 a.py", View("a.py", last=50)),
            ("head -n 50 a.py", View("a.py", last=50)),
            ("sed -n '10,40p' a.py", View("a.py", first=10, last=40)),
            ("sed -n 7p a.py", View("a.py", first=7, last=7)),
            ("sed -n '10,40p' a.py | head -n5", View("a.py", first=10, last=14)),
            ("cd src && cat 'a b.py'", View("a b.py", "src")),
            ("cd src\nhead -5 a.py", View("a.py", "src", last=5)),
        ],
    )
    def test_lines_of_one_file(self, command: str, view: View) -> None:
        assert view_of(command) == view

    @pytest.mark.parametrize(
        "command", ["tail -n 50 a.py", "cat -A a.py", "head -q a.py", "sed -n '/x/p' a.py"]
    )
    def test_lines_that_nobody_knows_the_numbers_of(self, command: str) -> None:
        assert view_of(command) == View("a.py", known=False)

    @pytest.mark.parametrize(
        "command",
        [
            "cat a.py b.py", "cat *.py", "cat a.py | grep x", "cat a.py; ls", "cd x | cat a.py",
            "head -5 a b", "cat a.py && make", "ls src", "cat $FILE", "cat a.py | head -5 b.py",
        ],
    )  # fmt: skip
    def test_anything_else(self, command: str) -> None:
        assert view_of(command) is None
