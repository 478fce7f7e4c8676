"""Consumers of waterway in Python: one file without dependencies, for Python 3.9 and later.

    import waterway

    def shout(event):
        return event.text.upper()

    waterway.run(shout)

The function gets each event (docs/events.md) and returns its actions: a list of them, one of them,
or a text, bytes or a dict. Those are sent to the client, are the response of a request, or the
answer of a task. `None` is no action. A generator may yield such values one after another. An
`Error` is for the client; any other exception goes to the log, and the client learns only that the
consumer failed.

`print` writes to the service's log.
"""

import base64
import json
import os
import pathlib
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

_write_lock = threading.Lock()
_input = _output = None


class Error(Exception):
    """An error for the client: a code for programs, and a message for people."""

    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code, self.message = code, message


class Cancelled(Exception):
    """The event is no longer wanted."""


class Event(dict):
    """An event: a dict with its fields, and these shortcuts."""

    cancelled = False

    @property
    def channel(self):
        return self["channel"]

    @property
    def text(self):
        """The content as a text."""
        return self["text"] if "text" in self else self.content.decode()

    @property
    def content(self):
        """The content as bytes, also if it is in a file."""
        if "file" in self:
            return pathlib.Path(self["file"]).read_bytes()
        if "bytes" in self:
            return base64.b64decode(self["bytes"])
        return self.get("text", "").encode()

    @property
    def json(self):
        """The content as JSON."""
        return json.loads(self.content)

    @property
    def folder(self):
        """The event's folder, if it has one. The file of an answer must lie there."""
        return pathlib.Path(self["file"]).parent if "file" in self else None

    def check(self):
        """Ends the work with an exception if the event is no longer wanted."""
        if self.cancelled:
            raise Cancelled


def body(text=None, json=None, bytes=None):
    """The content of an action: `text`, `json` or `bytes`."""
    if bytes is not None:
        return {"bytes": base64.b64encode(bytes).decode()}
    return {"text": text} if text is not None else {"json": json}


def accept(subprotocol=None):
    return {"accept": {"subprotocol": subprotocol} if subprotocol else {}}


def deny(status=403):
    return {"deny": {"status": status}}


def send(text=None, json=None, bytes=None):
    return {"send": body(text, json, bytes)}


def close(code=1000, reason=""):
    return {"close": {"code": code, "reason": reason}}


def respond(text=None, json=None, bytes=None, status=200, headers=None):
    content = {} if text is json is bytes is None else body(text, json, bytes)
    return {"respond": {"status": status, "headers": headers or {}, **content}}


def group_add(group):
    return {"group_add": {"group": group}}


def group_discard(group):
    return {"group_discard": {"group": group}}


def group_send(group, text=None, json=None, bytes=None, **more):
    return {"group_send": {"group": group, **body(text, json, bytes), **more}}


def push(queue, **fields):
    return {"push": {"queue": queue, **fields}}


def cancel(queue, uuid):
    return {"cancel": {"queue": queue, "uuid": uuid}}


def progress(**fields):
    return {"progress": fields}


def answer(text=None, json=None, bytes=None, file=None):
    return {"answer": {"file": str(file)} if file else body(text, json, bytes)}


def state(value):
    return {"state": value}


def log(message, level="info"):
    return {"log": {"level": level, "message": message}}


def to_client(client, *actions):
    """Acts on a client, outside of its events."""
    _write(_line({"client": client, "actions": list(actions)}))


def to_group(group, *actions):
    """Acts on the members of a group."""
    _write(_line({"group": group, "actions": list(actions)}))


def run(consumer, threads=1):
    """Gives each event to the function, until the service closes the input.

    With one thread, the events come one after another. With several, so many are in progress at the
    same time, and a cancelled one learns of it: `event.check()`.
    """
    global _input, _output
    # The function and the programs that it starts may neither read events nor write between the
    # lines for the service. Printed text goes to the log.
    _input, _output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    pool = ThreadPoolExecutor(threads) if threads > 1 else None
    active = {}
    _write(_line({"ready": True}))
    for lines in _read():
        written = []
        for line in lines:
            event = json.loads(line, object_hook=None)
            if "cancel" in event:
                if (known := active.get(event["cancel"])) is not None:
                    known.cancelled = True
            elif "id" in event:
                event = Event(event)
                if pool is None:
                    written += _lines(consumer, event)
                else:
                    active[event["id"]] = event
                    pool.submit(_work, consumer, event, active)
        if written:
            _write(*written)
    if pool is not None:
        pool.shutdown()


def _read():
    """Yields lists of whole lines, as many as have come."""
    rest = b""
    while read := os.read(_input, 1 << 16):
        *lines, rest = (rest + read).split(b"\n")
        if lines:
            yield [line for line in lines if line.strip()]


def _work(consumer, event, active):
    try:
        for line in _lines(consumer, event):
            _write(line)
    finally:
        active.pop(event["id"], None)


def _lines(consumer, event):
    """The lines about an event."""
    number = event["id"]
    try:
        result = consumer(event)
        if hasattr(result, "__next__"):
            for part in result:
                if event.cancelled:
                    result.close()
                    break
                # The client sees each yielded value at once.
                _write(_line({"id": number, "more": True, "actions": _actions(part, event)}))
            result = None
        yield _line({"id": number, "actions": _actions(result, event)})
    except Error as error:
        yield _line({"id": number, "error": {"code": error.code, "message": error.message}})
    except Cancelled:
        yield _line({"id": number, "actions": []})
    except Exception:
        traceback.print_exc()
        error = {"code": "failed", "message": "the consumer failed"}
        yield _line({"id": number, "error": error})


def _actions(result, event):
    """The result of a function as a list of actions."""
    if result is None:
        return []
    if isinstance(result, (list, tuple)):
        return list(result)
    if isinstance(result, dict) and len(result) == 1 and next(iter(result)) in _ACTIONS:
        return [result]
    kind = "text" if isinstance(result, str) else "bytes" if isinstance(result, bytes) else "json"
    act = {"http.request": respond, "task": answer}.get(event["channel"], send)
    return [act(**{kind: result})]


_ACTIONS = set(
    "accept deny send close respond group_add group_discard group_send push cancel progress answer"
    " state log".split()
)


def _line(value):
    """A line for the service. Values that JSON cannot hold are errors of the function."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _write(*lines):
    data = b"".join(lines)
    with _write_lock:
        while data:
            data = data[os.write(_output, data) :]
