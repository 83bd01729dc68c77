"""The facts of a review: the rules in force, and what was said of a commit."""

from dataclasses import dataclass

from orket_pipelines.cards.transitions import GUARD
from orket_pipelines.forge.model import Verdict


@dataclass(frozen=True, slots=True)
class Rules:
    """Who reviews, and how often changes may be asked for.

    `reviewers` are roles, asked in this order. `required` is how many accounts must have approved a patch, the guard
    always among them; None: as many as there are reviewers who did not write it.
    """

    reviewers: tuple[str, ...] = (GUARD,)
    required: int | None = None
    architect_at: int = 3
    reject_at: int = 4


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one account, a role's or a person's, said of one commit."""

    reviewer: str
    verdict: Verdict
    commit: str
    body: str = ""
