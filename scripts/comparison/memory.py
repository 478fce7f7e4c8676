"""The most memory that a picture in flight takes: a fresh service, one worker, 12 megapixels.

Pictures are sent one after another. What counts is how far the process's resident memory ever
rises (VmHWM) above what it is before the first of them (VmRSS): the message as it comes in, its
base64 where it has that, the buffers of the codec, the result.
"""

from .photos import stamped
from .service import Waterway
from .wire import Client, converse, framed

PICTURES = 12


def memory_of(program, files, zoom, binary):
    """Bytes."""
    service = Waterway(program)
    try:
        client = Client(service.address)
        before = service.memory("VmRSS")
        for at in range(PICTURES):
            header = {"uuid": str(at), "zoom": zoom, "rType": "plain"}
            frame = framed(header, stamped(files[at % len(files)], at), binary)
            _, [[reply]] = converse([client], [[frame]])
            assert "url" in reply, reply
        client.close()
        return service.memory("VmHWM") - before
    finally:
        service.stop()
