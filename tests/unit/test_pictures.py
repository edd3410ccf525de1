"""Pictures in lines: their size in pixels by the first bytes, whatever the format."""

import base64
import json
from collections.abc import Callable

import pytest

from ccmon.entries import UserEntry
from ccmon.measures import Picture
from ccmon.transcripts.decode import decode
from ccmon.transcripts.pictures import pictures_in


def png(width: int, height: int) -> bytes:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + size + b"\x08\x06\0\0\0" + bytes(900)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + bytes(40)


def jpeg(width: int, height: int, *, thumbnail: int = 0) -> bytes:
    exif = b"\xff\xe1" + (thumbnail + 2).to_bytes(2, "big") + bytes(thumbnail)
    tables = b"\xff\xdb\0\x04ab\xff\xc4\0\x04ab"
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8" + exif + tables + b"\xff\xc2\0\x11\x08" + size + bytes(60)


def webp(kind: bytes, body: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + body + bytes(40)


def lossy(width: int, height: int) -> bytes:
    size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + size)


def lossless(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    return webp(b"VP8L", b"\x2f" + bits.to_bytes(4, "little"))


def extended(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\0\0\0\0" + size)


def image(data: bytes) -> dict[str, object]:
    text = base64.b64encode(data).decode()
    source = {"type": "base64", "media_type": "image/png", "data": text}
    return {"type": "image", "source": source}


def written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("form", [png, gif, jpeg, lossy, lossless, extended])
def test_the_size_stands_in_the_first_bytes(form: Callable[[int, int], bytes]) -> None:
    found = pictures_in(written(image(form(1_280, 803))))
    assert found.each == (Picture(1_280, 803),)
    assert found.size == len(base64.b64encode(form(1_280, 803)))


def test_a_jpeg_tells_behind_its_thumbnail() -> None:
    found = pictures_in(written(image(jpeg(640, 480, thumbnail=60_000))))
    assert found.each == (Picture(640, 480),)


def test_slashes_may_be_escaped() -> None:
    raw = written(image(jpeg(640, 480))).replace(b"/", b"\\/")
    assert pictures_in(raw).each == (Picture(640, 480),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        png(0, 5),
        png(3, 4)[:20],
        b"\xff\xd8\xff",
        b"\xff\xd8" + bytes(900),
        bytes(900),
        jpeg(3, 4)[:-66],
        b"\xff\xd8\xff\xe1\0\0" * 400,
    ],
)
def test_what_does_not_tell_its_size_is_a_picture_all_the_same(data: bytes) -> None:
    assert pictures_in(written(image(data))).each == (Picture(),)


@pytest.mark.parametrize("source", [{}, {"type": "url", "url": "https://example.com/a.png"}])
def test_a_picture_from_elsewhere_has_no_data(source: dict[str, str]) -> None:
    found = pictures_in(written({"type": "image", "source": source}))
    assert (found.each, found.size, found.has_image) == ((Picture(),), 0, True)


def test_a_document_is_no_image_but_its_data_counts() -> None:
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x" * 100}
    found = pictures_in(written({"type": "document", "source": source}))
    assert (found.each, found.size, found.has_image) == ((Picture(),), 800, False)


def test_text_about_pictures_holds_none() -> None:
    quoted = written(image(png(3, 4))).decode()
    assert pictures_in(written({"type": "text", "text": quoted})).each == ()


def test_a_line_has_the_pictures_of_each_result_and_its_own() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [image(png(40, 30))]}
    plain = {"type": "tool_result", "tool_use_id": "t2", "content": "ok"}
    content = [result, plain, {"type": "text", "text": "see"}, image(png(60, 50))]
    record = {"type": "user", "uuid": "u", "message": {"role": "user", "content": content}}
    (entry,) = decode(written(record)).entries
    assert isinstance(entry, UserEntry)
    assert [each.pictures for each in entry.results] == [(Picture(40, 30),), ()]
    assert entry.pictures == (Picture(60, 50),)
    assert all(each.size < 300 for each in entry.results)
    assert entry.size < 800
    assert entry.has_image
