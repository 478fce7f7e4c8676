"""A client with a few pictures, alone and beside a client that has sent many."""

import statistics
import sys
import time

from attack.wire import picture, read_text, shake_hands

from .deployment import Deployment
from .reader import Pictures
from .redis import Redis, wait_until

# The pictures of the two clients, and how often the newcomer comes.
HOG, NEWCOMER, TURNS = 500, 20, 9
# The longest time of the newcomer's first and last picture, as a multiple of their time alone.
FIRST, LAST = 1.5, 2.3


def arrive(node, pictures, count, source):
    """A client's socket, and its messages."""
    page = shake_hands(node.address, "/ws", source=source)
    read_text(page)
    files = enumerate(pictures.take(count))
    return page, b"".join(picture(str(at), file, offset_top=at, zoom=0.5) for at, file in files)


def visit(node, pictures):
    """Sends the newcomer's pictures; the seconds until the first answer and until the last."""
    page, messages = arrive(node, pictures, NEWCOMER, "127.0.0.1")
    begun = time.perf_counter()
    page.sendall(messages)
    times = []
    for _ in range(NEWCOMER):
        answer = read_text(page)
        times.append(time.perf_counter() - begun)
        if "url" not in answer:
            sys.exit(f"a picture of the newcomer was answered {answer}")
    page.close()
    return times[0], times[-1]


def measure(program, server):
    """Prints both times; whether they hold."""
    # The workers yield to the process with sockets, as they do by default.
    pictures, deployment = Pictures(), Deployment(program, nodes=1, nice=19)
    try:
        folder = deployment.folder / "redis"
        deployment.servers.append(Redis(folder, "--bind", "127.0.0.1", "--save", "", program=server).start())
        [node] = deployment.populate(deployment.redis.url).nodes
        visit(node, pictures)
        alone, beside = [], []
        for _ in range(TURNS):
            alone.append(visit(node, pictures))
            hog, messages = arrive(node, pictures, HOG, "127.0.0.2")
            hog.sendall(messages)
            for _ in range(NEWCOMER):
                read_text(hog)
            beside.append(visit(node, pictures))
            hog.close()
            wait_until(lambda: not deployment.tasks(), "the pictures of a client that has left are not cancelled")
    finally:
        deployment.stop()
    holds = True
    for name, at, most in (("first", 0, FIRST), ("last", 1, LAST)):
        own = statistics.median(times[at] for times in alone)
        other = statistics.median(times[at] for times in beside)
        holds &= other <= most * own
        print(f"a newcomer's {name} picture of {NEWCOMER}: {own * 1000:.0f} ms alone, {other * 1000:.0f} ms beside "
              f"{HOG} of another client: {other / own:.2f} times, at most {most}")
    return holds
