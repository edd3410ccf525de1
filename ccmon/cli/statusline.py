"""``ccmon statusline``: one line for Claude Code's status line."""

from collections.abc import Sequence

from ccmon.cli.arguments import Parser


def run(argv: Sequence[str]) -> int:
    """Print the line; only ``--help`` can be asked of it. Returns the exit code."""
    Parser(
        "ccmon statusline",
        "Reads the JSON that Claude Code writes to its statusLine command on stdin and"
        " prints one line: context, cache, drag, last bust, cost.",
        "exit codes: 0 fine, 2 stdin is not that JSON",
    ).read(argv)
    from ccmon.report.statusline import main

    return main()
