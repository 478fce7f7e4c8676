"""The demands on a build, `turbo` or `pure`, and whether it meets them."""

from .report import ROWS
from .rounds import ZOOMS

LARGE = ("2 MP", "12 MP")
MEMORY = {"turbo": 16e6, "pure": 64e6}
WORSE_DB = 0.3
OTHERS = ("pyvips", "sharp", "Pillow")


def demands(measured, label, memory):
    """Each demand as its text, the figure found, and whether it is met.

    CPU is judged in the text framing, because the others decode base64 too.
    """
    mine = name(label, "text")
    for row in (row for row in ROWS if (*row, mine) in measured.cpu):
        yield from cost(measured, label, row, mine)
        worth, theirs = measured.quality[*row, mine].psnr, measured.quality[*row, "OpenCV"].psnr
        found = f"{worth - theirs:+.2f} dB"
        yield f"{place(row)} PSNR ≥ OpenCV's - {WORSE_DB}", found, worth >= theirs - WORSE_DB
    for framing in ("text", "binary"):
        if (mine := name(label, framing)) in memory and label in MEMORY:
            found, most = memory[mine], MEMORY[label]
            yield f"{framing}, memory ≤ {most / 1e6:.0f} MB", f"{found / 1e6:.1f} MB", found <= most


def cost(measured, label, row, mine):
    most = ratio_most(label, row)
    if most:
        ratio = measured.ratio(*row, mine, "OpenCV")
        yield f"{place(row)} CPU ≤ {most} of OpenCV's", f"{ratio:.2f}", ratio <= most
    if label == "turbo":
        for other in OTHERS:
            if (*row, other) in measured.cpu:
                ratio = measured.ratio(*row, mine, other)
                yield f"{place(row)} CPU < {other}'s", f"{ratio:.2f}", ratio < 1


def ratio_most(label, row):
    size, zoom = row
    if label == "pure":
        return 1.3 if ZOOMS[zoom] < 1 else None
    if label != "turbo" or size not in LARGE:
        return None
    return {"½": 0.55, "¼": 0.55, "1½": 0.95}.get(zoom)


def place(row):
    size, zoom = row
    return f"{size} zoom {zoom}:"


def name(label, framing):
    return f"waterway {label}, {framing}"
