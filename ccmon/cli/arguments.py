"""Reading arguments: refusals are one line with a hint, and the nearest name for a wrong one."""

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from typing import NoReturn

from ccmon.errors import CcmonError

COMMANDS = ("history", "export", "memory", "statusline")
"""The words that may stand in place of options."""
_OPTIONS_OF_COMMANDS = {
    "--by": "history",
    "--csv": "history",
    "--forget": "history",
    "--timezone": "history",
    "--top": "history",
    "--until": "history",
    "--format": "export",
    "--output": "export",
    "--days": "memory",
}
"""Options that only a command has, and the one that is most likely meant."""
DEFAULT_HOMES = ("~/.claude", "~/.config/claude")
"""Where Claude Code keeps its files when nothing else is said."""


class Parser(argparse.ArgumentParser):
    """Arguments of ccmon or of one of its commands; any wrong use raises CcmonError (exit 2).

    ``--help`` and ``--version`` print and raise SystemExit, as argparse does.
    """

    def __init__(self, prog: str, description: str, epilog: str) -> None:
        super().__init__(prog, description=description, epilog=epilog, allow_abbrev=False)
        self.hint = f"see {prog} --help"

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print together with the usage."""
        what = re.sub(r"^argument (?:[^:]*?/)?(-[^:]+): ", r"\1: ", message)
        raise CcmonError(what, self.hint)

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments, all of them understood."""
        given, unknown = self.parse_known_args(argv)
        if unknown:
            raise self._unknown(unknown)
        return given

    def _unknown(self, arguments: Sequence[str]) -> CcmonError:
        argument = arguments[0]
        if not argument.startswith("-"):
            return CcmonError(f"unexpected argument: {argument}", self._command_hint(argument))
        option = argument.partition("=")[0]
        if self.prog == "ccmon" and (command := _OPTIONS_OF_COMMANDS.get(option)):
            return CcmonError(
                f"unknown option: {option}", f"did you mean ccmon {command} {' '.join(arguments)}?"
            )
        known = re.findall(r"--[a-z-]+", self.format_usage())
        nearest = difflib.get_close_matches(option, known, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else self.hint
        return CcmonError(f"unknown option: {option}", hint)

    def _command_hint(self, argument: str) -> str:
        if self.prog != "ccmon":
            return self.hint
        if argument in COMMANDS:
            return f"a command comes first: ccmon {argument}"
        nearest = difflib.get_close_matches(argument, COMMANDS, n=1, cutoff=0.7)
        return f"did you mean ccmon {nearest[0]}?" if nearest else self.hint

    def named(self, option: str) -> Callable[[str], str]:
        """A name that is not empty."""

        def convert(text: str) -> str:
            if not text.strip():
                raise CcmonError(f"{option}: is empty", self.hint)
            return text

        return convert


def choice(option: str, choices: Sequence[str]) -> Callable[[str], str]:
    """One of a few words."""

    def convert(text: str) -> str:
        if text not in choices:
            raise CcmonError(f"{option}: no such value: {text}", f"one of {', '.join(choices)}")
        return text

    return convert


def add_project(parser: Parser, group: argparse._ArgumentGroup, what: str) -> None:
    """``--project NAME``."""
    convert = parser.named("--project")
    group.add_argument("--project", metavar="NAME", type=convert, help=what)


def add_config_dirs(parser: Parser, group: argparse._ArgumentGroup) -> None:
    """``--config-dir DIR ...``, which may be given several times."""
    group.add_argument(
        "--config-dir",
        metavar="DIR",
        dest="config_dirs",
        action="extend",
        nargs="+",
        default=[],
        type=parser.named("--config-dir"),
        help="Claude config folders to read (default: $CLAUDE_CONFIG_DIR, else"
        f" {' and '.join(DEFAULT_HOMES)})",
    )
