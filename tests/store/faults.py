"""Faults of the kernel: a system call of a process that kills it, or fails, as strace can make it.

The processes are forked off one that has no threads: a lock that another thread holds in that moment would stay locked.
"""

import multiprocessing
import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

TIME_LIMIT = 60
"""Seconds that such a process may take."""

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["orket_pipelines.store.migrate", "psycopg"])


@dataclass(frozen=True)
class Fault:
    """What happens at some of the calls named in `calls`, as strace says it: `signal=SIGKILL`, `error=ENOSPC`."""

    calls: str
    what: str


def can_be_made() -> bool:
    """Whether strace is there, and may attach to a process of ours."""
    if shutil.which("strace") is None:
        return False
    return do_under(partial(os.fsync, 0), Fault("fsync", "signal=SIGKILL"), 1)


def do_under(act: Callable[[], object], fault: Fault, number: int) -> bool:
    """Do `act`, which can be pickled, in a process of its own, with the fault at the call of that number; whether it
    was killed.
    """
    ours, theirs = _forks.Pipe()
    process = _forks.Process(target=_do, args=(act, theirs))
    process.start()
    theirs.close()
    inject = f"inject={fault.calls}:{fault.what}:when={number}"
    command = ["strace", "-f", "-o", os.devnull, "-e", f"trace={fault.calls}", "-e", inject, "-p", str(process.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        # It says that it has attached, or why it cannot.
        tracer.stderr.readline()
        ours.send("go")
        process.join()
    assert process.exitcode in {0, 1, -signal.SIGKILL}, f"the process ended with {process.exitcode}"
    assert process.exitcode != 1, ours.recv()
    ours.close()
    return process.exitcode != 0


def _do(act: Callable[[], object], says: Connection) -> None:
    signal.alarm(TIME_LIMIT)
    says.recv()
    try:
        act()
    except Exception:  # noqa: BLE001 - whatever it is, the test tells it
        says.send(traceback.format_exc())
        os._exit(1)
    os._exit(0)
