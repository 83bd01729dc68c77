"""Watches bug-fix phases: has due ones looked after, critical bugs worked on, and what runs tried again each night."""

import hashlib
import json

from dagster import (
    DagsterInstance,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    ScheduleDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.graph import ROCKS
from jobs.bug_phases import fix_critical_bugs, look_after_bug_phases, nightly_verification
from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import GoOn, decide, list_phases, undone
from orket_pipelines.bugs.records import critical_bugs, found_in, toll_of
from orket_pipelines.cards.model import WAITING
from orket_pipelines.clock import Moment, SystemClock
from orket_pipelines.store import Transaction
from sensors.reading import NOTHING_YET, SWITCH_ON, partitions_under_way, reading

HOUR = 3_600 * 1_000_000

nightly = ScheduleDefinition(
    name="nightly_verification",
    job=nightly_verification,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=DefaultScheduleStatus.RUNNING,
    description="Each night at 03:00 UTC: tries what runs of every rock in its bug-fix phase, files what fails as "
    "bugs, and looks after the phases. It asks no model.",
)


@sensor(
    jobs=[look_after_bug_phases, fix_critical_bugs],
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    description="Has a bug-fix phase looked after when it is to begin, to be extended or to end. Critical bugs are "
    "worked on at once where the setting `automation` is on, as agents cost money. Its cursor is for reading only.",
)
def bug_phases(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """A run for what is due, once an hour at most for the same; and one for each rock with critical bugs."""
    moment = SystemClock().moment()
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        due = phases_due(found.tx, found.settings.bug_phases, moment)
        critical = critical_bugs_of(found.tx)
        automation = found.settings.automation
    cursor = json.dumps({"due": due, "critical": critical})
    requests = []
    if due and not partitions_under_way(context.instance, look_after_bug_phases.name):
        key = f"phases:{_digest(due)}:{moment.at // HOUR}"
        requests.append(RunRequest(run_key=key, job_name=look_after_bug_phases.name))
    if automation:
        requests += _fixes(context.instance, critical)
    told = None if requests else _why_nothing(due, critical, automation=automation)
    return SensorResult(requests, skip_reason=told, cursor=cursor)


def phases_due(tx: Transaction, rules: BugPhases, moment: Moment) -> dict[str, str]:
    """The rocks whose phase somebody must look after, with what is due."""
    due = {rock.id: "it is to begin" for rock in undone(tx)} if rules.days else {}
    for phase in list_phases(tx):
        decision = decide(phase, phase.elapsed_at(moment), toll_of(found_in(tx, phase.rock_id)), rules)
        if phase.ends_as is not None or not isinstance(decision, GoOn):
            due[phase.rock_id] = "its end is decided" if phase.ends_as else type(decision).__name__.lower()
    return due


def critical_bugs_of(tx: Transaction) -> dict[str, list[str]]:
    """The critical bugs that can be worked on, by the rock in whose phase they were found."""
    critical: dict[str, list[str]] = {}
    for phase in list_phases(tx):
        able = [
            f"{bug.card.id}@{bug.card.updated_at}"
            for bug in critical_bugs(tx, phase.rock_id)
            if bug.card.state not in WAITING
        ]
        if able and phase.ends_as is None:
            critical[phase.rock_id] = able
    return critical


def _fixes(instance: DagsterInstance, critical: dict[str, list[str]]) -> list[RunRequest]:
    under_way = partitions_under_way(instance, fix_critical_bugs.name)
    known = set(instance.get_dynamic_partitions(str(ROCKS.name)))
    return [
        RunRequest(run_key=f"fix:{rock}:{_digest(bugs)}", job_name=fix_critical_bugs.name, partition_key=rock)
        for rock, bugs in critical.items()
        if rock in known - under_way
    ]


def _why_nothing(due: dict[str, str], critical: dict[str, list[str]], *, automation: bool) -> str:
    if due:
        return f"Phases are being looked after: {', '.join(due)}."
    if critical and not automation:
        return f"{SWITCH_ON}. Critical bugs: {', '.join(f'{rock} ({len(bugs)})' for rock, bugs in critical.items())}."
    return "Nothing is due, and no critical bug is open that is not being worked on."


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
