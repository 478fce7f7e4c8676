"""Makes the demonstration page's sample pictures: python generate.py [folder]

Needs numpy and Pillow. Every picture is drawn from fixed seeds, so the same versions
make the same files. They stand in for photographs: full of colour, so that greyscale
shows, and of grain, so that decoding and encoding them is real work.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

# --- noise and colour --------------------------------------------------------------

LATTICE = np.random.default_rng(2011).random((8, 256, 256))


def noise(x, y, table=0):
    """Smooth value noise in 0..1 with one cell per unit."""
    x, y = np.broadcast_arrays(x, y)
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    u, v = x - x0, y - y0
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    cells = LATTICE[table % 8]
    x1, y1, x0, y0 = (x0 + 1) & 255, (y0 + 1) & 255, x0 & 255, y0 & 255
    top = cells[y0, x0] * (1 - u) + cells[y0, x1] * u
    low = cells[y1, x0] * (1 - u) + cells[y1, x1] * u
    return top * (1 - v) + low * v


def fbm(x, y, octaves=5, table=0, ridged=False):
    """Octaves of noise in 0..1; ridged folds each one into crests."""
    total, weight, sum_of_weights = 0.0, 1.0, 0.0
    for octave in range(octaves):
        # The turn keeps the lattices of the octaves from lining up.
        n = noise(x + 17.3 * octave, y - 9.1 * octave, table + octave)
        if ridged:
            n = (1 - np.abs(2 * n - 1)) ** 2
        total, sum_of_weights = total + weight * n, sum_of_weights + weight
        x, y = 1.6 * x + 1.2 * y, 1.6 * y - 1.2 * x
        weight *= 0.5
    return total / sum_of_weights


def colour(text):
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def ramp(t, *stops):
    """Colours along t in 0..1; stops are (place, 'rrggbb')."""
    places = [place for place, _ in stops]
    colours = np.array([colour(text) for _, text in stops])
    return np.stack([np.interp(t, places, colours[:, c]) for c in range(3)], axis=-1)


def smooth(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, share):
    return a + (b - a) * np.asarray(share)[..., None]


def grid(width, height):
    """x and y in units of the picture's height, y downwards."""
    y, x = np.mgrid[0:height, 0:width] / height
    return x, y


def stars(x, y, density, seed):
    rng = np.random.default_rng(seed)
    sky = np.zeros(x.shape)
    height, width = sky.shape
    for _ in range(density):
        row, column = rng.integers(1, height - 1), rng.integers(1, width - 1)
        light = rng.random() ** 5
        sky[row, column] += 0.25 + 0.9 * light
        if light > 0.3:
            sky[row - 1 : row + 2, column] += 0.3 * light
            sky[row, column - 1 : column + 2] += 0.3 * light
    return sky[..., None] * colour("eaf0ff")


def develop(picture, grain=0.012, vignette=0.22, seed=1):
    """Vignette and film grain, then eight bits."""
    height, width, _ = picture.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    picture = picture * (1 - vignette * smooth(0.5, 2, x * x + y * y))[..., None]
    picture = picture + np.random.default_rng(seed).normal(0, grain, (height, width, 1))
    return Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8))


# --- ground seen in perspective ----------------------------------------------------


