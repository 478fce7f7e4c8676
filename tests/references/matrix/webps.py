"""WebP files as libwebp writes them, and files of the same chunks in other combinations."""

import io
import struct

import numpy as np
from PIL import Image

from picture import photo, rgba


def encoded(picture, **how):
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "WEBP", **how)
    return out.getvalue()


def chunk(kind, content):
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def file(*chunks):
    return chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def chunks(content):
    found, at = {}, 12
    while at + 8 <= len(content):
        kind, length = content[at : at + 4], struct.unpack("<I", content[at + 4 : at + 8])[0]
        found[kind] = content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return found


def le24(number):
    return struct.pack("<I", number)[:3]


def vp8x(flags, width, height):
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + le24(width - 1) + le24(height - 1))


def clear(width, height):
    picture = rgba(photo(width, height))
    picture[..., 3] = np.linspace(255, 20, width).astype(np.uint8)
    return picture


def lossless():
    for width, height in [(1, 1), (3, 2), (33, 17), (100, 70)]:
        for method in (0, 6):
            yield f"lossless {width} x {height}, method {method}", encoded(photo(width, height), lossless=True, method=method), rgba(photo(width, height))
        made = encoded(clear(width, height), lossless=True, exact=True)
        yield f"lossless with alpha {width} x {height}", made, clear(width, height)
    for colours in (2, 4, 16, 200):
        picture = (photo(40, 30) // (256 // colours) * (256 // colours) if colours < 200 else photo(40, 30))
        few = picture[..., :1].repeat(3, 2)
        yield f"lossless of some {colours} colours", encoded(few, lossless=True), rgba(few)


def lossy():
    """libwebp's pixels are the right ones."""
    for quality in (1, 30, 75, 100):
        yield f"lossy, quality {quality}", encoded(photo(60, 40), quality=quality)
        yield f"lossy with alpha, quality {quality}", encoded(clear(60, 40), quality=quality, alpha_quality=quality)
    for width, height in [(1, 1), (15, 17), (16, 16), (97, 33)]:
        for method in (0, 4, 6):
            yield f"lossy {width} x {height}, method {method}", encoded(photo(width, height), method=method)


def arranged():
    picture = photo(40, 30)
    stream = chunks(encoded(picture, lossless=True))[b"VP8L"]
    still = chunk(b"VP8L", stream)
    for flags in (0, 0x02, 0x04, 0x08, 0x10, 0x20, 0x3E):
        yield f"flags {flags:02x} alone", file(vp8x(flags, 40, 30), still), rgba(picture)
    yield "an unknown chunk before", file(vp8x(0, 40, 30), chunk(b"abcd", b"odd"), still), rgba(picture)
    yield "an unknown chunk behind", file(vp8x(0, 40, 30), still, chunk(b"abcd", b"odd")), rgba(picture)
    yield "EXIF of nonsense", file(vp8x(8, 40, 30), still, chunk(b"EXIF", b"nonsense")), rgba(picture)
    yield "ICCP of nonsense", file(vp8x(0x20, 40, 30), chunk(b"ICCP", b"nonsense"), still), rgba(picture)
    yield "bytes behind the end", file(still) + b"more bytes", rgba(picture)
    yield "bytes behind the end of VP8X", file(vp8x(0, 40, 30), still) + b"more bytes", rgba(picture)
    yield "two pictures", file(vp8x(0, 40, 30), still, still), rgba(picture)
    place = lambda x, y, width, height: le24(x // 2) + le24(y // 2) + le24(width - 1) + le24(height - 1) + le24(100)
    animation = chunk(b"ANIM", bytes(6))
    for disposal in range(4):
        frame = chunk(b"ANMF", place(0, 0, 40, 30) + bytes([disposal]) + still)
        other = chunk(b"ANMF", place(0, 0, 40, 30) + bytes([disposal]) + chunk(b"VP8L", chunks(encoded(255 - picture, lossless=True))[b"VP8L"]))
        yield f"animated, blend and disposal {disposal}", file(vp8x(2, 40, 30), animation, frame, other), rgba(picture)
    small = np.zeros((50, 60, 4), np.uint8)
    small[10:40, 8:48] = rgba(picture)
    frame = chunk(b"ANMF", place(8, 10, 40, 30) + b"\0" + still)
    yield "a small first frame", file(vp8x(0x12, 60, 50), animation, frame), small


def odd():
    parts = chunks(encoded(clear(40, 30), quality=80))
    alpha, stream = chunk(b"ALPH", parts[b"ALPH"]), chunk(b"VP8 ", parts[b"VP8 "])
    yield "the alpha flag without alpha", file(vp8x(0x10, 40, 30), stream)
    yield "alpha without its flag", file(vp8x(0, 40, 30), alpha, stream)
    yield "a canvas of another size", file(vp8x(0, 50, 40), stream)
    yield "no picture", file(vp8x(0, 40, 30))
    whole = encoded(photo(60, 40))
    for part in (0.3, 0.7, 0.95):
        yield f"cut at {part}", whole[: int(len(whole) * part)]


def files():
    for name, made, picture in [*lossless(), *arranged()]:
        yield dict(name=name, file=made, picture=picture)
    for name, made in [*lossy(), *odd()]:
        yield dict(name=name, file=made)
