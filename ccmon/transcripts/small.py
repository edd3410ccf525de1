"""Reads the small files beside transcripts, which clients rewrite in place."""

import os
import stat

LARGEST = 1 << 20
"""Bytes that a description or an entry of the registry may have; real ones have a thousandth."""


def read_small(path: str) -> bytes:
    """What a file holds.

    Raises OSError when it cannot be read, is no regular file or has more than ``LARGEST`` bytes.
    """
    # O_NONBLOCK: opening a named pipe must not wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    fd = os.open(path, flags)
    with os.fdopen(fd, "rb") as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST:
            raise OSError(f"not a small file: {path}")
        return file.read(LARGEST)
