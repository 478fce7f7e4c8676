"""The faults. Each has a deployment of its own, which is whole again after every round."""

import signal
import time

from .deployment import KEYS, Deployment
from .reader import Reader
from .redis import Redis, RedisError, free_port, wait_until
from .round import PATIENCE, QUIET, Outcome, begun, play

AOF = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
# Time for a command, s.
TIMEOUT = 1


class Fault:
    """A fault without a name."""

    # The address that the clients come from.
    source = "127.0.0.1"
    # How many workers have work when it strikes.
    busy = 3

    def __init__(self, program, lease, random):
        self.program, self.lease, self.random = program, lease, random
        self.deployment = Deployment(program, lease, TIMEOUT)
        # The clients that the fault takes with it, and the pictures that are under way when it strikes.
        self.gone, self.under_way = [], []
        try:
            self.prepare()
        except BaseException:
            self.deployment.stop()
            raise

    def prepare(self):
        deployment = self.deployment
        deployment.servers.append(Redis(deployment.folder / "redis", *AOF).start())
        deployment.populate(deployment.redis.url)

    def play(self, pictures):
        return play(self, pictures)

    def strike(self, readers, pictures):
        """Lets the fault happen. Returns the time from which the service can recover."""
        raise NotImplementedError

    def is_over(self):
        """Whether all that the fault leaves has happened."""
        return True

    def times(self, since):
        """More times of recovery."""
        return []

    def mend(self):
        """Makes the deployment whole."""

    @property
    def allowed(self):
        """The longest time of recovery, s."""
        return self.lease + 1

    def stop(self):
        self.deployment.stop()


class WorkerKilled(Fault):
    """kill -9 of a worker's process; another one takes its place at once"""

    def strike(self, readers, pictures):
        worker = self.random.choice(self.deployment.workers)
        worker.kill()
        since = time.monotonic()
        worker.start()
        return since


class NodeKilled(Fault):
    """kill -9 of a process with sockets and a worker; its own tasks are forgotten after twice the lease"""

    def prepare(self):
        deployment = self.deployment
        deployment.servers.append(Redis(deployment.folder / "redis", *AOF).start())
        for _ in range(2):
            deployment.node(deployment.redis.url, arguments=())
        deployment.worker(deployment.redis.url)

    def play(self, pictures):
        # After twice the lease, some are still queued. They are short, so that a worker is soon free.
        return play(self, pictures, each=12, result="short")

    def strike(self, readers, pictures):
        self.killed = self.random.choice(self.deployment.nodes)
        node, self.forgotten = self.killed, None
        self.gone = [reader for reader in readers if reader.address == node.address]
        node.kill()
        return time.monotonic()

    def is_over(self):
        if not self.forgotten and not self.deployment.tasks_of(self.killed):
            self.forgotten = time.monotonic()
        return self.forgotten

    def times(self, since):
        # Its tasks have one lease more than those of others.
        return [self.forgotten - since - self.lease] if self.forgotten else [PATIENCE]

    def mend(self):
        self.deployment.start_node(self.killed)


class RedisKilled(Fault):
    """kill -9 of Redis with AOF (everysec), started again within 1.5 leases; half the time, of a worker's process too"""

    def strike(self, readers, pictures):
        redis, worker = self.deployment.redis, self.random.choice(self.deployment.workers)
        dies = self.random.random() < 0.5
        redis.kill()
        if dies:
            worker.kill()
        time.sleep(self.random.uniform(0.1, 1.5 * self.lease))
        redis.start()
        since = time.monotonic()
        if dies:
            worker.start()
        return since


class RedisEmptied(Fault):
    """Redis loses everything: FLUSHALL, or a restart without its files"""

    def strike(self, readers, pictures):
        redis = self.deployment.redis
        if self.random.random() < 0.5:
            redis.ask("FLUSHALL")
        else:
            redis.kill()
            redis.forget()
            time.sleep(self.random.uniform(0, 1))
            redis.start()
        return time.monotonic()


