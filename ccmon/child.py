"""A process of ccmon's own beside this one: it answers on its stdout what comes in on its stdin.

It ends when this one does, however that ends: its input is closed then.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def start(program: str, *, pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
    """Run a Python program that finds modules where this process does, by its ``sys.argv[1:]``.

    ``pipe_bytes`` is how much its pipes hold, -1: as much as usual. Raises OSError.
    """
    flags = ["-I", *(["-B"] if sys.dont_write_bytecode else [])]
    places = [str(Path(place).absolute()) for place in sys.path]
    return subprocess.Popen(
        [sys.executable, *flags, "-c", program, *places],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # ^C in the terminal is not for it
        pipesize=pipe_bytes,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it, and let go of its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
