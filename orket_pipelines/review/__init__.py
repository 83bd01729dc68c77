"""The review policy: whose approval a patch needs, how often changes may be asked for, and what comes then.

Pure functions over plain facts; delivery asks them, and does what follows.
"""

from orket_pipelines.review.cycles import Consequence, consequence
from orket_pipelines.review.hearing import unheard
from orket_pipelines.review.model import Opinion, Rules
from orket_pipelines.review.quorum import (
    Approved,
    Ask,
    AskPeople,
    Owed,
    Unreviewable,
    awaited,
    last_words,
    what_is_owed,
)
from orket_pipelines.review.requirements import requirements_text
from orket_pipelines.review.rules import rules_of

__all__ = [
    "Approved",
    "Ask",
    "AskPeople",
    "Consequence",
    "Opinion",
    "Owed",
    "Rules",
    "Unreviewable",
    "awaited",
    "consequence",
    "last_words",
    "requirements_text",
    "rules_of",
    "unheard",
    "what_is_owed",
]
