"""Places, by name, where a test may kill the process to prove that the next one carries on.

`ORKET_FAILPOINT=name` kills at the first time that the place is reached, `name:3` at the third; where it died is the
last line on standard error. The registry is what makes "killed at every failpoint" a statement that a test can
enumerate.
"""

import os
import signal
import threading

DIED = "killed at failpoint "
"""What the last line of a process that died here begins with; the rest is the name."""

_registry: set[str] = set()
_lock = threading.Lock()
_armed: frozenset[str] = frozenset()
_left = 0


def arm(*names: str, count: int = 1) -> None:
    """Die when any of the places `names` is reached, at the `count`th such time from now; without names, never."""
    global _armed, _left
    _armed, _left = frozenset(names), count


def failpoint(name: str) -> str:
    """Register `name` and return it; call at module level, so that importing the rooms enumerates them all."""
    _registry.add(name)
    return name


def registered() -> list[str]:
    """The names of all failpoints of the modules imported so far, sorted."""
    return sorted(_registry)


def reach(name: str) -> None:
    """Die here by SIGKILL if this place is armed; otherwise nothing."""
    if name in _armed:
        _die(name)


def _die(name: str) -> None:
    global _left  # noqa: PLW0603 - as above
    with _lock:
        _left -= 1
        if _left == 0:
            os.write(2, f"{DIED}{name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _arm_from(environment: str) -> None:
    name, _, count = environment.partition(":")
    if name:
        arm(name, count=int(count or 1))


_arm_from(os.environ.get("ORKET_FAILPOINT", ""))
