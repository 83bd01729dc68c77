"""Places, by name, where a test may kill the process to prove that the next one carries on.

`ORKET_FAILPOINT=name` kills at the first time that the place is reached, `name:3` at the third.
The registry is what makes "killed at every failpoint" a statement that a test can enumerate.
"""

import os
import signal
import threading

_registry: set[str] = set()
_lock = threading.Lock()
_armed = ""
_left = 0


def arm(name: str, count: int = 1) -> None:
    """Die when the place `name` is reached for the `count`th time from now; an empty name disarms."""
    global _armed, _left
    _armed, _left = name, count


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
    global _left  # noqa: PLW0603 - as above
    with _lock:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _arm_from(environment: str) -> None:
    name, _, count = environment.partition(":")
    arm(name, int(count or 1))


_arm_from(os.environ.get("ORKET_FAILPOINT", ""))
