"""A Django site with Channels over Redis: `channels_redis_site.py PORT`.

Port 0 takes a free one. Prints `ready PORT` when it listens. The environment has the layer's settings as LAYER, in
JSON. If it has WORKER too, this is no site but `manage.py runworker $WORKER`.
"""

import json
import os
import socket
import sys

from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ASGI_APPLICATION="__main__.application",
    CHANNEL_LAYERS={"default": json.loads(os.environ["LAYER"])},
    DEBUG=False,
    INSTALLED_APPS=["channels"],
    SECRET_KEY="of a test",
)

import django

django.setup()

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from daphne.server import Server
from django.core.management import execute_from_command_line
from django.urls import path

HAS_GROUP_ADD = "pubsub" not in settings.CHANNEL_LAYERS["default"]["BACKEND"]


class Member(AsyncJsonWebsocketConsumer):
    """A member of the group `room`. It does what its browser asks of the layer, and passes on what comes."""

    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()
        await self.send_json({"channel": self.channel_name})

    async def receive_json(self, content):
        for method, arguments in content.items():
            for argument in arguments:
                if isinstance(argument, dict) and "bytes" in argument:
                    argument["bytes"] = bytes(argument["bytes"])
            await getattr(self.channel_layer, method)(*arguments)

    async def websocket_send(self, event):
        got = event["text"] if "text" in event else list(event["bytes"])
        await self.send_json({"got": got})

    async def websocket_close(self, event):
        await self.send_json({"code": event["code"], "reason": event["reason"]})


class Worker(AsyncConsumer):
    """Answers the clients of waterway."""

    async def tell(self, event, **message):
        await self.channel_layer.send(event["client"], message)

    async def websocket_connect(self, event):
        if event["params"]["name"] == "stranger":
            await self.tell(event, type="websocket.close")
            return
        if HAS_GROUP_ADD:
            await self.channel_layer.group_add("guests", event["client"])
        subprotocol = next(iter(event.get("subprotocols", [])), None)
        await self.tell(event, type="websocket.accept", subprotocol=subprotocol)

    async def websocket_receive(self, event):
        text = event.get("text")
        if text is None:
            await self.tell(event, type="websocket.send", bytes=event["bytes"][::-1])
        elif text == "bye":
            await self.tell(event, type="websocket.close", code=4002, reason="see you")
        elif text == "news":
            await self.tell(event, type="chat.other", text="nobody gets this")
            await self.tell(event, type="chat.news", n=1)
        else:
            await self.tell(event, type="websocket.send", text=text.upper())

    async def websocket_disconnect(self, event):
        text = f"{event['params']['name']} left with {event['close']['code']}"
        await self.channel_layer.group_send("room", {"type": "websocket.send", "text": text})
        if HAS_GROUP_ADD:
            await self.channel_layer.group_discard("guests", event["client"])


worker = os.environ.get("WORKER")
application = ProtocolTypeRouter(
    {
        "channel": ChannelNameRouter({worker: Worker.as_asgi()} if worker else {}),
        "websocket": URLRouter([path("member", Member.as_asgi())]),
    }
)

if worker:
    print("ready 0", flush=True)
    execute_from_command_line(["manage.py", "runworker", worker])
else:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    port = listener.getsockname()[1]
    Server(
        application=application,
        endpoints=[f"fd:fileno={listener.detach()}"],
        ready_callable=lambda: print("ready", port, flush=True),
        signal_handlers=False,
    ).run()
