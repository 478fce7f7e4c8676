"""A service under measurement: its process, its CPU clock, its memory, its answers."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .photos import stamped
from .wire import Client, converse, framed

TABLE = """\
[server]
listen  = ["127.0.0.1:0"]
threads = 1

[queue.images]
consumer = "pictures"
workers  = 1
order    = "offset"
deadline = "300s"

[consumer.pictures]
use = "image.work"

[consumer.pictures.results]
plain = []

[[route]]
channel  = "websocket.connect"
path     = "/ws/{page}"
consumer = "image.connect"

[[route]]
channel  = "websocket.receive"
path     = "/ws/{page}"
queue    = "images"
consumer = "image.receive"
limits   = { message = "32MiB" }
"""
# The received file as it was sent: the others store it too.
KEEP = 'use = "image.work"\nkeep = "original"'

START_SECONDS = 30


class Process:
    """A program in a folder of its own that prints where it listens."""

    def __init__(self, command, folder, announces):
        self.folder = Path(folder)
        log = self.folder / "log"
        with log.open("w") as out:
            self.process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
        for _ in range(START_SECONDS * 50):
            if found := re.search(announces, log.read_text()):
                self.address = found[1]
                return
            time.sleep(0.02)
        self.process.kill()
        sys.exit(f"{command[0]} does not listen:\n{log.read_text()}")

    def cpu(self):
        return cpu_of(self.process.pid)

    def memory(self, what):
        """`VmRSS`, or its highest so far, `VmHWM`, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Waterway(Process):
    """The program with one worker, one socket thread, and a pipeline without steps."""

    def __init__(self, program, table=TABLE, folder=None):
        folder = folder or new_folder("waterway")
        table = table.replace('use = "image.work"', KEEP)
        Path(folder, "routing.toml").write_text(table)
        Path(folder, "media").mkdir()
        command = [str(program), "serve", "routing.toml"]
        super().__init__(command, folder, r"listening.*address=http://(\S+)")

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder)


def cpu_of(process):
    """Exact seconds of CPU so far, the kernel included, of all threads past and present.

    Linux has a clock for every process; /proc/PID/stat counts the same in ticks of 10 ms.
    """
    return time.clock_gettime((~process << 3) | 2)


def place(media, name):
    """Where the file of this name is: the first digits of its UUID are its folder by time."""
    unique = name.rpartition("_")[2]
    return media / unique[:5] / unique[5:8] / name


def remove_files(media):
    """Removes all files, and leaves the folders by time."""
    for path in list(media.rglob("*.*")):
        path.unlink()


def new_folder(kind):
    """In memory if the machine has a folder there, so that the disk is not measured."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=memory if memory.is_dir() else None))


class WaterwayKind:
    """Pictures through a running service, in one framing."""

    def __init__(self, name, service, binary):
        self.name, self.service, self.binary = name, service, binary
        # A result is the same in both framings.
        self.judged = not binary

    def run(self, files, numbers, zoom, size):
        """Wall and CPU seconds of these photos, and the results' paths."""
        frames = [
            framed(
                {"uuid": str(at), "offset_top": at, "zoom": zoom, "rType": "plain"},
                stamped(file, number),
                self.binary,
            )
            for at, (file, number) in enumerate(zip(files, numbers))
        ]
        client = Client(self.service.address)
        cpu = self.service.cpu()
        wall, [replies] = converse([client], [frames])
        cpu = self.service.cpu() - cpu
        client.close()
        failed = [reply for reply in replies if "url" not in reply or "error" in reply]
        assert not failed, failed[0]
        names = {int(reply["uuid"]): reply["url"].rpartition("/")[2] for reply in replies}
        media = self.service.folder / "media"
        return wall, cpu, [place(media, names[at]) for at in range(len(files))]

    def tidy(self):
        remove_files(self.service.folder / "media")

    def stop(self):
        pass
