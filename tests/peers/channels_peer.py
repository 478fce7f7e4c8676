"""Channels 4 under daphne, to compare with on the wire: `channels_peer.py PORT`, a path for each behaviour.

Port 0 takes a free one. Prints `ready PORT` when it listens.
"""

import json
import socket
import sys

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    DEBUG=False,
    SECRET_KEY="of a test",
)

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.server import Server
from django.urls import path


class Open(AsyncWebsocketConsumer):
    """Accepts and does nothing more; the classes below add behaviours."""

    async def receive(self, text_data=None, bytes_data=None):
        pass


class Echo(Open):
    async def connect(self):
        await self.accept()
        await self.send(text_data="connected!")

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)


class EchoEnvelope(Open):
    async def connect(self):
        await self.accept()
        await self.send(text_data=json.dumps({"text": "connected!"}))

    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=json.dumps({"text": text_data}))


class Deny(Open):
    async def connect(self):
        await self.close()


class Subprotocol(Open):
    greeting = "{}"

    async def connect(self):
        await self.accept("second" if "second" in self.scope["subprotocols"] else None)
        await self.send(text_data=self.greeting)


class EchoSubprotocol(Subprotocol):
    greeting = "connected!"


def answer(text=None, close=None, reason=None):
    """The text, when there is one, and then the close, when there is one."""

    async def run(consumer):
        if text is not None:
            await consumer.send(text_data=text)
        if close is not None:
            await consumer.close(code=close, reason=reason)

    return run


def on_open(**what):
    class Opened(Open):
        async def connect(self):
            await self.accept()
            await answer(**what)(self)

    return Opened.as_asgi()


def on_message(**what):
    class Received(Open):
        async def receive(self, text_data=None, bytes_data=None):
            await answer(**what)(self)

    return Received.as_asgi()


# `True` is Channels' close without a code: 1000.
ROUTES = [
    path("open", Open.as_asgi()),
    path("open/text", on_open(text="connected!")),
    path("open/empty-object", on_open(text="{}")),
    path("open/envelope", on_open(text=json.dumps({"text": json.dumps({})}))),
    path("open/text-close", on_open(text="bye", close=True)),
    path("open/empty-text-close", on_open(text="", close=4000)),
    path("open/text-close-code", on_open(text="bye", close=4000, reason="see you")),
    path("open/refused-token", on_open(text='{"error": "enter correct token"}', close=3000, reason="enter correct token")),
    path("open/deny", Deny.as_asgi()),
    path("open/deny-status", Deny.as_asgi()),
    path("open/subprotocol", Subprotocol.as_asgi()),
    path("open/echo/subprotocol", EchoSubprotocol.as_asgi()),
    path("message/echo", Echo.as_asgi()),
    path("message/envelope", EchoEnvelope.as_asgi()),
    path("message/close", on_message(close=True)),
    path("message/close-code", on_message(close=4000, reason="see you")),
    path("message/text-close", on_message(text="bye", close=True)),
    path("message/text-close-code", on_message(text="bye", close=4000, reason="see you")),
]

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
port = listener.getsockname()[1]
Server(
    application=ProtocolTypeRouter({"websocket": URLRouter(ROUTES)}),
    endpoints=[f"fd:fileno={listener.detach()}"],
    ready_callable=lambda: print("ready", port, flush=True),
    signal_handlers=False,
).run()
