"""A WebSocket client that costs little: frames are masked before the clock starts.

The client shares the machine with the service that it measures. So it uses raw sockets without a
library, one thread for all of them, and looks at the replies after the clock has stopped.
"""

import base64
import json
import selectors
import socket
import time

import numpy as np

HEADER = 150
KEY = np.frombuffer(b"\x37\xfa\x21\x3d", np.uint8)
TEXT, BINARY = 1, 2
PATIENCE = 120.0


class Client:
    """One connection, opened and greeted."""

    def __init__(self, address, path="/ws/1"):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(bytes(16)).decode()
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.socket.sendall(request.encode())
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self.receive()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head.decode(errors="replace")
        while self.replies() < 1:
            self.receive()
        self.received = b""

    def receive(self):
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError(f"closed after {self.received[-200:]!r}")
        self.received += part

    def replies(self):
        return sum(1 for _ in messages(self.received))

    def close(self):
        self.socket.close()


def messages(received):
    """The texts that a service has sent; it neither masks nor splits them."""
    at = 0
    while at + 2 <= len(received):
        opcode, length, begin = received[at] & 15, received[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(received[at + 2 : at + 4], "big"), at + 4
        if length == 127 or opcode not in (TEXT, 9, 10):
            raise ConnectionError(f"not a reply: {received[at:][:200]!r}")
        if begin + length > len(received):
            return
        if opcode == TEXT:
            yield received[begin : begin + length]
        at = begin + length


def framed(header, file, binary):
    """One picture as sent: header and file in one masked frame."""
    text = json.dumps(header).encode()
    if binary:
        payload = len(text).to_bytes(2, "big") + text + file
    else:
        assert len(text) <= HEADER
        payload = text.ljust(HEADER) + base64.b64encode(file)
    size = len(payload)
    start = bytes([0x80 | (BINARY if binary else TEXT)])
    if size < 1 << 16:
        start += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        start += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    masked = np.frombuffer(payload, np.uint8) ^ np.resize(KEY, size)
    return start + KEY.tobytes() + masked.tobytes()


def converse(clients, frames):
    """Sends each client's frames and waits for as many replies: the seconds, and the replies."""
    waiting = selectors.DefaultSelector()
    unsent = {}
    for client, mine in zip(clients, frames):
        client.socket.setblocking(False)
        client.expected = len(mine)
        unsent[client] = [memoryview(frame) for frame in mine]
        waiting.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
    started = time.perf_counter()
    while waiting.get_map():
        ready = waiting.select(PATIENCE)
        assert ready, f"no reply in {PATIENCE:.0f} s"
        for entry, event in ready:
            client = entry.data
            if event & selectors.EVENT_WRITE and not send_some(client, unsent[client]):
                waiting.modify(client.socket, selectors.EVENT_READ, client)
            if event & selectors.EVENT_READ:
                client.receive()
                if client.replies() >= client.expected:
                    waiting.unregister(client.socket)
    seconds = time.perf_counter() - started
    replies = [[json.loads(text) for text in messages(client.received)] for client in clients]
    for client in clients:
        client.received = b""
        client.socket.setblocking(True)
    return seconds, replies


def send_some(client, unsent):
    """Returns whether anything is left."""
    try:
        while unsent:
            sent = client.socket.send(unsent[0])
            unsent[0] = unsent[0][sent:]
            if not unsent[0]:
                del unsent[0]
    except BlockingIOError:
        pass
    return bool(unsent)
