"""The fields of answers, compared with OpenCV, Pillow and NumPy. Each function returns the mistake, or None."""

import cv2
import numpy as np


def grey(image):
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2GRAY)


def info(image, _, fields):
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    mean = "#%02x%02x%02x" % tuple(np.floor(pixels.mean(axis=0) + 0.5).astype(int))
    expected = {
        "width": image.width,
        "height": image.height,
        "format": image.format.lower(),
        "orientation": 1,
        "has_alpha": image.mode == "RGBA",
        "mean_colour": mean,
    }
    told = {name: fields.get(name) for name in expected}
    return None if told == expected else f"{told} instead of {expected}"


def exif(image, value, fields):
    written = image.getexif()
    camera, place = written.get_ifd(0x8769), written.get_ifd(0x8825)
    degrees = lambda parts: float(parts[0] + parts[1] / 60 + parts[2] / 3600)
    date, time = camera[0x9003].split(" ")
    expected = {
        "make": written[0x010F],
        "model": written[0x0110],
        "taken": f"{date.replace(':', '-')}T{time}",
        "exposure": round(float(camera[0x829A]), 7),
        "aperture": float(camera[0x829D]),
        "iso": camera[0x8827],
        "flash": camera[0x9209] % 2 == 1,
    }
    if value.get("gps"):
        expected["gps"] = {
            "latitude": round(-degrees(place[2]), 7),
            "longitude": round(degrees(place[4]), 7),
        }
    told = fields["exif"]
    return None if told == expected else f"{told} instead of {expected}"


def palette(image, count, fields):
    """As good as OpenCV's k-means, measured by the mean square distance of a pixel from its colour."""
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, 20, 1.0)
    cv2.setRNGSeed(1)
    _, _, best = cv2.kmeans(pixels, count, None, stop, 2, cv2.KMEANS_PP_CENTERS)
    told = fields["palette"]
    ours = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in told], np.float32)

    def away(colours):
        squares = ((pixels[:, None] - colours[None]) ** 2).sum(axis=2)
        return squares.min(axis=1).mean(), np.bincount(squares.argmin(axis=1), minlength=count)

    (theirs, _), (error, counts) = away(best), away(ours)
    in_order = all(a * 1.1 >= b for a, b in zip(counts, counts[1:]))
    good = len(told) == count and error <= 1.1 * theirs and in_order
    return None if good else f"{told}: {error:.1f} instead of {theirs:.1f}, {counts}"


def histogram(image, bins, fields):
    channels = dict(zip(("red", "green", "blue"), np.moveaxis(np.asarray(image.convert("RGB")), 2, 0)))
    for name, samples in {"luma": grey(image), **channels}.items():
        counts = cv2.calcHist([np.ascontiguousarray(samples)], [0], None, [bins], [0, 256])
        if fields["histogram"][name] != counts.ravel().astype(int).tolist():
            return f"{name}: {fields['histogram'][name]} instead of {counts.ravel()}"
    return None


def sharpness(image, _, fields):
    expected = cv2.Laplacian(grey(image), cv2.CV_64F, borderType=cv2.BORDER_REFLECT_101).var()
    told = fields["sharpness"]
    return None if abs(told - expected) <= 0.01 else f"{told} instead of {expected}"


def phash(image, _, fields):
    """ImageHash's own steps, on Pillow's grey."""
    small = np.asarray(image.convert("L").resize((32, 32), 1), dtype=float)
    at = np.arange(32)
    waves = 2 * np.cos(np.pi * at[:8, None] * (2 * at + 1) / 64)
    low = (waves @ small @ waves.T).ravel()
    expected = int("".join("1" if value > np.median(low) else "0" for value in low), 2)
    differ = (int(fields["phash"], 16) ^ expected).bit_count()
    return None if differ <= 2 else f"{fields['phash']} instead of {expected:016x}"


def thumbhash(image, _, fields):
    """Its mean colour, from the header; the unit tests compare the whole hash with vectors."""
    import base64

    header = int.from_bytes(base64.b64decode(fields["thumbhash"])[:3], "little")
    light = (header & 63) / 63
    expected = np.asarray(image.convert("RGB")).mean() / 255
    return None if abs(light - expected) <= 0.02 else f"{light} instead of {expected}"


def blurhash(image, _, fields):
    """Its mean colour, from the fixed digits; the unit tests compare the whole hash with vectors."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
    number = 0
    for digit in fields["blurhash"][2:6]:
        number = number * 83 + digits.index(digit)
    samples = np.asarray(image.convert("RGB")) / 255
    linear = np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)
    mean = linear.reshape(-1, 3).mean(axis=0)
    expected = 255 * np.where(mean <= 0.0031308, mean * 12.92, 1.055 * mean ** (1 / 2.4) - 0.055)
    told = [number >> 16, number >> 8 & 255, number & 255]
    return None if np.abs(told - expected).max() <= 1.5 else f"{told} instead of {expected}"


ANSWERS = {
    name: value
    for name, value in list(globals().items())
    if name in "info exif palette histogram sharpness phash thumbhash blurhash".split()
}