def terrain(width, height, ground, paint, sky, *, eye, horizon=0.4, near=0.6, far=60.0, lens=0.9):
    """A height field looked at along z.

    ground(x, z) is its height; paint(x, z, level, normal, distance) its colours; sky is
    the picture behind. Rendered at twice the size, which smooths every edge.
    """
    columns, rows, steps = 2 * width, 2 * height, 1100
    depth = np.geomspace(near, far, steps)[:, None]
    x = (np.arange(columns) - columns / 2)[None, :] / rows / lens * depth
    z = np.broadcast_to(depth, x.shape)
    level = ground(x, z)
    edge = 0.004 * depth
    normal = np.stack(
        [(level - ground(x + edge, z)) / edge, np.ones_like(x), (level - ground(x, z + edge)) / edge], -1
    )
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    colours = paint(x, z, level, normal, depth / far)
    # Near ground hides farther ground that is lower in the picture: the running top of a
    # column only rises, so the depth seen by each row is found by bisection.
    top = np.minimum.accumulate((horizon + (eye - level) / depth * lens) * rows, axis=0)
    picture = np.asarray(Image.fromarray(to_bytes(sky)).resize((columns, rows), Image.BICUBIC)) / 255
    every_row = np.arange(rows)
    for column in range(columns):
        seen = np.searchsorted(-top[:, column], -every_row)
        land = seen < steps
        picture[land, column] = colours[seen[land], column]
    small = Image.fromarray(to_bytes(picture)).resize((width, height), Image.LANCZOS)
    return np.asarray(small) / 255


def to_bytes(picture):
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def lit(normal, sun):
    sun = np.array(sun) / np.linalg.norm(sun)
    return np.clip(normal @ sun, 0, 1)


def dunes():
    x, y = grid(840, 560)
    sky = ramp(y / 0.4, (0, "4f86b8"), (0.6, "a9c3cf"), (1, "f3dcbc"))

    def ground(x, z):
        bend = 2.2 * fbm(x * 0.16, z * 0.16, 3)
        phase = (z * 0.34 + x * 0.16 + bend * 1.5) % 1
        crest = np.where(phase < 0.74, (phase / 0.74) ** 1.35, ((1 - phase) / 0.26) ** 1.1)
        return 0.66 * crest * (0.35 + fbm(x * 0.11, z * 0.11, 2, 3)) + 0.45 * fbm(x * 0.07, z * 0.05, 2, 5)

    def paint(x, z, level, normal, distance):
        ripples = np.sin(70 * (z + 0.5 * x + 0.35 * fbm(x * 2, z * 2, 3))) * np.exp(-14 * distance)
        light = lit(normal, (-1.0, 0.42, 0.35)) + 0.05 * ripples
        sand = ramp(light, (0, "5a2f3f"), (0.25, "a4553b"), (0.6, "e39a55"), (1, "ffd798"))
        return mix(sand, colour("f0d3b4"), 0.75 * smooth(0, 0.9, distance))

    return terrain(840, 560, ground, paint, sky, eye=1.7, horizon=0.34, near=1.2, far=42)


def alps():
    x, y = grid(800, 600)
    cloud = smooth(0.5, 0.8, fbm(x * 2.2 + 3, y * 6, 6, 2))
    sky = mix(ramp(y / 0.5, (0, "1f5fa8"), (1, "b8d8ea")), colour("ffffff"), 0.8 * cloud)

    def ground(x, z):
        rise = smooth(6, 24, z)
        return 10 * rise * fbm(x * 0.11 + 5.3, z * 0.11, 9, 1, ridged=True) ** 1.6 + 0.3 * fbm(x * 0.8, z * 0.8, 7, 4)

    def paint(x, z, level, normal, distance):
        light = 0.25 + 0.95 * lit(normal, (-0.9, 0.6, -0.5))
        rock = ramp(fbm(x * 3, z * 3, 4, 2), (0.2, "4a4a52"), (0.8, "8d8379"))
        meadow = ramp(fbm(x * 6, z * 6, 6, 6), (0.25, "2f4f24"), (0.5, "5f8238"), (0.75, "9aa04a"))
        land = mix(meadow, rock, smooth(0.7, 1.6, level + 0.6 * fbm(x * 2, z * 2, 4)))
        snow = smooth(2.2, 3.2, level + 1.1 * normal[..., 1] - 0.6 + 0.5 * fbm(x * 4, z * 4, 3, 3))
        land = mix(land, colour("f6faff"), snow)
        shade = mix(land * colour("6d86b8"), land, np.clip(light, 0, 1))
        return mix(shade, colour("b3d0e6"), 0.7 * smooth(0.05, 1.1, distance))

    return terrain(800, 600, ground, paint, sky, eye=0.95, horizon=0.62, near=0.7, far=40)


