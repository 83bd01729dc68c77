"""Sandboxes that run nothing: what there would be is in the rows of the store alone. For benches, sweeps and tests."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes import allocations, records
from orket_pipelines.sandboxes.deploying import DEPLOY, DOWN, STOP, begin
from orket_pipelines.sandboxes.following import last_lines
from orket_pipelines.sandboxes.model import (
    RUNS,
    Deployment,
    Plan,
    Sandbox,
    SandboxState,
    Service,
    ServiceKind,
    Sighting,
    Tell,
    nobody,
)
from orket_pipelines.sandboxes.planning import plan_document
from orket_pipelines.store import EffectKind, Lease, Store, Transaction, perform
from orket_pipelines.store.effects import Result, repeatable

SERVICE = Service(name="app", stack="memory", kind=ServiceKind.WEB, folder=".", start=("true",), port=8000)
LIFETIME = 7 * 86_400 * MICROSECONDS
PORTS = (20_000, 29_999)


@dataclass(frozen=True, slots=True)
class MemorySandboxes:
    """Deploys every commit at once, except those in `failures`, which fail with the note given there.

    It looks at no files, so that a checkout may be empty; it is as healthy as its row says.
    """

    store: Store
    failures: Mapping[str, str] = field(default_factory=dict)
    isolation: str = "memory"

    def under(self, lease: Lease) -> "MemorySandboxes":
        """As the port says."""
        return replace(self, store=self.store.acting(fence=lease))

    def deploy(self, deployment: Deployment, *, stop: threading.Event, tell: Tell = nobody) -> Sandbox:
        """As the port says. Nothing here takes time, so nothing is stopped."""
        del stop
        tell("deploying")
        with self.store.read() as tx:
            found = records.sandbox_of_rock(tx, deployment.rock_id)
        if found is not None and (found.state, found.commit) == (SandboxState.RUNNING, deployment.commit):
            return found
        sandbox = begin(self.store, deployment, isolation=self.isolation, lifetime=LIFETIME)
        return self._do(DEPLOY, sandbox, self._outcome(sandbox))

    def is_healthy(self, sandbox: Sandbox) -> bool:
        """Whether it runs, as its row says."""
        return self._read(sandbox).state is SandboxState.RUNNING

    def network_of(self, sandbox: Sandbox) -> None:
        """There is none."""
        del sandbox

    def watch(self, sandbox: Sandbox) -> Sandbox:
        """Nothing changes by itself."""
        return self._read(sandbox)

    def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
        """What a failed deployment said."""
        return {SERVICE.name: last_lines(sandbox.note, tail, stamped=stamped)}

    def look(self, sandbox: Sandbox) -> tuple[Sighting, ...]:
        """It answers where its row says that it runs."""
        runs = self._read(sandbox).state is SandboxState.RUNNING
        return (Sighting(SERVICE.name, SERVICE.port, SERVICE.start, status=200),) if runs else ()

    def stop(self, sandbox: Sandbox) -> Sandbox:
        """As the port says."""
        if sandbox.state not in RUNS | {SandboxState.STOPPED, SandboxState.STOPPING} and sandbox.serving is None:
            raise SandboxError(f"the sandbox of {sandbox.rock_id} cannot be stopped: it is {sandbox.state}")
        return self._do(STOP, sandbox, {"state": str(SandboxState.STOPPED), "note": "stopped", "serving": None})

    def down(self, sandbox: Sandbox) -> Sandbox:
        """As the port says."""
        gone: Result = {"state": str(SandboxState.DELETED), "note": "", "urls": {}, "serving": None}
        return self._do(DOWN, sandbox, gone)

    def _outcome(self, sandbox: Sandbox) -> Result:
        if sandbox.commit in self.failures:
            failed = {"state": str(SandboxState.FAILED), "note": self.failures[sandbox.commit]}
            return failed if sandbox.serving is not None else {**failed, "urls": {}}
        port = allocations.lease_port(self.store, sandbox.id, SERVICE.name, PORTS)
        urls = {SERVICE.name: f"http://127.0.0.1:{port}"}
        made = plan_document(Plan((SERVICE,), SERVICE.name))
        running = {"state": str(SandboxState.RUNNING), "note": "", "urls": urls, "front": SERVICE.name, "plan": made}
        return {**running, "serving": None, "deployed_at": self.store.clock.now()}

    def _do(self, kind: EffectKind, sandbox: Sandbox, values: Result) -> Sandbox:
        if kind is not DEPLOY:
            with self.store.write() as tx:
                sandbox = records.begin_end(tx, sandbox)

        def record(tx: Transaction, result: Result) -> None:
            records.change(tx, sandbox, seconds=0.0 if kind is DEPLOY else None, **result)
            if kind is DOWN:
                allocations.release(tx, sandbox.id)

        perform(
            self.store,
            kind,
            f"{sandbox.id}:{sandbox.generation}",
            subject=sandbox.id,
            intent={"rock_id": sandbox.rock_id, "commit": sandbox.commit, "generation": sandbox.generation},
            act=lambda: values,
            probe=repeatable,
            record=record,
        )
        return self._read(sandbox)

    def _read(self, sandbox: Sandbox) -> Sandbox:
        with self.store.read() as tx:
            return records.get_sandbox(tx, sandbox.id)
