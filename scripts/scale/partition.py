"""A partition between Redis and one other process: by network namespaces, or by a proxy."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from .faults import AOF, Fault
from .redis import Redis

# Names the namespaces in the process that runs within them.
VARIABLE = "FAULTS_NAMESPACES"
# The links: the address of the queue's side, and that of the other process.
LINKS = {"worker": ("10.99.1.1", "10.99.1.2"), "node": ("10.99.2.1", "10.99.2.2"), "clients": ("10.99.3.1", "10.99.3.2")}


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def are_permitted():
    """Whether this process may make network namespaces."""
    if not shutil.which("ip"):
        sys.exit("`ip` is missing; install iproute2 (Debian: apt-get install iproute2)")
    name = f"waterway-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)
    return made.returncode == 0


@contextmanager
def namespaces():
    """Three hosts: one for Redis, the clients and most processes, one for a worker, one for a node.

    Yields the beginning of a command that runs another one on the first host.
    """
    first, *others = names = [f"waterway-{os.getpid()}-{host}" for host in ("queue", "worker", "node")]
    made = []
    try:
        for name in names:
            ip("netns", "add", name)
            made.append(name)
            ip("-n", name, "link", "set", "lo", "up")
        for link, (ours, theirs) in LINKS.items():
            other = others[link != "worker"]
            ip("-n", first, "link", "add", link, "type", "veth", "peer", "name", link, "netns", other)
            for name, address in ((first, ours), (other, theirs)):
                ip("-n", name, "address", "add", f"{address}/24", "dev", link)
                ip("-n", name, "link", "set", link, "up")
        yield ["env", f"{VARIABLE}={' '.join(others)}", "ip", "netns", "exec", first]
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=False)


class Partition(Fault):
    """A partition: its link is set by one of the two that follow."""

    def strike(self, readers, pictures):
        if self.random.random() < 0.5:
            self.set_link("worker", False)
            since = time.monotonic()
            time.sleep(self.lease + self.random.uniform(0.2, 1.5))
            self.set_link("worker", True)
            return since
        self.set_link("node", False)
        # After twice the lease, its tasks are forgotten.
        time.sleep(self.random.uniform(0.5, 2 * self.lease + 1.5))
        self.set_link("node", True)
        # Its clients can have answers from now on.
        return time.monotonic()

    def set_link(self, link, is_up):
        raise NotImplementedError


class NamespacePartition(Partition):
    """A network namespace with a worker, or one with sockets, is cut off from Redis, for up to 2.5 leases"""

    # That of the link to the process.
    source = ""

    def prepare(self):
        deployment = self.deployment
        worker, node = (("ip", "netns", "exec", name) for name in os.environ[VARIABLE].split())
        options = ["0.0.0.0" if word == "127.0.0.1" else word for word in AOF]
        redis = Redis(deployment.folder / "redis", *options, "--protected-mode", "no").start()
        deployment.servers.append(redis)
        urls = {link: f"redis://{ours}:{redis.port}" for link, (ours, _) in LINKS.items()}
        deployment.node(urls["node"], host=LINKS["clients"][1], within=node)
        deployment.worker(urls["worker"], within=worker)
        deployment.populate(redis.url)

    def set_link(self, link, is_up):
        ip("link", "set", link, "up" if is_up else "down")


class ProxyPartition(Partition):
    """A worker or a process with sockets is cut off from Redis by a proxy that passes nothing on, for up to 2.5 leases"""

    def prepare(self):
        deployment = self.deployment
        redis = Redis(deployment.folder / "redis", *AOF).start()
        deployment.servers.append(redis)
        self.links = {link: Proxy(redis.port) for link in ("worker", "node")}
        deployment.node(self.links["node"].url)
        deployment.worker(self.links["worker"].url)
        deployment.populate(redis.url)

    def set_link(self, link, is_up):
        self.links[link].set(is_up)


class Proxy:
    """Passes on what connections carry, unless it is cut. Nothing is lost; it comes late."""

    def __init__(self, port):
        self.port, self.is_up = port, threading.Event()
        self.is_up.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, is_up):
        self.is_up.set() if is_up else self.is_up.clear()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.port))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, target):
        try:
            while part := source.recv(1 << 16):
                self.is_up.wait()
                target.sendall(part)
        except OSError:
            pass
        finally:
            # The other direction ends too.
            for end in (source, target):
                end.close()
