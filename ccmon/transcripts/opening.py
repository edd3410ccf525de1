"""Opens what lies in a config home to read it, whatever it turns out to be."""

import os
import stat

LARGEST = 1 << 20
"""Bytes that a description or an entry of the registry may have; real ones have a thousandth."""

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def open_to_read(path: str) -> int:
    """A file descriptor. Raises OSError; does not wait for the writer of a named pipe."""
    return os.open(path, _FLAGS)


def read_small(path: str) -> bytes:
    """What one of the small files beside transcripts holds, which clients rewrite in place.

    Raises OSError when it cannot be read, is no regular file or has more than ``LARGEST`` bytes.
    """
    fd = open_to_read(path)
    with os.fdopen(fd, "rb") as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST:
            raise OSError(f"not a small file: {path}")
        return file.read(LARGEST)
