"""The ways out: data to stdout, whole or not at all, and one line for each failure to stderr."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ccmon.errors import CcmonError
from ccmon.report.safe import encodable, plain


@contextlib.contextmanager
def whole_output() -> Iterator[None]:
    """Whatever is written to stdout inside has left the buffer at the end.

    Raises BrokenPipeError when the reader has gone and CcmonError when stdout cannot be written;
    either way nothing is left in the buffer that could fail again at exit.
    """
    if sys.stdout is None:
        raise CcmonError("cannot write the output: stdout is closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        raise
    except OSError as error:
        _abandon_stdout()
        raise CcmonError(f"cannot write the output: {error.strerror or error}") from error


def encoding(ascii_only: bool) -> str:
    """What stdout can carry."""
    return "ascii" if ascii_only else sys.stdout.encoding or "utf-8"


def complain(error: CcmonError) -> int:
    """Say what went wrong and what helps; returns the exit code."""
    say(error.message + (f"; {error.hint}" if error.hint else ""))
    return error.exit_code


def say(text: str) -> None:
    """One line on stderr; a stderr that cannot be written loses it."""
    if sys.stderr is None:
        return
    with contextlib.suppress(OSError):
        sys.stderr.write(encodable(plain(f"ccmon: {text}"), sys.stderr.encoding or "utf-8") + "\n")
        sys.stderr.flush()


def _abandon_stdout() -> None:
    with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
