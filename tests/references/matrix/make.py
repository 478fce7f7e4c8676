"""Makes the matrix: some 400 files in JPEG, PNG, GIF, WebP and other formats, and the picture that each shows.

    python make.py FOLDER

Every file is made here. For each there are the right pictures: the pixels that it was made from,
where they are known, and the pictures that Pillow and libvips show. `manifest.json` lists all:

- `file`, `format`, `name`
- `picture`, `pillow`, `libvips`: a picture in the folder, or null
- `tolerance`: how far the mean of a channel may be from these, in levels
- `rows`: for a file that was cut short, the number of rows that it surely has
- `refused`: a word of the message for a file that is refused with a name, or null
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

import gifs
import jpegs
import others
import pngs
import webps
from picture import rgba

FORMATS = {"JPEG": jpegs, "PNG": pngs, "GIF": gifs, "WebP": webps, "other": others}


def pillow(content):
    try:
        with Image.open(io.BytesIO(content)) as image:
            # Like the service and libvips: the high byte of 16 bits.
            if image.mode.startswith("I;16") or image.mode == "I":
                return rgba((np.asarray(image).astype(int) >> 8)[..., None])
            return np.asarray(image.convert("RGBA"))
    except Exception:
        return None


def libvips(content):
    try:
        image = pyvips.Image.new_from_buffer(content, "")
        if image.interpretation in ("grey16", "rgb16"):
            image = image.colourspace("b-w" if image.bands < 3 else "srgb")
        if image.interpretation == "cmyk":
            image = image.colourspace("srgb")
        return rgba(image.cast("uchar").numpy().reshape(image.height, image.width, image.bands))
    except Exception:
        return None


def visible(picture):
    """Colours are weighted by their alpha."""
    return np.dstack([picture[..., :3] * (picture[..., 3:] / 255), picture[..., 3]])


def agree(one, other, tolerance):
    """Whether another program shows the same pixels. Outside of a small frame each program has its own colour."""
    if other is None or one.shape != other.shape:
        return False
    seen = one[..., 3:] > 0
    return abs((visible(one) - visible(other)) * seen).mean((0, 1)).max() <= tolerance


def main():
    folder = Path(sys.argv[1])
    manifest = []
    for format, module in FORMATS.items():
        for entry in module.files():
            number = f"{len(manifest):03}"
            row = dict(file=number, format=format, name=f"{format}: {entry['name']}")
            row["tolerance"] = entry.get("tolerance", 1.0)
            row["rows"], row["refused"] = entry.get("rows"), entry.get("refused")
            whole = entry.get("whole")
            views = dict(
                picture=rgba(whole) if whole is not None else entry.get("picture"),
                pillow=pillow(entry["file"]),
                libvips=libvips(entry["file"]),
            )
            others = [views["pillow"], views["libvips"]]
            others = [other for other in others if other is not None]
            if views["picture"] is not None and row["rows"] is None and others and "alone" not in entry:
                # If no other program shows these pixels, they are wrong themselves.
                assert any(agree(views["picture"], other, row["tolerance"]) for other in others), row
            (folder / number).write_bytes(entry["file"])
            for view, picture in views.items():
                row[view] = None
                if picture is not None:
                    row[view] = f"{number}.{view}.png"
                    Image.fromarray(picture).save(folder / row[view], compress_level=1)
            manifest.append(row)
    (folder / "manifest.json").write_text(json.dumps(manifest))


main()