def canyon():
    x, y = grid(800, 533)
    sky = ramp(y / 0.42, (0, "2b6fb0"), (0.7, "9cc6dc"), (1, "f4dcc0"))
    sky = mix(sky, colour("fff4e6"), 0.75 * smooth(0.55, 0.8, fbm(x * 1.5, y * 7, 6, 5)))

    def ground(x, z):
        raw = fbm(x * 0.16 + 2.1, z * 0.16 + 0.7, 6, 4)
        mesa = sum(smooth(edge, edge + 0.018, raw) * rise for edge, rise in ((0.47, 0.5), (0.53, 0.8), (0.57, 0.7)))
        return mesa + 0.22 * fbm(x * 1.2, z * 1.2, 6) + 0.5 * raw

    def paint(x, z, level, normal, distance):
        layer = (level * 2.6 + 0.25 * fbm(x * 2, z * 2, 3)) % 1
        rock = ramp(layer, (0, "8c3a22"), (0.3, "c9663a"), (0.5, "e6a06a"), (0.62, "a84a2c"), (1, "8c3a22"))
        scrub = smooth(0.58, 0.66, fbm(x * 9, z * 9, 3, 2)) * smooth(0.8, 0.95, normal[..., 1])
        land = mix(rock, colour("56622f"), 0.8 * scrub)
        light = lit(normal, (-0.8, 0.7, -0.6))
        shade = mix(land * colour("6b4a6b"), land * 1.12, light)
        return mix(shade, colour("e3c7bd"), 0.8 * smooth(0.03, 1.1, distance))

    return terrain(800, 533, ground, paint, sky, eye=1.9, horizon=0.36, near=1.0, far=46)


def autumn():
    x, y = grid(720, 540)
    sky = ramp(y / 0.4, (0, "86a9c4"), (1, "f7e6c8"))

    def crowns(x, z):
        return noise(x * 13, z * 13, 3) ** 0.5 * (0.6 + 0.4 * noise(x * 29, z * 29, 4))

    def ground(x, z):
        wood = smooth(0.42, 0.5, fbm(x * 0.5, z * 0.5, 3, 6))
        return 3.4 * fbm(x * 0.17, z * 0.17, 3, 2) * smooth(0, 16, z) + 0.17 * wood * (0.5 + crowns(x, z))

    def paint(x, z, level, normal, distance):
        wood = smooth(0.42, 0.5, fbm(x * 0.5, z * 0.5, 3, 6))
        kind = noise(x * 4, z * 4, 7) * 0.75 + 0.25 * noise(x * 19, z * 19, 5)
        leaves = ramp(kind, (0.2, "2f4a22"), (0.38, "8a3313"), (0.55, "d0661b"), (0.7, "eba524"), (0.9, "7f8a2c"))
        grass = ramp(fbm(x * 3, z * 3, 4), (0.3, "7d8f3b"), (0.7, "c9b65a"))
        land = mix(grass, leaves, wood)
        light = 0.2 + 0.95 * lit(normal, (0.9, 0.6, -0.25))
        shade = mix(land * colour("4a4570"), land * 1.1, np.clip(light, 0, 1))
        return mix(shade, colour("f0dcc0"), 0.85 * smooth(0.02, 1.0, distance))

    return terrain(720, 540, ground, paint, sky, eye=1.6, horizon=0.42, near=1.1, far=38)


