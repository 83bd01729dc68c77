"""One worker process of the bench `delivery`: a rock delivered on the null line, and what it cost.

`python -m orket_pipelines.bench.worker_process '{"rock": …, "warm_up": …, "latency": …, "settings": {…}}'` prints a
line of JSON with the fields of `Cost`; what a process loads once is in the memory, and not in the times. The rock
`warm_up`, where one is named, is delivered before anything is measured: what first use costs is not in them either.
"""

import json
import os
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from orket_pipelines.bench.line import null_factory
from orket_pipelines.delivery import Factory, Result, deliver_rock
from orket_pipelines.errors import OrketError
from orket_pipelines.settings import Settings

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of what the system counts memory in."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of CPU and wall, commits, bytes of memory once all is loaded, and at most.

    `began` is when the delivery did, on the system's monotonic clock, which all processes share.
    """

    began: float
    cpu: float
    wall: float
    commits: int
    loaded: int
    peak: int


def work(rock: str, warm_up: str | None, latency: float, settings: dict[str, Any]) -> Cost:
    """Deliver the rock. Raises: OrketError where an issue of it is not done."""
    import_module("orket_pipelines.agents.session")
    with null_factory(Settings(**settings), latency=latency) as factory:
        if warm_up is not None:
            _deliver(factory, warm_up)
        committed = factory.store.commits
        loaded, before, began = _memory(), os.times(), time.monotonic()
        _deliver(factory, rock)
        after, wall = os.times(), time.monotonic() - began
        return Cost(began, sum(after[:2]) - sum(before[:2]), wall, factory.store.commits - committed, loaded, _memory())


def _deliver(factory: Factory, rock: str) -> None:
    left = [each for each in deliver_rock(factory, rock, stop=threading.Event()) if each.result is not Result.DONE]
    if left:
        raise OrketError(f"{len(left)} issues of {rock} were not delivered; the first: {left[0].reason}")


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


if __name__ == "__main__":
    print(json.dumps(asdict(work(**json.loads(sys.argv[1])))), file=sys.stdout)  # noqa: T201 - what the bench reads
