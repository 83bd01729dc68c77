"""The one way of a commit into its sandbox, whatever it runs on: intent, effect, outcome, and a kill anywhere between.

What served before goes on until the new generation is healthy, and where that fails; unless there is no room for both.
The row's `serving` tells of it. What is removed is removed after the row says that it no longer counts.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallFailed, SandboxError, Stopped
from orket_pipelines.sandboxes import allocations, records
from orket_pipelines.sandboxes.bringing_up import BringingUp
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.following import last_lines
from orket_pipelines.sandboxes.judging import as_seen, judge
from orket_pipelines.sandboxes.looking import Look
from orket_pipelines.sandboxes.model import RUNS, Deployment, Plan, Sandbox, SandboxState, Sighting, Tell, nobody
from orket_pipelines.sandboxes.planning import plan, plan_document, plan_from_document
from orket_pipelines.sandboxes.probing import Ask, ask, is_answer
from orket_pipelines.sandboxes.runtime import (
    PROBE,
    SECRETS,
    WAYS,
    DeploymentFailed,
    Generation,
    Handles,
    Runtime,
    end_of,
)
from orket_pipelines.sandboxes.source import discard, folder_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import EffectKind, Lease, Store, Transaction, effect_kind, failpoint, perform, reach
from orket_pipelines.store import effects as stored_effects
from orket_pipelines.store.effects import Result, repeatable

DEPLOY, STOP, DOWN = effect_kind("sandboxes.deploy"), effect_kind("sandboxes.stop"), effect_kind("sandboxes.down")
BEGUN = failpoint("sandboxes.begun")
FAILED_CLEARED = failpoint("sandboxes.failed_cleared")
OTHERS_CLEARED = failpoint("sandboxes.others_cleared")
FILES_DISCARDED = failpoint("sandboxes.files_discarded")
FINISHING = 3.0
"""Seconds that what served gets for what it has begun, once nobody new comes to it."""


@dataclass(frozen=True, slots=True)
class DeployedSandboxes:
    """Sandboxes on a runtime. `ask` is how this host asks whether a service answers; `others` are runtimes that earlier
    deployments may have used."""

    store: Store
    runtime: Runtime
    installer: Installer
    settings: Settings
    ask: Ask = field(default=ask)
    others: tuple[Runtime, ...] = ()

    @property
    def isolation(self) -> str:
        """`container` or `process`."""
        return self.runtime.isolation

    def under(self, lease: Lease) -> "DeployedSandboxes":
        """As the port says."""
        return replace(self, store=self.store.acting(fence=lease))

    def deploy(self, deployment: Deployment, *, stop: threading.Event, tell: Tell = nobody) -> Sandbox:
        """As the port says. Besides raises: DetectionError where nothing serves or nothing decides what to run, with
        nothing changed; SandboxError where this machine is at fault, not the commit."""
        with self.store.read() as tx:
            found = records.sandbox_of_rock(tx, deployment.rock_id)
        if found is not None and self._serves(found, deployment):
            self._end_others(found)
            return found
        made = plan(detect(deployment.source))
        if found is not None and found.isolation != self.isolation:
            self.down(found)
        began = self.store.clock.monotonic()
        lifetime = int(self.settings.sandbox_ttl * MICROSECONDS)
        sandbox = begin(self.store, deployment, isolation=self.isolation, lifetime=lifetime)
        reach(BEGUN)
        perform(
            self.store,
            DEPLOY,
            _key(sandbox),
            subject=sandbox.id,
            intent={"rock_id": deployment.rock_id, "commit": deployment.commit, "generation": sandbox.generation},
            act=lambda: self._bring_up(sandbox, deployment, made, stop, tell),
            probe=repeatable,
            record=lambda tx, result: self._record(tx, sandbox, made, result, self.store.clock.monotonic() - began),
        )
        deployed = self._read(sandbox.id)
        self._end_others(deployed)
        return deployed

    def is_healthy(self, sandbox: Sandbox) -> bool:
        """As the port says."""
        if sandbox.state not in RUNS or not sandbox.urls:
            return False
        return all(is_answer(self.ask(url)) for url in self._health_urls(sandbox).values())

    def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
        """As the port says; what was said before it was removed is kept until the next deployment."""
        kept = {path.stem: path.read_text(errors="replace") for path in sorted(self._logs(sandbox).glob("*.log"))}
        ends = {name: last_lines(text, tail, stamped=stamped) for name, text in kept.items()}
        if ends and sandbox.serving is not None:
            # Of the commit that failed, and not of the one that serves.
            return ends
        return ends | self._runtime_of(sandbox).logs(self._handles(sandbox), tail=tail, stamped=stamped)

    def network_of(self, sandbox: Sandbox) -> tuple[str, dict[str, str]] | None:
        """As the port says."""
        handles = self._handles(sandbox)
        return (handles["network"], handles["inside_urls"]) if "network" in handles else None

    def watch(self, sandbox: Sandbox) -> Sandbox:
        """As the port says."""
        if not sandbox.is_to_answer:
            return sandbox
        handles = self._handles(sandbox)
        conditions = self._runtime_of(sandbox).conditions(sandbox.id, handles)
        answers = {name: self.ask(url) for name, url in self._health_urls(sandbox).items()}
        values = as_seen(sandbox, *judge(conditions, answers, handles.get("restarts", {})))
        restarts = {name: condition.restarts for name, condition in conditions.items()}
        with self.store.write() as tx:
            if any(getattr(sandbox, name) != value for name, value in values.items()):
                return records.change_if_same(tx, sandbox, **values) or records.get_sandbox(tx, sandbox.id)
            if restarts != handles.get("restarts") and records.find_sandbox(tx, sandbox.id) == sandbox:
                records.remember(tx, sandbox.id, handles | {"restarts": restarts})
        return sandbox

    def look(self, sandbox: Sandbox) -> tuple[Sighting, ...]:
        """As the port says."""
        if sandbox.state not in RUNS:
            return ()
        look = Look(self._runtime_of(sandbox), self.ask, self.store.clock)
        services = plan_from_document(sandbox.plan).services
        return look.at(sandbox.id, self._handles(sandbox), services, self._health_urls(sandbox))

    def stop(self, sandbox: Sandbox) -> Sandbox:
        """As the port says. Raises: SandboxError where nothing runs."""
        if sandbox.state is SandboxState.STOPPED:
            return sandbox
        if sandbox.state not in RUNS | {SandboxState.STOPPING} and sandbox.serving is None:
            raise SandboxError(
                f"the sandbox of {sandbox.rock_id} cannot be stopped: it is {sandbox.state}",
                next_step=f"Remove it: orket sandboxes down {sandbox.rock_id}",
            )
        halt = self._runtime_of(sandbox).halt
        return self._end(STOP, sandbox, halt, {"state": SandboxState.STOPPED, "note": "stopped", "serving": None})

    def down(self, sandbox: Sandbox) -> Sandbox:
        """As the port says; one that is removed already stays so."""
        if sandbox.state is SandboxState.DELETED:
            return sandbox
        values: dict[str, Any] = {
            "state": SandboxState.DELETED,
            "note": "",
            "urls": {},
            "handles": {},
            "serving": None,
            "expires_at": None,
        }
        runtime = self._runtime_of(sandbox)

        def remove(sandbox_id: str, handles: Handles) -> None:
            runtime.remove(sandbox_id, handles)
            discard(self.folder_of(sandbox_id))

        return self._end(DOWN, sandbox, remove, values)

    def folder_of(self, sandbox_id: str) -> Path:
        """Where the files of a sandbox lie."""
        return folder_of(self.settings.home, self.store.workspace_id, sandbox_id)

    def _serves(self, found: Sandbox, deployment: Deployment) -> bool:
        """Whether the commit is there already, and answers."""
        same = (found.state, found.commit, found.isolation) == (
            SandboxState.RUNNING,
            deployment.commit,
            self.isolation,
        )
        return same and self.is_healthy(found)

    def _bring_up(
        self, sandbox: Sandbox, deployment: Deployment, made: Plan, stop: threading.Event, tell: Tell
    ) -> Result:
        """The commit, healthy; or why it is not. Whatever ends this otherwise leaves nothing running of it, and what
        serves as it is."""
        bringing = BringingUp(self.store, self.runtime, self.installer, self.settings, self.ask, tell)
        folder = self.folder_of(sandbox.id) / str(sandbox.generation)
        try:
            prepared = bringing.prepare(sandbox, made, deployment.source, folder, stop=stop)
            return self._start(sandbox, bringing, prepared, stop)
        except (DeploymentFailed, InstallFailed) as error:
            self._clear_failed(sandbox)
            reach(FAILED_CLEARED)
            return {"state": str(SandboxState.FAILED), "note": end_of(str(error))}
        except (ContainerError, SandboxError) as error:
            self._fail(sandbox, str(error))
            raise SandboxError(
                f"the sandbox of {sandbox.rock_id} cannot be started: {error}",
                next_step=error.next_step or "See what this machine lacks: orket doctor",
            ) from error

    def _start(self, sandbox: Sandbox, bringing: BringingUp, prepared: Generation, stop: threading.Event) -> Result:
        try:
            return bringing.start(prepared, stop=stop)
        except Stopped:
            # The stop is what counts; an engine that is gone meanwhile is cleared by the next deployment.
            with contextlib.suppress(EngineUnavailable):
                self._clear_failed(sandbox)
            raise

    def _fail(self, sandbox: Sandbox, why: str) -> None:
        self._clear_failed(sandbox)
        with self.store.write() as tx:
            now = records.get_sandbox(tx, sandbox.id)
            urls = now.urls if now.serving is not None else {}
            records.change(tx, sandbox, state=SandboxState.FAILED, note=why, urls=urls)

    def _clear_failed(self, sandbox: Sandbox) -> None:
        """Remove what was started of a deployment that did not come to its end, but not what serves."""
        with self.store.read() as tx:
            serves = records.get_sandbox(tx, sandbox.id).serving is not None
            handles = records.handles_of(tx, sandbox.id)
        self.runtime.clear(sandbox.id, handles, keep=serves)

    def _record(self, tx: Transaction, sandbox: Sandbox, made: Plan, result: Result, seconds: float) -> None:
        """The outcome in the sandbox's row. Where it failed and another commit serves, the rest is still of that."""
        values: dict[str, Any] = {"state": SandboxState(result["state"]), "note": result["note"]}
        runs = values["state"] is SandboxState.RUNNING
        if runs or records.get_sandbox(tx, sandbox.id).serving is None:
            values |= {
                "plan": plan_document(made),
                "front": made.front,
                "urls": result.get("urls", {}),
                "handles": result.get("handles", {}),
                "serving": None,
            }
        if runs:
            values["deployed_at"] = tx.now
            names = [service.name for service in made.services]
            allocations.release_all_but(tx, allocations.PORT, sandbox.id, [*names, PROBE])
        records.change(tx, sandbox, seconds=round(seconds, 3), in_place=result.get("in_place"), **values)

    def _end(
        self, kind: EffectKind, sandbox: Sandbox, act: Callable[[str, Handles], None], values: dict[str, Any]
    ) -> Sandbox:
        """Do `act` to the sandbox, once for its generation, and write `values`; it is stopping until then."""
        with self.store.write() as tx:
            sandbox = records.begin_end(tx, sandbox)
        handles = self._handles(sandbox)

        def do() -> Result:
            act(sandbox.id, handles)
            return {}

        def record(tx: Transaction, _result: Result) -> None:
            records.change(tx, sandbox, **values)
            if values["state"] is SandboxState.DELETED:
                _give_up(tx, sandbox)
                allocations.release(tx, sandbox.id)

        intent = {"rock_id": sandbox.rock_id, "generation": sandbox.generation}
        perform(
            self.store, kind, _key(sandbox), subject=sandbox.id, intent=intent, act=do, probe=repeatable, record=record
        )
        return self._read(sandbox.id)

    def _health_urls(self, sandbox: Sandbox) -> dict[str, str]:
        services = plan_from_document(sandbox.plan).services if sandbox.plan else ()
        return {each.name: sandbox.urls[each.name] + each.health_path for each in services if each.name in sandbox.urls}

    def _runtime_of(self, sandbox: Sandbox) -> Runtime:
        for runtime in (self.runtime, *self.others):
            if runtime.isolation == sandbox.isolation:
                return runtime
        raise SandboxError(
            f"the sandbox of {sandbox.rock_id} runs with isolation {sandbox.isolation}, and here is {self.isolation}",
            next_step=f"Remove it first: ORKET_ISOLATION={sandbox.isolation} orket sandboxes down {sandbox.rock_id}",
        )

    def _end_others(self, sandbox: Sandbox) -> None:
        """Remove what runs of generations that nobody comes to any more, and the files of all but what is there."""
        kept = {str(sandbox.generation), SECRETS, WAYS}
        if sandbox.state is SandboxState.RUNNING:
            self.runtime.clear(sandbox.id, self._handles(sandbox), keep=True, grace=FINISHING)
            reach(OTHERS_CLEARED)
        if sandbox.serving is not None:
            kept.add(str(sandbox.serving["generation"]))
        for folder in self.folder_of(sandbox.id).glob("*"):
            if folder.name not in kept:
                discard(folder)
        reach(FILES_DISCARDED)

    def _logs(self, sandbox: Sandbox) -> Path:
        return self.folder_of(sandbox.id) / str(sandbox.generation) / "logs"

    def _handles(self, sandbox: Sandbox) -> Handles:
        with self.store.read() as tx:
            return records.handles_of(tx, sandbox.id)

    def _read(self, sandbox_id: str) -> Sandbox:
        with self.store.read() as tx:
            return records.get_sandbox(tx, sandbox_id)


def begin(store: Store, deployment: Deployment, *, isolation: str, lifetime: int) -> Sandbox:
    """The row of a deployment that begins, or that a killed process had begun. `lifetime` is in microseconds."""
    with store.write() as tx:
        before = records.sandbox_of_rock(tx, deployment.rock_id)
        sandbox = records.begin_deployment(tx, deployment, isolation=isolation, lifetime=lifetime)
        if before is not None and before.generation < sandbox.generation:
            _give_up(tx, before)
    return sandbox


def _key(sandbox: Sandbox) -> str:
    return f"{sandbox.id}:{sandbox.generation}"


def _give_up(tx: Transaction, sandbox: Sandbox) -> None:
    """A deployment that a killed process had begun, and nobody will carry on, is no longer in doubt."""
    key = f"{DEPLOY.name}:{_key(sandbox)}"
    found = stored_effects.find(tx, key)
    if found is not None and found.outcome == stored_effects.PENDING:
        stored_effects.end(tx, key, stored_effects.FAILED, {"error": "given up for a later one"})
