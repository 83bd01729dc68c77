"""The facts of an attack: what it is, what its probe told, what was seen from outside, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`not tried`: it stays open whether a wall stood, or nobody was behind it."""

    HELD = "held"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing that a probe tried. `told` is how it went; `amount` what it came to, where that is counted."""

    what: str
    succeeded: bool
    told: str = ""
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A network address; `reachable` says whether this machine itself gets an answer there."""

    host: str
    port: int
    reachable: bool = False

    @property
    def what(self) -> str:
        """As probes name it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What attacker and judge know of the machine and of the two sandboxes on it.

    `secret` stands in files that no container may see. Sizes are in bytes, limits those of each container.
    """

    outside: tuple[Target, ...]
    metadata: tuple[Target, ...]
    resolvers: tuple[Target, ...]
    host: tuple[Target, ...]
    neighbours: tuple[Target, ...]
    host_process: int
    memory: int
    processes: int
    log: int
    secret: str
    containers: frozenset[str] = frozenset()
    seconds: float = 2.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen from outside once the probe had ended.

    `strays` are things that nobody asked for: containers, images, files. `log` is how many bytes of log the engine
    keeps of the attacker; `quiet` and `loaded` the 95th percentile of a neighbour's answers in seconds, before and
    during the attack (None: not measured, or it did not answer).
    """

    strays: tuple[str, ...] = ()
    log: int = 0
    quiet: float | None = None
    loaded: float | None = None


Judge = Callable[[Sequence[Attempt], Ground, Seen], tuple[Verdict, str]]
"""What comes of it, and why, in plain words."""


@dataclass(frozen=True, slots=True)
class Attack:
    """`claim` is the sentence that the attack tries to disprove. `probe` names a file of `probes/` and a function in
    it. `is_bomb`: it loads the machine, and a neighbour's answers are timed meanwhile."""

    name: str
    claim: str
    probe: tuple[str, str]
    judge: Judge
    is_bomb: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack; `seconds` that it took."""

    name: str
    claim: str
    verdict: Verdict
    told: str
    seconds: float
