"""What a sandbox is: services found in a repository, a plan for one commit, and the running thing."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from orket_pipelines.store import Lease


class ServiceKind(StrEnum):
    """Jobs and libraries get no port and no health check."""

    WEB = "web"
    SPA = "spa"
    STATIC = "static"
    JOB = "job"
    LIBRARY = "library"


SERVING = frozenset({ServiceKind.WEB, ServiceKind.SPA, ServiceKind.STATIC})
"""What answers HTTP."""


@dataclass(frozen=True, slots=True)
class Service:
    """One thing in a repository that can run.

    `stack` is the framework that builds or serves it, and the language where none does; `ui` is the library that draws
    its pages, where one is declared beside the framework. `databases` are those it seems to talk to.
    `folder` is relative to the root (`.` is the root). `start` is an argv in which `{port}` stands for the port that it
    listens on; empty for a SPA, which is built (`build`) and served from `output` (relative to `folder`).
    `confidence` is 0 to 1; `evidence` says in one line each what was seen, with the file.
    """

    name: str
    stack: str
    kind: ServiceKind
    folder: str
    start: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    output: str | None = None
    port: int | None = None
    health_path: str = "/"
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    language: str = ""
    ui: str | None = None
    databases: tuple[str, ...] = ()

    @property
    def framework(self) -> str | None:
        """What builds or serves it; None where nothing does."""
        return None if self.stack == self.language else self.stack


@dataclass(frozen=True, slots=True)
class Detection:
    """What runs in a repository. `ambiguities` tell a person what could not be decided, and what would decide it.

    `front` and `routes` are what the repository's own manifest says; None where the plan decides.
    """

    services: tuple[Service, ...]
    ambiguities: tuple[str, ...] = ()
    front: str | None = None
    routes: dict[str, str] | None = None

    @property
    def serves(self) -> bool:
        """Whether anything answers HTTP."""
        return any(service.kind in SERVING for service in self.services)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a commit runs. Requests to `front` whose path begins with a key of `routes` go on to that service."""

    services: tuple[Service, ...]
    front: str
    routes: dict[str, str] = field(default_factory=dict)


class SandboxState(StrEnum):
    """Of what a sandbox is now. Events of earlier releases bear earlier words, and are read as what they meant."""

    CREATING = "creating"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETED = "deleted"

    @classmethod
    def _missing_(cls, value: object) -> "SandboxState | None":
        return {"deploying": cls.CREATING, "removed": cls.DELETED}.get(str(value))


RUNS = frozenset({SandboxState.RUNNING, SandboxState.UNHEALTHY})
"""In which a sandbox is to serve the commit that it is at."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A rock's sandbox as stored. One per (rock, workspace); `generation` counts its deployments.

    `urls` are addresses of this host by service (`front` names the one that a person opens), None where it does not
    serve. `note` says why where it is not running. Times are microseconds.

    `serving` is what answers at these addresses where that is not `commit`, which is being deployed or has failed:
    {"commit", "generation", "note"} of the one before, whose note says what is wrong with it, if anything is.
    """

    id: str
    rock_id: str
    repository: str
    state: SandboxState
    isolation: str
    commit: str
    generation: int
    plan: dict[str, Any]
    urls: dict[str, str]
    front: str
    note: str
    expires_at: int | None
    deployed_at: int | None
    updated_at: int
    serving: dict[str, Any] | None = None

    @property
    def url(self) -> str | None:
        """What a person opens."""
        return self.urls.get(self.front)

    @property
    def is_to_answer(self) -> bool:
        """Whether something is to, if only what served before a commit that failed."""
        return self.state in RUNS or (self.state is SandboxState.FAILED and self.serving is not None)

    @property
    def meanwhile(self) -> str:
        """What serves, where that is not its commit, in a sentence; empty where nothing else does."""
        if self.serving is None:
            return ""
        commit, generation, note = (self.serving[name] for name in ("commit", "generation", "note"))
        wrong = f", but {note}" if note else ""
        return f"Commit {commit[:12]} serves meanwhile (deployment {generation}){wrong}."


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of a service that should run.

    `ended` says how it ended (None: it runs); `restarts` are the engine's own in all, and `restarts_before` those at
    the look before. `status` is what it answered (None: nothing); `listening` the ports that it listens on, each with
    whether others reach it (None: not known). `rate` is in characters of log a second; None where it was not measured.
    """

    service: str
    port: int | None = None
    start: tuple[str, ...] = ()
    ended: str | None = None
    restarts: int = 0
    restarts_before: int = 0
    status: int | None = None
    listening: Mapping[int, bool] | None = None
    rate: float | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What to deploy: the repository of `rock_id` at `commit`, of which `source` is a clean checkout.

    Of a plain folder, `rock_id` is what a person calls it, and `commit` tells what is in it.
    """

    rock_id: str
    repository: str
    commit: str
    source: Path


Tell = Callable[[str], None]
"""Hears in a line each what a deployment does now."""


def nobody(what: str) -> None:
    """Hears nothing."""


class Sandboxes(Protocol):
    """Runs sandboxes; one implementation on an engine, one on bare processes, one in memory.

    Rows are written by these methods, with an event for each change. The caller holds the lease `sandbox:<rock>`.
    """

    @property
    def isolation(self) -> str:
        """`container`, `process`, or `memory` for the fake."""

    def under(self, lease: "Lease") -> "Sandboxes":
        """The same, whose writes carry the lease's token: a worker that was overtaken writes nothing."""

    def deploy(self, deployment: Deployment, *, stop: threading.Event, tell: Tell = nobody) -> Sandbox:
        """Bring the rock's sandbox to this commit, healthy; whatever ran before is replaced then, its ports are kept.

        A commit that does not build, start or answer ends as state FAILED with the log's end as note: a result, not an
        error. What ran before goes on then (`serving`), unless it had to go first. Begun again after a kill, it ends in
        the same state. Raises: EngineUnavailable, Stopped.
        """

    def is_healthy(self, sandbox: Sandbox) -> bool:
        """Whether every service answers now, as asked from this host."""

    def network_of(self, sandbox: Sandbox) -> tuple[str, dict[str, str]] | None:
        """The network that its services are on, and their addresses there by service; None where they are processes."""

    def watch(self, sandbox: Sandbox) -> Sandbox:
        """See how a sandbox that should serve stands, and record what changed: unhealthy, failed, or well again.

        Raises: EngineUnavailable, with nothing changed.
        """

    def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
        """The end of what each service said, by service. Where `stamped`, each line begins with a word that no other
        line of the service has, and a blank: by it a reader knows where to go on."""

    def look(self, sandbox: Sandbox) -> tuple[Sighting, ...]:
        """A close look at every service that should run, which takes a second or two; nothing is recorded.

        Raises: EngineUnavailable: nothing is known then.
        """

    def stop(self, sandbox: Sandbox) -> Sandbox:
        """Stop what runs; logs, ports and data stay, and `deploy` starts it again."""

    def down(self, sandbox: Sandbox) -> Sandbox:
        """Remove everything of it: containers or processes, networks, volumes, ports, files; the row stays, removed."""
