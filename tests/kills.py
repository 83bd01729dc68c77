"""Processes that are killed on purpose: forked, so that nothing has to be started, and armed before they begin."""

import os
import signal
import sys
import traceback
from collections.abc import Callable

from orket_pipelines.store.failpoints import DIED, arm

TIME_LIMIT = 120
"""Seconds that such a process may take."""


def do_and_die(act: Callable[[], object], *failpoints: str, count: int = 1) -> str:
    """Do `act` in a process of its own, which dies when it comes to one of `failpoints` for the `count`th time.

    Returns where it died; nothing where it came to its end. What it had open before, it must not use.
    """
    sys.stdout.flush()
    said, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(says, 2)
        signal.alarm(TIME_LIMIT)
        try:
            arm(*failpoints, count=count)
            act()
        except BaseException:  # noqa: BLE001 - nothing of the parent may run on in the child
            os.write(2, traceback.format_exc().encode())
            os._exit(1)
        os._exit(0)
    os.close(says)
    with os.fdopen(said) as words:
        told = words.read()
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, -signal.SIGKILL}, f"the process ended with {ended}: {told}"
    return told.splitlines()[-1].removeprefix(DIED) if ended else ""
