"""One round: pictures are under way when a fault strikes, and each has one answer."""

import time
from dataclasses import dataclass, field

from .reader import Reader
from .redis import wait_until

# How long a lost answer is waited for.
PATIENCE = 60
# How long the readers go on beyond a lease after the last answer.
QUIET = 2


@dataclass
class Outcome:
    """What the readers have seen. Several rounds add up."""

    pictures: int = 0
    lost: int = 0
    doubled: int = 0
    # How often a picture was begun once more.
    again: int = 0
    recovered: list = field(default_factory=list)
    unexpected: list = field(default_factory=list)

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def see(self, reader, expected="done"):
        """Counts the answers of a client that is still there."""
        for uuid in reader.sent:
            replies = [answer for _, answer in reader.answers[uuid]]
            answers = [answer.get("code", "done") for answer in replies]
            self.pictures += 1
            self.lost += answers[:1] != [expected]
            self.doubled += len(answers) > 1
            self.again += max(0, reader.begun(uuid) - 1)
            self.unexpected += [reply for reply, code in zip(replies, answers) if code != expected]


def begun(readers):
    """The pictures that are under way, with their clients."""
    return [(reader, uuid) for reader in readers for uuid in reader.under_way()]


def play(fault, pictures, each=1, result="long"):
    """Sends pictures to all processes with sockets, lets the fault strike, and reads all answers.

    There are few pictures: a task whose lease has ended should find a free worker, so that the time of
    its recovery is not that of the pictures before it.
    """
    deployment = fault.deployment
    readers = [Reader(node.address, fault.source) for node in deployment.nodes for _ in range(2)]
    for reader in readers:
        reader.send(pictures.take(each), rType=result)
    workers = fault.busy

    def are_busy():
        return len(begun(readers)) >= workers and all(reader.is_accepted() for reader in readers)

    wait_until(are_busy, "the workers do not begin")
    time.sleep(fault.random.uniform(0, 0.3))
    fault.gone, fault.under_way = [], begun(readers)
    since = fault.strike(readers, pictures)
    ends = time.monotonic() + PATIENCE
    living = [reader for reader in readers if reader not in fault.gone]
    while time.monotonic() < ends:
        if fault.is_over() and all(reader.is_answered() for reader in living):
            break
        time.sleep(0.005)
    answered = [at for reader in living for given in reader.answers.values() for at, _ in given]
    quiet_until = max(answered, default=since) + deployment.lease + QUIET
    time.sleep(max(0, quiet_until - time.monotonic()))
    outcome = Outcome()
    for reader in living:
        outcome.see(reader)
    signs = [reader.first_sign(uuid, since) for reader, uuid in fault.under_way if reader in living]
    late = [sign - since for sign in signs if sign]
    outcome.recovered.append(max([*late, *fault.times(since)], default=0))
    for reader in readers:
        reader.close()
    fault.mend()
    return outcome
