"""A commit brought up: what takes long first; then it is started, beside what serves where both can be; then the wait
for answers, and only then the change of generations."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orket_pipelines.dependencies.model import Installer
from orket_pipelines.errors import SandboxError, Stopped
from orket_pipelines.sandboxes import allocations, records
from orket_pipelines.sandboxes.model import Plan, Sandbox, SandboxState, Tell
from orket_pipelines.sandboxes.probing import Ask, Silence, await_answers, diagnose
from orket_pipelines.sandboxes.runtime import (
    FRONT,
    PROBE,
    AddressTaken,
    DeploymentFailed,
    Generation,
    Handles,
    Runtime,
    end_of,
)
from orket_pipelines.sandboxes.source import copy_source, discard
from orket_pipelines.sandboxes.specs import alias_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, failpoint, reach
from orket_pipelines.store.effects import Result

AFTER_COPY = failpoint("sandboxes.after_copy")
AFTER_DEPENDENCIES = failpoint("sandboxes.after_dependencies")
AFTER_BUILD = failpoint("sandboxes.after_build")
AFTER_LEASES = failpoint("sandboxes.after_leases")
GIVEN_UP = failpoint("sandboxes.given_up")
AFTER_CLEAR = failpoint("sandboxes.after_clear")
AFTER_START = failpoint("sandboxes.after_start")
AFTER_HEALTHY = failpoint("sandboxes.after_healthy")
SWITCHED = failpoint("sandboxes.switched")
ADDRESS_TRIES = 4
"""The first, and three more where a stranger has a port or subnet."""
KEPT_LINES = 1_000
"""Lines of each log that outlive what said them."""


@dataclass(frozen=True, slots=True)
class BringingUp:
    """What brings commits up, as `DeployedSandboxes` has it."""

    store: Store
    runtime: Runtime
    installer: Installer
    settings: Settings
    ask: Ask
    tell: Tell

    def prepare(
        self, sandbox: Sandbox, made: Plan, checkout: Path, folder: Path, *, stop: threading.Event
    ) -> Generation:
        """The commit in `checkout`, with its files in `folder`, its dependencies and builds: what takes long, and
        touches nothing that serves.

        Raises: DeploymentFailed, InstallFailed where the commit is at fault; SandboxError, ContainerError where this
        machine is; EngineUnavailable, Stopped.
        """
        self.runtime.end_builds(sandbox.id)
        source = folder / "source"
        self.tell("copying the files")
        discard(folder)
        try:
            copy_source(checkout, source, limit=self.settings.checkout_limit)
        except SandboxError as error:
            raise DeploymentFailed(str(error)) from error
        reach(AFTER_COPY)
        self.tell("installing dependencies, where they are not installed yet")
        environment = self.installer.prepare(source, subject=sandbox.id, stop=stop)
        reach(AFTER_DEPENDENCIES)
        generation = Generation(sandbox.id, sandbox.generation, made, folder, environment)
        for service in made.services:
            if service.build:
                self.tell(f"building {service.name}: {' '.join(service.build)}")
                self.runtime.build(generation, service, stop=stop)
                reach(AFTER_BUILD)
        if stop.is_set():
            raise Stopped("stopped before a sandbox was started")
        return generation

    def start(self, generation: Generation, *, stop: threading.Event) -> Result:
        """What was prepared, healthy, and whoever connects coming to it: what its row is to say. What served goes on
        beside it until then, and after; unless it had to go first, which the result says why.

        Raises: as `prepare`. What was started then still runs.
        """
        with self.store.read() as tx:
            serving = records.serving_handles(tx, generation.sandbox)
        in_place = self.runtime.why_in_place(generation, serving) if serving else None
        if in_place is not None:
            self.tell(f"what serves is stopped first: {in_place}")
            self._give_up(generation.sandbox)
            serving = {}
        handles = self._start_at_free_addresses(generation, serving)
        reach(AFTER_START)
        self.tell("waiting until all of them answer")
        with self.store.read() as tx:
            ports = allocations.leased(tx, allocations.PORT, generation.sandbox)
        self._await(generation, handles, _probed(generation, ports, beside=bool(serving)), stop)
        reach(AFTER_HEALTHY)
        if serving:
            self.runtime.switch(handles)
            reach(SWITCHED)
        urls = {service.name: _url(ports, service.name) for service in generation.plan.services}
        done = {"state": str(SandboxState.RUNNING), "note": "", "urls": urls, "handles": handles}
        return done | {"in_place": in_place}

    def _await(
        self, generation: Generation, handles: Handles, addresses: dict[str, str], stop: threading.Event
    ) -> None:
        silent = await_answers(
            addresses,
            lambda: self._ended(generation.sandbox, handles),
            ask=self.ask,
            clock=self.store.clock,
            patience=self.settings.sandbox_start_timeout,
            stop=stop,
        )
        if silent is not None:
            raise self._explained(generation, handles, silent)

    def _give_up(self, sandbox_id: str) -> None:
        """It is known before it is so that nothing serves any more."""
        with self.store.write() as tx:
            records.give_up_serving(tx, sandbox_id)
        reach(GIVEN_UP)

    def _start_at_free_addresses(self, generation: Generation, serving: Handles) -> Handles:
        for _ in range(ADDRESS_TRIES):
            placed = self._place(generation, self.runtime.networks(generation.sandbox, serving))
            reach(AFTER_LEASES)
            self.runtime.clear(generation.sandbox, self._handles(generation.sandbox), keep=bool(serving))
            reach(AFTER_CLEAR)
            self.tell(f"starting {', '.join(service.name for service in placed.plan.services)}")
            try:
                return self.runtime.start(placed, serving)
            except AddressTaken as taken:
                allocations.mark_taken(self.store, taken.kind, taken.value)
        raise SandboxError(
            f"{ADDRESS_TRIES} ports or subnets in a row were in use by other programs",
            next_step="Give sandboxes a range that nothing else uses: ORKET_SANDBOX_PORTS, ORKET_SANDBOX_SUBNETS",
        )

    def _place(self, generation: Generation, networks: Sequence[str]) -> Generation:
        owner, settings = generation.sandbox, self.settings
        names = [*(service.name for service in generation.plan.services), *((PROBE,) if networks else ())]
        ports = {name: allocations.lease_port(self.store, owner, name, settings.sandbox_ports) for name in names}
        subnets = {each: self._lease_subnet(owner, each) for each in networks}
        return replace(generation, ports=ports, subnets=subnets)

    def _lease_subnet(self, owner: str, network: str) -> str:
        if network == FRONT:
            return allocations.lease_front(self.store, self.settings.sandbox_subnets)
        return allocations.lease_subnet(self.store, owner, network, self.settings.sandbox_subnets)

    def _ended(self, sandbox_id: str, handles: Handles) -> dict[str, str]:
        conditions = self.runtime.conditions(sandbox_id, handles)
        return {name: condition.ended for name, condition in conditions.items() if condition.ended is not None}

    def _explained(self, generation: Generation, handles: Handles, silent: Silence) -> DeploymentFailed:
        """Why a service is silent, with the end of what it said; what all of them said is kept."""
        logs = self.runtime.logs(handles, tail=KEPT_LINES)
        kept = generation.folder / "logs"
        kept.mkdir(exist_ok=True)
        for name, text in logs.items():
            (kept / f"{name}.log").write_text(text, errors="replace")
        listening = self.runtime.listening(handles, silent.service) if silent.ended is None else None
        why = diagnose(silent, handles["ports"][silent.service], listening, self.settings.sandbox_start_timeout)
        return DeploymentFailed(f"{why}\n{end_of(logs.get(silent.service, ''))}")

    def _handles(self, sandbox_id: str) -> Handles:
        with self.store.read() as tx:
            return records.handles_of(tx, sandbox_id)


def _probed(generation: Generation, ports: Mapping[str, str], *, beside: bool) -> dict[str, str]:
    """Where each service is asked whether it is healthy: at its own port, or by its name while another one serves
    there."""
    services = generation.plan.services
    if not beside:
        return {each.name: _url(ports, each.name) + each.health_path for each in services}
    return {each.name: f"http://{alias_of(each)}@127.0.0.1:{ports[PROBE]}{each.health_path}" for each in services}


def _url(ports: Mapping[str, str], name: str) -> str:
    return f"http://127.0.0.1:{ports[name]}"