def lavender():
    x, y = grid(800, 600)
    sky = ramp(y / 0.42, (0, "3d6fb5"), (0.55, "e9a6a0"), (1, "ffd9a0"))
    sky = mix(sky, colour("ffe3cf"), 0.7 * smooth(0.5, 0.75, fbm(x * 1.6, y * 9, 6, 1)))

    def rows(x):
        return 0.5 + 0.5 * np.cos(x * 9)

    def ground(x, z):
        field = rows(x) * (0.75 + 0.5 * noise(x * 22, z * 22, 2)) * smooth(13, 11, z)
        return 0.17 * field + 0.55 * fbm(x * 0.12, z * 0.12, 2, 5) + 2.2 * smooth(13, 34, z) * fbm(x * 0.2, z * 0.2, 5, 6)

    def paint(x, z, level, normal, distance):
        bloom = rows(x) * (0.55 + 0.6 * fbm(x * 20, z * 20, 3))
        field = ramp(bloom, (0.1, "4d4a24"), (0.32, "4b5a2c"), (0.5, "5c3f96"), (0.75, "8f63c9"), (1, "d2a3e8"))
        hills = ramp(fbm(x * 2, z * 2, 5, 3), (0.3, "2f4f3a"), (0.7, "6f8a4a"))
        land = mix(field, hills, smooth(11.5, 13, z))
        light = 0.35 + 0.8 * lit(normal, (0.7, 0.6, 0.5))
        shade = mix(land * colour("5a4f8a"), land * colour("fff0dc") * 1.1, np.clip(light, 0, 1))
        return mix(shade, colour("f3bfa6"), 0.85 * smooth(0.15, 1.0, distance))

    return terrain(800, 600, ground, paint, sky, eye=1.5, horizon=0.4, near=1.0, far=40)


def sea():
    x, y = grid(510, 680)
    glow = np.exp(-9 * np.hypot(x - 0.42, y - 0.36))
    sky = ramp(y / 0.42, (0, "24365f"), (0.45, "8a5d86"), (0.8, "f08a5d"), (1, "ffd08a"))
    clouds = smooth(0.45, 0.75, fbm(x * 2.4, y * 11, 6, 3))
    sky = mix(sky, ramp(y / 0.42, (0, "3a3560"), (0.6, "c2566a"), (1, "ff9d6b")), 0.8 * clouds)
    sky = mix(sky, colour("fff0c4"), np.clip(1.3 * glow + smooth(0.052, 0.046, np.hypot(x - 0.42, y - 0.36)), 0, 1))

    def ground(x, z):
        swell = np.sin(2.2 * z + 0.5 * x + 3 * fbm(x * 0.4, z * 0.4, 2)) * 0.035
        return swell + 0.12 * fbm(x * 1.5, z * 2.6, 5, 2, ridged=True)

    def paint(x, z, level, normal, distance):
        facing = smooth(-0.2, 0.6, -normal[..., 2] + 0.35 * distance)
        water = ramp(facing, (0, "f2a877"), (0.35, "b0668a"), (0.7, "2e4a78"), (1, "102a4a"))
        path = np.exp(-((x / z + 0.045) ** 2) / 0.004)
        spark = smooth(0.62, 0.85, fbm(x * 6, z * 9, 4, 5) + 0.25 * (1 - facing)) * path
        return mix(water, colour("fff2c8"), np.clip(1.2 * spark + 0.12 * path, 0, 1))

    return terrain(510, 680, ground, paint, sky, eye=0.75, horizon=0.42, near=0.5, far=60)


# --- flat layers -------------------------------------------------------------------


def ridge(x, base, height, roughness, seed):
    """The skyline of one range: y of its crest for every x."""
    return base - height * fbm(x * roughness + 31.7 * seed, 0 * x + seed, 7, seed, ridged=True)


def dusk_ridges():
    x, y = grid(800, 600)
    picture = ramp(y, (0, "2c2a5e"), (0.25, "7d4a84"), (0.42, "e77f6c"), (0.55, "ffc98a"), (1, "ffe3b0"))
    sun = np.hypot(x - 0.86, y - 0.4)
    picture = mix(picture, colour("fff1c9"), np.clip(0.8 * np.exp(-6 * sun) + smooth(0.058, 0.052, sun), 0, 1))
    picture = mix(picture, colour("ff9f7d"), 0.6 * smooth(0.5, 0.75, fbm(x * 1.6, y * 10, 6, 6)) * smooth(0.5, 0.1, y))
    for layer in range(8):
        near = layer / 7
        crest = ridge(x, 0.53 + 0.47 * near**1.25, 0.15 + 0.12 * near, 1.5 + 0.4 * layer, layer + 2)
        rock = ramp(near, (0, "e9957f"), (0.25, "b5648a"), (0.55, "5d3f7f"), (0.8, "2b2555"), (1, "120f2b"))
        slope = rock * (0.92 + 0.2 * fbm(x * 14, y * 9, 5, layer))[..., None]
        mist = 0.55 * smooth(0, 0.2, y - crest) * (1 - near)
        picture = mix(picture, mix(slope, colour("ffc9a0"), mist), smooth(0, 0.003, y - crest))
    return picture


