"""Run inside a container by `python3 -c`: to take all there is. What was had so far is told as it grows, for the probe
may be killed for it."""

import json
import mmap
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

BLOCK = 8 * 1024**2
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var", "/home", "/root", "/opt")  # noqa: S108 - tried


def tell(what: str, amount: int, told: str = "") -> None:
    print(json.dumps({"what": what, "succeeded": False, "told": told, "amount": amount}), flush=True)


def forks(ground: dict[str, Any]) -> None:
    """Processes that do nothing but work, as many as there can be."""
    children: list[int] = []
    end, told = time.monotonic() + ground["seconds"], "no end of it"
    while len(children) < 2 * ground["processes"]:
        try:
            child = os.fork()
        except OSError as error:
            told = str(error)
            break
        if not child:
            while time.monotonic() < end:
                pass
            os._exit(0)
        children.append(child)
    tell("processes", len(children), told)
    while time.monotonic() < end:
        time.sleep(0.05)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def memory(ground: dict[str, Any]) -> None:
    """Pages that are written to, so that they are really there."""
    held = []
    for count in range(1, (ground["memory"] + ground["memory"] // 4) // BLOCK):
        held.append(mmap.mmap(-1, BLOCK))
        for page in range(0, BLOCK, mmap.PAGESIZE):
            held[-1][page] = 1
        tell("memory", count * BLOCK)


def disk(ground: dict[str, Any]) -> None:
    """Files, wherever one can be made, as large as they get."""
    made, total = [], 0
    for place in dict.fromkeys((*PLACES, os.getcwd())):
        path = f"{place}/.orket-attack"
        with suppress(OSError), open(path, "wb") as file:
            made.append(path)
            while total < 2 * ground["memory"] and file.write(b"x" * BLOCK):
                file.flush()
                total += BLOCK
                tell("files", total, place)
    tell("files", total, "in all")
    for path in made:
        os.unlink(path)


def log(ground: dict[str, Any]) -> None:
    """Lines on the output of the container's first process, which the engine keeps."""
    lines, said = (b"x" * 1023 + b"\n") * 32, 0
    end = time.monotonic() + ground["seconds"]
    with open("/proc/1/fd/1", "wb", buffering=0) as output:
        while time.monotonic() < end:
            said += output.write(lines)
    tell("log", said)


if __name__ == "__main__":
    globals()[sys.argv[1]](json.loads(sys.argv[2]))
