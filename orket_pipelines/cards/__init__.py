"""What work is: card facts, the transition tables, wait reasons, card files, scheduling.

What reads files or the store has to be asked for by its module (`cards.importing`, `cards.records`), so that naming
a card costs no library.
"""

from orket_pipelines.cards.model import (
    DEFAULT_PRIORITY,
    PRIORITIES,
    TERMINAL,
    WAITING,
    WORKABLE,
    Card,
    CardKind,
    CardState,
    WaitReason,
)
from orket_pipelines.cards.problems import Problem
from orket_pipelines.cards.scheduling import claimable, hopeless, order, score, scores, unmet_dependencies
from orket_pipelines.cards.transitions import CANCELER, GUARD, RULES, SYSTEM, TABLES, Move, Refusal, Rule, judge

__all__ = [
    "CANCELER",
    "DEFAULT_PRIORITY",
    "GUARD",
    "PRIORITIES",
    "RULES",
    "SYSTEM",
    "TABLES",
    "TERMINAL",
    "WAITING",
    "WORKABLE",
    "Card",
    "CardKind",
    "CardState",
    "Move",
    "Problem",
    "Refusal",
    "Rule",
    "WaitReason",
    "claimable",
    "hopeless",
    "judge",
    "order",
    "score",
    "scores",
    "unmet_dependencies",
]
