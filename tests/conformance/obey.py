"""Writes what the content of its event says: the consumer of the conformance table.

As a program it reads events and writes lines. `answer` is also for a webhook.
"""

import base64
import json
import sys

VARYING = ("id", "client", "address", "public_url", "headers")


def answer(event):
    """What the consumer writes about an event, without its id."""
    order = '{"actions": []}'
    if "bytes" in event:
        order = base64.b64decode(event["bytes"]).decode()
    elif "text" in event:
        order = event["text"]
    elif "x-do" in event.get("headers", {}):
        order = event["headers"]["x-do"]
    elif event["channel"] == "websocket.disconnect" and "state" in event:
        order = json.dumps(event["state"])
    order = order.replace("$client", event["client"])
    if order not in ("event", '"event"'):
        return json.loads(order)
    told = {name: value for name, value in event.items() if name not in VARYING}
    return {"actions": [act(event["channel"], told)]}


def act(channel, told):
    if channel == "http.request":
        return {"respond": {"json": told}}
    if channel == "task":
        return {"answer": {"json": told}}
    if channel == "websocket.disconnect":
        return {"group_send": {"group": "r", "json": told}}
    return {"send": {"json": told}}


if __name__ == "__main__":
    print('{"ready":true}', flush=True)
    for line in sys.stdin:
        event = json.loads(line)
        if "id" in event:
            print(json.dumps({"id": event["id"], **answer(event)}), flush=True)
