"""The libraries that waterway is compared with, each behind a pipe."""

import base64
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from .peer import LIBRARIES
from .photos import stamped
from .service import cpu_of, new_folder

HERE = Path(__file__).resolve().parent


class Peer:
    """One library, in a process for the whole run."""

    judged = True

    def __init__(self, name, command):
        self.name = name
        self.folder = new_folder("peer")
        self.messages = self.folder / "messages"
        (self.folder / "media").mkdir()
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, **pipes)

    def run(self, files, numbers, zoom, size):
        """Wall and CPU seconds of these photos, and the results' paths."""
        texts = [base64.b64encode(stamped(*each)) for each in zip(files, numbers)]
        self.messages.write_bytes(b"\n".join(texts))
        folder = self.folder / "media"
        task = {"messages": str(self.messages), "zoom": zoom, "size": size, "folder": str(folder)}
        self.say(json.dumps(task), "ready")
        cpu, wall = cpu_of(self.process.pid), time.perf_counter()
        self.say("go", "done")
        wall, cpu = time.perf_counter() - wall, cpu_of(self.process.pid) - cpu
        return wall, cpu, [folder / f"rb_{at}.jpg" for at in range(len(files))]

    def say(self, line, expected):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == expected, f"{self.name} says {answer!r}, not {expected!r}"

    def tidy(self):
        for path in (self.folder / "media").iterdir():
            path.unlink()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        shutil.rmtree(self.folder)


def peers(node):
    """All libraries; sharp only if it could be installed."""
    python = [sys.executable, str(HERE / "peer.py")]
    found = [Peer(name, [*python, name]) for name in LIBRARIES]
    if node:
        found.append(Peer("sharp", ["node", str(HERE / "sharp.mjs"), str(node)]))
    return found
