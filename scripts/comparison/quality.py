"""How near a result is to what the photo, resized without any error, would look like.

The reference is worked out in double precision: the JPEG decoded at its full size, each channel
resampled by a Lanczos-3 kernel that is widened by the factor when shrinking, nothing rounded. That
is nobody's own filter at these zooms but the textbook's nearest thing to leaving out exactly what
the smaller picture cannot hold. Measured against the mean of the area below each pixel instead,
OpenCV's INTER_AREA would be compared with itself; that is given beside it when shrinking.

PSNR is of all three channels of RGB together; SSIM is the mean over R, G and B, by the Gaussian
window of Wang et al. (11 × 11, sigma 1.5).
"""

import io
from dataclasses import astuple, dataclass

import cv2
import numpy as np
from PIL import Image
from scipy.sparse import csr_matrix

LOBES = 3


@dataclass
class Quality:
    """PSNR in dB and SSIM to the reference; PSNR to the area's mean, not a number at other zooms."""

    psnr: float
    ssim: float
    by_area: float

    @classmethod
    def mean(cls, each):
        return cls(*(float(value) for value in np.mean([astuple(one) for one in each], axis=0)))


def judged(file, results, size):
    """What each result is worth."""
    Image.MAX_IMAGE_PIXELS = None
    cv2.setNumThreads(2)
    original = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"), np.float64)
    reference = resampled(original, size, lanczos)
    shrinking = size[0] < original.shape[1]
    areas = resampled(original, size, box) if shrinking else None
    found = []
    for result in results:
        picture = np.asarray(read(result, size), np.float64)
        by_area = psnr(areas, picture) if shrinking else np.nan
        found.append(Quality(psnr(reference, picture), ssim(reference, picture), by_area))
    return found


def read(path, size):
    """A result: of the right size, in colour, and with the chroma that everybody was asked for."""
    picture = Image.open(path)
    assert picture.size == tuple(size), f"{path}: {picture.size}, not {size}"
    halved = [layer[1:3] for layer in picture.layer] == [(2, 2), (1, 1), (1, 1)]
    assert picture.mode == "RGB" and halved, f"{path}: not a JPEG in 4:2:0"
    return picture


def resampled(picture, size, kernel):
    down = weights(picture.shape[0], size[1], kernel)
    across = weights(picture.shape[1], size[0], kernel)
    channels = [(across @ (down @ picture[..., at]).T).T for at in range(3)]
    return np.clip(np.stack(channels, axis=-1), 0, 255)


def weights(before, after, kernel):
    """How much of each old line is in each new one; pixels are areas, so centres are at halves."""
    if before == after:
        return csr_matrix(np.eye(after))
    factor = before / after
    wide = max(factor, 1.0)
    centres = (np.arange(after) + 0.5) * factor - 0.5
    reach = int(np.ceil(LOBES * wide))
    columns = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 2)
    values = kernel((columns - centres[:, None]) / wide)
    values[(columns < 0) | (columns >= before)] = 0
    values /= values.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(after)[:, None], columns.shape)
    places = (rows.ravel(), np.clip(columns, 0, before - 1).ravel())
    return csr_matrix((values.ravel(), places), (after, before))


def lanczos(x):
    return np.where(np.abs(x) < LOBES, np.sinc(x) * np.sinc(x / LOBES), 0)


def box(x):
    """Exact at whole factors, which are all that are measured here."""
    return (np.abs(x) < 0.5).astype(float)


def psnr(reference, picture):
    error = np.mean((reference - picture) ** 2)
    return 10 * np.log10(255**2 / error) if error else np.inf


def ssim(reference, picture):
    a, b = reference.astype(np.float32), picture.astype(np.float32)
    mean_a, mean_b = blurred(a), blurred(b)
    spread_a = blurred(a * a) - mean_a**2
    spread_b = blurred(b * b) - mean_b**2
    shared = blurred(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * shared + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)
    return float(np.mean(above / below, dtype=np.float64))


def blurred(picture):
    return cv2.GaussianBlur(picture, (11, 11), 1.5)
