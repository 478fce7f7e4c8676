"""A webhook of waterway, with Python's standard library alone: python3 receiver.py [PORT]."""
import base64, hashlib, hmac, http.server, json, os, sys, time

KEY = base64.b64decode(os.environ["CRM_SECRET"].removeprefix("whsec_"))


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        sent = self.headers.get("webhook-timestamp", "0")
        signed = f"{self.headers.get('webhook-id', '')}.{sent}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        given = self.headers.get("webhook-signature", "").split()
        if not any(hmac.compare_digest(right, one) for one in given) or abs(time.time() - int(sent)) > 300:
            return self.answer(401, {})
        event = json.loads(body)
        customer, text = event["params"]["customer"], event.get("text")
        if text is not None:
            return self.answer(200, {"actions": [{"send": {"text": f"{customer}: {text.upper()}"}}]})
        self.answer(200, {"actions": [{"respond": {"json": {"customer": customer}}}]})

    def answer(self, status, content):
        content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print("ready", server.server_port, flush=True)
    server.serve_forever()
