"""The forwarder of a sandbox on an engine: started with the first generation, and kept by those that follow."""

from collections.abc import Callable
from dataclasses import dataclass

from orket_pipelines.containers.model import ContainerSpec
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import PortTaken
from orket_pipelines.sandboxes.allocations import PORT
from orket_pipelines.sandboxes.networks import Networks
from orket_pipelines.sandboxes.runtime import FRONT, AddressTaken, Generation, Handles
from orket_pipelines.sandboxes.specs import Station, forwarder_spec, network_name
from orket_pipelines.store import failpoint, reach

AFTER_CONTAINER = failpoint("sandboxes.after_container")
AFTER_JOINING = failpoint("sandboxes.after_joining")


@dataclass(frozen=True, slots=True)
class Forwarding:
    """What carries connections from this host to sandboxes."""

    engine: Engine
    station: Station

    def to(self, generation: Generation, sealed: Callable[[], str], serving: Handles) -> str:
        """The forwarder on the network of the services besides: started, unless it carries to what serves. `sealed`
        waits for the name of that network.

        Raises: AddressTaken.
        """
        spec = forwarder_spec(self.station, generation, network_name(generation.sandbox, FRONT))
        if not serving:
            Networks(self.engine, self.station).have(generation, FRONT)
            self._start(spec)
        found, network = self.engine.find(spec.name), sealed()
        if found is None or network not in found.addresses:
            self.engine.connect(network, spec.name)
            reach(AFTER_JOINING)
        return spec.name

    def _start(self, spec: ContainerSpec) -> None:
        try:
            self.engine.start(spec)
        except PortTaken as error:
            # The engine names the port somewhere in its words.
            ports = [str(port.host_port) for port in spec.ports]
            raise AddressTaken(PORT, next((port for port in ports if port in str(error)), ports[0])) from error
        reach(AFTER_CONTAINER)
