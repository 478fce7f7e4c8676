"""A private Redis server, asked in its own protocol."""

import shutil
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 30


class RedisError(Exception):
    """The server's own word for why it refuses a command."""


class Redis:
    """A server whose files are in a folder of its own. `within` is a command that starts another one."""

    def __init__(self, folder, *options, port=None, host="127.0.0.1", within=(), program="redis-server"):
        self.folder, self.options, self.host = folder, options, host
        self.program, self.within = program, within
        self.port, self.process = port or free_port(), None
        folder.mkdir(exist_ok=True)

    @property
    def url(self):
        return f"redis://{self.host}:{self.port}"

    def start(self):
        """Starts the server, and waits until it has read its files and answers."""
        command = [*self.within, self.program, *self.options, "--port", str(self.port)]
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_until(lambda: self.answers(), f"{self.program} does not answer at {self.host}:{self.port}")
        return self

    def answers(self):
        if self.process.poll() is not None:
            sys.exit(f"{self.program} has ended:\n{(self.folder / 'log').read_text()[-2000:]}")
        try:
            return self.ask("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            # A stopped process ends too.
            self.send(signal.SIGKILL)
            self.process.wait()

    def forget(self):
        """Removes what it has on its disk, while it does not run."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def ask(self, *words):
        """The answer to one command."""
        with socket.create_connection((self.host, self.port), PATIENCE) as connection:
            request = [str(word).encode() for word in words]
            parts = [b"*%d\r\n" % len(request), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in request)]
            connection.sendall(b"".join(parts))
            with connection.makefile("rb") as stream:
                return answer(stream)


def answer(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the server has closed the connection")
    kind, value = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise RedisError(value)
    if kind == b":":
        return int(value)
    if kind == b"$":
        length = int(value)
        return None if length < 0 else stream.read(length + 2)[:-2].decode(errors="replace")
    if kind == b"*":
        return [answer(stream) for _ in range(int(value))]
    return value


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_until(is_so, otherwise, patience=PATIENCE):
    ends = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > ends:
            sys.exit(otherwise)
        time.sleep(0.005)
