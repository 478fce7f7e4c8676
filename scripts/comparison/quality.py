"""How near a result is to the photo, resized without any error.

The reference is computed in double precision: the JPEG decoded at its full size, each channel
resampled by a Lanczos-3 kernel that is widened by the factor when shrinking, nothing rounded. No
library uses this filter at these zooms, so none is compared with itself. Compared with the mean of
the area below each pixel, OpenCV's INTER_AREA would be; that figure is given in addition when
shrinking.

PSNR is of all three channels of RGB together. SSIM is the mean over R, G and B, by the Gaussian window
of Wang et al. (11 × 11, sigma 1.5). For a result that is larger than 1600 px, only the middle is used:
the photos are alike all over.
"""

import io
from dataclasses import astuple, dataclass

import cv2
import numpy as np
from PIL import Image
from scipy.sparse import csr_matrix

LOBES = 3
WINDOW = 1600


@dataclass
class Quality:
    """PSNR in dB and SSIM to the reference; PSNR to the area's mean, NaN when enlarging."""

    psnr: float
    ssim: float
    by_area: float

    @classmethod
    def mean(cls, each):
        return cls(*(float(value) for value in np.mean([astuple(one) for one in each], axis=0)))


def judged(file, results, size):
    """The quality of each result."""
    Image.MAX_IMAGE_PIXELS = None
    original = planes(Image.open(io.BytesIO(file)))
    shrinking = size[0] < original[0].shape[1]
    rows, columns = window(size[1]), window(size[0])
    pictures = [planes(read(result, size)) for result in results]
    found = np.zeros((len(results), 3, 3))
    for channel, plane in enumerate(original):
        reference = Reference(resampled(plane, size, lanczos, rows, columns))
        areas = resampled(plane, size, box, rows, columns) if shrinking else None
        for picture, values in zip(pictures, found):
            mine = picture[channel][rows, columns]
            by_area = error(areas, mine) if shrinking else np.nan
            values[channel] = error(reference.plane, mine), reference.ssim(mine), by_area
    means = found.mean(axis=1)
    return [Quality(psnr(one), float(two), psnr(three)) for one, two, three in means]


def planes(picture):
    return [np.asarray(each) for each in picture.split()]


def window(length):
    """The middle of a side."""
    middle = min(length, WINDOW)
    return slice((length - middle) // 2, (length + middle) // 2)


def read(path, size):
    """A result: of the right size, in colour, and with the chroma that all programs write."""
    picture = Image.open(path)
    assert picture.size == tuple(size), f"{path}: {picture.size}, not {size}"
    halved = [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]
    assert picture.mode == "RGB" and halved, f"{path}: not a JPEG in 4:2:0"
    return picture


def resampled(plane, size, kernel, rows, columns):
    """Rows and columns of the plane at this size."""
    if plane.shape == (size[1], size[0]):
        return plane[rows, columns].astype(np.float64)
    down = weights(plane.shape[0], size[1], kernel)[rows]
    across = weights(plane.shape[1], size[0], kernel)[columns]
    lines = np.ascontiguousarray((down @ plane.astype(np.float64)).T)
    return np.clip(np.ascontiguousarray((across @ lines).T), 0, 255)


def weights(before, after, kernel):
    """The share of each old line in each new one; pixels are areas, so centres are at halves."""
    factor = before / after
    wide = max(factor, 1.0)
    centres = (np.arange(after) + 0.5) * factor - 0.5
    reach = int(np.ceil(LOBES * wide))
    columns = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 2)
    values = kernel((columns - centres[:, None]) / wide)
    values[(columns < 0) | (columns >= before)] = 0
    values /= values.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(after)[:, None], columns.shape)
    held = values != 0
    return csr_matrix((values[held], (rows[held], columns[held])), (after, before))


def lanczos(x):
    return np.where(np.abs(x) < LOBES, np.sinc(x) * np.sinc(x / LOBES), 0)


def box(x):
    """Exact at whole factors; others are not measured here."""
    return (np.abs(x) < 0.5).astype(float)


def error(reference, plane):
    return np.mean((reference - plane) ** 2)


def psnr(error):
    return float(10 * np.log10(255**2 / error)) if error else np.inf


class Reference:
    """One channel, with its own terms of SSIM."""

    def __init__(self, plane):
        self.plane, self.single = plane, plane.astype(np.float32)
        self.mean = blurred(self.single)
        self.spread = blurred(self.single**2) - self.mean**2

    def ssim(self, plane):
        plane = plane.astype(np.float32)
        mean = blurred(plane)
        spread = blurred(plane**2) - mean**2
        shared = blurred(self.single * plane) - self.mean * mean
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        above = (2 * self.mean * mean + c1) * (2 * shared + c2)
        below = (self.mean**2 + mean**2 + c1) * (self.spread + spread + c2)
        return np.mean(above / below, dtype=np.float64)


def blurred(plane):
    return cv2.GaussianBlur(plane, (11, 11), 1.5)
