"""The facts of a session: one role working on one card for one purpose, from a prompt to an outcome."""

from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.forge.model import Verdict


class Purpose(StrEnum):
    """Why a role is called to a card; playbooks and prompts speak of it by this name."""

    WORK = "work"
    TESTS_FAILED = "tests_failed"
    CHANGES_REQUESTED = "changes_requested"
    CONFLICT = "conflict"
    MERGED_TESTS_FAILED = "merged_tests_failed"
    VERIFICATION_FAILED = "verification_failed"
    REVIEW = "review"
    GUIDANCE = "guidance"
    STUCK = "stuck"


class SessionState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a role is called to do.

    `visit` counts the calls of this role for this purpose on this card, from 1. `subject_commit` is the commit that
    the work starts from or that is reviewed. `repository` and `test_command` come from the rock. `brief` is text for
    the model: the card, what happened before, the diff to review, conflicts. `model` is the name of the model that the
    settings choose for it, None for the one for all work.
    """

    card_id: str
    attempt: int
    role: str
    purpose: Purpose
    visit: int
    subject_commit: str
    repository: str
    test_command: tuple[str, ...]
    brief: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a session ended with. Exactly one of the first four is set.

    `request`: the state that the author asks for (with `wait_reason` where it is one to wait in).
    `verdict`: what the reviewer decided. `guidance`: the architect did its part (`text` holds it).
    `failure`: the session ended without any of these; why, in one line (turn cap, silent, model gave up). `stuck`: it
    went round in circles.
    """

    request: CardState | None = None
    verdict: Verdict | None = None
    guidance: bool = False
    failure: str | None = None
    wait_reason: WaitReason | None = None
    text: str = ""
    stuck: bool = False
