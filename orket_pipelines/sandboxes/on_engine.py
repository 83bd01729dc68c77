"""Sandboxes as containers: a bridge with no way out and a container per service; what carries connections from a port
of 127.0.0.1 to each stands on a bridge of its own besides, and outlives generations."""

import posixpath
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.containers.model import (
    PURPOSE,
    Container,
    ContainerPurpose,
    ContainerSpec,
)
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import CHECKOUT_TARGET
from orket_pipelines.errors import SandboxError, Stopped
from orket_pipelines.sandboxes import ways
from orket_pipelines.sandboxes.at_once import AT_ONCE, in_parallel
from orket_pipelines.sandboxes.beside import Circumstances, free_memory, why_in_place
from orket_pipelines.sandboxes.building import Archive, Tail, run_script
from orket_pipelines.sandboxes.forwarding import AFTER_CONTAINER, Forwarding
from orket_pipelines.sandboxes.model import Service
from orket_pipelines.sandboxes.networks import Networks
from orket_pipelines.sandboxes.probing import listening_ports
from orket_pipelines.sandboxes.runtime import (
    BESIDE,
    FRONT,
    SEALED,
    Condition,
    DeploymentFailed,
    Generation,
    Handles,
    end_of,
    is_page,
)
from orket_pipelines.sandboxes.source import unpack
from orket_pipelines.sandboxes.specs import (
    SOURCE,
    Station,
    alias_of,
    build_spec,
    container_name,
    forwarded,
    inside_url,
    network_name,
    port_of,
    service_spec,
    slug,
    target_of,
)
from orket_pipelines.sandboxes.starting_databases import Databases
from orket_pipelines.store import failpoint, reach

KILL_PATIENCE, TAKING_PATIENCE = 5.0, 60.0
"""Seconds that a build gets beyond its time until we no longer wait, and that taking its output may take."""
GRACE = 3.0
"""Seconds that a stopped service gets to end by itself."""
KILLED = 137
"""How a shell tells that its command was killed."""
AFTER_BUILD_CONTAINER = failpoint("sandboxes.after_build_container")


