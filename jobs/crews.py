"""Which issues a run will deliver, so that an issue knows whether its dependencies are coming."""

import re
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dagster import DagsterRun

from orket_pipelines.cards.model import TERMINAL, Card

if TYPE_CHECKING:
    from orket_pipelines.delivery import Crew

STEP = "deliver"
_crews: "dict[str, Crew]" = {}
_lock = threading.RLock()


def mapping_keys(card_ids: Iterable[str]) -> dict[str, str]:
    """Card id to the key of its step: what Dagster allows in one; the order of the ids settles what would clash."""
    keys: dict[str, str] = {}
    for card_id in card_ids:
        key = re.sub(r"\W", "_", card_id, flags=re.ASCII)
        keys[card_id] = key if key not in keys.values() else f"{key}_{len(keys)}"
    return keys


def call_crew(run_id: str, card_ids: Iterable[str]) -> None:
    """The plan of this run has a step for each of these issues."""
    from orket_pipelines.delivery import Crew  # noqa: PLC0415 - as in resources/factory.py

    with _lock:
        _crews[run_id] = Crew(card_ids)


def crew_of(run: DagsterRun, cards: Iterable[Card]) -> "Crew":
    """The crew of a run, one for all its steps. A re-execution makes no plan: its steps were selected beforehand."""
    with _lock:
        if run.run_id not in _crews:
            selected = set(run.step_keys_to_execute or ())
            keys = mapping_keys(card.id for card in cards if card.state not in TERMINAL)
            call_crew(run.run_id, [card_id for card_id, key in keys.items() if f"{STEP}[{key}]" in selected])
        return _crews[run.run_id]
