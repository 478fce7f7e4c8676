"""The peak memory of one picture in progress: a new service, one worker, 12 megapixels.

Pictures are sent one after another. The figure is how far the process's resident memory rises at its
peak (VmHWM) above its memory before the first picture (VmRSS): the incoming message, its base64 in the
text framing, the buffers of the codec, and the result.
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
