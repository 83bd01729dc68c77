"""Watches the sandboxes: whether they answer as recorded, and whether their time is over."""

import json

from dagster import DefaultSensorStatus, RunRequest, SensorEvaluationContext, SensorResult, SkipReason, sensor

from jobs.upkeep import upkeep
from orket_pipelines.bugs.records import rocks_in_phase
from orket_pipelines.sandboxes.model import Sandbox, SandboxState
from orket_pipelines.sandboxes.observing import last_observed
from orket_pipelines.sandboxes.probing import ask, is_answer
from orket_pipelines.sandboxes.records import list_sandboxes
from orket_pipelines.sandboxes.uptime import OBSERVE_EVERY
from sensors.reading import NOTHING_YET, partitions_under_way, reading


@sensor(
    job=upkeep,
    minimum_interval_seconds=30,
    default_status=DefaultSensorStatus.RUNNING,
    description="Asks each running sandbox over loopback whether it answers. Where one stands otherwise than recorded, "
    "is older than it may be, or was not looked at for ten minutes, the job `upkeep` looks closer and records it. "
    "Its cursor is for reading only.",
)
def sandbox_health(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """One run of upkeep where anything differs and none is under way."""
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        sandboxes = list_sandboxes(found.tx, set(SandboxState) - {SandboxState.DELETED})
        now, kept = found.tx.now, rocks_in_phase(found.tx)
        unseen = {each.id: now - (last_observed(found.tx, each.id) or 0) for each in sandboxes}
    seen = {
        each.rock_id: told
        for each in sandboxes
        if (told := why_look(each, now, answers=_answers(each), kept=each.rock_id in kept, unseen=unseen[each.id]))
    }
    cursor = json.dumps(seen)
    if not seen:
        running = sum(each.is_to_answer for each in sandboxes)
        return SensorResult(skip_reason=f"{running} sandboxes run, and all of them as recorded.", cursor=cursor)
    if partitions_under_way(context.instance, upkeep.name):
        return SensorResult(skip_reason=f"upkeep is under way for: {', '.join(seen)}.", cursor=cursor)
    return SensorResult([RunRequest(tags={"orket/sandboxes": ", ".join(seen)[:200]})], cursor=cursor)


def why_look(sandbox: Sandbox, now: int, *, answers: bool, kept: bool = False, unseen: int = 0) -> str | None:
    """Why somebody should look at this sandbox; None where all is as recorded. `now` in microseconds; `kept`: its rock
    is in its bug-fix phase, to whose end it stays; `unseen`: microseconds since somebody looked."""
    if sandbox.expires_at is not None and sandbox.expires_at <= now and not kept:
        return "its time is over"
    if sandbox.state is SandboxState.RUNNING and not answers:
        return "it does not answer"
    if sandbox.state is SandboxState.UNHEALTHY and answers:
        return "it answers again"
    if sandbox.state is SandboxState.FAILED and sandbox.serving and answers is bool(sandbox.serving["note"]):
        return "the commit that serves meanwhile stands otherwise"
    if sandbox.is_to_answer and unseen >= OBSERVE_EVERY:
        return "nobody looked for a while"
    return None


def _answers(sandbox: Sandbox) -> bool:
    return sandbox.is_to_answer and all(is_answer(ask(url)) for url in sandbox.urls.values())
