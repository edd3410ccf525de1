"""Follows one growing file: whole lines out, whatever happens to the file.

A transcript is appended to by another process in batches of whole lines; now
and then a batch is cut, and rarely the file is truncated, replaced or deleted
(transcripts.md, section 3). Nothing is held open and nothing is locked.
"""

import errno
import os
import stat
from zlib import crc32

from msgspec import Struct

from ccmon.transcripts.opening import open_to_read

READ_SIZE = 1 << 20
"""Bytes that one read takes, unless a line is longer."""

LINE_LIMIT = 64 << 20
"""Longest line kept, in bytes; a longer one is skipped and counted."""

_BOM = b"\xef\xbb\xbf"
_PRINT = 1024
"""So many bytes tell a line: many end alike, with version and branch far behind their ids."""
_NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
"""There is nothing under the name, a link that leads nowhere, or a socket."""


class Chunk(Struct, frozen=True, gc=False):
    """What one read brought.

    ``lines`` are pairs of the offset where the line starts and its bytes
    without newline (and without a trailing carriage return). ``reset`` says
    that everything read before is void: the file was truncated, replaced or
    created anew. ``gone`` says that there is no regular file now. ``more`` says that
    bytes are left to read at once. ``oversized`` counts lines skipped because
    they are longer than the limit. ``tail`` is the unterminated rest, given
    when the end of the file was reached; it comes again with the next read.
    """

    lines: list[tuple[int, bytes]] = []
    reset: bool = False
    gone: bool = False
    more: bool = False
    oversized: int = 0
    tail: tuple[int, bytes] | None = None


