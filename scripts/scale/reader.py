"""A client that sends pictures, and reads until it is told to stop."""

import socket
import threading
import time
from collections import defaultdict

from attack.attacks import png, stamped
from attack.wire import picture, read_text, shake_hands

# Replies that were on their way when a fault struck are read within this time.
ON_ITS_WAY = 0.2


class Reader(threading.Thread):
    """One connection, and the time of every reply to it."""

    def __init__(self, address, source="127.0.0.1"):
        super().__init__(daemon=True)
        self.address = address
        self.client = shake_hands(address, "/ws", source=source)
        self.client.settimeout(None)
        read_text(self.client)
        # By uuid: its frames and its answers, each with its time.
        self.frames, self.answers = defaultdict(list), defaultdict(list)
        self.sent = []
        self.start()

    def run(self):
        try:
            while True:
                reply = read_text(self.client)
                to = self.frames if "progress" in reply else self.answers
                to[reply.get("uuid")].append((time.monotonic(), reply))
        except (OSError, ValueError):
            # It was closed here, or its process was killed.
            pass

    def send(self, files, **fields):
        for file in files:
            uuid = f"{len(self.sent)}"
            self.sent.append(uuid)
            offset = int(uuid) * 400
            self.client.sendall(picture(uuid, file, offset_top=offset, progress=True, **fields))

    def is_accepted(self):
        """Whether each picture is in the queue, or has been."""
        return all(self.frames[uuid] for uuid in self.sent)

    def under_way(self):
        """The pictures that a worker has begun and that have no answer."""
        return [uuid for uuid in self.sent if self.begun(uuid) and not self.answers[uuid]]

    def begun(self, uuid):
        """How often the picture was begun."""
        return sum(frame.get("stage") == "decode" for _, frame in list(self.frames[uuid]))

    def is_answered(self):
        return all(self.answers[uuid] for uuid in self.sent)

    def first_sign(self, uuid, since):
        """The time of the first reply for a picture later than what was on its way."""
        replies = [*self.frames[uuid], *self.answers[uuid]]
        return min((at for at, _ in replies if at > since + ON_ITS_WAY), default=None)

    def close(self):
        """Ends the thread before its socket is closed.

        Otherwise the next connection gets the same file descriptor, and the thread, which still waits
        for the former one, may take some of its bytes.
        """
        try:
            self.client.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The other side has closed it.
            pass
        self.join()
        self.client.close()


class Pictures:
    """Pictures of 2 megapixels, each another file, so that none is done together with another."""

    def __init__(self, width=1600, height=1200):
        self.file, self.count = png(width, height), 0

    def take(self, count):
        self.count += count
        return [stamped(self.file, number) for number in range(self.count - count, self.count)]
