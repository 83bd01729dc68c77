"""What the engine is asked for to run a database of a sandbox: pure, so that tests compare literals."""

from orket_pipelines.containers.model import (
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Scratch,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.sandboxes.databases import DATABASE_SECRETS, Database
from orket_pipelines.sandboxes.runtime import Generation
from orket_pipelines.sandboxes.specs import Station, labels

RUNTIME_FILES = 16 * 1024**2
"""Of sockets and process ids."""


def database_spec(station: Station, generation: Generation, database: Database, network: str) -> ContainerSpec:
    """A database: no published port, its data in a volume, its password in a file. It outlives generations."""
    facts = database.facts
    return ContainerSpec(
        name=database_name(generation, database),
        image=station.database_images[database.kind],
        command=facts.command,
        labels=labels(station, generation, ContainerPurpose.DATABASE),
        user=station.user,
        environment={"HOME": "/tmp", **facts.environment},  # noqa: S108 - a tmpfs
        mounts=(
            VolumeMount(database_name(generation, database), facts.data, read_only=False),
            FolderMount(generation.secrets / database.kind, DATABASE_SECRETS),
        ),
        scratch=(Scratch("/tmp"), *(Scratch(target, RUNTIME_FILES) for target in facts.scratch)),  # noqa: S108 - as above
        limits=station.limits,
        network=network,
        aliases=(database.host,),
        restarts=station.restarts,
    )


def volume_spec(station: Station, generation: Generation, database: Database) -> VolumeSpec:
    """What is in a database goes with its sandbox."""
    return VolumeSpec(database_name(generation, database), labels(station, generation, ContainerPurpose.DATABASE))


def database_name(generation: Generation, database: Database) -> str:
    """Of its container and of its volume."""
    return f"orket-{generation.sandbox[:12]}-{database.kind}"
