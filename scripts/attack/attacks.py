"""The attacks. Each is a function that gets the service and returns the sockets that it holds."""

import struct
import time
import zlib

from .service import PICTURE
from .wire import connect, head, picture, read_text, shake_hands

MIB = 1 << 20


def each(count, make):
    """This number of attackers, or the number that the service accepts."""
    attackers = []
    for _ in range(count):
        try:
            attackers.append(make())
        except OSError:
            pass
    return attackers


def send_some(client, data):
    client.settimeout(5)
    try:
        client.sendall(data)
    except OSError:
        pass


def trickle(attackers, seconds):
    for _ in range(seconds // 4):
        time.sleep(4)
        for client in attackers:
            send_some(client, b"\0")


def pings(service):
    """2 clients send pings of 125 bytes for 12 s and read nothing"""
    attackers = each(2, lambda: shake_hands(service.address, "/echo"))
    many = (head(125, 0x89) + bytes(125)) * 1000
    until = time.monotonic() + 12
    while time.monotonic() < until:
        for client in attackers:
            client.settimeout(0.01)
            try:
                client.send(many)
            except OSError:
                pass
    return attackers


def half_messages(service):
    """80 clients send 30 MiB of a frame of 32, then a byte every 4 s"""
    half = head(32 * MIB) + bytes(30 * MIB)
    attackers = []
    for _ in range(80):
        attackers += each(1, lambda: shake_hands(service.address, "/echo"))
        send_some(attackers[-1], half)
    trickle(attackers, 24)
    return attackers


def half_messages_in_parts(service):
    """80 clients send 30 MiB of a message in parts of 1 MiB, and no last one"""
    part = bytes(MIB)
    attackers = []
    for _ in range(80):
        attackers += each(1, lambda: shake_hands(service.address, "/echo"))
        send_some(attackers[-1], head(MIB, 0x02) + part + (head(MIB, 0x00) + part) * 29)
    trickle(attackers, 24)
    return attackers


def heads_of_frames(service):
    """10,000 connections announce 32 MiB each"""
    def attack():
        client = shake_hands(service.address, "/echo")
        client.sendall(head(32 * MIB))
        return client
    return each(10_000, attack)


def half_bodies(service):
    """80 requests send 30 MiB of a body of 32"""
    request = f"POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: {32 * MIB}\r\n\r\n"
    attackers = []
    for _ in range(80):
        attackers += each(1, lambda: connect(service.address))
        send_some(attackers[-1], request.encode() + bytes(30 * MIB))
    trickle(attackers, 12)
    return attackers


def unread_answers(service):
    """200 clients ask for answers of 2 to 4 MiB inline and read nothing"""
    file = PICTURE.read_bytes()
    def attack():
        client = shake_hands(service.address, "/ws")
        for at in range(4):
            send_some(client, picture(str(at), file, zoom=2.5 - at / 10, responseType="inline"))
        return client
    attackers = each(200, attack)
    time.sleep(20)
    return attackers


def enlarged(service):
    """100 clients ask for a PNG of 4 KB, 220 times as large, inline"""
    file = png(64, 64)
    def attack():
        client = shake_hands(service.address, "/ws")
        send_some(client, picture("1", file, zoom=220, rType="plain", responseType="inline"))
        return client
    attackers = each(100, attack)
    time.sleep(10)
    return attackers


def large_heads(service):
    """10,000 WebSockets whose requests have heads of 60 KB"""
    headers = "".join(f"X-Filling-{at}: {'x' * 7000}\r\n" for at in range(8))
    return each(10_000, lambda: shake_hands(service.address, "/echo", headers))


def half_heads(service):
    """10,000 connections send 60 KB of a request's head, and no end of it"""
    half = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Filling: " + b"x" * 60_000
    def attack():
        client = connect(service.address)
        send_some(client, half)
        return client
    return each(10_000, attack)


def wide_pictures(service):
    """48 pictures of 16383 x 1200, one after the other"""
    file = png(16383, 1200)
    client = shake_hands(service.address, "/ws")
    client.settimeout(120)
    for at in range(48):
        client.sendall(picture(str(at), file, zoom=0.9))
        assert "url" in read_text(client)
    return [client]


def full_queue(service):
    """40 clients queue 100 pictures of 12 megapixels each"""
    file = png(4000, 3000)
    attackers = each(40, lambda: shake_hands(service.address, "/ws"))
    for at in range(100):
        for client in attackers:
            send_some(client, picture(str(at), file, zoom=0.9))
    time.sleep(5)
    return attackers


def idle_clients(service):
    """10,000 clients connect, say nothing, and leave"""
    attackers = each(10_000, lambda: shake_hands(service.address, "/echo"))
    time.sleep(2)
    return attackers


ATTACKS = [
    pings, half_messages, half_messages_in_parts, heads_of_frames, half_bodies, unread_answers,
    enlarged, large_heads, half_heads, wide_pictures, full_queue, idle_clients,
]


def chunk(kind, data):
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))


def stamped(file, number):
    """The same picture in another file: the service works on equal files once."""
    end = len(file) - len(chunk(b"IEND", b""))
    return file[:end] + chunk(b"tEXt", b"Number\0%d" % number) + file[end:]


def png(width, height):
    """A picture of one colour, which packs well."""
    header = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x40\x80\xc0" * width) * height
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
