"""How a sandbox that ran stands now: pure, from what was seen."""

from collections.abc import Mapping
from typing import Any

from orket_pipelines.sandboxes.model import Sandbox, SandboxState
from orket_pipelines.sandboxes.probing import is_answer
from orket_pipelines.sandboxes.runtime import Condition

STORM = 2
"""Restarts between two looks that are more than an accident."""


def judge(
    conditions: Mapping[str, Condition], answers: Mapping[str, int | None], restarts: Mapping[str, int]
) -> tuple[SandboxState, str]:
    """How a sandbox that ran stands now, and why: from what its runtime tells, what its services answer, and how often
    they had been restarted at the last look."""
    ended = {name: condition.ended for name, condition in conditions.items() if condition.ended is not None}
    if ended:
        note = "; ".join(f"{name} {why}" for name, why in sorted(ended.items()))
        return (SandboxState.FAILED if len(ended) == len(conditions) else SandboxState.UNHEALTHY), note
    for name, condition in sorted(conditions.items()):
        if condition.restarts - restarts.get(name, 0) >= STORM:
            return SandboxState.UNHEALTHY, f"{name} was restarted {condition.restarts} times"
    for name, status in sorted(answers.items()):
        if not is_answer(status):
            said = "does not answer" if status is None else f"answers with status {status}"
            return SandboxState.UNHEALTHY, f"{name} {said}"
    return SandboxState.RUNNING, ""


def as_seen(sandbox: Sandbox, state: SandboxState, note: str) -> dict[str, Any]:
    """What the row of a sandbox is to say, of which that was seen: of what serves, where that is not its commit, which
    has failed and stays so."""
    if sandbox.serving is None:
        return {"state": state, "note": note}
    return {"serving": None if state is SandboxState.FAILED else {**sandbox.serving, "note": note}}
