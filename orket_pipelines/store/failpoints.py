"""Places, by name, where a test may kill the process to prove that the next one carries on.

`ORKET_FAILPOINT=name` kills at the first time that the place is reached, `name:3` at the third.
The registry is what makes "killed at every failpoint" a statement that a test can enumerate.
"""

import os
import signal
import threading

_registry: set[str] = set()
_lock = threading.Lock()
_armed, _, _count = os.environ.get("ORKET_FAILPOINT", "").partition(":")
_left = int(_count or 1)


def failpoint(name: str) -> str:
    """Register `name` and return it; call at module level, so that importing the rooms enumerates them all."""
    _registry.add(name)
    return name


def registered() -> list[str]:
    """The names of all failpoints of the modules imported so far, sorted."""
    return sorted(_registry)


def reach(name: str) -> None:
    """Die here by SIGKILL if this place is armed; otherwise nothing."""
    if name == _armed:
        _die()


def _die() -> None:
    global _left  # noqa: PLW0603 - counted down once per process, right before it dies
    with _lock:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
