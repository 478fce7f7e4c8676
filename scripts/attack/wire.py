"""WebSockets byte by byte (RFC 6455): the parts that an attacker or an honest client needs."""

import json
import socket
import struct


def connect(address, source="127.0.0.1"):
    client = socket.socket()
    client.settimeout(30)
    client.bind((source, 0))
    client.connect(address)
    return client


def shake_hands(address, path, headers="", source="127.0.0.1"):
    client = connect(address, source)
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\n{key}{headers}\r\n"
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{upgrade}".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        part = client.recv(1)
        if not part:
            raise ConnectionError("closed")
        head += part
    if b" 101 " not in head:
        raise ConnectionError(head.split(b"\r\n")[0].decode())
    return client


def head(length, first=0x82):
    """The head of a frame with a mask of zeros, which changes nothing (RFC 6455, section 5.3)."""
    if length < 126:
        return bytes([first, 0x80 | length, 0, 0, 0, 0])
    if length < 1 << 16:
        return struct.pack("!BBH4x", first, 0xFE, length)
    return struct.pack("!BBQ4x", first, 0xFF, length)


def picture(uuid, file, **fields):
    header = json.dumps({"uuid": uuid, **fields}).encode()
    body = struct.pack("!H", len(header)) + header + file
    return head(len(body)) + body


def read_exactly(client, length):
    parts = b""
    while len(parts) < length:
        part = client.recv(min(length - len(parts), 1 << 16))
        if not part:
            raise ConnectionError("closed")
        parts += part
    return parts


def read_text(client):
    while True:
        first, length = read_exactly(client, 2)
        if length == 126:
            length = struct.unpack("!H", read_exactly(client, 2))[0]
        elif length == 127:
            length = struct.unpack("!Q", read_exactly(client, 8))[0]
        body = read_exactly(client, length)
        if first == 0x81:
            return json.loads(body)
        if first == 0x88:
            raise ConnectionError(f"closed with {body[:2].hex()}")
        if first == 0x89:
            client.sendall(head(length, 0x8A) + body)
