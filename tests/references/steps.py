#!/usr/bin/env python3
"""Does steps with OpenCV, Pillow and NumPy, and compares the results with waterway's on the same picture.

    steps.py FOLDER

FOLDER/cases.json is a list of cases: `step` as JSON, `input` and `output` files, or `fields` of the
answer instead of the output; `mean` and `most`, the differences allowed between samples, of 255, on
average and at most. Prints a line for each case, and fails when one is beyond its tolerance.
"""

import io
import json
import math
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageEnhance, ImageFont, ImageOps

from answers import ANSWERS

ROOT = Path(__file__).resolve().parent.parent.parent
FONT = ROOT / "imaging/fonts/Roboto-Regular.ttf"
STEPS = {}


def step(function):
    STEPS[function.__name__.removesuffix("_")] = function
    return function


def colour(text, default="white"):
    named = {"white": "#ffffff", "black": "#000000", "transparent": "#00000000"}
    text = named.get(text or default, text or default).lstrip("#")
    digits = [int(text[at : at + 2], 16) for at in range(0, len(text), 2)]
    return tuple(digits + [255])[:4]


def floats(image):
    """Samples with colours multiplied by their alpha, and a function that reverses this."""
    samples = np.asarray(image, dtype=np.float64)
    if image.mode not in ("LA", "RGBA"):
        return samples, lambda changed: Image.fromarray(rounded(changed), image.mode)
    samples = samples.copy()
    samples[..., :-1] *= samples[..., -1:] / 255

    def back(changed):
        alpha = changed[..., -1:]
        colours = changed[..., :-1] * np.where(alpha > 0, 255 / np.maximum(alpha, 1e-9), 0)
        return Image.fromarray(rounded(np.concatenate([colours, alpha], axis=-1)), image.mode)

    return samples, back


def rounded(samples):
    return np.clip(np.rint(samples), 0, 255).astype(np.uint8)


def colours_only(image, function):
    samples = np.asarray(image).copy()
    if image.mode in ("LA", "RGBA"):
        samples[..., :-1] = function(samples[..., :-1])
        return Image.fromarray(samples, image.mode)
    return Image.fromarray(function(samples), image.mode)


def resized(image, size, box=None):
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


@step
def zoom(image, factor):
    return resized(image, tuple(max(1, math.floor(side * factor + 0.5)) for side in image.size))


@step
def fit(image, box):
    copy = image.copy()
    factor = min(1, box[0] / image.width, box[1] / image.height)
    return resized(copy, tuple(max(1, round(side * factor)) for side in image.size))


@step
def fill(image, size):
    return resized(image, tuple(size))


@step
def cover(image, value):
    size = value["size"] if isinstance(value, dict) else value
    gravity = value.get("gravity", "center") if isinstance(value, dict) else "center"
    across = 0.0 if "left" in gravity else 1.0 if "right" in gravity else 0.5
    down = 0.0 if "top" in gravity else 1.0 if "bottom" in gravity else 0.5
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC, centering=(across, down))


@step
def crop(image, value):
    left, top, width, height = value
    return image.crop((left, top, min(image.width, left + width), min(image.height, top + height)))


@step
def trim(image, value):
    value = value if isinstance(value, dict) else {"tolerance": value or 10}
    border = colour(value["colour"])[:3] if "colour" in value else image.getpixel((0, 0))
    difference = np.asarray(ImageChops.difference(image, Image.new(image.mode, image.size, border)))
    mask = difference.max(axis=-1) > value.get("tolerance", 10)
    return image.crop(Image.fromarray(mask).getbbox())


