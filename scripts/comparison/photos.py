"""Photos to measure with, the same on every machine: colours, edges, texture and grain.

The cost of a codec and the quality of a resize depend on the picture. So these have the properties of
photos: brightness that falls off with frequency (1/f), soft colour, hard edges and thin lines at every
angle, the blur of a lens, and grain that is finer in the light. They are JPEG as cameras write it,
4:2:0 at a quality of 88 to 90.
"""

import cv2
import numpy as np

SIZES = {"0.3 MP": (640, 480), "2 MP": (1632, 1224), "12 MP": (4000, 3000)}


def photo(width, height, seed):
    """The bytes of a JPEG."""
    random = np.random.default_rng([seed, width])
    picture = scenery(width, height, random)
    draw_things(picture, random)
    picture = cv2.GaussianBlur(picture, None, 0.6)
    picture += grain(picture, random)
    levels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    parameters = [
        *(cv2.IMWRITE_JPEG_QUALITY, 88 + seed % 3),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
    ]
    return cv2.imencode(".jpg", levels, parameters)[1].tobytes()


def scenery(width, height, random):
    """Light and colour in octaves, each weaker than the next coarser one."""
    light = octaves(width, height, random, finest=2)
    colour = [octaves(width, height, random, finest=16) for _ in range(3)]
    return 118 + np.stack([72 * light + 34 * each for each in colour], axis=-1)


def octaves(width, height, random, finest):
    total = np.zeros((height, width), np.float32)
    cell, strength = 512, 1.0
    while cell >= finest:
        shape = (max(2, height // cell + 1), max(2, width // cell + 1))
        coarse = random.normal(0, 0.5 * strength, shape).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cell, strength = cell // 2, strength * 0.6
    return total


def draw_things(picture, random):
    """Discs, polygons and thin lines, of every size and with smooth edges."""
    height, width = picture.shape[:2]
    for _ in range(60):
        centre = random.uniform(0, [width, height])
        radius = width * 0.12 * random.uniform(0.05, 1) ** 2
        colour = paint_of(random)
        turns = np.sort(random.uniform(0, 2 * np.pi, int(random.integers(3, 40))))
        edge = centre + radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1)
        paint(picture, np.array([edge]), colour, random.uniform(0.4, 1), lines=False)
    for _ in range(60):
        ends = random.uniform(0, [width, height], (1, 2, 2))
        paint(picture, ends, paint_of(random), 0.9, lines=True)


def paint_of(random):
    """From dark to light, in outdoor colours."""
    return random.uniform(15, 240) + random.uniform(-35, 35, 3)


def paint(picture, points, colour, cover, lines):
    """Lays a shape of one colour over the picture, which shows through by 1 - `cover`."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    points = np.rint(points * 16).astype(np.int32)
    if lines:
        cv2.polylines(mask, points, False, 255, 1 + picture.shape[1] // 1000, cv2.LINE_AA, 4)
    else:
        cv2.fillPoly(mask, points, 255, cv2.LINE_AA, 4)
    x, y, width, height = cv2.boundingRect(mask)
    part = np.s_[y : y + height, x : x + width]
    share = mask[part].astype(np.float32)[..., None] * np.float32(cover / 255)
    picture[part] += share * (colour.astype(np.float32) - picture[part])


def grain(picture, random):
    """Noise as a sensor and its software leave it: softened, mostly in brightness."""
    shape = picture.shape[:2]
    light = cv2.GaussianBlur(random.normal(0, 12, shape).astype(np.float32), None, 0.7)
    colour = cv2.GaussianBlur(random.normal(0, 2, picture.shape).astype(np.float32), None, 1.2)
    return (light[..., None] + colour) * (1.25 - picture / 340)


def stamped(file, number):
    """The same photo with its own comment, so that no two messages are equal."""
    after = 4 + int.from_bytes(file[4:6], "big")
    comment = f"{number:016x}".encode()
    return file[:after] + b"\xff\xfe\x00\x12" + comment + file[after:]
