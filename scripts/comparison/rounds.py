"""The measurement itself: rounds in which every kind takes its turn.

Within a round all kinds work on the same photos, one kind after another, so that whatever else the
machine does is as unkind to each; their order turns from round to round. The first round warms up,
and its results are what quality is judged by. What is told is the median of the others.
"""

import statistics
import sys
from collections import defaultdict
from itertools import count

from .photos import SIZES
from .quality import Quality, judged

ZOOMS = {"½": 0.5, "¼": 0.25, "1": 1.0, "1½": 1.5}


class Measured:
    """What a cell of the table is made of, for each (size, zoom, kind)."""

    def __init__(self):
        self.cpu = defaultdict(list)
        self.wall = defaultdict(list)
        self.quality = {}

    def cpu_ms(self, size, zoom, kind):
        return statistics.median(self.cpu[size, zoom, kind]) * 1000

    def per_second(self, size, zoom, kind):
        return 1 / statistics.median(self.wall[size, zoom, kind])

    def ratio(self, size, zoom, kind, to):
        """Of CPU, the median over the rounds: both in the same round, under the same noise."""
        pairs = zip(self.cpu[size, zoom, kind], self.cpu[size, zoom, to])
        return statistics.median(mine / theirs for mine, theirs in pairs)


def measure(kinds, photos, batches, rounds):
    """Every kind at every size and zoom."""
    measured, numbers = Measured(), count()
    for size, files in photos.items():
        for name, zoom in ZOOMS.items():
            print(f"{size}, zoom {name}", file=sys.stderr)
            batch = [files[at % len(files)] for at in range(batches[size])]
            for at in range(rounds + 1):
                turned = kinds[at % len(kinds) :] + kinds[: at % len(kinds)]
                one_round(measured, turned, (size, name, zoom), batch, numbers, first=at == 0)
                if at == 0:
                    judge(measured, [kind for kind in kinds if kind.judged], (size, name, zoom), files)
                for kind in kinds:
                    kind.tidy()
    return measured


def one_round(measured, kinds, row, batch, numbers, first):
    size, name, zoom = row
    stamps = [next(numbers) for _ in batch]
    for kind in kinds:
        wall, cpu, kind.results = kind.run(batch, stamps, zoom, target(size, zoom))
        if not first:
            measured.wall[size, name, kind.name].append(wall / len(batch))
            measured.cpu[size, name, kind.name].append(cpu / len(batch))


def judge(measured, kinds, row, files):
    """The mean over the distinct photos of what each kind's results are worth."""
    size, name, zoom = row
    found = [
        judged(file, [kind.results[at] for kind in kinds], target(size, zoom))
        for at, file in enumerate(files)
    ]
    for kind, each in zip(kinds, zip(*found)):
        measured.quality[size, name, kind.name] = Quality.mean(each)


def target(size, zoom):
    """What a zoom comes to: the photos' sides are such that it is whole."""
    return tuple(int(side * zoom) for side in SIZES[size])
