"""Faults of the kernel: a system call of a forked process that kills it, or fails, as strace can make it."""

import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable
from dataclasses import dataclass

TIME_LIMIT = 60
"""Seconds that such a process may take."""


@dataclass(frozen=True)
class Fault:
    """What happens at some of the calls named in `calls`, as strace says it: `signal=SIGKILL`, `error=ENOSPC`."""

    calls: str
    what: str


def can_be_made() -> bool:
    """Whether strace is there, and may attach to a process of ours."""
    if shutil.which("strace") is None:
        return False
    return do_under(lambda: os.fsync(0), Fault("fsync", "signal=SIGKILL"), 1)


def do_under(act: Callable[[], object], fault: Fault, number: int) -> bool:
    """Do `act` in a process of its own, with the fault at the call of that number; whether it was killed.

    What it had open before, it must not use.
    """
    waits, goes = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(TIME_LIMIT)
        os.read(waits, 1)
        _do(act)
    inject = f"inject={fault.calls}:{fault.what}:when={number}"
    command = ["strace", "-f", "-o", os.devnull, "-e", f"trace={fault.calls}", "-e", inject, "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        # It says that it has attached, or why it cannot.
        tracer.stderr.readline()
        os.write(goes, b".")
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(waits)
    os.close(goes)
    assert ended in {0, -signal.SIGKILL}, f"the process ended with {ended}, see its traceback"
    return ended != 0


def _do(act: Callable[[], object]) -> None:
    try:
        act()
    except BaseException:  # noqa: BLE001 - nothing of the parent may run on in the child
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
