"""The flag that asks the steps of a run to checkpoint and end; the executor sets it, steps hand it to the core."""

import threading
from collections import defaultdict

_flags: defaultdict[str, threading.Event] = defaultdict(threading.Event)


def stop_flag(run_id: str) -> threading.Event:
    """The one flag of this run, in this process."""
    return _flags[run_id]


def forget(run_id: str) -> None:
    """Drop the flag of a run that is over."""
    _flags.pop(run_id, None)
