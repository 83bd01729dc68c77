"""Starts rocks that have something to do, where that is switched on."""

import hashlib
import json
from collections import defaultdict

from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)
from dagster._core.storage.tags import PRIORITY_TAG

from assets.graph import ROCKS
from jobs.delivery import deliver_rock
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardKind, CardState
from orket_pipelines.cards.records import list_cards
from orket_pipelines.store import Transaction
from sensors.reading import NOTHING_YET, SWITCH_ON, partitions_under_way, reading


@sensor(
    job=deliver_rock,
    minimum_interval_seconds=10,
    default_status=DefaultSensorStatus.RUNNING,
    description="Starts deliver_rock for rocks whose issues can be begun. It acts only where the setting `automation` "
    "is on, as agents cost money; while it is off, its ticks say what would start. Its cursor is for reading only.",
)
def ready_rocks(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """A run for each rock that has issues to begin and is not being worked on, once per state of these issues."""
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        startable = startable_issues(found.tx)
        automation = found.settings.automation
        priorities = {rock.id: rock.priority for rock in list_cards(found.tx, kinds=[CardKind.ROCK])}
    cursor = json.dumps({rock: [card.id for card in cards] for rock, cards in startable.items()})
    if not startable:
        return SensorResult(skip_reason="No issue is ready to be started: all are begun, done, or wait.", cursor=cursor)
    if not automation:
        would = ", ".join(f"{rock} ({len(cards)} issues)" for rock, cards in startable.items())
        return SensorResult(skip_reason=f"{SWITCH_ON}. Ready: {would}.", cursor=cursor)
    requests = run_requests(context.instance, startable, priorities)
    told = None if requests else "Every rock with ready issues is being worked on, or was started for them already."
    return SensorResult(requests, skip_reason=told, cursor=cursor)


def startable_issues(tx: Transaction) -> dict[str, list[Card]]:
    """Issues by rock that are ready, all of whose dependencies are done; but for bugs of rocks that are done, which the
    sensor `bug_phases` watches."""
    over = {rock.id for rock in list_cards(tx, kinds=[CardKind.ROCK], states=TERMINAL)}
    cards = {card.id: card for card in list_cards(tx, kinds=WORKABLE) if card.rock_id not in over}
    startable = defaultdict(list)
    for card in cards.values():
        waits = any(cards[needed].state is not CardState.DONE for needed in card.depends_on if needed in cards)
        if card.state is CardState.READY and card.rock_id is not None and not waits:
            startable[card.rock_id].append(card)
    return dict(startable)


def run_requests(
    instance: DagsterInstance, startable: dict[str, list[Card]], priorities: dict[str, float]
) -> list[RunRequest]:
    """Keyed by what is to be started, so that a rock whose run changed nothing is not started over and over.

    Where Dagster has no room for all of them, the rock with the higher priority leaves its queue first.
    """
    under_way = partitions_under_way(instance, deliver_rock.name)
    known = set(instance.get_dynamic_partitions(str(ROCKS.name)))
    return [
        RunRequest(run_key=_key(rock, cards), partition_key=rock, tags={PRIORITY_TAG: str(round(priorities[rock]))})
        for rock, cards in startable.items()
        if rock in known and rock not in under_way
    ]


def _key(rock: str, cards: list[Card]) -> str:
    state = "".join(f"{card.id}{card.updated_at}" for card in cards)
    return f"{rock}:{hashlib.sha256(state.encode()).hexdigest()[:12]}"
