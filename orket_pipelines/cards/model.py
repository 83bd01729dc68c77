"""What work is: a rock holds epics, an epic holds issues; a card has a state, and a reason where it waits."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class CardKind(StrEnum):
    """Utility and app cards follow the rules of issues."""

    ROCK = "rock"
    EPIC = "epic"
    ISSUE = "issue"
    UTILITY = "utility"
    APP = "app"


class CardState(StrEnum):
    """Where a card stands; which moves there are is in `transitions.py`."""

    READY = "ready"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    WAITING_FOR_DEVELOPER = "waiting_for_developer"
    READY_FOR_TESTING = "ready_for_testing"
    CODE_REVIEW = "code_review"
    DONE = "done"
    CANCELED = "canceled"


class WaitReason(StrEnum):
    """Why a card is blocked or waits for a developer."""

    RESOURCE = "resource"
    DEPENDENCY = "dependency"
    REVIEW = "review"
    INPUT = "input"
    SYSTEM = "system"


TERMINAL = frozenset({CardState.DONE, CardState.CANCELED})
WAITING = frozenset({CardState.BLOCKED, CardState.WAITING_FOR_DEVELOPER})
WORKABLE = frozenset({CardKind.ISSUE, CardKind.UTILITY, CardKind.APP})
"""The kinds that agents work on."""
PRIORITIES = {"low": 1.0, "medium": 2.0, "high": 3.0}
DEFAULT_PRIORITY = 2.0


@dataclass(frozen=True, slots=True)
class Card:
    """One card as stored.

    `id` is stable and unique in the workspace, `name` unique within the parent. `rock_id` is the rock at the top
    (itself for a rock, None for a card outside any). `attempt` counts reworks after a merge, from 1.
    `details` holds the fields that no rule of the factory reads by column: description, requirements, labels,
    params, references, verification, metrics, assignee, sprint; an epic's team, environment, …; a rock's task.
    `source` is the file it came from and the path to its key, as `file#key.path`; None where it was not a file.
    """

    id: str
    kind: CardKind
    name: str
    state: CardState = CardState.READY
    parent_id: str | None = None
    rock_id: str | None = None
    wait_reason: WaitReason | None = None
    note: str = ""
    priority: float = DEFAULT_PRIORITY
    seat: str | None = None
    attempt: int = 1
    details: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    source: str | None = None
    content_hash: str = ""
    created_at: int = 0
    updated_at: int = 0
