"""GIF files block by block, and the numbers that their first frames show."""

import struct

import numpy as np

from picture import noise

# The order in which the rows of an interlaced frame are stored.
PASSES = [(0, 8), (4, 8), (2, 4), (1, 2)]


def lzw(indices, bits):
    """The codes of indices below 2^bits, with a table that grows as encoders make it grow."""
    size, clear = max(bits, 2), 1 << max(bits, 2)
    table, width, word, codes = {}, size + 1, (), [(clear, size + 1)]
    known = {(number,): number for number in range(clear)}
    table = dict(known)
    for index in map(int, indices):
        longer = (*word, index)
        if longer in table:
            word = longer
            continue
        codes.append((table[word], width))
        if len(table) + 2 < 4096:
            table[longer] = len(table) + 2
            width += len(table) + 2 > 1 << width and width < 12
        else:
            codes.append((clear, width))
            table, width = dict(known), size + 1
        word = (index,)
    codes += [(table[word], width)] if word else []
    codes.append((clear + 1, width + (len(table) + 3 > 1 << width and width < 12)))
    number, at = 0, 0
    for code, width in codes:
        number, at = number | code << at, at + width
    packed = number.to_bytes((at + 7) // 8, "little")
    return bytes([size]) + blocks(packed)


def blocks(content):
    parts = [content[at : at + 255] for at in range(0, len(content), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def table(palette):
    """The palette's flags and bytes, filled up to a power of two."""
    size = max(1, (len(palette) - 1).bit_length())
    content = palette.astype(np.uint8).tobytes()
    return 0x80 | size - 1, content + bytes(3 * 2**size - len(content))


def frame(indices, place=(0, 0), palette=None, interlaced=False, bits=8):
    height, width = indices.shape
    rows = indices
    if interlaced:
        rows = np.concatenate([indices[begin::step] for begin, step in PASSES])
    flags, colours = table(palette) if palette is not None else (0, b"")
    descriptor = struct.pack("<BHHHHB", 0x2C, *place, width, height, flags | interlaced << 6)
    return descriptor + colours + lzw(rows.ravel(), bits)


def control(clear=None, disposal=0, delay=10):
    return b"!\xf9\x04" + struct.pack("<BHBB", disposal << 2 | (clear is not None), delay, clear or 0, 0)


def file(canvas, *parts, palette=None, end=b";"):
    flags, colours = table(palette) if palette is not None else (0, b"")
    return b"GIF89a" + struct.pack("<HHBBB", *canvas, flags, 0, 0) + colours + b"".join(parts) + end


def shown(canvas, indices, palette, place=(0, 0), clear=None):
    alpha = np.full(len(palette), 255)
    if clear is not None:
        alpha[clear] = 0
    pixels = np.dstack([palette[indices], alpha[indices]])
    height, width = indices.shape
    right, bottom = max(canvas[0], place[0] + width), max(canvas[1], place[1] + height)
    picture = np.zeros((bottom, right, 4), np.uint8)
    picture[place[1] : place[1] + height, place[0] : place[0] + width] = pixels
    return picture


def colours(count):
    return noise(count, 1, 256, 3)[0]


def made():
    for count in (2, 3, 4, 5, 16, 17, 100, 256):
        palette, bits = colours(count), max(1, (count - 1).bit_length())
        for width, height, interlaced in [(1, 1, False), (31, 23, False), (31, 23, True)]:
            indices = noise(width, height, count)[..., 0]
            name = f"{count} colours{', interlaced' if interlaced else ''}, {width} x {height}"
            pixels = frame(indices, interlaced=interlaced, bits=bits)
            yield name, file((width, height), pixels, palette=palette), shown((width, height), indices, palette)
    palette, indices, size = colours(16), noise(30, 20, 16)[..., 0], (30, 20)
    whole, picture = frame(indices, bits=4), shown((30, 20), indices, colours(16))
    large = noise(120, 90, 256)[..., 0]
    yield "a full table of codes", file((120, 90), frame(large), palette=colours(256)), shown((120, 90), large, colours(256))
    yield "its own palette", file(size, frame(indices, palette=palette, bits=4)), picture
    yield "two palettes", file(size, frame(indices, palette=palette, bits=4), palette=255 - palette), picture
    for clear in (0, 7):
        yield f"colour {clear} transparent", file(size, control(clear), whole, palette=palette), shown(size, indices, palette, clear=clear)
    other = frame(15 - indices, bits=4)
    for disposal in range(8):
        parts = control(disposal=disposal), whole, control(3, disposal), other
        yield f"animated, disposal {disposal}", file(size, *parts, palette=palette), picture
    for name, canvas, place in [
        ("a small frame", (40, 30), (5, 4)), ("a frame larger than the canvas", (10, 10), (0, 0)),
        ("a canvas of no size", (0, 0), (0, 0)), ("a canvas of no width", (0, 20), (0, 0)),
        ("a frame that reaches out", (30, 20), (10, 5)), ("a frame outside", (30, 20), (50, 40)),
    ]:
        yield name, file(canvas, frame(indices, place, bits=4), palette=palette), shown(canvas, indices, palette, place)
    loop, comment = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0", b"!\xfe" + blocks(b"hello " * 100)
    plain = b"!\x01\x0c" + bytes(12) + b"\x02hi\0"
    for name, before in [
        ("a loop", loop), ("a comment", comment), ("an unknown extension", b"!\x55\x03abc\0"),
        ("an application of a wrong length", b"!\xff\x03abc\0"), ("plain text", plain),
        ("a control that is longer", b"!\xf9\x05\0\0\0\0\0\0"), ("bytes between blocks", b"\x55\0"),
    ]:
        yield name, file(size, before, whole, palette=palette), picture
    yield "no trailer", file(size, whole, palette=palette, end=b""), picture
    yield "no trailer and no last block", file(size, whole, palette=palette, end=b"")[:-1], picture
    yield "bytes behind the end", file(size, whole, palette=palette) + b"more", picture
    yield "other bytes for the trailer", file(size, whole, palette=palette, end=b"more"), picture
    more = frame(np.concatenate([indices, indices]), bits=4)
    more = more[:7] + struct.pack("<H", 20) + more[9:]
    yield "more data than pixels", file(size, more, palette=palette), picture
    yield "version 87a", file(size, whole, palette=palette).replace(b"89a", b"87a"), picture


def odd():
    """Files without known pixels: another program that shows them gives the right ones."""
    palette, indices = colours(4), noise(30, 20, 8)[..., 0]
    yield "indices beyond the palette", file((30, 20), frame(indices, bits=3), palette=palette)
    yield "no palette", file((30, 20), frame(indices % 2, bits=1))
    short = frame(indices[:9] % 4, bits=2)
    yield "fewer data than pixels", file((30, 20), short[:7] + struct.pack("<H", 20) + short[9:], palette=palette)
    sound = frame(indices % 4, bits=2)
    yield "codes that are damaged", file((30, 20), sound[:60] + b"\xff" * 10 + sound[70:], palette=palette)
    yield "no frame", file((30, 20), palette=palette)


def files():
    for name, content, picture in made():
        yield dict(name=name, file=content, picture=picture)
    for name, content in odd():
        yield dict(name=name, file=content)
    indices, palette = noise(64, 48, 64)[..., 0], colours(64)
    content = file((64, 48), frame(indices, bits=6), palette=palette)
    for part in (0.4, 0.6, 0.9):
        rows = int(48 * (part - 0.2))
        yield dict(name=f"cut at {part}", file=content[: int(len(content) * part)], picture=shown((64, 48), indices, palette), rows=rows)
