"""Finds what a dead process left behind."""

import hashlib
import json

from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.graph import ROCKS
from jobs.delivery import deliver_rock
from jobs.reporting import UNFINISHED, end_lost_runs
from jobs.upkeep import upkeep
from orket_pipelines.cards.model import TERMINAL, WAITING, Card
from orket_pipelines.cards.records import find_card
from orket_pipelines.containers import engine_answers, installation_id, open_engine
from orket_pipelines.containers.model import OWNER, PROCESS, WORKSPACE
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.settings import Settings
from orket_pipelines.store import Transaction, is_proven_dead
from orket_pipelines.store.leases import dead_leases
from resources.leases import ISSUES, lost_runs
from sensors.reading import NOTHING_YET, SWITCH_ON, partitions_under_way, reading


@sensor(
    jobs=[deliver_rock, end_lost_runs, upkeep],
    minimum_interval_seconds=15,
    default_status=DefaultSensorStatus.RUNNING,
    description="Finds issues whose worker's process died, runs that died with theirs, and containers that they left. "
    "Such runs are marked as failed, the containers removed; the issues are taken up again where the setting "
    "`automation` is on. Its cursor is for reading only.",
)
def stale_work(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """Only what is proven dead counts: a process of this machine that is gone."""
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        stale = stale_issues(found.tx)
        lost = lost_runs(found.tx)
        settings, automation = found.settings, found.settings.automation
    orphans = orphaned_containers(settings)
    cursor = json.dumps([card.id for card in stale] + orphans)
    requests = _end_lost(context.instance, lost) + _remove(orphans)
    if automation:
        requests += _take_up(context.instance, stale)
    told = None if requests else _why_nothing(stale, automation=automation)
    return SensorResult(requests, skip_reason=told, cursor=cursor)


def stale_issues(tx: Transaction) -> list[Card]:
    """Unfinished issues whose worker's process is proven dead."""
    cards = [find_card(tx, name.removeprefix(ISSUES)) for name in dead_leases(tx, ISSUES)]
    return [card for card in cards if card is not None and card.state not in TERMINAL | WAITING]


def orphaned_containers(settings: Settings) -> list[str]:
    """The names of containers whose worker is proven dead; none where no engine answers, which proves nothing."""
    if settings.isolation == "process" or not engine_answers():
        return []
    mine = {OWNER: installation_id(settings.home), WORKSPACE: settings.workspace}
    try:
        found = open_engine(settings.home).containers(mine)
    except EngineUnavailable:
        return []
    return sorted(each.name for each in found if PROCESS in each.labels and is_proven_dead(each.labels[PROCESS]))


def _remove(orphans: list[str]) -> list[RunRequest]:
    """Keyed by what is there, so that one that cannot be removed is not tried over and over."""
    key = hashlib.sha256(",".join(orphans).encode()).hexdigest()[:12]
    return [RunRequest(run_key=f"orphans:{key}", job_name=upkeep.name)] if orphans else []


def _end_lost(instance: DagsterInstance, lost: set[str]) -> list[RunRequest]:
    runs = instance.get_runs(RunsFilter(run_ids=sorted(lost), statuses=UNFINISHED)) if lost else []
    key = ",".join(sorted(run.run_id for run in runs))
    return [RunRequest(run_key=f"lost:{key}", job_name=end_lost_runs.name)] if runs else []


def _take_up(instance: DagsterInstance, stale: list[Card]) -> list[RunRequest]:
    under_way = partitions_under_way(instance, deliver_rock.name)
    known = set(instance.get_dynamic_partitions(str(ROCKS.name)))
    rocks = sorted({card.rock_id for card in stale if card.rock_id} & known - under_way)
    keys = {rock: max(card.updated_at for card in stale if card.rock_id == rock) for rock in rocks}
    return [
        RunRequest(run_key=f"stale:{rock}:{key}", job_name=deliver_rock.name, partition_key=rock)
        for rock, key in keys.items()
    ]


def _why_nothing(stale: list[Card], *, automation: bool) -> str:
    if not stale:
        return "No worker died at its work."
    names = ", ".join(card.id for card in stale)
    if automation:
        return f"Left by a dead worker, and taken up already: {names}."
    rocks = " ".join(sorted({card.rock_id for card in stale if card.rock_id}))
    return f"Left by a dead worker: {names}. Take them up: orket rocks deliver {rocks}. {SWITCH_ON}"
