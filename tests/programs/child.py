"""A program that does what each message says, well or badly."""

import json
import os
import signal
import subprocess
import sys
import time


def write(data):
    os.write(1, data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")


def text(event, content):
    write({"id": event["id"], "actions": [{"send": {"text": content}}]})


def ignore_the_end(event):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    text(event, str(os.getpid()))
    for _ in sys.stdin:
        pass
    time.sleep(600)


def close_output(event):
    os.close(1)
    time.sleep(600)


def fork(event):
    child = subprocess.Popen(["sleep", "600"])
    text(event, str(child.pid))


def answer_for_another(event):
    write({"id": "e1", "actions": [{"send": {"text": "not yours"}}]})
    write({"id": "e999999", "actions": [{"send": {"text": "nobody's"}}]})
    write({"client": "waterway.n!0", "actions": [{"send": {"text": "nobody's"}}]})
    text(event, "mine")


def long_line(event):
    write(b'{"id":"%s","actions":[{"send":{"text":"' % event["id"].encode())
    for _ in range(100):
        write(b"x" * (1 << 20))
    write(b'"}}]}\n')


def die_after_more(event):
    write({"id": event["id"], "more": True, "actions": [{"send": {"text": "begun"}}]})
    os._exit(7)


def die_once(event):
    if event.get("attempt", 1) == 1:
        os._exit(7)
    text(event, "second try")


def burn_once(event):
    while event.get("attempt", 1) == 1:
        pass
    text(event, "second try")


def open_files(event):
    files = []
    try:
        while True:
            files.append(open(os.devnull))
    except OSError as error:
        text(event, f"{len(files)} {error.strerror}")


def wait(event):
    """Waits while there is a file of this name in the working folder."""
    while os.path.exists("closed"):
        time.sleep(0.005)
    text(event, str(os.getpid()))


def file(event):
    """Where the content is, and what it is."""
    with open(event["file"]) as content:
        text(event, f"{event['file']} {content.read()}")


def tell(event):
    """Acts on the client whose name follows."""
    write({"client": event["text"].split()[1], "actions": [{"send": {"text": "psst"}}]})
    text(event, "told")


DOES = {
    "garbage": lambda event: (write(b"garbage\n\xff\xfe\n[1]\n"), text(event, "after garbage")),
    "half a line": lambda event: (write(b'{"id":"e'), os._exit(7)),
    "long line": long_line,
    "unknown action": lambda event: write({"id": event["id"], "actions": [{"sned": {}}]}),
    "two answers": lambda event: (text(event, "1"), text(event, "2")),
    "another client": answer_for_another,
    "die": lambda event: os._exit(7),
    "die after more": die_after_more,
    "die once": die_once,
    "fork": fork,
    "ignore the end": ignore_the_end,
    "close output": close_output,
    "sleep": lambda event: (print("sleeps", file=sys.stderr, flush=True), time.sleep(600)),
    "pid": lambda event: text(event, str(os.getpid())),
    "environment": lambda event: text(event, " ".join(sorted(os.environ))),
    "errors": lambda event: (print("oh\n" * 1000, file=sys.stderr, flush=True), text(event, "said")),
    "allocate": lambda event: text(event, str(len(bytearray(1 << 30)))),
    "burn once": burn_once,
    "open files": open_files,
    "wait": wait,
    "who": lambda event: text(event, f"{os.getuid()} {os.getgid()} {os.getgroups()}"),
    "name": lambda event: text(event, event["client"]),
    "group": lambda event: text(event, str(os.getpgid(0) == os.getpid())),
}

write({"ready": True})
for line in sys.stdin:
    event = json.loads(line)
    if "cancel" in event:
        print("told to cancel", file=sys.stderr, flush=True)
    elif event.get("text") in DOES:
        DOES[event["text"]](event)
    elif "file" in event:
        file(event)
    elif event.get("text", "").startswith("tell "):
        tell(event)
    elif event.get("text", "").startswith("echo "):
        text(event, event["text"])
    else:
        write({"id": event["id"], "actions": []})
