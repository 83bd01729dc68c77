"""What sandboxes run on, as the deployment sees it: containers of an engine, or processes of this machine."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.model import Plan, Service, ServiceKind

SECRETS = "secrets"
"""The folder of a sandbox's files that outlives its generations."""
WAYS = "ways"
"""The folder, as long-lived, of the file that says where connections are carried."""
SEALED, BESIDE, FRONT = "sealed", "beside", "front"
"""The networks of a sandbox: the two that its generations stand on by turns, each with nothing else but its databases
and what carries connections; and the one by which this host reaches what carries them, which all sandboxes of a
workspace share."""
PROBE = "(probe)"
"""What the port is leased for at which services are asked for by name: those that do not serve yet."""
Handles = dict[str, Any]
"""What a runtime needs to find its things again; JSON."""


class DeploymentFailed(SandboxError):
    """A commit cannot be built or started as it is; the message ends with the log's end. A result, not a fault."""


class AddressTaken(SandboxError):
    """A leased port or subnet is in use by somebody whom the store does not know."""

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(f"{kind} {value} is in use by another program")
        self.kind, self.value = kind, value


@dataclass(frozen=True, slots=True)
class Generation:
    """One deployment of a sandbox: what runs, from which files, where.

    `folder` holds its files; `ports` are those of this host by service, `subnets` by network; empty where the runtime
    needs none.
    """

    sandbox: str
    number: int
    plan: Plan
    folder: Path
    environment: Environment
    ports: Mapping[str, int] = field(default_factory=dict)
    subnets: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """The repository's files."""
        return self.folder / "source"

    @property
    def secrets(self) -> Path:
        """Passwords of databases: of the sandbox, not of this deployment."""
        return self.folder.parent / SECRETS

    @property
    def ways(self) -> Path:
        """Where it is written where connections are carried: as above."""
        return self.folder.parent / WAYS

    def made(self, service: Service) -> Path:
        """Where the build of a service leaves its files: a page's output, or a whole tree with what was built."""
        return self.folder / "made" / service.name


@dataclass(frozen=True, slots=True)
class Condition:
    """How a service stands, as its runtime tells. `ended` says how it ended; None while it runs."""

    ended: str | None = None
    restarts: int = 0


class Runtime(Protocol):
    """Where services run. What is of a sandbox is found by the sandbox's id, whatever its handles say: they may never
    have been stored. Every method raises EngineUnavailable where it needs an engine that does not answer."""

    @property
    def isolation(self) -> str:
        """`container` or `process`."""

    def networks(self, sandbox: str, serving: Handles) -> tuple[str, ...]:
        """The networks that a generation needs beside what serves (empty: in place of what there is); none where
        services are reached at ports of their own."""

    def why_in_place(self, generation: Generation, serving: Handles) -> str | None:
        """Why what serves has to go before `generation` is started; None where both can run."""

    def end_builds(self, sandbox: str) -> None:
        """End the builds that a killed worker left: they would write among the files of the next."""

    def build(self, generation: Generation, service: Service, *, stop: threading.Event) -> None:
        """Run the service's build, bounded. Raises: DeploymentFailed with the log's end, Stopped."""

    def start(self, generation: Generation, serving: Handles) -> Handles:
        """Start every service, beside what serves where that is not empty: whoever connects still comes to that.

        Raises: AddressTaken, DeploymentFailed; what was started then still runs.
        """

    def switch(self, handles: Handles) -> None:
        """Whoever connects from now on comes to what these tell of."""

    def conditions(self, sandbox: str, handles: Handles) -> dict[str, Condition]:
        """How each service that was started stands."""

    def listening(self, handles: Handles, service: str) -> dict[int, bool] | None:
        """The ports that a service listens on, each with whether others reach it; None where that is not known."""

    def logs(self, handles: Handles, *, tail: int, stamped: bool = False) -> dict[str, str]:
        """The end of what each service said that is still there, by service. Where `stamped`, each line begins with a
        word that no other line of the service has, and a blank."""

    def halt(self, sandbox: str, handles: Handles) -> None:
        """Stop what runs; what it said stays."""

    def clear(self, sandbox: str, handles: Handles, *, keep: bool, grace: float = 0.0) -> None:
        """Remove whatever runs of any generation, but databases; nothing there is no error. Where `keep`, what the
        handles tell of stays, and whoever connects comes to it. What goes gets `grace` seconds to finish."""

    def remove(self, sandbox: str, handles: Handles) -> None:
        """Remove everything of a sandbox but its files."""


def is_page(service: Service) -> bool:
    """Whether it is files that a server of ours serves."""
    return service.kind in {ServiceKind.SPA, ServiceKind.STATIC}


def command_of(service: Service, port: int, host: str) -> list[str]:
    """How a service is started: `{port}` stands for its port, and an address for all interfaces becomes `host`."""
    return [word.replace("{port}", str(port)).replace("0.0.0.0", host) for word in service.start]  # noqa: S104 - it is replaced


def end_of(log: str, lines: int = 30, characters: int = 4_000) -> str:
    """What of a log a note repeats."""
    return "\n".join(log.replace("\0", "�").strip().splitlines()[-lines:])[-characters:]
