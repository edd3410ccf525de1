"""The process: ``ccmon`` and ``python -m ccmon``."""

import gc
import os
import sys
from typing import NoReturn

from ccmon.cli import EXIT_USAGE, main


def run() -> NoReturn:
    """Run ccmon and end the process.

    Nothing is left to do once ``main`` returns, and the interpreter would take as long to take
    itself apart as ccmon takes to quit; so the process ends at once.
    """
    # Imports make many objects and no garbage; ``main`` turns the collector on when they are done.
    gc.disable()
    try:
        code = main()
    except SystemExit as end:  # argparse ends so after --help and --version
        code = end.code if isinstance(end.code, int) else 0
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            pass
        except (OSError, ValueError):
            code = code or EXIT_USAGE
    os._exit(code)


if __name__ == "__main__":
    run()
