"""A client of the picture service in a few lines.

    picture_client.py ws://127.0.0.1:8000/ws/1 [--binary] [--inline] [--token KIND --secret SECRET]

Connects, sends a photo to be halved, and prints the result's format, mode and size. With --token
and --secret it shows a token that it signs; if the service refuses the token, it prints the refusal.
"""

import argparse
import asyncio
import base64
import io
import json
import time
import urllib.request
import uuid

import jwt
import websockets
from PIL import Image

HEADER = 150
EXPIRES = int(time.time()) + 60
CLAIMS = {
    "good": {"ip": "127.0.0.1", "exp": EXPIRES},
    "expired": {"ip": "127.0.0.1", "exp": 1},
    "wrong-ip": {"ip": "10.1.2.3", "exp": EXPIRES},
    "wrong": {"ip": "127.0.0.1", "exp": EXPIRES},
}


def photo():
    red = Image.linear_gradient("L").resize((800, 600))
    picture = Image.merge("RGB", (red, red.rotate(180), Image.effect_noise((800, 600), 40)))
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def message(header, file, binary):
    header = json.dumps(header)
    if binary:
        return len(header).to_bytes(2, "big") + header.encode() + file
    return header.ljust(HEADER) + base64.b64encode(file).decode()


def fetch(url):
    """The bytes at an http: or in a data: URL."""
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Type"] == "image/jpeg", answer.headers
        return answer.read()


async def main(arguments):
    url = arguments.url
    if arguments.token:
        secret = arguments.secret + ("x" if arguments.token == "wrong" else "")
        url += "?" + jwt.encode(CLAIMS[arguments.token], secret, algorithm="HS256")
    async with websockets.connect(url, max_size=None) as socket:
        greeting = await socket.recv()
        if greeting != "{}":
            await socket.wait_closed()
            print(greeting, socket.close_code)
            return
        name = str(uuid.uuid4())
        header = {"uuid": name, "offset_top": 120, "zoom": 0.5, "rType": "rl"}
        if arguments.inline:
            header["responseType"] = "inline"
        await socket.send(message(header, photo(), arguments.binary))
        reply = json.loads(await socket.recv())
        expected = {"image" if arguments.inline else "url", "uuid"}
        assert reply.keys() == expected and reply["uuid"] == name, reply
        picture = Image.open(io.BytesIO(fetch(reply["image" if arguments.inline else "url"])))
        picture.load()
        print(picture.format, picture.mode, *picture.size)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("url")
parser.add_argument("--binary", action="store_true")
parser.add_argument("--inline", action="store_true")
parser.add_argument("--token", choices=CLAIMS)
parser.add_argument("--secret", default="")
asyncio.run(asyncio.wait_for(main(parser.parse_args()), timeout=30))
