"""Runs one library in a process of its own: `peer.py NAME`, with tasks on standard input.

Each task is a line of JSON: `messages`, a file with one picture in base64 on each line; `zoom`;
`size`, the resulting size; `folder`, for the received file and the result. The process prints `ready`
when it has read the messages, starts at the next line, and prints `done`.

Each library is used as its own manual shows it, with one thread and with shrinking on load if it can,
and writes JPEG of quality 95, 4:2:0, with the usual Huffman tables.
"""

import base64
import io
import json
import os
import sys
from pathlib import Path


def tornado():
    """As the Tornado program does it: write, imread, resize with the default filter, imwrite."""
    import cv2

    cv2.setNumThreads(1)

    def work(file, received, result, zoom, size):
        received.write_bytes(file)
        picture = cv2.imread(str(received))
        cv2.imwrite(str(result), cv2.resize(picture, None, fx=zoom, fy=zoom))

    return work


def opencv():
    """With the filter that its manual recommends for shrinking."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def work(file, received, result, zoom, size):
        received.write_bytes(file)
        picture = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
        by = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        if zoom != 1:
            picture = cv2.resize(picture, size, interpolation=by)
        parameters = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
        cv2.imwrite(str(result), picture, [cv2.IMWRITE_JPEG_QUALITY, 95, *parameters])

    return work


def pillow():
    """`thumbnail` decodes no more than it needs; it does not enlarge."""
    from PIL import Image

    def work(file, received, result, zoom, size):
        received.write_bytes(file)
        picture = Image.open(io.BytesIO(file))
        if zoom < 1:
            picture.thumbnail(size)
        elif zoom > 1:
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        picture.save(result, quality=95, subsampling="4:2:0")

    return work


def pyvips():
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    pyvips.cache_set_max(0)

    def work(file, received, result, zoom, size):
        received.write_bytes(file)
        if zoom == 1:
            picture = pyvips.Image.new_from_buffer(file, "", access="sequential")
        else:
            picture = pyvips.Image.thumbnail_buffer(file, size[0], height=size[1])
        picture.jpegsave(str(result), Q=95, subsample_mode="on")

    return work


LIBRARIES = {"Tornado": tornado, "OpenCV": opencv, "Pillow": pillow, "pyvips": pyvips}


def main(name):
    work = LIBRARIES[name]()
    for line in sys.stdin:
        task = json.loads(line)
        messages = Path(task["messages"]).read_bytes().split()
        print("ready", flush=True)
        sys.stdin.readline()
        for at, message in enumerate(messages):
            folder = Path(task["folder"])
            received, result = folder / f"{at}.jpg", folder / f"rb_{at}.jpg"
            work(base64.b64decode(message), received, result, task["zoom"], tuple(task["size"]))
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