@dataclass(frozen=True, slots=True)
class ContainerRuntime:
    """Runs sandboxes on an engine."""

    engine: Engine
    station: Station
    clock: Clock = field(default_factory=SystemClock)
    free_memory: Callable[[], int | None] = free_memory
    isolation: str = "container"

    def networks(self, sandbox: str, serving: Handles) -> tuple[str, ...]:
        """The front, and the one of the two sealed ones that nothing serves on."""
        taken = serving.get("network") == network_name(sandbox, SEALED)
        return (BESIDE if taken else SEALED, FRONT)

    def why_in_place(self, generation: Generation, serving: Handles) -> str | None:
        """As the facts decide."""
        forwarder = self.engine.find(serving.get("forwarder", ""))
        services = [service.name for service in generation.plan.services]
        seen = Circumstances(
            wish=self.station.beside,
            forwards=forwarder is not None and forwarder.running,
            forwarded=serving.get("forwarded", ()),
            services=services,
            needed=self.station.limits.memory * len(services),
            free=self._free_memory(),
        )
        return why_in_place(seen)

    def end_builds(self, sandbox: str) -> None:
        """Remove the containers of builds."""
        builds = self.station.found_by(sandbox) | {PURPOSE: str(ContainerPurpose.BUILD)}
        in_parallel(lambda each: self.engine.remove(each.id), self.engine.containers(builds))

    def build(self, generation: Generation, service: Service, *, stop: threading.Event) -> None:
        """Run the build where there is no network, over a copy that goes with its container; what it made comes out
        as an archive: nothing that a build does can touch a folder of this host."""
        spec = build_spec(self.station, generation, service)
        archive = generation.folder / f"{slug(service.name)}.tar"
        self.engine.remove(spec.name)
        try:
            self.engine.start(spec)
            reach(AFTER_BUILD_CONTAINER)
            self._run_build(spec, service, stop)
            self._take(spec, service, archive, stop)
            unpack(archive, generation.made(service), limit=self.station.scratch)
        except SandboxError as error:
            raise DeploymentFailed(str(error)) from error
        finally:
            self.engine.remove(spec.name)
            archive.unlink(missing_ok=True)

    def start(self, generation: Generation, serving: Handles) -> Handles:
        """Make the networks where they are not there yet, and start every database and service, and the forwarder
        unless it carries connections to what serves."""
        sealed, _ = self.networks(generation.sandbox, serving)
        handles = self._handles(generation, network_name(generation.sandbox, sealed), serving)
        ways.lead(serving or handles, asked=handles)
        networks = Networks(self.engine, self.station, self.clock)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # What nothing else waits for begins with it.
            made = pool.submit(networks.have, generation, sealed)
            forwarding = pool.submit(
                Forwarding(self.engine, self.station, networks).to, generation, made.result, serving
            )
            network = made.result()
            databases = Databases(self.engine, self.station, self.clock).start(generation, network)
            specs = [service_spec(self.station, generation, each, network) for each in generation.plan.services]
            starting = [pool.submit(self._start, spec) for spec in specs]
            facts = pool.submit(self.engine.facts)
            for each in starting:
                each.result()
            forwarder = forwarding.result()
        return handles | {"forwarder": forwarder, "databases": databases, "tier": facts.result().tier}

    def switch(self, handles: Handles) -> None:
        """By the file that the forwarder reads."""
        ways.lead(handles)

    def conditions(self, sandbox: str, handles: Handles) -> dict[str, Condition]:
        """How the containers stand; one that the engine does not know is gone."""
        known = {each.name: each for each in self._containers(sandbox)}
        return {name: _condition(known.get(each)) for name, each in _named(handles).items()}

    def listening(self, handles: Handles, service: str) -> dict[int, bool] | None:
        """What the kernel says inside the container."""
        tail = Tail(200_000)
        container = self.engine.find(handles["containers"][service])
        if container is None or not container.running:
            return None
        self.engine.execute(container.id, ["cat", "/proc/net/tcp", "/proc/net/tcp6"], output=tail.add)
        return listening_ports(tail.text())

    def logs(self, handles: Handles, *, tail: int, stamped: bool = False) -> dict[str, str]:
        """The end of what the containers said."""
        there = {n: each for n, each in _named(handles).items() if self.engine.find(each) is not None}
        return {name: self.engine.logs(each, tail=tail, stamped=stamped) for name, each in there.items()}

    def halt(self, sandbox: str, handles: Handles) -> None:
        """Stop the containers; they stay, with their logs."""
        del handles  # labels tell
        in_parallel(lambda each: self.engine.stop(each.id, grace=GRACE), self._containers(sandbox))

    def clear(self, sandbox: str, handles: Handles, *, keep: bool, grace: float = 0.0) -> None:
        """Remove containers of the sandbox, but not its databases, which the next generation finds as they are. Labels
        tell which there are, also of what was never stored."""
        names: set[str] = set()
        if keep:
            # First, as they may be carried to what goes now.
            ways.lead(handles)
            names = {*_named(handles).values(), handles.get("forwarder", "")}

        def end(container: Container) -> None:
            if grace and container.running:
                self.engine.stop(container.id, grace=grace)
            self.engine.remove(container.id)

        serving = (each for each in self._containers(sandbox) if each.labels.get(PURPOSE) != ContainerPurpose.DATABASE)
        in_parallel(end, (each for each in serving if each.name not in names))

    def remove(self, sandbox: str, handles: Handles) -> None:
        """Remove containers, networks and volumes of the sandbox."""
        del handles  # as above
        in_parallel(lambda each: self.engine.remove(each.id), self._containers(sandbox))
        Networks(self.engine, self.station, self.clock).remove(sandbox)
        for volume in self.engine.volumes(self.station.found_by(sandbox)):
            self.engine.remove_volume(volume.name)

    def _handles(self, generation: Generation, network: str, serving: Handles) -> Handles:
        """What tells of a generation's services, and where the forwarder that is there, or will be, finds them."""
        services, inside = generation.plan.services, serving.get("forwarded") or forwarded(generation)
        return {
            "network": network,
            "containers": {each.name: container_name(generation, each) for each in services},
            "ports": {each.name: port_of(each) for each in services},
            "inside_urls": {each.name: inside_url(each) for each in services},
            "forwarded": inside,
            "led_by": str(generation.ways),
            "ways": {str(inside[each.name]): target_of(generation, each) for each in services},
            "named": {alias_of(each): target_of(generation, each) for each in services},
        }

    def _free_memory(self) -> int | None:
        """The less of what this machine has free and what the engine's has at all: it may be another."""
        free, there = self.free_memory(), self.engine.facts().memory
        return free if free is None or there is None else min(free, there)

    def _start(self, spec: ContainerSpec) -> None:
        self.engine.start(spec)
        reach(AFTER_CONTAINER)

    def _run_build(self, spec: ContainerSpec, service: Service, stop: threading.Event) -> None:
        said = Tail()
        limit = self.station.build_timeout
        # `timeout` inside: the end of the exec's client would not end what it runs.
        command = ["timeout", "-s", "KILL", f"{limit:g}", "sh", "-c", run_script(SOURCE), "sh", service.folder]
        code = self.engine.execute(
            spec.name,
            [*command, *service.build],
            output=said.add,
            folder=CHECKOUT_TARGET,
            should_stop=self._until(limit + KILL_PATIENCE, stop),
        )
        if stop.is_set():
            raise Stopped(f"stopped while {service.name} was being built")
        if code != 0:
            killed = f"was killed, after {limit:g} s or for want of memory"
            why = killed if code in {KILLED, None} else f"ended with code {code}"
            raise DeploymentFailed(f"the build of {service.name} {why}\n{end_of(said.text())}")

    def _take(self, spec: ContainerSpec, service: Service, archive: Path, stop: threading.Event) -> None:
        made = posixpath.normpath(posixpath.join(CHECKOUT_TARGET, service.folder, service.output or "."))
        folder = made if is_page(service) else CHECKOUT_TARGET
        late = self._until(TAKING_PATIENCE, stop)
        with archive.open("wb") as file:
            taken = Archive(file, self.station.scratch)
            # By full names: dependencies come first on the path.
            code = self.engine.execute(
                spec.name,
                ["/bin/sh", "-c", 'exec /bin/tar -C "$1" -cf - . 2>/dev/null', "sh", folder],
                output=taken.add,
                should_stop=lambda: taken.full or late(),
            )
        if stop.is_set():
            raise Stopped(f"stopped while {service.name} was being built")
        if code != 0 or taken.full:
            why = "is too big" if taken.full else "cannot be taken" if code is None else "is not there"
            raise DeploymentFailed(f"the build of {service.name} ended, but its output {service.output or '.'} {why}")

    def _until(self, seconds: float, stop: threading.Event) -> Callable[[], bool]:
        """Whether time is up: what a build left running may hold back whatever counts inside."""
        end = self.clock.monotonic() + seconds
        return lambda: stop.is_set() or self.clock.monotonic() > end

    def _containers(self, sandbox: str) -> list[Container]:
        return self.engine.containers(self.station.found_by(sandbox))


def _named(handles: Handles) -> dict[str, str]:
    """The containers of services and databases by their names among siblings."""
    return {**handles.get("databases", {}), **handles.get("containers", {})}


def _condition(container: Container | None) -> Condition:
    if container is None:
        return Condition("is gone: its container was removed")
    if container.running:
        return Condition(None, container.restarts)
    why = "was killed for want of memory" if container.out_of_memory else f"ended with code {container.exit_code}"
    return Condition(why, container.restarts)