def aurora():
    x, y = grid(720, 540)
    picture = ramp(y, (0, "050a1f"), (0.5, "0c2340"), (0.8, "1f4a5c")) + stars(x, y, 420, 7)
    for band, (start, tint, tip) in enumerate((("0.50", "35f0a0", "7a4dff"), ("0.36", "5dffb8", "e04dc8"), ("0.62", "1fd6b0", "3d6bff"))):
        foot = float(start) + 0.16 * (fbm(x * 1.3 + band * 5, 0 * x, 3, band) - 0.5) + 0.07 * np.sin(4 * x + 2 * band)
        up = foot - y
        rays = 0.35 + 0.9 * fbm(x * 22 + 6 * fbm(x * 2, y, 2), y * 0.7, 4, band + 3)
        light = smooth(-0.02, 0.02, up) * np.exp(-5.5 * np.clip(up, 0, 1)) * rays * smooth(0.25, 0.7, fbm(x * 1.8, 0 * x + band, 3, band + 1))
        picture = picture + light[..., None] * mix(colour(tint), colour(tip), smooth(0.05, 0.4, up)) * 0.95
    for layer, tone in enumerate(("16324a", "0d2033", "050c16")):
        crest = ridge(x, 0.86 + 0.08 * layer, 0.2 - 0.04 * layer, 2 + 2 * layer, layer + 3)
        snow = smooth(0.5, 0.7, fbm(x * 9, y * 14, 5, layer)) * smooth(0.12, 0.0, y - crest)
        slope = mix(ramp(0 * y, (0, tone)), colour("5fb8a8"), 0.4 * snow)
        picture = mix(picture, slope, smooth(0, 0.003, y - crest))
    return picture


def fog_forest():
    x, y = grid(600, 760)
    picture = ramp(y, (0, "dfe6dc"), (0.4, "f2e9cf"), (1, "b9cdb8"))
    picture = mix(picture, colour("fff3cf"), 0.8 * np.exp(-4 * np.hypot(x - 0.6, y - 0.16)))
    rng = np.random.default_rng(5)
    for layer in range(7):
        near = layer / 6
        crest = np.full(x.shape, 2.0)
        base = 0.34 + 0.66 * near**1.1
        for place in np.arange(-0.05, 0.9, 0.026 + 0.035 * near):
            place += rng.normal(0, 0.012)
            tall = (0.1 + 0.26 * near) * rng.uniform(0.6, 1.15)
            foot = base + 0.09 * float(noise(np.array(place * 4), np.array(layer + 0.5), 2)) + 0.02
            # A conifer: a cone whose edge is torn into drooping branches.
            share = np.clip((y - (foot - tall)) / tall, 0, None)
            branches = 0.72 + 0.5 * np.abs((share * 11 + 3 * place) % 1 - 0.5) + 0.5 * (noise(x * 90, y * 120, 4) - 0.5)
            inside = (share > 0) & (np.abs(x - place) < 0.2 * tall * share * branches + 0.001)
            crest = np.where(inside, np.minimum(crest, y), crest)
        hill = base + 0.09 * noise(x * 4, 0 * x + layer + 0.5, 2)
        solid = np.maximum((crest <= y).astype(float), smooth(0, 0.01, y - hill))
        tone = ramp(near, (0, "b9cabb"), (0.4, "6f9382"), (0.75, "2e5a48"), (1, "0f2a22"))
        tree = tone * (0.8 + 0.4 * fbm(x * 30, y * 30, 4, layer))[..., None]
        fog = (0.75 - 0.45 * near) * smooth(-0.1, 0.14, y - base) * (0.6 + 0.6 * fbm(x * 3, y * 5, 4, layer))
        picture = mix(picture, mix(tree, colour("e9ead6"), np.clip(fog, 0, 1)), solid)
    return picture


