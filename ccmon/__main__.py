"""The process: ``ccmon`` and ``python -m ccmon``."""

import contextlib
import gc
import os
import sys
from typing import NoReturn

from ccmon.cli import main


def run() -> NoReturn:
    """Run ccmon and end the process.

    Nothing is left to do once ``main`` returns, and the interpreter would take as long to take
    itself apart as ccmon takes to quit; so the process ends at once.
    """
    # Imports make many objects and no garbage; ``main`` turns the collector on when they are done.
    gc.disable()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
