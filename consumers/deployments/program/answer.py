"""Answers the events of this deployment. The service starts it; waterway.py speaks with the service."""

import waterway


def answer(event):
    room = event["params"]["room"]
    said = {"room": room, "text": event.text.upper()}
    if event.channel == "http.request":
        return waterway.respond(json=said)
    return said


waterway.run(answer)
