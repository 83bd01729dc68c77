"""The networks of sandboxes on an engine: there before anything stands on them, and gone after it."""

from dataclasses import dataclass

from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import SubnetTaken
from orket_pipelines.sandboxes.allocations import SUBNET
from orket_pipelines.sandboxes.at_once import in_parallel
from orket_pipelines.sandboxes.runtime import AddressTaken, Generation
from orket_pipelines.sandboxes.specs import Station, network_spec
from orket_pipelines.store import failpoint, reach

AFTER_NETWORK = failpoint("sandboxes.after_network")


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks that an installation's sandboxes stand on."""

    engine: Engine
    station: Station

    def have(self, generation: Generation, which: str) -> str:
        """The name of a network of the sandbox, made where it is not there yet. Raises: AddressTaken."""
        spec = network_spec(self.station, generation, which)
        if spec.name not in {each.name for each in self.engine.networks(self.station.found_by(generation.sandbox))}:
            try:
                self.engine.create_network(spec)
            except SubnetTaken as error:
                raise AddressTaken(SUBNET, spec.subnet or "") from error
            reach(AFTER_NETWORK)
        return spec.name

    def remove(self, sandbox: str) -> None:
        """Remove those of a sandbox."""
        found = self.engine.networks(self.station.found_by(sandbox))
        in_parallel(lambda each: self.engine.remove_network(each.id), found)
