"""PNG files of every kind, built chunk by chunk, and the pixels that they show."""

import struct
import zlib

import numpy as np

from picture import noise, photo, rgba

GREY, RGB, INDEXED, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, INDEXED: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), INDEXED: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
NAMES = {GREY: "grey", RGB: "rgb", INDEXED: "palette", GREY_ALPHA: "grey+alpha", RGBA: "rgba"}
# For each pass of Adam7: its first column and row, and the steps across and down.
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, content=b"", crc=None):
    crc = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def header(width, height, depth, colour, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def file(head, *chunks, end=chunk(b"IEND")):
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + end


def packed(samples, depth):
    """The rows of samples as bytes, and the distance to the previous pixel in bytes."""
    height, width, channels = samples.shape
    flat = samples.reshape(height, width * channels)
    if depth == 16:
        return flat.astype(">u2").view(np.uint8).reshape(height, -1), channels * 2
    if depth == 8:
        return flat.astype(np.uint8), channels
    bits = (flat[..., None] >> np.arange(depth - 1, -1, -1) & 1).reshape(height, -1)
    return np.packbits(bits.astype(np.uint8), axis=1), 1


def filtered(rows, back, kinds):
    """Each row after the number of its filter; the filters of `kinds` take turns."""
    out, above = [], np.zeros(rows.shape[1], int)
    for number, row in enumerate(rows.astype(int)):
        left, corner = np.zeros_like(row), np.zeros_like(row)
        left[back:], corner[back:] = row[:-back], above[:-back]
        kind = kinds[number % len(kinds)]
        guess = left + above - corner
        away = [abs(guess - other) for other in (left, above, corner)]
        paeth = np.where((away[0] <= away[1]) & (away[0] <= away[2]), left, np.where(away[1] <= away[2], above, corner))
        predicted = [0, left, above, (left + above) // 2, paeth][kind]
        out.append(bytes([kind]) + ((row - predicted) % 256).astype(np.uint8).tobytes())
        above = row
    return b"".join(out)


def data(samples, depth, interlaced=False, kinds=(0, 1, 2, 3, 4)):
    parts = [samples]
    if interlaced:
        parts = [samples[y::down, x::across] for x, y, across, down in PASSES]
    return b"".join(filtered(*packed(part, depth), kinds) for part in parts if part.size)


def shown(samples, depth, colour, palette=None, clear=None):
    """The picture that these samples show. `clear` is the samples of the one transparent colour, or
    the alpha of the palette's colours."""
    height, width, _ = samples.shape
    if colour == INDEXED:
        alpha = np.full(256, 255)
        alpha[: len(clear or b"")] = list(clear or b"")
        return np.dstack([palette[samples[..., 0]], alpha[samples[..., 0]]]).astype(np.uint8)
    pixels = rgba(np.round(samples * 255 / (2**depth - 1)))
    if clear is not None:
        pixels[(samples == np.array(clear)).all(2), 3] = 0
    return pixels


def kind(width, height, colour, depth, interlaced=False, **how):
    samples = noise(width, height, 2**depth, CHANNELS[colour])
    palette = noise(2**depth, 1, 256, 3)[0]
    extra = [chunk(b"PLTE", palette.astype(np.uint8).tobytes())] if colour == INDEXED else []
    picture = shown(samples, depth, colour, palette)
    pixels = zlib.compress(data(samples, depth, interlaced, **how))
    return file(header(width, height, depth, colour, int(interlaced)), *extra, chunk(b"IDAT", pixels)), picture


def transparent():
    for colour, depth in [(GREY, 1), (GREY, 2), (GREY, 4), (GREY, 8), (GREY, 16), (RGB, 8), (RGB, 16)]:
        samples = noise(21, 13, 2**depth, CHANNELS[colour])
        clear = [int(sample) for sample in samples[3, 4]]
        content = b"".join(struct.pack(">H", sample) for sample in clear)
        pixels = chunk(b"IDAT", zlib.compress(data(samples, depth)))
        made = file(header(21, 13, depth, colour), chunk(b"tRNS", content), pixels)
        yield f"one transparent colour, {NAMES[colour]} {depth}", made, shown(samples, depth, colour, clear=clear)
    for count in (1, 7, 16):
        samples, palette = noise(21, 13, 16), noise(16, 1, 256, 3)[0]
        alpha = bytes(17 * number for number in range(count))
        chunks = chunk(b"PLTE", palette.astype(np.uint8).tobytes()), chunk(b"tRNS", alpha)
        made = file(header(21, 13, 4, INDEXED), *chunks, chunk(b"IDAT", zlib.compress(data(samples, 4))))
        yield f"{count} transparent colours of 16", made, shown(samples, 4, INDEXED, palette, alpha)


def written():
    """The same picture, written in different ways."""
    samples = photo(60, 40)
    head, raw, picture = header(60, 40, 8, RGB), data(samples, 8), rgba(samples)
    deflated = zlib.compress(raw)
    one = chunk(b"IDAT", deflated)
    for level in (0, 1, 9):
        yield f"level {level}", file(head, chunk(b"IDAT", zlib.compress(raw, level))), picture
    for window in (9, 12):
        squeeze = zlib.compressobj(9, zlib.DEFLATED, window)
        yield f"a window of {window} bits", file(head, chunk(b"IDAT", squeeze.compress(raw) + squeeze.flush())), picture
    fixed = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FIXED)
    yield "fixed codes", file(head, chunk(b"IDAT", fixed.compress(raw) + fixed.flush())), picture
    for size in (1, 100):
        parts = [chunk(b"IDAT", deflated[at : at + size]) for at in range(0, len(deflated), size)]
        yield f"IDAT of {size} bytes", file(head, *parts), picture
    yield "empty IDATs between", file(head, chunk(b"IDAT"), one, chunk(b"IDAT")), picture
    for filter in range(5):
        yield f"filter {filter} alone", file(head, chunk(b"IDAT", zlib.compress(data(samples, 8, kinds=(filter,))))), picture
    yield "bytes behind the end", file(head, one) + b"\0\0and more", picture
    yield "bytes behind the data", file(head, chunk(b"IDAT", deflated + b"more")), picture
    yield "no end", file(head, one, end=b""), picture
    yield "a wrong checksum of IDAT", file(head, chunk(b"IDAT", deflated, 0)), picture
    suggested = chunk(b"PLTE", bytes(range(30)))
    yield "a suggested palette", file(head, suggested, one), picture
    for name, content in ODD_CHUNKS:
        odd = chunk(name, content)
        yield f"odd {name.decode()} before, {len(content)} bytes", file(head, odd, one), picture
        yield f"odd {name.decode()} behind, {len(content)} bytes", file(head, one, odd), picture
        yield f"{name.decode()} of a wrong checksum, {len(content)} bytes", file(head, chunk(name, content, 0), one), picture


# Ancillary chunks that are invalid in every picture.
ODD_CHUNKS = [
    (b"cICP", b"\x0c\x0d\x01\x01"), (b"gAMA", b"\0\0\0\0"), (b"gAMA", b""), (b"cHRM", bytes(32)), (b"sRGB", b"\x09"),
    (b"sBIT", b"\x63\x63\x63"), (b"bKGD", b"\1"), (b"pHYs", b"\1"), (b"iCCP", b"name\0\0nonsense"),
    (b"zTXt", b"name\0\0nonsense"), (b"tEXt", b"\0"), (b"iTXt", b"a"), (b"tRNS", b"\1"), (b"hIST", b"\1"),
    (b"tIME", b"\0"), (b"eXIf", b"nonsense"), (b"acTL", bytes(8)), (b"abCd", bytes(100)),
]


def animated():
    first, second = rgba(photo(30, 20)), rgba(255 - photo(30, 20))
    head, control = header(30, 20, 8, RGBA), chunk(b"acTL", struct.pack(">II", 2, 0))
    frame = lambda number: chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 30, 20, 0, 0, 1, 10, 0, 0))
    pixels = lambda picture: zlib.compress(data(picture, 8))
    later = chunk(b"fdAT", struct.pack(">I", 2) + pixels(second))
    image = chunk(b"IDAT", pixels(first))
    yield "animated", file(head, control, frame(0), image, frame(1), later), first
    alone = chunk(b"fdAT", struct.pack(">I", 1) + pixels(second))
    yield "animated, its default image apart", file(head, control, image, frame(0), alone), first


def cut():
    """Each comes with the number of rows that it surely has."""
    for colour in (GREY, RGB, RGBA):
        made, picture = kind(64, 48, colour, 8)
        for part in (0.3, 0.6, 0.9):
            yield f"{NAMES[colour]} cut at {part}", made[: int(len(made) * part)], picture, int(48 * (part - 0.15))


def files():
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                for width, height in [(1, 1), (3, 2), (33, 17)]:
                    name = f"{NAMES[colour]} {depth}{', interlaced' if interlaced else ''}, {width} x {height}"
                    made, picture = kind(width, height, colour, depth, interlaced)
                    yield dict(name=name, file=made, picture=picture)
    for name, made, picture in [*transparent(), *written(), *animated()]:
        yield dict(name=name, file=made, picture=picture)
    samples = photo(60, 40)
    pixels = chunk(b"IDAT", zlib.compress(data(samples, 8))[:-4] + b"nope")
    made = file(header(60, 40, 8, RGB), pixels)
    # Other programs leave out the last rows.
    yield dict(name="a wrong checksum of the data", file=made, picture=rgba(samples), alone=True)
    for name, made, picture, rows in cut():
        yield dict(name=name, file=made, picture=picture, rows=rows)
