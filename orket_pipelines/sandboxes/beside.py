"""Whether the next generation of a sandbox is started beside the one that serves, which answers until then: pure, but
for the look at this machine's memory."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Wish = Literal["auto", "always", "never"]
"""`auto`: where there is memory for both."""
MEBIBYTE = 1024**2
MEMORY_FACTS = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides. `forwarded` are the services that the forwarder has ports for, `services` those of the next
    generation; `needed` is what these may take in all, and `free` what there is, in bytes (None: not known)."""

    wish: Wish
    forwards: bool
    forwarded: Collection[str]
    services: Collection[str]
    needed: int
    free: int | None


def why_in_place(seen: Circumstances) -> str | None:
    """Why what serves has to go first; None where the next generation is started beside it."""
    if seen.wish == "never":
        return "ORKET_SANDBOX_BESIDE is never"
    if not seen.forwards:
        return "its forwarder does not run"
    if set(seen.forwarded) != set(seen.services):
        return "it has other services, and a forwarder's ports are those that it was started with"
    if seen.wish == "always":
        return None
    if seen.free is None:
        return "it is not known how much memory is free; ORKET_SANDBOX_BESIDE=always does not ask"
    if seen.free < seen.needed:
        have, want = seen.free // MEBIBYTE, seen.needed // MEBIBYTE
        return f"{have} MiB of memory are free, and it may take {want}; ORKET_SANDBOX_BESIDE=always does not ask"
    return None


def free_memory(facts: Path = MEMORY_FACTS) -> int | None:
    """Bytes of this machine that programs can have without swapping; None where the system does not tell."""
    try:
        lines = facts.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * 1024 if found else None
