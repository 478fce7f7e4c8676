"""JPEG files as libjpeg writes them in different ways, and with their segments changed."""

import io
import struct

import cv2
import numpy as np
from PIL import Image

from picture import photo

SAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420, "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}


def encoded(picture, mode=None, **how):
    out = io.BytesIO()
    image = Image.fromarray(picture)
    (image.convert(mode) if mode else image).save(out, "JPEG", **how)
    return out.getvalue()


def by_opencv(picture, *options):
    return cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), options)[1].tobytes()


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def with_segments(content, *segments):
    return content[:2] + b"".join(segments) + content[2:]


def sampled():
    for name, sampling in SAMPLINGS.items():
        for progressive in (0, 1):
            for width, height in [(1, 1), (17, 9), (64, 48), (97, 61)]:
                options = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive
                kind = "progressive" if progressive else "baseline"
                yield f"{kind} {name}, {width} x {height}", by_opencv(photo(width, height), *options)


def written():
    picture = photo(80, 60)
    for quality in (1, 10, 50, 75, 95, 100):
        yield f"quality {quality}", encoded(picture, quality=quality)
    for rows in (1, 2):
        yield f"a restart every {rows} rows", encoded(picture, restart_marker_rows=rows)
    for blocks in (1, 3, 7):
        yield f"a restart every {blocks} units", encoded(picture, restart_marker_blocks=blocks)
        yield f"progressive, a restart every {blocks} units", encoded(picture, restart_marker_blocks=blocks, progressive=True)
    yield "codes of its own", encoded(picture, optimize=True)
    yield "progressive codes of its own", encoded(picture, optimize=True, progressive=True)
    for width, height in [(1, 1), (8, 8), (33, 17)]:
        for progressive in (False, True):
            kind = "progressive" if progressive else "baseline"
            yield f"grey {kind}, {width} x {height}", encoded(photo(width, height), "L", progressive=progressive)
            yield f"CMYK {kind}, {width} x {height}", encoded(photo(width, height), "CMYK", progressive=progressive)
    yield "RGB kept", encoded(picture, keep_rgb=True)
    yield "quantised by ones", encoded(picture, qtables=[[1] * 64, [1] * 64])
    yield "quantised in 16 bits", encoded(picture, qtables=[[300] * 64, [300] * 64])


def arranged():
    made = encoded(photo(80, 60), quality=90)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
    for name, segments in [
        ("a comment", [segment(0xFE, b"hello")]), ("a comment of 65533 bytes", [segment(0xFE, b"x" * 65533)]),
        ("an empty comment", [segment(0xFE, b"")]), ("EXIF without entries", [segment(0xE1, exif)]),
        ("EXIF of nonsense", [segment(0xE1, b"Exif\0\0nonsense")]), ("APP13", [segment(0xED, b"Photoshop 3.0\0" + bytes(50))]),
        ("fill bytes", [b"\xff\xff\xff\xff" + segment(0xFE, b"x")[1:]]), ("an ICC profile of nonsense", [segment(0xE2, b"ICC_PROFILE\0\1\1nonsense")]),
        ("an MPF index of nonsense", [segment(0xE2, b"MPF\0nonsense")]), ("a hundred comments", [segment(0xFE, b"x")] * 100),
        ("an Adobe marker of transform 7", [segment(0xEE, b"Adobe\0d\0\0\0\0\x07")]), ("APP14 too short", [segment(0xEE, b"Adobe")]),
        ("JFIF too short", [segment(0xE0, b"JFIF\0")]), ("a restart interval that nothing uses", [segment(0xDD, b"\0\0")]),
    ]:
        yield name, with_segments(made, *segments)
    tail = made.rindex(b"\xff\xd9")
    yield "bytes behind the end", made + b"\0\0and more"
    yield "a JPEG behind the end", made + made
    yield "zeros before the end", made[:tail] + bytes(20) + made[tail:]
    yield "fill bytes before the end", made[:tail] + b"\xff" * 9 + made[tail:]


def cut():
    made = encoded(photo(96, 96), quality=90)
    for part in (0.5, 0.7, 0.9):
        yield f"baseline cut at {part}", made[: int(len(made) * part)], 16
    yield "without its last two bytes", made[:-2], 80
    progressive = encoded(photo(96, 96), quality=90, progressive=True)
    for part in (0.5, 0.9):
        yield f"progressive cut at {part}", progressive[: int(len(progressive) * part)], 0


def named():
    """Kinds of JPEG that are refused with the name of the kind."""
    made = encoded(photo(40, 30))
    frame = made.index(b"\xff\xc0")
    change = lambda at, byte: made[: frame + at] + bytes([byte]) + made[frame + at + 1 :]
    yield "12 bits", change(4, 12), "12-bit JPEG"
    for marker in (0xC3, 0xCB):
        yield f"lossless, {marker:x}", change(1, marker), "lossless JPEG"
    for marker in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE):
        yield f"hierarchical, {marker:x}", change(1, marker), "hierarchical JPEG"
    yield "no height in its header", made[: frame + 5] + bytes(2) + made[frame + 7 :], "DNL"


def files():
    for name, made in [*sampled(), *written(), *arranged()]:
        yield dict(name=name, file=made, tolerance=3.0)
    for name, made, rows in cut():
        yield dict(name=name, file=made, whole=photo(96, 96), rows=rows, tolerance=6.0)
    for name, made, word in named():
        yield dict(name=name, file=made, refused=word)
