"""Reads transcripts for the history: fast, resumable, a few megabytes at a time.

What a file says is kept in its ``Seen``; reading on after it has grown gives what one pass over
all of it gives. Nothing is held open between two calls and nothing is locked.
"""

from __future__ import annotations

import errno
import os
import stat
from hashlib import blake2b

from ccmon.history.chain import response_before
from ccmon.history.reading import Intricate, Reading
from ccmon.history.seen import Seen
from ccmon.transcripts.locate import Transcript
from ccmon.transcripts.opening import open_to_read
from ccmon.transcripts.tail import LINE_LIMIT

READ_SIZE = 128 * 1024
"""Bytes that one read takes, unless a line is longer: they stay in the cache of the processor."""

_BOM = b"\xef\xbb\xbf"
_PRINT = 1024
"""Bytes at either end of what was read that tell whether it is still there: shorter ends of lines
are alike. A digest of them is kept, no text."""


def begin(transcript: Transcript) -> Seen:
    """A file of which nothing has been read yet."""
    return Seen(transcript.path, transcript.slug, transcript.session_id, transcript.agent_id)


def read_on(seen: Seen, limit: int = 4 << 20) -> bool:
    """Read about ``limit`` bytes more into ``seen``; True when there is more to read at once.

    A file that was truncated or replaced is read from its beginning again. Raises
    FileNotFoundError when it is gone and OSError when it cannot be read; ``seen`` then stays as it
    was.
    """
    try:
        fd = open_to_read(seen.path)
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, error.strerror, seen.path) from None
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", seen.path)
        if _changed(fd, seen, info):
            _restart(seen)
        seen.device, seen.inode, seen.size = info.st_dev, info.st_ino, info.st_size
        try:
            more = _read(fd, seen, limit)
            seen.head, seen.before = _prints(fd, seen.offset)
            return more
        except Intricate:
            _restart(seen)
            seen.device, seen.inode, seen.size = info.st_dev, info.st_ino, info.st_size
            seen.chain = {}
            return True
    finally:
        os.close(fd)


def _changed(fd: int, seen: Seen, info: os.stat_result) -> bool:
    """Whether the bytes read so far are no longer those of the file.

    Truncated and grown past the old position between two reads: only the content tells.
    """
    if not seen.inode:
        return False
    if info.st_ino != seen.inode or info.st_size < seen.size:
        return True
    return seen.offset > 0 and _prints(fd, seen.offset) != (seen.head, seen.before)


def _prints(fd: int, offset: int) -> tuple[bytes, bytes]:
    """Digests of the first bytes and of the last ones before ``offset``."""
    size = min(_PRINT, offset)
    first, last = os.pread(fd, size, 0), os.pread(fd, size, offset - size)
    return blake2b(first, digest_size=16).digest(), blake2b(last, digest_size=16).digest()


def _restart(seen: Seen) -> None:
    session_id = None if seen.told else seen.session_id
    fresh = Seen(seen.path, seen.slug, session_id, seen.agent_id)
    for name in Seen.__struct_fields__:
        setattr(seen, name, getattr(fresh, name))


def _read(fd: int, seen: Seen, limit: int) -> bool:
    reading = Reading(seen, lambda offset, uuid: response_before(fd, offset, uuid))
    block, end = READ_SIZE, seen.offset + max(1, limit)
    while seen.offset < end:
        data = os.pread(fd, block, seen.offset)
        at_end = len(data) < block
        if not seen.offset and data.startswith(_BOM):
            data = data[len(_BOM) :]
            seen.offset = len(_BOM)
        used = reading.take(data, seen.offset)
        seen.offset += used
        if at_end:
            if used < len(data) <= LINE_LIMIT + used:
                reading.take_early(data[used:], seen.offset)
            return False
        if used:
            block = READ_SIZE
        elif block <= LINE_LIMIT:
            block = min(4 * block, LINE_LIMIT + 1)
        elif not _skip_line(fd, seen):
            return False
    return True


def _skip_line(fd: int, seen: Seen) -> bool:
    """Go past a line that is too long to keep; False while its end is not written."""
    at = seen.offset
    while data := os.pread(fd, READ_SIZE, at):
        newline = data.find(b"\n")
        if newline >= 0:
            seen.malformed += 1
            seen.offset = at + newline + 1
            return True
        at += len(data)
    return False
