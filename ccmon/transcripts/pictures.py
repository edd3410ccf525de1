"""The pictures in a line: how large they are on a screen, and how much of the line they fill.

Only the first bytes of each are decoded; nothing of a picture is kept but its width and height.
"""

import binascii
import re
from collections.abc import Iterator
from itertools import chain, repeat

from msgspec import Struct

from ccmon.measures import Picture

_IMAGE, _DOCUMENT = b'"type":"image"', b'"type":"document"'
"""Cannot stand inside a JSON string, where their quotes would be escaped."""
_DATA = re.compile(rb'"data"\s*:\s*"([A-Za-z0-9+/=\\\s]*)"')
_MOST = 4 * 32 * 1024
"""Characters of base64 decoded at most: a JPEG tells its size behind its own thumbnail."""
_FIRST = 64
"""Characters of base64 that hold the size in all other formats."""
_UNKNOWN = Picture()
_NO_SIZE_IN = (0xC4, 0xC8, 0xCC)
"""Markers of a JPEG that lie among those of its frame and say something else."""


class Pictures(Struct, frozen=True, gc=False):
    """What a piece of a line holds of pictures and documents; ``size`` is bytes of their base64."""

    each: tuple[Picture, ...] = ()
    size: int = 0
    has_image: bool = False


NONE = Pictures()


def pictures_in(raw: bytes) -> Pictures:
    """The pictures of a content block as it stands in the file."""
    images, documents = raw.count(_IMAGE), raw.count(_DOCUMENT)
    if not (images or documents):
        return NONE
    data = [match[1] for match in _DATA.finditer(raw)]
    sizes = chain(map(_picture, data), repeat(_UNKNOWN))
    each = tuple(size for size, _ in zip(sizes, range(images + documents), strict=False))
    return Pictures(each, sum(map(len, data)), images > 0)


def _picture(data: bytes) -> Picture:
    data = data[:_MOST].replace(b"\\", b"")
    width, height = _dimensions(_decoded(data[:_FIRST]))
    if data.startswith(b"/9j/"):
        width, height = _jpeg(_decoded(data))
    return Picture(width, height) if width and height else _UNKNOWN


def _decoded(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data[: len(data) // 4 * 4])
    except binascii.Error:
        return b""


def _dimensions(head: bytes) -> tuple[int, int]:
    """Of a PNG, a GIF or a WebP; nothing for any other, and for one that is cut short."""
    if len(head) < 30:
        return 0, 0
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _big(head[16:20]), _big(head[20:24])
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _little(head[6:8]), _little(head[8:10])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head[12:16], head)
    return 0, 0


def _webp(kind: bytes, head: bytes) -> tuple[int, int]:
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8 ":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _jpeg(head: bytes) -> tuple[int, int]:
    for marker, at in _segments(head):
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE_IN and at + 9 <= len(head):
            return _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
    return 0, 0


def _segments(head: bytes) -> Iterator[tuple[int, int]]:
    """Markers of a JPEG with their places, up to where its data begins."""
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        yield head[at + 1], at
        at += 2 + _big(head[at + 2 : at + 4])


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