def moon_lake():
    x, y = grid(800, 600)
    shore = 0.6
    # The lake is the picture above it, turned over and shaken by waves.
    wave = 0.012 * (fbm(x * 5, y * 90, 3, 4) - 0.5) * smooth(shore, 1, y) * 6
    sx, sy = x + wave, np.where(y > shore, 2 * shore - y + wave, y)
    picture = ramp(sy, (0, "0b1538"), (0.3, "1f3f78"), (0.6, "7f9fc4"))
    disc = np.hypot(sx - 0.9, sy - 0.2)
    picture = mix(picture, colour("cfe0ff"), np.clip(0.55 * np.exp(-5 * disc), 0, 1))
    face = 0.86 + 0.22 * fbm(sx * 18, sy * 18, 5, 2)
    picture = mix(picture, face[..., None] * colour("fff3d6"), smooth(0.077, 0.073, disc))
    picture = mix(picture, colour("a9bfe6"), 0.55 * smooth(0.5, 0.75, fbm(sx * 1.8, sy * 9, 6, 1)))
    for layer, tone in enumerate(("5f7fae", "2f4d80", "142a52")):
        crest = ridge(sx, shore + 0.004, 0.3 - 0.085 * layer, 1.6 + 1.4 * layer, layer + 4)
        light = smooth(0.45, 0.75, fbm(sx * 8 + sy * 5, sy * 9, 5, layer))
        slope = mix(ramp(0 * y, (0, tone)), colour("c9dcff"), 0.34 * light)
        picture = mix(picture, slope, smooth(0, 0.003, sy - crest))
    water = y > shore
    picture = np.where(water[..., None], picture * colour("b5cfe0") * 0.86, picture)
    path = np.exp(-(((x - 0.9) / (0.05 + 0.35 * (y - shore))) ** 2)) * smooth(0.5, 0.68, fbm(x * 7, y * 70, 3, 6)) * water
    return mix(picture, colour("fff0cc"), np.clip(1.1 * path, 0, 1))


# --- free forms --------------------------------------------------------------------


def nebula():
    x, y = grid(800, 600)
    wx = x + 0.9 * fbm(x * 1.7, y * 1.7, 5, 1)
    wy = y + 0.9 * fbm(x * 1.7 + 8, y * 1.7, 5, 4)
    gas, dust = fbm(wx * 2.3, wy * 2.3, 7, 2), fbm(wx * 3.1, wy * 3.1, 7, 6, ridged=True)
    picture = ramp(gas, (0.22, "05040f"), (0.42, "2a1450"), (0.54, "8a2a7e"), (0.66, "e8685c"), (0.8, "ffd9a0"))
    picture = mix(picture, colour("3fb8d8"), 0.55 * smooth(0.5, 0.75, fbm(wx * 1.6 + 4, wy * 1.6, 5, 3)))
    picture = picture * (1 - 0.8 * smooth(0.3, 0.65, dust))[..., None]
    return picture + stars(x, y, 700, 11)


