"""The port `Installer` on a host without an engine: Python as the factory has it, Node modules in a folder."""

import contextlib
import os
import platform
import secrets
import shutil
import signal
import subprocess
import threading
from functools import cached_property
from pathlib import Path

from orket_pipelines.dependencies.keys import Keys
from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.dependencies.node_project import NodeProject
from orket_pipelines.dependencies.plan import DependencySet, Terms, npm_install, plan_node, unusable_key
from orket_pipelines.dependencies.reading import look
from orket_pipelines.dependencies.records import find_set, record_failure, record_set
from orket_pipelines.dependencies.sources import Sources
from orket_pipelines.dependencies.verdict import Ended, verdict
from orket_pipelines.dependencies.volumes import AFTER_FAILURE, AFTER_INSTALL, AFTER_RECORD, LEASES
from orket_pipelines.errors import InstallFailed, Stopped, WorkbenchError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, failpoint, reach

AFTER_RENAME = failpoint("dependencies.after_rename")
POLL = 0.1
LOG = "npm.log"
LOG_LIMIT = 20_000
"""Bytes of npm's log that are read, from its end."""
NOTHING = unusable_key("nothing is installed for a project without Node")
PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that npm gets, besides its own and those about proxies."""


class ProcessInstaller:
    """Installs on this host, as this user. Usable from many threads."""

    def __init__(self, store: Store, settings: Settings, *, leases: LeaseKeeper) -> None:
        self._store = store
        self._settings = settings
        self._leases = leases
        self._folder = settings.home.resolve() / "dependencies"
        self._keys = Keys(self._key_for)

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        """As the port says. Raises: WorkbenchError where the project needs Node and there is none; InstallInterrupted
        where it is to be tried again."""
        project = read_manifests(look(checkout)).node
        if project is None:
            return Environment(NOTHING)
        if not self._node:
            raise WorkbenchError(
                f"{project.path} needs Node and npm, and this machine has none",
                next_step="Install Node 20 or newer with npm, or start a container engine.",
            )
        planned = self._plan(project)
        modules = self._ensure(planned, subject, stop) / "node_modules"
        return Environment(planned.key, path=(str(modules / ".bin"),), node_modules=modules)

    def key_of(self, checkout: Path) -> str:
        """As the port says."""
        return self._keys.of(checkout)

    def _key_for(self, declared: Declared) -> str:
        return NOTHING if declared.node is None else self._plan(declared.node).key

    def _plan(self, project: NodeProject) -> DependencySet:
        return plan_node(project, Terms(self._node, self._settings.install_scripts, Sources(())))

    @cached_property
    def _node(self) -> str:
        """What is installed depends on: Node's version and the machine's kind; empty where Node or npm is missing."""
        if shutil.which("npm") is None or shutil.which("node") is None:
            return ""
        try:
            told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=30)
        except (OSError, subprocess.SubprocessError):
            return ""
        return f"{told.stdout.strip()} {platform.system()} {platform.machine()}"

    def _ensure(self, planned: DependencySet, subject: str, stop: threading.Event) -> Path:
        target = self._folder / planned.key
        if self._is_complete(planned.key, target):
            return target
        with self._leases.holding(f"{LEASES}{planned.key}", stop=stop) as lease:
            if not self._is_complete(planned.key, target):
                store = self._store.acting(fence=lease)
                self._install(store, planned, target, subject, stop)
        return target

    def _is_complete(self, key: str, target: Path) -> bool:
        with self._store.read() as tx:
            found = find_set(tx, key)
        return found is not None and target.is_dir()

    def _install(self, store: Store, planned: DependencySet, target: Path, subject: str, stop: threading.Event) -> None:
        for stale in (target, *self._folder.glob(f"{planned.key}.*")):
            shutil.rmtree(stale, ignore_errors=True)
        partial = target.with_name(f"{planned.key}.{secrets.token_hex(4)}")
        partial.mkdir(parents=True)
        try:
            log = self._run(planned, partial, stop)
            reach(AFTER_INSTALL)
            (partial / "node_modules").mkdir(exist_ok=True)
            partial.rename(target)
            reach(AFTER_RENAME)
        except InstallFailed as error:
            with store.write() as tx:
                record_failure(tx, planned.key, ecosystem=planned.ecosystem, error=error, subject=subject)
            reach(AFTER_FAILURE)
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        with store.write() as tx:
            record_set(tx, planned.key, ecosystem=planned.ecosystem, location=str(target), log=log, subject=subject)
        reach(AFTER_RECORD)

    def _run(self, planned: DependencySet, folder: Path, stop: threading.Event) -> str:
        """Run npm in `folder`; what it said. Raises: as `verdict` decides; Stopped."""
        for name, text in planned.files.items():
            (folder / name).write_text(text)
        command = npm_install(locked="package-lock.json" in planned.files, scripts=self._settings.install_scripts)
        with (folder / LOG).open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            exit_code = self._wait(process, stop)
        with (folder / LOG).open("rb") as log:
            log.seek(max(0, (folder / LOG).stat().st_size - LOG_LIMIT))
            said = log.read().decode(errors="replace")
        ended = Ended(exit_code, said, "", proxy_running=True, out_of_memory=False)
        error = verdict(ended, timeout=self._settings.install_timeout)
        if error is not None:
            raise error
        return said

    def _wait(self, process: "subprocess.Popen[bytes]", stop: threading.Event) -> int | None:
        """Its exit code; None where its time was up. Nothing of it runs on."""
        until = self._store.clock.monotonic() + self._settings.install_timeout
        try:
            while process.poll() is None:
                if stop.wait(POLL):
                    raise Stopped("stopped while dependencies were installed")
                if self._store.clock.monotonic() > until:
                    return None
            # A shell would say 137 where a signal ended it.
            return process.returncode if process.returncode >= 0 else 128 - process.returncode
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Npm's own settings are this user's; the factory's keys and passwords are not its business."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED or name.lower().startswith("npm_config_") or name.lower().endswith("_proxy")
    }
    return passed | {"CI": "1", "npm_config_update_notifier": "false", "npm_config_prefix": str(folder / "prefix")}
