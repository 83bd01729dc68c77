"""What pip and npm of an image look at by default, for a machine that has neither."""

import contextlib
import secrets
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from orket_pipelines.containers.model import Container, ContainerPurpose, ContainerSpec, Scratch
from orket_pipelines.dependencies.installation import Site
from orket_pipelines.dependencies.sources import ADVICE, NPM_DEFAULT, PIP_DEFAULT, Configured
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallInterrupted

PATIENCE = 60.0
FOLDER = "/tmp/python"  # noqa: S108 - a tmpfs of the container's own
SCRIPT = "\n".join(
    (
        # Debian's Python has pip only inside virtual environments.
        f"python3 -m venv {FOLDER} >&2",
        shlex.join((f"{FOLDER}/bin/python", "-c", PIP_DEFAULT)),
        shlex.join(NPM_DEFAULT),
    )
)


def ask_image(site: Site, configured: Configured) -> Configured:
    """What is configured, with the defaults that nobody on this machine knew. Raises: ContainerError where the image
    does not know them either; EngineUnavailable."""
    with _running(site) as container:
        until = site.clock.monotonic() + PATIENCE
        exit_code = site.engine.wait(container.id, should_stop=lambda: site.clock.monotonic() > until)
        said = site.engine.logs(container.id)
    if exit_code is None:
        raise InstallInterrupted(
            f"pip and npm of {site.image} did not tell within {PATIENCE:g} seconds where packages are"
        )
    lines = said.strip().splitlines()[-2:]
    if exit_code != 0 or len(lines) < 2:  # noqa: PLR2004 - pip's and npm's
        raise ContainerError(
            f"pip and npm of {site.image} do not tell where packages are: {said[-500:]}", next_step=ADVICE
        )
    pip, npm = (tuple(line.split()) for line in lines)
    return replace(
        configured,
        pip_default=configured.pip_default or pip,
        npm_default=configured.npm_default or npm,
    )


@contextmanager
def _running(site: Site) -> Iterator[Container]:
    container = site.engine.start(
        ContainerSpec(
            name=f"orket-defaults-{secrets.token_hex(6)}",
            image=site.image,
            command=("sh", "-ec", SCRIPT),
            labels=replace(site.labels, subject="defaults", purpose=ContainerPurpose.INSTALL),
            user=site.user,
            environment={"HOME": "/tmp"},  # noqa: S108 - as above
            scratch=(Scratch("/tmp", executable=True),),  # noqa: S108 - as above
            limits=site.limits,
        )
    )
    try:
        yield container
    finally:
        with contextlib.suppress(EngineUnavailable, ContainerError):
            site.engine.remove(container.id)
