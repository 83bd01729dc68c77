"""Whose word a patch still needs, from what was said of it so far."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from orket_pipelines.cards.transitions import GUARD
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review.model import Opinion, Rules


@dataclass(frozen=True, slots=True)
class Ask:
    """Let the role `reviewer` review the head."""

    reviewer: str


@dataclass(frozen=True, slots=True)
class AskPeople:
    """The reviewers have all approved; `missing` more accounts, which are people's, have to."""

    missing: int


@dataclass(frozen=True, slots=True)
class Unreviewable:
    """The guard wrote it, and nobody else's approval finishes an issue."""


@dataclass(frozen=True, slots=True)
class Approved:
    """Enough have approved, and the guard is one of them."""


Owed = Ask | AskPeople | Unreviewable | Approved


def last_words(said: Iterable[Opinion]) -> dict[str, Opinion]:
    """What each account said last; a comment takes nothing back."""
    return {opinion.reviewer: opinion for opinion in said if opinion.verdict is not Verdict.COMMENTED}


def what_is_owed(said: Iterable[Opinion], rules: Rules, *, authors: Collection[str]) -> Owed:
    """Who has to speak next, where nobody asks for changes. `said` (oldest first) is about the head, or its very patch.

    What `authors` say does not count. The guard has a place of its own among the required approvals; a person's
    approval takes the place of any other reviewer's.
    """
    if GUARD in authors:
        return Unreviewable()
    approved = {
        name
        for name, opinion in last_words(said).items()
        if opinion.verdict is Verdict.APPROVED and name not in authors
    }
    eligible = [name for name in rules.reviewers if name not in authors]
    missing = (rules.required or len(eligible)) - 1 - len(approved - {GUARD})
    silent = [name for name in eligible if name not in approved and (missing > 0 or name == GUARD)]
    if silent:
        return Ask(silent[0])
    return AskPeople(missing) if missing > 0 else Approved()


def awaited(owed: Owed) -> str | None:
    """Whose review comes next, in words; None where the patch has all it needs."""
    match owed:
        case Ask(reviewer):
            return reviewer
        case AskPeople(missing):
            return "a person" if missing == 1 else f"{missing} people"
        case Unreviewable():
            return "another author"
        case _:
            return None
