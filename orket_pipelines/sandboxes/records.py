"""Reads and writes of sandboxes; every change of state is an event `sandbox.changed`."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.model import RUNS, Deployment, Sandbox, SandboxState
from orket_pipelines.store import Transaction, append, new_id, tables

_sandboxes = tables.sandboxes
_columns = [column for column in _sandboxes.c if column.name not in {"workspace_id", "handles", "created_at"}]
_by_id = sa.and_(_sandboxes.c.workspace_id == sa.bindparam("b_workspace_id"), _sandboxes.c.id == sa.bindparam("b_id"))


def find_sandbox(tx: Transaction, sandbox_id: str) -> Sandbox | None:
    """The sandbox with that id."""
    row = tx.execute(sa.select(*_columns).where(_by_id), _key(tx, sandbox_id)).mappings().first()
    return _sandbox(row) if row else None


def sandbox_of_rock(tx: Transaction, rock_id: str) -> Sandbox | None:
    """The rock's sandbox, removed or not."""
    query = sa.select(*_columns).where(_sandboxes.c.workspace_id == tx.workspace_id, _sandboxes.c.rock_id == rock_id)
    row = tx.execute(query).mappings().first()
    return _sandbox(row) if row else None


def get_sandbox(tx: Transaction, name: str) -> Sandbox:
    """The sandbox of a rock, or with an id. Raises: SandboxError."""
    found = sandbox_of_rock(tx, name) or find_sandbox(tx, name)
    if found is None:
        raise SandboxError(
            f"there is no sandbox of a rock {name}, and none with that id", next_step="See them: orket sandboxes list"
        )
    return found


def list_sandboxes(tx: Transaction, states: Collection[SandboxState] | None = None) -> list[Sandbox]:
    """All sandboxes of the workspace, or those in one of `states`, by rock."""
    query = sa.select(*_columns).where(_sandboxes.c.workspace_id == tx.workspace_id)
    if states is not None:
        query = query.where(_sandboxes.c.state.in_([str(state) for state in states]))
    return [_sandbox(row) for row in tx.execute(query.order_by(_sandboxes.c.rock_id)).mappings()]


def handles_of(tx: Transaction, sandbox_id: str) -> dict[str, Any]:
    """What the implementation stored to find its things again."""
    return tx.execute(sa.select(_sandboxes.c.handles).where(_by_id), _key(tx, sandbox_id)).scalar() or {}


def serving_handles(tx: Transaction, sandbox_id: str) -> dict[str, Any]:
    """Those of what serves while another commit is deployed, or because that failed; empty where nothing does."""
    found = find_sandbox(tx, sandbox_id)
    return handles_of(tx, sandbox_id) if found is not None and found.serving is not None else {}


def give_up_serving(tx: Transaction, sandbox_id: str) -> Sandbox:
    """What serves is about to be removed."""
    tx.execute(sa.update(_sandboxes).where(_by_id), _key(tx, sandbox_id) | {"serving": None, "updated_at": tx.now})
    return _told(tx, sandbox_id)


def begin_deployment(tx: Transaction, deployment: Deployment, *, isolation: str, lifetime: int) -> Sandbox:
    """The rock's sandbox, now deploying this commit. What a killed process was deploying of the same commit is
    carried on as the same generation; anything else is a new one. `lifetime` is in microseconds."""
    found = sandbox_of_rock(tx, deployment.rock_id)
    if found is not None and _is_interrupted(found, deployment, isolation):
        return found
    values = {
        "repository": deployment.repository,
        "state": str(SandboxState.CREATING),
        "isolation": isolation,
        "commit": deployment.commit,
        "generation": found.generation + 1 if found else 1,
        "note": "",
        "serving": _serving(found),
        "expires_at": tx.now + lifetime,
        "updated_at": tx.now,
    }
    sandbox_id = found.id if found else new_id()
    if found is not None:
        tx.execute(sa.update(_sandboxes).where(_by_id), _key(tx, sandbox_id) | values)
    else:
        empty = {"plan": {}, "urls": {}, "front": "", "handles": {}, "created_at": tx.now}
        key = {"workspace_id": tx.workspace_id, "id": sandbox_id, "rock_id": deployment.rock_id}
        tx.execute(sa.insert(_sandboxes), key | values | empty)
    return _told(tx, sandbox_id)


def begin_end(tx: Transaction, sandbox: Sandbox) -> Sandbox:
    """The sandbox, stopping from now on; as it is, where a killed process had begun that already."""
    return sandbox if sandbox.state is SandboxState.STOPPING else change(tx, sandbox, state=SandboxState.STOPPING)


def change(
    tx: Transaction, sandbox: Sandbox, *, seconds: float | None = None, in_place: str | None = None, **values: Any
) -> Sandbox:
    """Write columns of a sandbox and tell of them. `seconds` is what the deployment took, where one ended, and
    `in_place` why what served before had to go first, where it had to."""
    stored = {name: str(value) if name == "state" else value for name, value in values.items()}
    tx.execute(sa.update(_sandboxes).where(_by_id), _key(tx, sandbox.id) | stored | {"updated_at": tx.now})
    return _told(tx, sandbox.id, seconds=seconds, in_place=in_place)


def change_if_same(tx: Transaction, sandbox: Sandbox, **values: Any) -> Sandbox | None:
    """As `change`, unless the sandbox was changed since `sandbox` was read: None then.

    For those who only watch, and hold no lease.
    """
    if find_sandbox(tx, sandbox.id) != sandbox:
        return None
    return change(tx, sandbox, **values)


def remember(tx: Transaction, sandbox_id: str, handles: dict[str, Any]) -> None:
    """Store handles; nobody is told."""
    tx.execute(sa.update(_sandboxes).where(_by_id), _key(tx, sandbox_id) | {"handles": handles})


def _serving(before: Sandbox | None) -> dict[str, Any] | None:
    """What serves while the next commit is deployed: what ran, or what served already."""
    if before is None or before.state not in {*RUNS, SandboxState.CREATING, SandboxState.FAILED}:
        return None
    if before.state in RUNS:
        return {"commit": before.commit, "generation": before.generation, "note": before.note}
    return before.serving


def _is_interrupted(found: Sandbox, deployment: Deployment, isolation: str) -> bool:
    """Whether `found` is what a killed process was about to make."""
    return (found.state, found.commit, found.isolation) == (SandboxState.CREATING, deployment.commit, isolation)


def _told(tx: Transaction, sandbox_id: str, **besides: Any) -> Sandbox:
    sandbox = find_sandbox(tx, sandbox_id)
    if sandbox is None:
        raise SandboxError(f"the sandbox {sandbox_id} is not stored", next_step="See them: orket sandboxes list")
    told = ("rock_id", "commit", "generation", "isolation", "urls", "front", "note", "serving", "expires_at")
    facts = {name: getattr(sandbox, name) for name in told} | {"seconds": None, "in_place": None}
    append(tx, "sandbox.changed", sandbox_id, facts | {"state": str(sandbox.state)} | besides)
    return sandbox


def _sandbox(row: sa.RowMapping) -> Sandbox:
    return Sandbox(**{**row, "state": SandboxState(row["state"])})


def _key(tx: Transaction, sandbox_id: str) -> dict[str, str]:
    return {"b_workspace_id": tx.workspace_id, "b_id": sandbox_id}
