"""One installation in a container that reaches package sources, through a proxy, and nothing else."""

import contextlib
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from orket_pipelines.clock import MICROSECONDS, Clock
from orket_pipelines.containers.model import (
    Container,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    VolumeMount,
)
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies import proxy as proxy_program
from orket_pipelines.dependencies.plan import DependencySet
from orket_pipelines.dependencies.sources import Host
from orket_pipelines.dependencies.verdict import AGAIN, Ended, verdict
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallInterrupted, Stopped
from orket_pipelines.store import failpoint, reach

PROXY_ALIAS, PROXY_PORT = "proxy", 3128
PROXY_PATIENCE = 30.0
"""Seconds that the proxy may take to listen, on a busy machine."""
POLL = 0.05
EXPIRES_AFTER = 600.0
"""Seconds that the containers of an installation may outlive its deadline before the reaper takes them."""
PROXY_LIMITS = ContainerLimits(memory=256 * 1024**2, cpus=1.0, processes=128, open_files=1024)
AFTER_NETWORKS = failpoint("dependencies.after_networks")
AFTER_PROXY = failpoint("dependencies.after_proxy")
STAGED = failpoint("dependencies.staged")
AFTER_START = failpoint("dependencies.after_start")
ENDED = failpoint("dependencies.ended")


@dataclass(frozen=True, slots=True)
class Site:
    """Where and how installations run. `staging` is a folder below ORKET_HOME; `timeout` in seconds; `labels` of what
    belongs to this worker."""

    engine: Engine
    clock: Clock
    image: str
    user: tuple[int, int]
    limits: ContainerLimits
    labels: Labels
    staging: Path
    timeout: float


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One installation, to be over at `until` (monotonic); `name` is new, and what it makes is named after it."""

    site: Site
    planned: DependencySet
    name: str
    labels: Labels
    stop: threading.Event
    until: float

    @property
    def outside(self) -> str:
        """The network that leads out. Of two, a container takes the one whose name comes first to get out."""
        return f"{self.name}-a-outside"

    @property
    def inside(self) -> str:
        """The network that does not."""
        return f"{self.name}-b-inside"


def install(
    site: Site, planned: DependencySet, volume: str, hosts: tuple[Host, ...], *, subject: str, stop: threading.Event
) -> str:
    """Install `planned` into `volume`; what the installer said.

    Raises: InstallFailed, InstallInterrupted, Stopped, EngineUnavailable. Nothing of it runs on afterwards.
    """
    # Where the process is on another machine, nobody can prove it dead: age is what is left.
    expires = site.clock.now() + round((site.timeout + PROXY_PATIENCE + EXPIRES_AFTER) * MICROSECONDS)
    labels = replace(site.labels, subject=subject, purpose=ContainerPurpose.INSTALL, expires=expires)
    name, until = f"orket-{planned.ecosystem}-{secrets.token_hex(6)}", site.clock.monotonic() + site.timeout
    attempt = _Attempt(site, planned, name, labels, stop, until)
    with ExitStack() as undo:
        _open_networks(attempt, undo)
        reach(AFTER_NETWORKS)
        proxy = _start_proxy(attempt, hosts, undo)
        reach(AFTER_PROXY)
        staged = undo.enter_context(_staged(attempt))
        reach(STAGED)
        container = _start(site.engine, _install_spec(attempt, volume, staged), undo)
        reach(AFTER_START)
        ended = _wait(attempt, container, proxy)
        reach(ENDED)
    error = verdict(ended, timeout=site.timeout)
    if error is not None:
        raise error
    return ended.log


def _open_networks(attempt: _Attempt, undo: ExitStack) -> None:
    engine, labels = attempt.site.engine, replace(attempt.labels, purpose=ContainerPurpose.PROXY)
    for name, egress in ((attempt.outside, True), (attempt.inside, False)):
        undo.callback(_if_possible, partial(engine.remove_network, name))
        engine.create_network(NetworkSpec(name, labels, egress=egress))


def _start_proxy(attempt: _Attempt, hosts: tuple[Host, ...], undo: ExitStack) -> Container:
    """The proxy, once it listens."""
    site, source = attempt.site, Path(proxy_program.__file__).read_text()
    spec = ContainerSpec(
        name=f"{attempt.name}-proxy",
        image=site.image,
        command=("python3", "-c", source, str(PROXY_PORT), *map(str, hosts)),
        labels=replace(attempt.labels, purpose=ContainerPurpose.PROXY),
        user=site.user,
        limits=PROXY_LIMITS,
        network=attempt.outside,
    )
    proxy = _start(site.engine, spec, undo)
    site.engine.connect(attempt.inside, proxy.id, aliases=(PROXY_ALIAS,))
    until = site.clock.monotonic() + PROXY_PATIENCE
    while proxy_program.READY not in (said := site.engine.logs(proxy.id)):
        if attempt.stop.is_set():
            raise Stopped("stopped before dependencies were installed")
        if site.clock.monotonic() > until or not _is_running(site.engine, proxy):
            raise InstallInterrupted(f"the proxy of an installation does not run: {said[-500:]}", next_step=AGAIN)
        site.clock.sleep(POLL)
    return proxy


def _install_spec(attempt: _Attempt, volume: str, staged: Path) -> ContainerSpec:
    site, planned = attempt.site, attempt.planned
    address = f"http://{PROXY_ALIAS}:{PROXY_PORT}"
    return ContainerSpec(
        name=attempt.name,
        image=site.image,
        command=planned.script,
        labels=attempt.labels,
        user=site.user,
        environment={"HTTPS_PROXY": address, "HTTP_PROXY": address, "NO_PROXY": "", **dict(planned.variables)},
        folder=planned.folder,
        mounts=(FolderMount(staged, planned.folder), VolumeMount(volume, planned.target, read_only=False)),
        limits=site.limits,
        network=attempt.inside,
    )


@contextmanager
def _staged(attempt: _Attempt) -> Iterator[Path]:
    """A folder with what the installer may read, and a place for what is mounted in it.

    Named after the key, whose lease we hold: what a kill left of it is found again.
    """
    planned, folder = attempt.planned, attempt.site.staging / attempt.planned.key
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        for file, text in planned.files.items():
            (folder / file).write_text(text)
        if Path(planned.target).is_relative_to(planned.folder):
            (folder / Path(planned.target).relative_to(planned.folder)).mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(attempt: _Attempt, container: Container, proxy: Container) -> Ended:
    site, stop = attempt.site, attempt.stop
    exit_code = site.engine.wait(
        container.id, should_stop=lambda: stop.is_set() or site.clock.monotonic() > attempt.until
    )
    if exit_code is None and stop.is_set():
        raise Stopped("stopped while dependencies were installed")
    found = site.engine.find(container.id)
    return Ended(
        exit_code,
        site.engine.logs(container.id),
        site.engine.logs(proxy.id),
        proxy_running=_is_running(site.engine, proxy),
        out_of_memory=found is not None and found.out_of_memory,
    )


def _start(engine: Engine, spec: ContainerSpec, undo: ExitStack) -> Container:
    # By name: a start whose answer is lost may have taken effect.
    undo.callback(_if_possible, partial(engine.remove, spec.name))
    return engine.start(spec)


def _is_running(engine: Engine, container: Container) -> bool:
    found = engine.find(container.id)
    return found is not None and found.running


def _if_possible(remove: Callable[[], None]) -> None:
    """What cannot be removed now bears labels, and the reaper goes by them."""
    with contextlib.suppress(EngineUnavailable, ContainerError):
        remove()
