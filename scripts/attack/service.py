"""The service under attack, and an honest client."""

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from .wire import picture, read_text, shake_hands

PICTURE = Path(__file__).resolve().parent.parent.parent / "consumers/page/samples/alps.jpg"


class Service:
    def __init__(self, program, folder, table):
        Path(folder, "routing.toml").write_text(table)
        Path(folder, "media").mkdir()
        self.log = open(Path(folder, "log"), "w+")
        command = [str(program), "serve", "routing.toml"]
        self.process = subprocess.Popen(command, cwd=folder, stderr=self.log)
        until = time.monotonic() + 10
        while not (found := re.search(r"listening.*http://([\d.]+):(\d+)", self.said())):
            if time.monotonic() > until or self.process.poll() is not None:
                sys.exit(f"{program} does not listen:\n{self.said()}")
            time.sleep(0.05)
        self.address = found[1], int(found[2])

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def memory(self, what):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


class Honest(threading.Thread):
    """Sends one picture after another, and counts answers without a URL."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.goes_on = service, True
        self.answered, self.lost, self.times = 0, [], []
        self.file = PICTURE.read_bytes()

    def run(self):
        client = None
        while self.goes_on:
            begun = time.monotonic()
            try:
                client = client or shake_hands(self.service.address, "/ws")
                client.sendall(picture("1", self.file, zoom=0.25))
                answer = read_text(client)
                if "url" not in answer:
                    raise ConnectionError(answer.get("code", str(answer)))
                self.answered += 1
            except OSError as error:
                self.lost.append(str(error))
                client = None
            self.times.append(time.monotonic() - begun)
            time.sleep(0.05)
