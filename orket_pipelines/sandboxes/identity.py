"""Which process is meant, long after it was started: pids are given out again, and a stranger must never be killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

MARK = "ORKET_SANDBOX"
"""The variable by which processes of a sandbox are known, also those whose pid was never stored."""
LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Identity:
    """A process: its pid, when it started (as the system writes it), and the boot in which that was."""

    pid: int
    started: str
    boot: str

    def document(self) -> dict[str, str | int]:
        """As plain data."""
        return asdict(self)

    @property
    def lives(self) -> bool:
        """Whether that very process runs."""
        return self.boot == _boot() and bool(self.started) and _started(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send a signal to that very process, or to nobody."""
        with _held(self.pid) as descriptor, contextlib.suppress(ProcessLookupError, PermissionError):
            # Asked while it is held: what is signalled is what was asked about, whoever has the pid by then.
            if self.lives and descriptor is not None:
                signal.pidfd_send_signal(descriptor, number)
            elif self.lives and not LINUX:
                os.kill(self.pid, number)


def identify(pid: int) -> Identity:
    """The process that has this pid now."""
    return Identity(pid, _started(pid), _boot())


def marked(mark: str) -> list[int]:
    """The processes that inherited the mark, except this one. None where the system has no /proc."""
    needle = f"{MARK}={mark}".encode()
    found = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _bears(entry, needle)]
    return [pid for pid in found if pid != os.getpid()]


def signal_marked(mark: str, number: int) -> list[int]:
    """Send a signal to every process with the mark; those that were found."""
    needle = f"{MARK}={mark}".encode()
    found = marked(mark)
    for pid in found:
        with _held(pid) as descriptor, contextlib.suppress(ProcessLookupError, PermissionError):
            # As above.
            if descriptor is not None and _bears(Path("/proc", str(pid)), needle):
                signal.pidfd_send_signal(descriptor, number)
    return found


@contextlib.contextmanager
def _held(pid: int) -> Iterator[int | None]:
    """A descriptor of the process that has this pid now; None where there is none, or the system has no such thing."""
    descriptor = None
    if LINUX:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _bears(entry: Path, needle: bytes) -> bool:
    try:
        return needle in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False  # ended, or another user's


def _started(pid: int) -> str:
    """Empty where there is no such process, or it is a zombie."""
    if not LINUX:
        done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return done.stdout.strip()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True, check=False).stdout
