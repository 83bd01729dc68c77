"""The port `Installer` on a container engine: one installation for each key, in a volume of its own."""

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from orket_pipelines.containers.defaults import limits_of
from orket_pipelines.containers.model import Labels, VolumeMount
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.defaults import ask_image
from orket_pipelines.dependencies.installation import Site, install
from orket_pipelines.dependencies.keys import Keys
from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.model import PYTHON_TARGET, Environment
from orket_pipelines.dependencies.plan import (
    NODE_TARGET,
    SCRATCH,
    DependencySet,
    Terms,
    combined_key,
    plan,
    plan_python,
)
from orket_pipelines.dependencies.reading import look
from orket_pipelines.dependencies.requirement_lines import checked
from orket_pipelines.dependencies.sources import Configured, Sources, ask_this_machine_once, sources
from orket_pipelines.dependencies.volumes import Volumes
from orket_pipelines.errors import ContainerError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store

PROGRAMS = {PYTHON_TARGET: f"{PYTHON_TARGET}/bin", NODE_TARGET: f"{NODE_TARGET}/.bin"}


class ContainerInstaller:
    """Installs in containers. `labels` are of the worker, `user` is (uid, gid); `ask` tells how pip and npm are set.

    Usable from many threads.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        settings: Settings,
        *,
        leases: LeaseKeeper,
        labels: Labels,
        user: tuple[int, int],
        ask: Callable[[], Configured] = ask_this_machine_once,
    ) -> None:
        self.volumes = Volumes(engine, store, leases, labels)
        self._engine = engine
        self._clock = store.clock
        self._settings = settings
        self._labels = labels
        self._user = user
        self._image_ids: dict[str, str] = {}
        self._ask = ask
        self._sources: Sources | None = None
        self._asking = threading.Lock()
        self._keys = Keys(lambda declared: combined_key(self._plan(declared)))

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        """As the port says."""
        image = self._settings.workbench_image
        self._look_at_image(image)
        declared = read_manifests(look(checkout))
        return self._environment(image, self._plan(declared), declared.notes, subject, stop)

    def prepare_packages(
        self, packages: Sequence[str], *, image: str, subject: str, stop: threading.Event
    ) -> Environment:
        """Python packages that the factory itself needs in containers of `image`, such as Playwright."""
        self._look_at_image(image)
        lines = sorted(checked("the factory", package) for package in packages)
        return self._environment(image, (plan_python(lines, self._terms(image)),), (), subject, stop)

    def key_of(self, checkout: Path) -> str:
        """As the port says, for the image as it was when anything was last prepared."""
        return self._keys.of(checkout)

    def reap(self) -> list[str]:
        """Remove volumes that no set is recorded for and nobody is filling; their names. Folders of installs that were
        killed go, too."""
        staging = self._site(self._settings.workbench_image).staging
        staged = list(staging.iterdir()) if staging.is_dir() else []
        filling = self.volumes.filling()
        for folder in staged:
            if folder.name not in filling:
                shutil.rmtree(folder, ignore_errors=True)
        return self.volumes.reap()

    def _environment(
        self, image: str, sets: Sequence[DependencySet], notes: tuple[str, ...], subject: str, stop: threading.Event
    ) -> Environment:
        site, found = self._site(image), self._find_sources()
        remarks = "".join(f"note: {note}\n" for note in (*notes, *found.notes))

        def run(planned: DependencySet, volume: str) -> str:
            return remarks + install(site, planned, volume, found.hosts, subject=subject, stop=stop)

        volumes = [self.volumes.ensure(each, run, subject=subject, stop=stop) for each in sets]
        return Environment(
            combined_key(sets),
            tuple(VolumeMount(volume, each.target) for volume, each in zip(volumes, sets, strict=True)),
            tuple(PROGRAMS[each.target] for each in sets),
            (("VIRTUAL_ENV", PYTHON_TARGET),),
            SCRATCH if any(each.target == NODE_TARGET for each in sets) else (),
        )

    def _plan(self, declared: Declared) -> tuple[DependencySet, ...]:
        return plan(declared, self._terms(self._settings.workbench_image))

    def _terms(self, image: str) -> Terms:
        if image not in self._image_ids:
            self._look_at_image(image)
        return Terms(self._image_ids[image], self._settings.install_scripts, self._find_sources())

    def _look_at_image(self, image: str) -> None:
        found = self._engine.find_image(image)
        if found is None:
            step = "Build it: orket images build"
            raise ContainerError(f"dependencies cannot be installed: there is no image {image}", next_step=step)
        if self._image_ids.get(image) != found.id:
            self._image_ids[image] = found.id
            self._keys.forget()

    def _find_sources(self) -> Sources:
        with self._asking:
            if self._sources is None:
                named, configured = self._settings.package_sources, self._ask()
                if not named and not (configured.pip_default and configured.npm_default):
                    configured = ask_image(self._site(self._settings.workbench_image), configured)
                self._sources = sources(named, configured)
            return self._sources

    def _site(self, image: str) -> Site:
        settings = self._settings
        return Site(
            engine=self._engine,
            clock=self._clock,
            image=image,
            user=self._user,
            limits=limits_of(settings),
            labels=self._labels,
            # Leases, which say who is installing what, are a workspace's own; so are these.
            staging=settings.home.resolve() / "dependencies" / "staging" / self._labels.workspace,
            timeout=settings.install_timeout,
        )