class Tail:
    """The place in one file up to which lines were read. It moves only past a newline."""

    def __init__(self, path: str | os.PathLike[str], *, line_limit: int = LINE_LIMIT) -> None:
        self.path = os.fspath(path)
        self._line_limit = line_limit
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._skipped_to = 0
        self._size = 0
        self._written_ns = 0
        self._sum = 0
        self._head = b""
        self._before = b""
        self._void = False
        self._error: str | None = None

    @property
    def offset(self) -> int:
        """Start of the first line not yet read, in bytes."""
        return self._offset

    @property
    def size(self) -> int:
        """Size of the file at the last read, in bytes."""
        return self._size

    @property
    def error(self) -> str | None:
        """Why the last read failed (permission, a broken disk), None if it did not."""
        return self._error

    def read(self, limit: int = READ_SIZE) -> Chunk:
        """Reads on, about ``limit`` bytes; at least one line if one is complete."""
        try:
            fd = open_to_read(self.path)
        except OSError as error:
            if error.errno in _NOTHING:
                return self._missing()
            return self._unreadable(error.strerror or str(error))
        try:
            return self._read_open(fd, max(1, limit))
        except OSError as error:
            return self._unreadable(error.strerror or str(error))
        finally:
            os.close(fd)

    def _missing(self) -> Chunk:
        # What comes under this name next is another file, even if it gets the
        # same inode and begins with the same bytes.
        self._void = self._void or self._identity is not None
        self._forget()
        self._error = None
        return Chunk(gone=True)

    def _unreadable(self, reason: str) -> Chunk:
        self._error = reason
        return Chunk()

    def _forget(self) -> None:
        self._identity = None
        self._offset = self._skipped_to = self._size = self._sum = 0
        self._head = self._before = b""

    def _read_open(self, fd: int, limit: int) -> Chunk:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            return self._missing()
        self._error = None
        identity = (info.st_dev, info.st_ino)
        if self._identity is not None and self._changed(fd, identity, info):
            self._forget()
            self._void = True
        reset, self._void = self._void, False
        self._identity, self._size = identity, info.st_size
        self._written_ns = info.st_mtime_ns
        if self._skipped_to > self._offset:
            return self._skip_on(fd, limit, reset)
        return self._read_lines(fd, limit, reset)

    def _changed(self, fd: int, identity: tuple[int, int], info: os.stat_result) -> bool:
        """Whether the bytes read so far are no longer those of the file."""
        size, passed = info.st_size, max(self._offset, self._skipped_to)
        if identity != self._identity or size < passed:
            return True
        if size == self._size and info.st_mtime_ns != self._written_ns:
            # Somebody wrote, and not at the end.
            return _sum_of(fd, passed) != self._sum
        # Truncated and grown past the old position between two reads: only the
        # content tells.
        before = os.pread(fd, len(self._before), self._offset - len(self._before))
        return before != self._before or os.pread(fd, len(self._head), 0) != self._head

    def _read_lines(self, fd: int, limit: int, reset: bool) -> Chunk:
        start = self._offset
        data, at_end = self._fill(fd, limit)
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > self._line_limit:
            self._skipped_to = start + len(data)
            self._sum = crc32(data, self._sum)
            return self._skip_on(fd, limit, reset)
        whole = data[:cut]
        lines, oversized = self._split(start, whole)
        self._sum = crc32(whole, self._sum)
        self._advance(fd, start + cut, whole)
        tail = self._rest(start + cut, data[cut:]) if at_end else None
        return Chunk(lines, reset=reset, more=not at_end, oversized=oversized, tail=tail)

    def _fill(self, fd: int, limit: int) -> tuple[bytes, bool]:
        """Bytes from the offset on: up to the limit, or until one holds a newline."""
        data = os.pread(fd, limit, self._offset)
        if len(data) < limit:
            return data, True
        if b"\n" in data:
            return data, self._offset + limit >= self._size
        parts, total, at_end = [data], len(data), False
        while not at_end and total <= self._line_limit:
            part = os.pread(fd, max(limit, READ_SIZE), self._offset + total)
            at_end = not part
            parts.append(part)
            total += len(part)
            if b"\n" in part:
                at_end = self._offset + total >= self._size
                break
        return b"".join(parts), at_end

    def _split(self, start: int, data: bytes) -> tuple[list[tuple[int, bytes]], int]:
        lines: list[tuple[int, bytes]] = []
        oversized = 0
        pieces = data.split(b"\n")
        pieces.pop()
        for piece in pieces:
            at, start = start, start + len(piece) + 1
            if len(piece) > self._line_limit:
                oversized += 1
                continue
            if piece.endswith(b"\r"):
                piece = piece[:-1]
            if at == 0 and piece.startswith(_BOM):
                at, piece = len(_BOM), piece[len(_BOM) :]
            lines.append((at, piece))
        return lines, oversized

    def _rest(self, at: int, data: bytes) -> tuple[int, bytes] | None:
        if at == 0 and data.startswith(_BOM):
            at, data = len(_BOM), data[len(_BOM) :]
        return (at, data) if data else None

    def _advance(self, fd: int, offset: int, passed: bytes) -> None:
        if not passed:
            return
        if len(self._head) < _PRINT:
            self._head = os.pread(fd, min(_PRINT, offset), 0)
        self._offset = self._skipped_to = offset
        self._before = (self._before + passed[-_PRINT:])[-_PRINT:]

    def _skip_on(self, fd: int, limit: int, reset: bool) -> Chunk:
        """Goes on to the end of a line that is too long to keep."""
        data = os.pread(fd, max(limit, READ_SIZE), self._skipped_to)
        end = data.find(b"\n") + 1
        self._sum = crc32(data[:end] if end else data, self._sum)
        if not end:
            self._skipped_to += len(data)
            return Chunk(reset=reset, more=self._skipped_to < self._size)
        offset = self._skipped_to + end
        near = min(_PRINT, offset)
        self._before = b""
        self._advance(fd, offset, os.pread(fd, near, offset - near))
        return Chunk(reset=reset, more=offset < self._size, oversized=1)


def _sum_of(fd: int, length: int) -> int:
    """The checksum of the first bytes of a file."""
    found = at = 0
    while at < length and (data := os.pread(fd, min(READ_SIZE, length - at), at)):
        found, at = crc32(data, found), at + len(data)
    return found
