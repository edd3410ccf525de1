"""The command line: arguments to a face, failures to exit codes.

Exit codes (screens.md, section 4): 0 fine; 1 something at or above ``--fail-on``; 2 wrong use or
configuration; 3 nothing to read; 130 interrupted. stdout carries data only, stderr one line per
failure. Each command has a module of its own, and what a face needs is imported when it is chosen:
``--once`` and the commands never load textual.
"""

import sys
from collections.abc import Callable, Sequence

from ccmon.errors import CcmonError

EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run ccmon with ``argv`` (default: the process's own); returns the exit code."""
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        command = _command(given[0]) if given else None
        code = _live(given) if command is None else command(given[1:])
    except CcmonError as error:
        return _complain(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return 0
    return code


def _command(name: str) -> Callable[[Sequence[str]], int] | None:
    if name == "history":
        from ccmon.cli.history import run
    elif name == "export":
        from ccmon.cli.export import run
    elif name == "memory":
        from ccmon.cli.memory import run
    elif name == "statusline":
        from ccmon.cli.statusline import run
    else:
        return None
    return run


def _live(given: Sequence[str]) -> int:
    from ccmon.cli.live import parse, run

    return run(parse(given))


def _complain(error: CcmonError) -> int:
    from ccmon.report.output import complain

    return complain(error)
