"""The measurement: rounds in which every kind of program takes its turn.

Within a round all kinds work on the same photos, one kind after another, so that noise on the machine
affects them alike; their order changes from round to round. The first round warms up, and quality is
judged by its results. Figures are the median of the others.
"""

import statistics
import sys
from collections import defaultdict
from itertools import count

from .photos import SIZES
from .quality import Quality, judged

ZOOMS = {"½": 0.5, "¼": 0.25, "1": 1.0, "1½": 1.5}


class Measured:
    """The figures of each cell of the tables: (size, zoom, kind)."""

    def __init__(self):
        self.cpu = defaultdict(list)
        self.wall = defaultdict(list)
        self.quality = {}

    def cpu_ms(self, size, zoom, kind):
        return statistics.median(self.cpu[size, zoom, kind]) * 1000

    def per_second(self, size, zoom, kind):
        return 1 / statistics.median(self.wall[size, zoom, kind])

    def ratio(self, size, zoom, kind, to):
        """The median ratio of CPU times, each of one round, under the same noise."""
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
    """The mean quality of each kind's results over the distinct photos."""
    size, name, zoom = row
    found = [
        judged(file, [kind.results[at] for kind in kinds], target(size, zoom))
        for at, file in enumerate(files)
    ]
    for kind, each in zip(kinds, zip(*found)):
        measured.quality[size, name, kind.name] = Quality.mean(each)


def target(size, zoom):
    """The size after the zoom, a whole number for these photos."""
    return tuple(int(side * zoom) for side in SIZES[size])
