"""The process: ``ccmon`` and ``python -m ccmon``."""

import gc
import os
import sys
from typing import NoReturn

_EXIT_USAGE = 2


def run() -> NoReturn:
    """Run ccmon and end the process.

    Nothing is left to do once ``main`` returns, and the interpreter would take as long to take
    itself apart as ccmon takes to quit; so the process ends at once.
    """
    # Imports make many objects and no garbage; ``main`` turns the collector on when they are done.
    gc.disable()
    try:
        code = _statusline() if sys.argv[1:] == ["statusline"] else _main()
    except SystemExit as end:  # argparse ends so after --help and --version
        code = end.code if isinstance(end.code, int) else 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            pass
        except (OSError, ValueError):
            code = code or _EXIT_USAGE
    os._exit(code)


def _main() -> int:
    from ccmon.cli import main

    return main()


def _statusline() -> int:
    """The client runs this after every message, so it goes without the command line's parser."""
    # msgspec takes from here what typing has as well; importing it is a sixth of the whole run.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]  # means: not there
    from ccmon.report.statusline import main

    return main()


if __name__ == "__main__":
    run()
