"""Figures as the tables of docs/measured.md, and the demands on them."""

import json
import os
import re
from importlib.metadata import version
from pathlib import Path

from .install import HERE
from .photos import SIZES
from .rounds import ZOOMS

BEGIN, END = "<!-- scripts/compare: begin -->", "<!-- scripts/compare: end -->"
ROWS = [(size, zoom) for size in SIZES for zoom in ZOOMS]


def tables(measured, kinds, memory, rounds):
    """Markdown."""
    names = [kind.name for kind in kinds]
    rows = [row for row in ROWS if (*row, names[0]) in measured.cpu]
    shrinking = [row for row in rows if ZOOMS[row[1]] < 1]

    def cost(row, name):
        text = f"{figure(measured.cpu_ms(*row, name))}"
        if name.startswith("waterway"):
            text += f" ×{measured.ratio(*row, name, 'OpenCV'):.2f}"
        return text

    def quality(row, name):
        worth = measured.quality[*row, name]
        return f"{worth.psnr:.1f} {worth.ssim:.3f}"

    texts = [kind.name for kind in kinds if kind.judged]
    parts = [
        f"{setting()} The median of {rounds} rounds.",
        "CPU ms a picture; × is against OpenCV:",
        table(rows, names, cost),
        "Pictures a second, one worker or thread each:",
        table(rows, names, lambda row, name: figure(measured.per_second(*row, name))),
        "PSNR in dB and SSIM, against the Lanczos-3 reference:",
        table(rows, texts, quality),
        "PSNR in dB, against the mean of the area below each pixel:",
        table(shrinking, texts, lambda row, name: f"{measured.quality[*row, name].by_area:.1f}"),
    ]
    if memory:
        each = "; ".join(f"{name} {size / 1e6:.0f} MB" for name, size in memory.items())
        parts.append(f"Most memory that a picture of 12 MP in flight takes, zoom ½: {each}.")
    return "\n\n".join(parts)


def setting():
    """The machine, and the versions of the other programs."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    machine = f"{model[1].strip() if model else os.uname().machine}, {os.cpu_count()} cores"
    sharp = json.loads((HERE / "package.json").read_text())["dependencies"]["sharp"]
    beside = {
        "OpenCV": version("opencv-python-headless"),
        "Pillow": version("Pillow"),
        "libvips": version("pyvips-binary"),
        "sharp": sharp,
    }
    return f"{machine}; {', '.join(' '.join(each) for each in beside.items())}."


def table(rows, names, cell):
    lines = [["photo", "zoom", *names], ["---"] * (2 + len(names))]
    lines += [[*row, *(cell(row, name) for name in names)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figure(value):
    """A number with three digits."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def write(document, text):
    """Replaces the text between the two markers."""
    old = document.read_text()
    between = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    assert between.search(old), f"{document} has no {BEGIN}"
    document.write_text(between.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", old))
