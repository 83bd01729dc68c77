"""The networks that sandboxes stand on, on an engine: there before anything stands on them, and gone after it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from orket_pipelines.clock import Clock
from orket_pipelines.containers.model import PUBLISHED, Network
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import ContainerError, SubnetTaken
from orket_pipelines.sandboxes.allocations import SUBNET
from orket_pipelines.sandboxes.at_once import in_parallel
from orket_pipelines.sandboxes.runtime import FRONT, AddressTaken, Generation
from orket_pipelines.sandboxes.specs import Station, front_spec, network_spec
from orket_pipelines.store import failpoint, reach

AFTER_NETWORK = failpoint("sandboxes.after_network")
SEALED_REMOVED = failpoint("sandboxes.down.sealed_removed")
SETTLING, PAUSE = 2.0, 0.05
"""Seconds that a front which another makes right now may take to be there, and between two looks."""
FRONT_TRIES = 3
"""How often a front is made that goes before anything stands on it."""
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of the sandboxes of an installation."""

    engine: Engine
    station: Station
    clock: Clock

    def have(self, generation: Generation, which: str) -> str:
        """The name of a sealed network of the sandbox, made where it is not there yet. Raises: AddressTaken."""
        spec = network_spec(self.station, generation, which)
        if spec.name not in {each.name for each in self.engine.networks(self.station.found_by(generation.sandbox))}:
            try:
                self.engine.create_network(spec)
            except SubnetTaken as error:
                raise AddressTaken(SUBNET, spec.subnet or "") from error
            reach(AFTER_NETWORK)
        return spec.name

    def on_front(self, subnet: str | None, start: Callable[[str], _Made]) -> _Made:
        """What `start` makes on the network of that name, which the sandboxes of a workspace share: it is made where it
        is not there, and again where the last sandbox that stood on it took it away meanwhile.

        Raises: AddressTaken, and what `start` raises.
        """
        for _ in range(FRONT_TRIES):
            front = self._front() or self._make_front(subnet)
            try:
                return start(front.name)
            except ContainerError:
                now = self._front()
                if now is not None and now.id == front.id:
                    raise
        raise ContainerError(f"network {front.name} was removed {FRONT_TRIES} times before anything stood on it")

    def remove(self, sandbox: str) -> None:
        """Remove those of a sandbox, and the front where nothing stands on it any more."""
        found = self.engine.networks(self.station.found_by(sandbox))
        in_parallel(lambda each: self.engine.remove_network(each.id), found)
        reach(SEALED_REMOVED)
        front = self._front()
        if front is not None:
            # The engine knows best whether another sandbox is on it, and refuses then.
            with suppress(ContainerError):
                self.engine.remove_idle_network(front.id)

    def _front(self) -> Network | None:
        found = self.engine.networks(self.station.found_by(FRONT))
        return next((each for each in found if PUBLISHED in each.labels), None)

    def _make_front(self, subnet: str | None) -> Network:
        try:
            made = self.engine.create_network(front_spec(self.station, subnet))
        except ContainerError as error:
            # Mostly as somebody else makes the very same right now: by name, subnet and bridge there is one.
            found = self._settled()
            if found is not None:
                return found
            if isinstance(error, SubnetTaken):
                raise AddressTaken(SUBNET, subnet or "") from error
            raise
        reach(AFTER_NETWORK)
        return made

    def _settled(self) -> Network | None:
        until = self.clock.monotonic() + SETTLING
        while (found := self._front()) is None and self.clock.monotonic() < until:
            self.clock.sleep(PAUSE)
        return found