@step
def rotate(image, value):
    value = value if isinstance(value, dict) else {"degrees": value}
    degrees = value["degrees"]
    if degrees % 90 == 0:
        return Image.fromarray(np.rot90(np.asarray(image), -degrees // 90).copy(), image.mode)
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    width = math.ceil(image.width * cosine + image.height * sine)
    height = math.ceil(image.width * sine + image.height * cosine)
    middle = ((image.width - 1) / 2, (image.height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -degrees, 1)
    matrix[:, 2] += ((width - 1) / 2 - middle[0], (height - 1) / 2 - middle[1])
    background = colour(value.get("background"))[: len(image.getbands())]
    turned = cv2.warpAffine(
        np.asarray(image), matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=background
    )
    return Image.fromarray(turned, image.mode)


@step
def flip(image, value):
    return ImageOps.mirror(image) if value == "horizontal" else ImageOps.flip(image)


@step
def pad(image, value):
    if isinstance(value, int):
        value = {side: value for side in ("top", "right", "bottom", "left")}
    if isinstance(value, list):
        value = {"size": value}
    sides = [value.get(side, 0) for side in ("top", "bottom", "left", "right")]
    if "size" in value:
        gravity = value.get("gravity", "center")
        across = max(0, value["size"][0] - image.width)
        down = max(0, value["size"][1] - image.height)
        left = 0 if "left" in gravity else across if "right" in gravity else across // 2
        top = 0 if "top" in gravity else down if "bottom" in gravity else down // 2
        sides = [top, down - top, left, across - left]
    shown = colour(value.get("colour"))
    if shown[3] < 255:
        image = image.convert("RGBA")
    if image.mode in ("L", "LA"):
        shown = (shown[0], shown[3], 0, 0)
    padded = cv2.copyMakeBorder(np.asarray(image), *sides, cv2.BORDER_CONSTANT, value=shown)
    return Image.fromarray(padded, image.mode)


@step
def round_(image, radius):
    radius, many = min(radius, min(image.size) / 2), 8
    mask = Image.new("L", (image.width * many, image.height * many))
    box = (0, 0, mask.width - 1, mask.height - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius * many, fill=255)
    mask = mask.resize(image.size, Image.Resampling.BOX)
    result = image.convert("RGBA")
    result.putalpha(ImageChops.multiply(result.getchannel("A"), mask))
    return result


@step
def flatten(image, value):
    below = Image.new("RGBA", image.size, colour(value))
    return Image.alpha_composite(below, image.convert("RGBA")).convert("RGB")


@step
def grayscale(image, _):
    grey = cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2GRAY)
    return Image.fromarray(grey)


@step
def brightness(image, factor):
    return colours_only(image, lambda samples: cv2.convertScaleAbs(samples, alpha=factor))


@step
def contrast(image, factor):
    scale = lambda samples: rounded((samples - 127.5) * factor + 127.5)
    return colours_only(image, scale)


@step
def gamma(image, value):
    table = rounded(255 * (np.arange(256) / 255) ** (1 / value))
    return colours_only(image, lambda samples: cv2.LUT(samples, table))


@step
def saturation(image, factor):
    return ImageEnhance.Color(image).enhance(factor)


@step
def srgb(image, _):
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"))


def blurred(samples, sigma):
    size = 2 * math.ceil(5 * sigma) + 1
    return cv2.GaussianBlur(samples, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)


@step
def blur(image, sigma):
    samples, back = floats(image)
    return back(blurred(samples, sigma))


@step
def sharpen(image, value):
    value = value if isinstance(value, dict) else {"sigma": value}
    samples, back = floats(image)
    amount = value.get("amount", 1)
    return back(samples + (samples - blurred(samples, value["sigma"])) * amount)


@step
def watermark(image, value):
    if "file" in value:
        mark = Image.open(sys.argv[1] + "/" + value["file"]).convert("RGBA")
        width = round(image.width * value["size"])
        mark = resized(mark, (width, round(mark.height * width / mark.width)))
    else:
        # ab_glyph's height of a line is from ascent to descent; FreeType's is the em.
        height = value.get("size", 0.05) * min(image.size)
        font = ImageFont.truetype(FONT, height * 2048 / 2400, layout_engine=ImageFont.Layout.BASIC)
        mark = Image.new("RGBA", image.size)
        shown = colour(value.get("colour"))
        ImageDraw.Draw(mark).text((8, 0), value["text"], font=font, fill=shown)
        mark = mark.crop(mark.getbbox())
    alpha = mark.getchannel("A").point(lambda alpha: round(alpha * value.get("opacity", 1)))
    mark.putalpha(alpha)
    margin, position = value.get("margin", 16), value.get("position", "bottom-right")
    room = (image.width - mark.width, image.height - mark.height)
    place = [
        margin if before in position else length - margin if behind in position else length // 2
        for length, before, behind in zip(room, ("left", "top"), ("right", "bottom"))
    ]
    layer = Image.new("RGBA", image.size)
    layer.paste(mark, tuple(place))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert(image.mode)


def compared(case, folder):
    """The mistake in a case or None, and the difference of its samples."""
    name, value = next(iter(case["step"].items()))
    image = Image.open(folder / case["input"])
    if "fields" in case:
        return ANSWERS[name](image, value, case["fields"]), None
    ours = Image.open(folder / case["output"])
    expected = STEPS.get(name, STEPS.get(name + "_"))(image, value)
    bands = sorted({len(ours.getbands()), len(expected.getbands())})
    if len(bands) > 1:
        ours, expected = ours.convert("RGBA"), expected.convert("RGBA")
    if ours.size != expected.size:
        return f"{ours.size} instead of {expected.size}", None
    seen = [np.asarray(picture).astype(float) for picture in (ours, expected)]
    if ours.mode in ("LA", "RGBA"):
        # Fully transparent pixels may have any colour.
        seen = [np.concatenate([s[..., :-1] * s[..., -1:] / 255, s[..., -1:]], -1) for s in seen]
    if "text" in (value if isinstance(value, dict) else {}):
        # The letters' edges lie at other fractions of pixels; blurred, only the place of the ink
        # counts.
        seen = [blurred(samples, 2) for samples in seen]
    difference = np.abs(seen[0] - seen[1])
    told = f"mean {difference.mean():.3f} of {case['mean']}, most {difference.max():.1f} of {case['most']}"
    good = difference.mean() <= case["mean"] and difference.max() <= case["most"]
    if not good:
        expected.save(folder / f"expected-{case['output']}")
    return None if good else told, told


def main(folder):
    wrong = 0
    for case in json.loads((folder / "cases.json").read_text()):
        problem, told = compared(case, folder)
        wrong += problem is not None
        print("WRONG" if problem else "right", case["step"], case["input"], problem or told or "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
