"""What an engine in memory holds, and how it comes back after a kill: from the journal of what changed."""

import ipaddress
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from orket_pipelines.clock import Clock
from orket_pipelines.containers.labels import network_labels, write_labels
from orket_pipelines.containers.model import (
    Container,
    ContainerSpec,
    Network,
    NetworkSpec,
    Volume,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.store.journal import Entry, Journal

POOL = ipaddress.ip_network("172.16.0.0/12")
"""Where networks lie that ask for no subnet."""
_spec = TypeAdapter(ContainerSpec)
_network = TypeAdapter(Network)
_volume = TypeAdapter(Volume)


@dataclass
class Held:
    """One container. `settled`: its own command has been asked what it comes to."""

    id: str
    spec: ContainerSpec
    created_at: int
    started: int = 0
    running: bool = False
    settled: bool = False
    exit_code: int = 0
    out_of_memory: bool = False
    output: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    settling: threading.Lock = field(default_factory=threading.Lock)


class World:
    """Every change is a line of `path`, where there is one, before it takes effect. The caller locks."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self.containers: dict[str, Held] = {}
        self.networks: dict[str, Network] = {}
        self.volumes: dict[str, Volume] = {}
        self._starts = 0
        self._journal = Journal(path)
        for entry in self._journal.replay():
            self._apply(entry)

    @property
    def entries(self) -> list[Entry]:
        """What changed, oldest first."""
        return list(self._journal.entries)

    def record(self, call: str, **facts: Any) -> None:
        """Write a change down, and let it take effect."""
        self._journal.add(call, **facts)
        self._apply({"call": call, **facts})

    def create(self, spec: ContainerSpec) -> Held:
        """A container that has not been started."""
        made = secrets.token_hex(32)
        self.record("create", container=made, spec=_spec.dump_python(spec, mode="json"), at=self._clock.now())
        return self.containers[made]

    def create_network(self, spec: NetworkSpec) -> Network:
        """A network, its subnet chosen where `spec` has none."""
        labels = network_labels(spec)
        subnet = spec.subnet or self._free_subnet()
        made = Network(secrets.token_hex(32), spec.name, labels, subnet, self._clock.now())
        self.record("create_network", made=_network.dump_python(made, mode="json"))
        return made

    def create_volume(self, spec: VolumeSpec) -> Volume:
        """A volume; the one that is there already, as engines do it."""
        if spec.name not in self.volumes:
            made = Volume(spec.name, write_labels(spec.labels), self._clock.now())
            self.record("create_volume", made=_volume.dump_python(made, mode="json"))
        return self.volumes[spec.name]

    def find(self, name_or_id: str) -> Held | None:
        """By name, or by id."""
        named = (held for held in self.containers.values() if held.spec.name == name_or_id)
        return self.containers.get(name_or_id) or next(named, None)

    def find_network(self, name_or_id: str) -> Network | None:
        """By name, or by id."""
        same = (network for network in self.networks.values() if network.id == name_or_id)
        return self.networks.get(name_or_id) or next(same, None)

    def read(self, held: Held) -> Container:
        """The container as the port tells of it."""
        return Container(
            id=held.id,
            name=held.spec.name,
            image=held.spec.image,
            labels=write_labels(held.spec.labels),
            running=held.running,
            exit_code=None if held.running else held.exit_code,
            restarts=0,
            started_at=datetime.fromtimestamp(held.started, UTC).isoformat(),
            addresses=dict(held.addresses) if held.running else {},
            out_of_memory=held.out_of_memory,
            created_at=held.created_at,
        )

    def ports(self) -> set[int]:
        """Of this host, in use by containers that run."""
        return {port.host_port for held in self.containers.values() if held.running for port in held.spec.ports}

    def overlapping(self, subnet: str | None) -> str | None:
        """The name of a network whose addresses overlap with `subnet`."""
        for network in self.networks.values():
            if subnet and network.subnet and _overlap(subnet, network.subnet):
                return network.name
        return None

    def on(self, network: str) -> str | None:
        """The name of a container that runs and is attached to the network."""
        attached = (held for held in self.containers.values() if held.running and network in held.addresses)
        return next((held.spec.name for held in attached), None)

    def user_of(self, volume: str) -> str | None:
        """The name of a container, running or not, that mounts the volume."""
        for held in self.containers.values():
            if any(isinstance(mount, VolumeMount) and mount.volume == volume for mount in held.spec.mounts):
                return held.spec.name
        return None

    def _free_subnet(self) -> str:
        return next(str(subnet) for subnet in POOL.subnets(new_prefix=24) if not self.overlapping(str(subnet)))

    def _apply(self, entry: Entry) -> None:
        match entry["call"]:
            case "create":
                self.containers[entry["container"]] = Held(
                    entry["container"], _spec.validate_python(entry["spec"]), entry["at"]
                )
            case "remove":
                self.containers.pop(entry["container"]).running = False
            case "create_network":
                made = _network.validate_python(entry["made"])
                self.networks[made.name] = made
            case "remove_network":
                self._detach(entry["network"])
            case "create_volume":
                volume = _volume.validate_python(entry["made"])
                self.volumes[volume.name] = volume
            case "remove_volume":
                del self.volumes[entry["volume"]]
            case _:
                self._change(self.containers[entry["container"]], entry)

    def _change(self, held: Held, entry: Entry) -> None:
        match entry["call"]:
            case "start":
                self._starts += 1
                held.started, held.running = self._starts, True
                if held.spec.network is not None:
                    self._attach(held, held.spec.network)
            case "connect":
                self._attach(held, entry["network"])
            case "say":
                held.settled, held.output = True, held.output + entry["output"]
            case "exit":
                held.running, held.settled, held.exit_code = False, True, entry["code"]
                held.output += entry["output"]
                held.out_of_memory = entry.get("out_of_memory", False)

    def _attach(self, held: Held, network: str) -> None:
        subnet = ipaddress.ip_network(self.networks[network].subnet or POOL)
        taken = {each.addresses.get(network) for each in self.containers.values() if each.running}
        free = (str(host) for host in islice(subnet.hosts(), 1, None))
        held.addresses[network] = next(address for address in free if address not in taken)

    def _detach(self, network: str) -> None:
        del self.networks[network]
        for held in self.containers.values():
            held.addresses.pop(network, None)


def _overlap(one: str, other: str) -> bool:
    return ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other))
