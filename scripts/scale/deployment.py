"""A queue in Redis: processes that hold the sockets, and processes that do the tasks."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from .redis import free_port, wait_until

TABLE = """\
[server]
listen = ["${LISTEN}"]
[limits]
idle = "10m"
[layer]
backend = "redis"
url     = "${REDIS}"
lease   = "%(lease)gs"
timeout = "%(timeout)gs"
[queue.images]
consumer = "pictures"
workers  = 1
nice     = %(nice)d
deadline = "10m"
[consumer.pictures]
use    = "image.work"
limits = { time = "5m" }
[consumer.pictures.results]
rl    = ["grayscale"]
short = [%(short)s]
long  = [%(long)s]
[[route]]
channel  = "websocket.connect"
path     = "/ws"
consumer = "image.connect"
[[route]]
channel  = "websocket.receive"
path     = "/ws"
queue    = "images"
consumer = "image.receive"
limits   = { message = "32MiB" }
[[route]]
channel  = "websocket.disconnect"
consumer = "image.disconnect"
"""
# The steps of results that take a moment.
STEPS = {"short": 40, "long": 100}
# The keys of the queue.
KEYS = "asgi:waterway:1:{images}"


class Process:
    """A process of waterway on the deployment's table. `within` is a command that starts another one."""

    def __init__(self, deployment, arguments, ready, url, host="127.0.0.1", within=()):
        self.deployment, self.arguments, self.ready = deployment, arguments, ready
        self.url, self.within = url, within
        # A process that is started again listens at the same address.
        self.address = host, free_port()
        self.process, self.log = None, None
        # By which the queue knows a process with sockets.
        self.name = None

    def start(self):
        folder = self.deployment.folder
        command = [*self.within, str(self.deployment.program), *self.arguments, "routing.toml"]
        listen = f"{self.address[0]}:{self.address[1]}"
        environment = {"REDIS": self.url, "LISTEN": listen, "NO_COLOR": "1", "RUST_LOG": "info"}
        self.log = tempfile.NamedTemporaryFile("w+", dir=folder, prefix="log-", delete=False)
        self.process = subprocess.Popen(
            command, cwd=folder, env=os.environ | environment, stdout=self.log, stderr=self.log
        )
        wait_until(self.is_ready, f"{' '.join(command)} does not start: {self.log.name}")
        return self

    def is_ready(self):
        said = Path(self.log.name).read_text()
        if self.process.poll() is not None:
            sys.exit(f"waterway has ended:\n{said}")
        return re.search(self.ready, said)

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            # A stopped process ends too.
            self.send(signal.SIGKILL)
            self.process.wait()
            self.log.close()


class Deployment:
    """Two processes with sockets and three with a worker each. `nice` is that of the workers."""

    def __init__(self, program, lease=10, timeout=5, nodes=2, workers=3, nice=0):
        memory = Path("/dev/shm")
        self.program, self.lease = Path(program).resolve(), lease
        self.folder = Path(tempfile.mkdtemp(prefix="waterway-", dir=memory if memory.is_dir() else None))
        (self.folder / "media").mkdir()
        results = {name: ", ".join(["{ rotate = 90 }"] * count) for name, count in STEPS.items()}
        table = TABLE % {"lease": lease, "timeout": timeout, "nice": nice, **results}
        (self.folder / "routing.toml").write_text(table)
        self.node_count, self.worker_count = nodes, workers
        self.servers, self.nodes, self.workers = [], [], []

    def node(self, url, arguments=("--workers", "none"), **place):
        """A process that holds sockets."""
        process = Process(self, ["serve", *arguments], "listening", url, **place)
        self.nodes.append(process)
        return self.start_node(process)

    def start_node(self, process):
        known = self.names()
        process.start()
        wait_until(lambda: self.names() - known, "the server does not know the process")
        process.name = (self.names() - known).pop()
        return process

    def names(self):
        """The processes that the queue knows."""
        return set(self.redis.ask("ZRANGE", f"{KEYS}:nodes", 0, -1))

    def worker(self, url, **place):
        """A process that does tasks."""
        process = Process(self, ["work"], "working", url, **place)
        self.workers.append(process)
        return process.start()

    def populate(self, url):
        """Starts the processes that are still missing."""
        while len(self.nodes) < self.node_count:
            self.node(url)
        while len(self.workers) < self.worker_count:
            self.worker(url)
        return self

    @property
    def redis(self):
        """The server that has the queue."""
        return self.servers[0]

    def tasks_of(self, node):
        """How many tasks of this process the queue has."""
        ids = self.redis.ask("HKEYS", f"{KEYS}:tasks")
        return sum(each.startswith(f"{node.name}-") for each in ids)

    def tasks(self):
        """How many tasks the queue has."""
        return self.redis.ask("HLEN", f"{KEYS}:tasks")

    def stop(self):
        for process in [*self.workers, *self.nodes, *self.servers]:
            process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
