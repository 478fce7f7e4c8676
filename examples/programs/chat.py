"""Rooms: whoever connects to /chat/ROOM gets what the others there say."""

import waterway

MOST = 100


def chat(event):
    room = event["params"]["room"]
    if event.channel == "websocket.connect":
        return [waterway.accept(), waterway.group_add(room), waterway.state({"said": 0})]
    if event.channel == "websocket.receive":
        said = event["state"]["said"] + 1
        if said > MOST:
            raise waterway.Error("too_much", f"you have said {MOST} things")
        return [waterway.group_send(room, event.text), waterway.state({"said": said})]


waterway.run(chat)
