"""Which commands only look at what there is, and which show one file.

Judged is the whole command as it was given, and only what is understood passes: a command that may
write, run another one or change anything counts as one that does something.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from msgspec import Struct

COMMAND_LIMIT = 4_000
"""A command that is longer is not looked at."""

_SILENCED = re.compile(r"(?<!\S)(?:[12&]?>\s*/dev/null|2>&1)(?=[\s;|&]|$)")
_SUBSTITUTED = re.compile(r"`|\$\(|\$'|(?:^|\s)#")
"""Runs another command inside of words, or is quoted in a way that ``shlex`` does not know."""
_ENVIRONMENT = re.compile(r"(?:LC_[A-Z]+|LANG|LANGUAGE|TZ|COLUMNS|NO_COLOR)=")
_PRINTING = re.compile(r"(?:{0}(?:,{0})?!?[p=];?)+".format(r"(?:\d+|\$|/[^/]*/)"))
_RANGE = re.compile(r"(\d+)(?:,(\d+))?p")
_COUNT = re.compile(r"-n?(\d+)")
_HARMLESS = "cat cd column cut du echo egrep fgrep grep head jq ls nl pwd stat tail tr wc"
"""Commands that no option makes write or run anything."""
_XARGS_FLAGS = {"-0", "-r", "-t", "--null", "--no-run-if-empty"}
_XARGS_VALUES = re.compile(r"-[nILPds](.*)")


class View(Struct, frozen=True):
    """Lines of a file that a command shows: from ``first`` to ``last``, None: to its end.

    ``folder`` is where the path starts from, empty: where the command was run. ``known`` is False
    where nothing tells which lines these are.
    """

    path: str
    folder: str = ""
    first: int = 1
    last: int | None = None
    known: bool = True


class _Part(Struct, frozen=True):
    """A simple command and what joins it to the one before."""

    joint: str
    words: Sequence[str]


def is_looking(command: str) -> bool:
    """Whether a command only looks at what there is: its answer is knowledge of the project.

    Tests, builds and the like say what is true now, which no memory can know.
    """
    parts = _parts(command)
    return bool(parts) and all(_looks(part.words) for part in parts)


def view_of(command: str) -> View | None:
    """The one file that a command shows as it stands; None where it shows anything else."""
    if not is_looking(command):
        return None
    parts, folder = _parts(command), ""
    if len(parts) > 1 and parts[0].words[0] == "cd" and parts[1].joint != "|":
        if len(parts[0].words) != 2:
            return None
        folder, parts = parts[0].words[1], parts[1:]
    view = _view(parts[0].words)
    for part in parts[1:]:
        if view is None or part.joint != "|" or part.words[0] != "head":
            return None
        view = _headed(view, part.words)
    if view is None or not folder:
        return view
    return View(view.path, folder, view.first, view.last, view.known)


def _parts(command: str) -> list[_Part]:
    """The simple commands of a command; none where it is not understood."""
    if len(command) > COMMAND_LIMIT or _SUBSTITUTED.search(command):
        return []
    text = _SILENCED.sub("", command.replace("\\\n", " "))
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    parts: list[_Part] = []
    joint, words = "", list[str]()
    try:
        tokens = list(lexer)
    except ValueError:
        return []
    for token in tokens:
        if not token or token.strip("();<>|&\n"):
            words.append(token)
            continue
        if (joined := token.replace("\n", "")) not in {"", "|", "||", "&&", ";"}:
            return []
        if words:
            parts.append(_Part(joint, words))
            joint, words = joined, []
    return [*parts, _Part(joint, words)] if words else parts


def _looks(words: Sequence[str]) -> bool:
    rest = list(words)
    while rest and _ENVIRONMENT.match(rest[0]):
        del rest[0]
    if not rest:
        return False
    judge = _LOOKERS.get(rest[0])
    return judge is not None and judge(rest[1:])


def _always(_words: Sequence[str]) -> bool:
    return True


def _without(short: str = "", *long: str) -> Callable[[Sequence[str]], bool]:
    """Looks as long as none of these options is given."""

    def judge(words: Sequence[str]) -> bool:
        return not any(
            word.startswith(long) if word.startswith("--") else _has(word, short) for word in words
        )

    return judge


def _has(word: str, short: str) -> bool:
    if word.startswith("+"):
        return True  # A pager takes it for a command to begin with.
    return word.startswith("-") and not set(short).isdisjoint(word)


def _finds(words: Sequence[str]) -> bool:
    return not any(
        word.startswith(("-exec", "-ok", "-delete", "-fprint", "-fls")) for word in words
    )


def _edits_nothing(words: Sequence[str]) -> bool:
    """Of sed only what prints lines: others write and run as well."""
    return len(words) >= 2 and words[0] == "-n" and bool(_PRINTING.fullmatch(words[1])) and not any(
        word.startswith("-") for word in words[2:]
    )  # fmt: skip


def _unites(words: Sequence[str]) -> bool:
    """A second file of uniq is written."""
    return sum(not word.startswith("-") for word in words) < 2


def _git_looks(words: Sequence[str]) -> bool:
    rest = list(words)
    if rest[:1] == ["--no-pager"]:
        del rest[0]
    if rest[:1] == ["-C"]:
        del rest[:2]
    if rest[:1] == ["grep"]:
        return _without("O", "--open")(rest[1:])
    return rest[:1] in (["ls-files"], ["ls-tree"])


def _hands_on(words: Sequence[str]) -> bool:
    """What xargs runs has to look as well."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        value = _XARGS_VALUES.fullmatch(option)
        if value is None and option not in _XARGS_FLAGS:
            return False
        if value is not None and not value[1]:
            del rest[:1]
    return not rest or (rest[0] not in {"cd", "uniq", "find", "fd", "sed", "sort"} and _looks(rest))


