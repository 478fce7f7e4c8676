"""A crowd of clients that send all their photos at once to a whole service, and wait for the answers."""

import re
from itertools import count

from .install import ROOT
from .photos import SIZES, photo, stamped
from .service import Waterway, remove_files
from .wire import Client, converse, framed

CLIENTS, EACH, DISTINCT = 4, 50, 8


def shipped(program, pictures="", folder=None):
    """waterway with the routing.toml that ships, on a free port, and more keys for its pictures."""
    table = (ROOT / "routing.toml").read_text()
    table = re.sub(r"(?m)^listen .*$", 'listen = ["127.0.0.1:0"]', table)
    table = re.sub(r'(?m)^use +=.*"image.work".*$', rf"\g<0>\n{pictures}", table)
    return Waterway(program.resolve(), table, folder)


def come(service):
    """The clients, one connection each."""
    return [Client(service.address) for _ in range(CLIENTS)]


class Crowd:
    """Photos of 0.3 MP, all different, with the same zoom and pipeline."""

    def __init__(self, zoom, result="rl", binary=False):
        self.zoom, self.result, self.binary = zoom, result, binary
        self.files = [photo(*SIZES["0.3 MP"], seed) for seed in range(DISTINCT)]
        self.numbers = count()

    def send(self, service, clients, tidy=True):
        """Wall and CPU seconds for `CLIENTS` × `EACH` photos; `tidy` removes the files afterwards."""
        frames = [[self.frame(client, at) for at in range(EACH)] for client in range(CLIENTS)]
        cpu = service.cpu()
        seconds, answers = converse(clients, frames)
        cpu = service.cpu() - cpu
        for answer in (str(answer) for mine in answers for answer in mine):
            assert "'url'" in answer and "error" not in answer, answer
        if tidy:
            remove_files(service.folder / "media")
        return seconds, cpu

    def frame(self, client, at):
        header = {"uuid": str(at), "offset_top": at * 400, "zoom": self.zoom, "rType": self.result}
        file = stamped(self.files[(client + at) % DISTINCT], next(self.numbers))
        return framed(header, file, self.binary)
