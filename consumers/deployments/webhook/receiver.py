"""Answers the events of this deployment, with Python's standard library alone: python3 receiver.py.

Change `answer`: it gets an event and returns the actions for its client.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import time

PORT = int(os.environ.get("RECEIVER_PORT", "9000"))
SECRET = os.environ.get("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))


def answer(event):
    room = event["params"]["room"]
    # A message is text, and the body of a request is bytes.
    text = event["text"] if "text" in event else base64.b64decode(event.get("bytes", "")).decode()
    if event["channel"] == "http.request":
        return [{"respond": {"json": {"room": room, "text": text.upper()}}}]
    return [{"send": {"json": {"room": room, "text": text.upper()}}}]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.is_signed(body):
            return self.reply(401, {})
        return self.reply(200, {"actions": answer(json.loads(body))})

    def is_signed(self, body):
        sent = self.headers.get("webhook-timestamp", "0")
        signed = f"{self.headers.get('webhook-id', '')}.{sent}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        given = self.headers.get("webhook-signature", "").split()
        return any(hmac.compare_digest(right, one) for one in given) and abs(time.time() - int(sent)) < 300

    def reply(self, status, content):
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Receiver)
    print("listening at port", server.server_port, flush=True)
    server.serve_forever()