_LOOKERS: dict[str, Callable[[Sequence[str]], bool]] = {
    **dict.fromkeys(_HARMLESS.split(), _always),
    "bat": _without("", "--pager"),
    "fd": _without("xX", "--exec"),
    "file": _without("C", "--compile"),
    "find": _finds,
    "git": _git_looks,
    "less": _without("oO", "--log-file", "--LOG-FILE"),
    "more": _without(),
    "rg": _without("", "--pre", "--hostname-bin"),
    "sed": _edits_nothing,
    "sort": _without("oT", "--output", "--compress-program", "--o", "--c"),
    "tree": _without("oR"),
    "uniq": _unites,
    "xargs": _hands_on,
}


def _view(words: Sequence[str]) -> View | None:
    """What one command shows of one file."""
    name, rest = words[0], list(words[1:])
    if name == "sed" and len(rest) == 3:
        lines = _RANGE.fullmatch(rest[1])
        if lines is None:
            return View(rest[2], known=False)
        return View(rest[2], "", int(lines[1]), int(lines[2] or lines[1]))
    files = [word for word in rest if not word.startswith("-")]
    if name == "head":
        return _first_lines(rest)
    if name in {"tail", "bat", "less", "more", "nl"}:
        return View(files[-1], known=False) if files and _is_one_file(files[-1]) else None
    if name != "cat" or len(files) != 1 or not _is_one_file(files[0]):
        return None
    return View(files[0], known=all(word == "-n" for word in rest if word.startswith("-")))


def _first_lines(rest: Sequence[str]) -> View | None:
    count, files = _counted(rest)
    if len(files) != 1 or not _is_one_file(files[0]):
        return None
    return View(files[0], last=count, known=count is not None)


def _headed(view: View, words: Sequence[str]) -> View | None:
    """What is left of a view behind ``head``."""
    count, files = _counted(words[1:])
    if files:
        return None
    if count is None or not view.known:
        return View(view.path, known=False)
    last = view.first + count - 1
    return View(view.path, "", view.first, last if view.last is None else min(view.last, last))


def _counted(words: Sequence[str]) -> tuple[int | None, Sequence[str]]:
    """How many lines ``head`` shows, None where that is not known, and of which files."""
    if words[:1] == ["-n"] and len(words) > 1 and words[1].isdecimal():
        return int(words[1]), words[2:]
    if words and (count := _COUNT.fullmatch(words[0])):
        return int(count[1]), words[1:]
    options = [word for word in words if word.startswith("-")]
    return (None if options else 10), [word for word in words if word not in options]


def _is_one_file(word: str) -> bool:
    return not set("*?[{$") & set(word)