class Failover(Fault):
    """Sentinel promotes a replica that lacks the last second of writes"""

    def prepare(self):
        deployment = self.deployment
        for at in range(2):
            server = Redis(deployment.folder / f"redis-{at}", *AOF)
            deployment.servers.append(server.start())
        port, folder = free_port(), deployment.folder / "sentinel"
        folder.mkdir()
        (folder / "sentinel.conf").write_text(
            f"bind 127.0.0.1\nsentinel monitor queue 127.0.0.1 {deployment.redis.port} 1\n"
            # It acts when the fault says so.
            "sentinel down-after-milliseconds queue 60000\nsentinel failover-timeout queue 10000\n"
        )
        self.sentinel = Redis(folder, "sentinel.conf", "--sentinel", port=port).start()
        self.follow()
        deployment.populate(f"redis+sentinel://127.0.0.1:{port}/queue")

    def follow(self):
        """Makes the second server a replica, and waits until Sentinel knows it."""
        master, replica = self.deployment.servers
        replica.ask("REPLICAOF", "127.0.0.1", master.port)

        def is_known():
            rows = self.sentinel.ask("SENTINEL", "REPLICAS", "queue")
            known = [dict(zip(row[::2], row[1::2])) for row in rows]
            return any(
                int(each["port"]) == replica.port and each["flags"] == "slave"
                and each["master-link-status"] == "ok"
                for each in known
            ) and "master_link_status:up" in replica.ask("INFO", "replication")

        wait_until(is_known, "Sentinel does not know the replica")

    def strike(self, readers, pictures):
        master, replica = self.deployment.servers
        replica.send(signal.SIGSTOP)
        master.ask("CLIENT", "KILL", "TYPE", "replica")
        cut = time.monotonic()
        # They are accepted, and only the old master has them.
        for reader in readers:
            reader.send(pictures.take(1), rType="long")
        wait_until(lambda: all(reader.is_accepted() for reader in readers), "a picture is not accepted")
        time.sleep(max(0, cut + 1 - time.monotonic()))
        self.under_way = begun(readers)
        master.kill()
        replica.send(signal.SIGCONT)
        wait_until(self.fail_over, "Sentinel promotes nobody")
        since = time.monotonic()
        self.deployment.servers.reverse()
        return since

    def fail_over(self):
        replica = self.deployment.servers[1]
        try:
            self.sentinel.ask("SENTINEL", "FAILOVER", "queue")
        except RedisError:
            # It is about to, or does not see the replica yet.
            pass
        named = self.sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "queue")
        return int(named[1]) == replica.port and replica.ask("ROLE")[0] == "master"

    def mend(self):
        self.deployment.servers[1].start()
        self.follow()

    def stop(self):
        self.sentinel.kill()
        super().stop()


class WorkerStopped(Fault):
    """SIGSTOP of a worker's process for longer than its lease, then SIGCONT"""

    def strike(self, readers, pictures):
        worker = self.random.choice(self.deployment.workers)
        worker.send(signal.SIGSTOP)
        since = time.monotonic()
        time.sleep(self.lease + self.random.uniform(0.2, 1.5))
        worker.send(signal.SIGCONT)
        return since


class DeadlyPicture(Fault):
    """A worker's process dies on the same picture each time: the third lost lease ends it as `failed`"""

    def prepare(self):
        self.deployment.worker_count = 1
        super().prepare()

    def play(self, pictures):
        deployment, [worker] = self.deployment, self.deployment.workers
        dead = deployment.redis.ask("ZCARD", f"{KEYS}:dead")
        deadly = Reader(deployment.nodes[0].address)
        deadly.send(pictures.take(1), rType="long")
        outcome = Outcome()
        for times in range(1, 4):
            wait_until(lambda: deadly.begun("0") == times, "the picture is not begun again")
            if times > 1:
                outcome.recovered.append(deadly.frames["0"][-1][0] - killed)
            else:
                others = Reader(deployment.nodes[1].address)
                others.send(pictures.take(3), rType="long")
                wait_until(others.is_accepted, "the pictures of others are not accepted")
            time.sleep(self.random.uniform(0, 0.2))
            worker.kill()
            killed = time.monotonic()
            worker.start()
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and not (deadly.is_answered() and others.is_answered()):
            time.sleep(0.005)
        for at, _ in deadly.answers["0"][:1]:
            outcome.recovered.append(at - killed)
        time.sleep(self.lease + QUIET)
        outcome.see(deadly, "failed")
        outcome.see(others)
        outcome.lost += deployment.redis.ask("ZCARD", f"{KEYS}:dead") != dead + 1
        for reader in (deadly, others):
            reader.close()
        return outcome


FAULTS = [
    WorkerKilled, NodeKilled, RedisKilled, RedisEmptied, Failover, WorkerStopped, DeadlyPicture,
]
