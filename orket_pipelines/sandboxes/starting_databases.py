"""Databases started before the services that need them, and kept over generations with what is in them."""

from dataclasses import dataclass

from orket_pipelines.clock import Clock
from orket_pipelines.containers.model import PURPOSE, ContainerPurpose
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import ContainerError, SandboxError
from orket_pipelines.sandboxes.database_specs import database_name, database_spec, volume_spec
from orket_pipelines.sandboxes.databases import Database, write_secrets
from orket_pipelines.sandboxes.runtime import Generation, end_of
from orket_pipelines.sandboxes.specs import Station, provided

PAUSE = 0.2
"""Seconds between two questions whether a database takes connections: each is a process in its container."""
ANOTHER_IMAGE = "Name an image that is there or can be pulled: ORKET_DATABASE_IMAGES, or none: docs/SANDBOXES.md."


@dataclass(frozen=True, slots=True)
class Databases:
    """The databases of sandboxes on an engine."""

    engine: Engine
    station: Station
    clock: Clock

    def start(self, generation: Generation, network: str) -> dict[str, str]:
        """Have them all running and ready; their containers by host name. What no service wants any more is ended, and
        its data stay.

        Raises: SandboxError where one does not get ready: that is this machine's fault, not the commit's.
        """
        wanted = provided(self.station, generation)
        names = {each.host: database_name(generation, each) for each in wanted}
        self._end_others(generation.sandbox, set(names.values()))
        if wanted:
            write_secrets(generation.secrets, wanted, self.station.user)
        for each in wanted:
            self._start(generation, each, network)
        for each in wanted:
            self._await(names[each.host], each)
        return names

    def _start(self, generation: Generation, database: Database, network: str) -> None:
        spec = database_spec(self.station, generation, database, network)
        found = self.engine.find(spec.name)
        if found is not None and found.running and found.image == spec.image:
            if network not in found.addresses:
                self.engine.connect(network, spec.name, aliases=spec.aliases)
            return
        try:
            if self.engine.find_image(spec.image) is None:
                self.engine.pull(spec.image)
            self.engine.remove(spec.name)
            self.engine.create_volume(volume_spec(self.station, generation, database))
            self.engine.start(spec)
        except ContainerError as error:
            raise SandboxError(
                f"the database {database.kind} cannot be started: {error}", next_step=ANOTHER_IMAGE
            ) from error

    def _await(self, container: str, database: Database) -> None:
        until = self.clock.monotonic() + self.station.database_patience
        while not self._is_ready(container, database):
            if self.clock.monotonic() > until:
                late = f"took no connection within {self.station.database_patience:g} s"
                said = end_of(self.engine.logs(container, tail=30))
                raise SandboxError(f"the database {database.kind} {late}: {said}", next_step=ANOTHER_IMAGE)
            self.clock.sleep(PAUSE)

    def _is_ready(self, container: str, database: Database) -> bool:
        try:
            return self.engine.execute(container, database.check, output=lambda _: None) == 0
        except ContainerError:
            # It has ended, and the engine may start it again.
            return False

    def _end_others(self, sandbox: str, kept: set[str]) -> None:
        labels = self.station.found_by(sandbox)
        for each in self.engine.containers(labels | {PURPOSE: str(ContainerPurpose.DATABASE)}):
            if each.name not in kept:
                self.engine.remove(each.id)
