"""The pictures that the files of the matrix show, as arrays of pixels."""

import numpy as np


def photo(width, height):
    """Soft slopes in all colours with a few edges, which JPEG and lossy WebP keep well. RGB."""
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    wave = 30 * np.sin(u * 5 + v * 3)
    channels = 40 + 150 * u + wave, 200 - 140 * v + wave, 90 + 80 * u * v - wave
    return np.clip(np.dstack(channels), 0, 255).astype(np.uint8)


def noise(width, height, levels, channels=1):
    """Numbers below `levels` without a pattern, the same each time."""
    random = np.random.default_rng(width * 1000 + height * 10 + channels)
    return random.integers(0, levels, (height, width, channels))


def rgba(pixels):
    """Grey, grey with alpha or RGB as RGBA."""
    height, width, channels = pixels.shape
    alpha = pixels[..., -1:] if channels in (2, 4) else np.full((height, width, 1), 255)
    colours = pixels[..., :1].repeat(3, 2) if channels < 3 else pixels[..., :3]
    return np.concatenate([colours, alpha], 2).astype(np.uint8)
