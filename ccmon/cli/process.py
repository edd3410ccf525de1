"""What the commands share of the process: its collector, its terminals."""

import gc
from typing import TextIO


def collect_garbage() -> None:
    """Imports are done: what they made stays, so the collector need not look at it again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def is_terminal(stream: TextIO | None) -> bool:
    """Python has no stream at all where the shell closed it."""
    return stream is not None and stream.isatty()
