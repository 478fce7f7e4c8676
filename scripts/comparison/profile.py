"""Where a service spends its CPU time, from a `perf` profile: samples of whole call chains.

"Own" is everything but reading and writing JPEG and storing files: sockets, frames, base64, routing,
queue, names, answers, and the kernel's part in them. An interrupt counts for the code that it
interrupted. While the service sends an answer, the loopback also does the client's part of receiving
it; that is a part of its own, and not the service's.
"""

import collections
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time

PERF = "perf record -q -e cpu-clock -F 999 --call-graph dwarf,8192"

# The part of a frame is the first pattern that matches, and the innermost frame that matches counts.
# Inlined frames lack paths, so those of codecs are listed by their names.
CODE = (
    ("base64", r"base64"),
    ("files", r"waterway_consumers::storage"),
    (
        "codec",
        r"waterway_consumers::image::(codec|planes|picture|pipeline|plan|step|resize|scratch|halve"
        r"|enlarge|colour)|^(enlarge|halve|probe|reshape|exif|icc|stripped)\b.*\(inlined\)"
        r"|j(peg|simd|copy|init)|\btj|zune|encode_mcu|forward_DCT|grayscale_convert"
        r"|fullsize_downsample|compress_data",
    ),
)
# The kernel's work, requested or not.
CALLS = (
    ("interrupts", r"sysvec_|irqentry|common_interrupt"),
    ("memory", r"exc_page_fault|sys_(mmap|munmap|madvise|brk)"),
    ("sockets", r"sys_recv|sys_send|writev"),
    ("files", r"sys_(openat|write|rename|unlink|close|statx|newfstat)|__fput"),
    ("waiting and waking", r"epoll|futex|sched_yield|eventfd|schedule"),
)
CLIENTS_PART = r"net_rx_action|process_backlog|tcp_v4_rcv"
OTHERS = ("codec", "files", "the client's part")


@contextlib.contextmanager
def profile(process):
    """Profiles a process. At the end, the dictionary has each part's share of the CPU time, the
    largest first."""
    shares = {}
    with tempfile.NamedTemporaryFile() as data:
        command = [*PERF.split(), "-o", data.name, "-p", str(process)]
        perf = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(1)
        try:
            yield shares
        finally:
            perf.send_signal(signal.SIGINT)
            perf.wait()
        parts = collections.Counter(part_of(*chain) for chain in chains_of(data.name))
    if not parts:
        sys.exit("perf saw nothing of the service: it needs root, or kernel.perf_event_paranoid = -1")
    shares.update((part, samples / parts.total()) for part, samples in parts.most_common())


def chains_of(data):
    """Each sample's frames, the innermost first: the kernel's, and the program's."""
    script = subprocess.Popen(
        ["perf", "script", "-i", data, "-F", "tid,ip,sym"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    kernel, program = [], []
    for line in script.stdout:
        if found := re.match(r"\s+([0-9a-f]+) (.+)", line):
            if found[2] != "[unknown]":
                (kernel if found[1].startswith("ffffffff") else program).append(found[2])
        elif kernel or program:
            yield kernel, program
            kernel, program = [], []
    if kernel or program:
        yield kernel, program


def part_of(kernel, program):
    fits = ((part, frame) for frame in program for part, names in CODE if re.search(names, frame))
    code = next(fits, ("own code", ""))[0]
    if not kernel:
        return code
    asked = " ".join(kernel)
    call = next((part for part, names in CALLS if re.search(names, asked)), "else")
    if call == "sockets" and "send" in asked and re.search(CLIENTS_PART, asked):
        return "the client's part"
    # Interrupts and page faults count for the code that they interrupt.
    if call in ("interrupts", "memory") and code in OTHERS:
        return code
    return call
