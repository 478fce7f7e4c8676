"""Tornado 6, to compare with on the wire: `tornado_peer.py PORT`, a path for each behaviour.

Port 0 takes a free one. Prints `ready PORT` when it listens.
"""

import asyncio
import json
import sys

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket


class Open(tornado.websocket.WebSocketHandler):
    """Accepts and does nothing more; the classes below add behaviours."""

    def check_origin(self, origin):
        return True

    def on_message(self, message):
        pass


class OpenText(Open):
    def open(self):
        self.write_message("connected!")


class OpenEmptyObject(Open):
    def open(self):
        self.write_message("{}")


class OpenEnvelope(Open):
    def open(self):
        self.write_message({"text": json.dumps({})})


class OpenTextClose(Open):
    def open(self):
        self.write_message("bye")
        self.close()


class OpenEmptyTextClose(Open):
    def open(self):
        self.write_message("")
        self.close(4000)


class OpenTextCloseCode(Open):
    def open(self):
        self.write_message("bye")
        self.close(4000, "see you")


class RefusedToken(Open):
    def open(self):
        self.write_message('{"error": "enter correct token"}')
        self.close(3000, "enter correct token")


class Deny(Open):
    def check_origin(self, origin):
        return False


class DenyWithStatus(Open):
    def prepare(self):
        raise tornado.web.HTTPError(401)


class Subprotocol(OpenEmptyObject):
    def select_subprotocol(self, subprotocols):
        return "second" if "second" in subprotocols else None


class EchoSubprotocol(OpenText):
    select_subprotocol = Subprotocol.select_subprotocol


class Echo(OpenText):
    def on_message(self, message):
        self.write_message(message, binary=isinstance(message, bytes))


class EchoEnvelope(Open):
    def open(self):
        self.write_message({"text": "connected!"})

    def on_message(self, message):
        self.write_message({"text": message})


class MessageClose(Open):
    def on_message(self, message):
        self.close()


class MessageCloseCode(Open):
    def on_message(self, message):
        self.close(4000, "see you")


class MessageTextClose(Open):
    def on_message(self, message):
        self.write_message("bye")
        self.close()


class MessageTextCloseCode(Open):
    def on_message(self, message):
        self.write_message("bye")
        self.close(4000, "see you")


ROUTES = [
    ("/open", Open),
    ("/open/text", OpenText),
    ("/open/empty-object", OpenEmptyObject),
    ("/open/envelope", OpenEnvelope),
    ("/open/text-close", OpenTextClose),
    ("/open/empty-text-close", OpenEmptyTextClose),
    ("/open/text-close-code", OpenTextCloseCode),
    ("/open/refused-token", RefusedToken),
    ("/open/deny", Deny),
    ("/open/deny-status", DenyWithStatus),
    ("/open/subprotocol", Subprotocol),
    ("/open/echo/subprotocol", EchoSubprotocol),
    ("/message/echo", Echo),
    ("/message/envelope", EchoEnvelope),
    ("/message/close", MessageClose),
    ("/message/close-code", MessageCloseCode),
    ("/message/text-close", MessageTextClose),
    ("/message/text-close-code", MessageTextCloseCode),
]


async def main(port):
    sockets = tornado.netutil.bind_sockets(port, "127.0.0.1")
    tornado.httpserver.HTTPServer(tornado.web.Application(ROUTES)).add_sockets(sockets)
    print("ready", sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1])))