def flow_field():
    size = 560
    x, y = grid(size, size)
    angle = 7 * fbm(x * 1.25, y * 1.25, 3, 2)
    # Line integral convolution: white noise smeared along the field is a drawing of it.
    grains = np.random.default_rng(3).random((size, size))
    total = np.zeros((size, size))
    for way in (1, -1):
        row, column = np.mgrid[0:size, 0:size].astype(float)
        for _ in range(24):
            at = np.clip(row, 0, size - 1).astype(int), np.clip(column, 0, size - 1).astype(int)
            total += grains[at]
            row, column = row + way * np.sin(angle[at]), column + way * np.cos(angle[at])
    strokes = (total - total.mean()) / total.std()
    paint = ramp(
        fbm(x * 1.25, y * 1.25, 3, 2) + 0.012 * strokes,
        (0.26, "0b2545"), (0.34, "13617a"), (0.42, "2fa88f"), (0.48, "f4e9c8"), (0.54, "f2a541"), (0.61, "d1495b"), (0.7, "4a1942"),
    )
    return paint * (1 + 0.13 * strokes)[..., None]


def ink():
    x, y = grid(720, 540)
    ax, ay = fbm(x * 2, y * 2, 4, 1), fbm(x * 2 + 5, y * 2 + 1, 4, 2)
    bx, by = fbm(x * 2 + 4 * ax, y * 2 + 4 * ay, 5, 3), fbm(x * 2 + 4 * ax + 8, y * 2 + 4 * ay + 3, 5, 4)
    flow = fbm(x * 2 + 4 * bx, y * 2 + 4 * by, 6, 5)
    picture = ramp(flow, (0.22, "06283d"), (0.4, "0f6e84"), (0.5, "63c5b5"), (0.58, "f7f0dc"), (0.68, "f0a58f"), (0.8, "c8435a"))
    veins = np.exp(-(((bx * 9) % 1 - 0.5) ** 2) / 0.004)
    return mix(picture, colour("f2c14e"), 0.75 * veins * smooth(0.5, 0.7, ax))


def paper_hills():
    x, y = grid(440, 330)
    picture = ramp(y, (0, "ffd7a8"), (0.6, "ff9e80"))
    for ring in range(4, 0, -1):
        edge = smooth(0, 0.004, 0.075 * ring - np.hypot(x - 0.85, y - 0.34))
        picture = mix(picture, ramp(0 * y + ring / 4, (0, "fffbe8"), (1, "ffc890")), edge)
    for layer, tone in enumerate(("f4727a", "c74b7b", "8a3b86", "4d2f7d", "22205a")):
        crest = 0.42 + 0.12 * layer + 0.09 * np.sin((3.1 + layer) * x + 2.2 * layer) + 0.05 * np.sin((7 - layer) * x + layer)
        picture = picture * (1 - 0.3 * smooth(-0.03, 0, y - crest))[..., None]
        picture = mix(picture, colour(tone), smooth(0, 0.004, y - crest))
    return picture


# Name, picture, grain and the encoder's quality, chosen for 20 to 40 kB each.
PICTURES = [
    ("dusk-ridges.jpg", dusk_ridges, 0.010, 80),
    ("dunes.jpg", dunes, 0.008, 76),
    ("aurora.jpg", aurora, 0.008, 80),
    ("sea.jpg", sea, 0.003, 40),
    ("fog-forest.jpg", fog_forest, 0.008, 70),
    ("lavender.jpg", lavender, 0.006, 60),
    ("moon-lake.jpg", moon_lake, 0.010, 76),
    ("flow-field.jpg", flow_field, 0.000, 44),
    ("alps.jpg", alps, 0.005, 66),
    ("nebula.jpg", nebula, 0.008, 72),
    ("canyon.jpg", canyon, 0.006, 68),
    ("autumn.jpg", autumn, 0.004, 44),
    ("paper-hills.png", paper_hills, 0.000, None),
    ("ink.webp", ink, 0.006, 74),
]


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for name, draw, grain, quality in PICTURES:
        picture = develop(draw(), grain=grain, vignette=0.0 if name.endswith(".png") else 0.22)
        options = {"jpg": {"quality": quality, "optimize": True, "progressive": False},
                   "png": {"optimize": True}, "webp": {"quality": quality, "method": 6}}
        picture.save(folder / name, **options[name.rsplit(".", 1)[1]])
        print(f"{name:18} {picture.width}x{picture.height} {(folder / name).stat().st_size:7}")


if __name__ == "__main__":
    main()
