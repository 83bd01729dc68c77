"""The forwarder of a sandbox on an engine: started with the first generation, and kept by those that follow."""

from collections.abc import Callable
from dataclasses import dataclass

from orket_pipelines.containers.model import Container
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import PortTaken
from orket_pipelines.sandboxes.allocations import PORT
from orket_pipelines.sandboxes.networks import Networks
from orket_pipelines.sandboxes.runtime import FRONT, AddressTaken, Generation, Handles
from orket_pipelines.sandboxes.specs import Station, forwarder_name, forwarder_spec
from orket_pipelines.store import failpoint, reach

AFTER_CONTAINER = failpoint("sandboxes.after_container")
AFTER_JOINING = failpoint("sandboxes.after_joining")


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What carries connections from this host to sandboxes."""

    engine: Engine
    station: Station
    networks: Networks

    def to(self, generation: Generation, sealed: Callable[[], str], serving: Handles) -> str:
        """The forwarder on the network of the services besides: started, unless it carries to what serves. `sealed`
        waits for the name of that network.

        Raises: AddressTaken.
        """
        name = forwarder_name(generation.sandbox)
        if serving:
            found = self.engine.find(name)
        else:
            subnet = generation.subnets.get(FRONT)
            found = self.networks.on_front(subnet, lambda front: self._start(generation, front))
        network = sealed()
        if found is None or network not in found.addresses:
            self.engine.connect(network, name)
            reach(AFTER_JOINING)
        return name

    def _start(self, generation: Generation, front: str) -> Container:
        spec = forwarder_spec(self.station, generation, front)
        try:
            made = self.engine.start(spec)
        except PortTaken as error:
            # The engine names the port somewhere in its words.
            ports = [str(port.host_port) for port in spec.ports]
            raise AddressTaken(PORT, next((port for port in ports if port in str(error)), ports[0])) from error
        reach(AFTER_CONTAINER)
        return made
