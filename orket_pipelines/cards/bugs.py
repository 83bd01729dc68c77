"""A bug: an issue of the rock that it was found in, with how bad it is and where it was seen.

Reported while its rock is under way it is work like any other of the rock. In a rock that is done it belongs to the
bug-fix phase. It says so itself, so that no clock is asked which of the two it was.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain, count
from typing import Any

from orket_pipelines.cards.identifiers import derived_id
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardKind, CardState
from orket_pipelines.cards.records import add_comment, find_card, get_card, insert_cards, list_cards
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction, append

BUG = "bug"
"""The label that makes an issue a bug, whoever wrote the card."""
EPIC_LIMIT = 7
"""Bugs in one epic; the next ones get an epic of their own."""


class Severity(StrEnum):
    """Critical: it cannot be used. Major: something in it does not work. Minor: it is a nuisance."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Source(StrEnum):
    """Who found it: a person, somebody in the forge, an agent at its work, or a verification of what runs."""

    PERSON = "person"
    FORGE = "forge"
    AGENT = "agent"
    VERIFICATION = "verification"


PRIORITY = {Severity.CRITICAL: 3.0, Severity.MAJOR: 2.0, Severity.MINOR: 1.0}
"""The priority of a bug that is given none."""
HIGH = 3.0
"""From this priority on a bug counts against the end of its phase."""


@dataclass(frozen=True, slots=True)
class FoundIn:
    """Where it was seen; None where that is not known. `scenario` is what was tried: a suite with its case, or a
    sentence."""

    commit: str | None = None
    sandbox: str | None = None
    scenario: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What somebody reports. `name` is one line, and tells one bug of a rock from another; `priority` None goes by the
    severity. `verified_by` are suites of the rock that hold once it is fixed."""

    name: str
    description: str
    severity: Severity = Severity.MAJOR
    priority: float | None = None
    source: Source = Source.PERSON
    by: str = "person"
    found_in: FoundIn = FoundIn()
    verified_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug as its card tells it. `in_phase`: its rock had been done when it was reported."""

    card: Card
    severity: Severity
    source: Source
    by: str
    found_in: FoundIn
    in_phase: bool

    @property
    def is_open(self) -> bool:
        return self.card.state not in TERMINAL

    @property
    def is_fixed(self) -> bool:
        return self.card.state is CardState.DONE

    @property
    def is_critical(self) -> bool:
        """Whether it is worked on at once."""
        return self.severity is Severity.CRITICAL or self.card.priority >= HIGH


def report(tx: Transaction, rock_id: str, finding: Finding) -> Bug:
    """Make it an issue of the rock, and an event `bug.reported`.

    What is open under the same name is the same bug: it gets a comment, and comes back as it is.
    Raises: CardError where there is no such rock, or it was canceled.
    """
    rock = get_card(tx, rock_id)
    if rock.kind is not CardKind.ROCK:
        raise CardError(
            f"{rock_id} is not a rock, but an {rock.kind}", next_step="See which there are: orket rocks list"
        )
    if rock.state is CardState.CANCELED:
        raise CardError(f"the rock {rock_id} was canceled, so that it has no bugs", next_step="orket rocks list")
    known = next((bug for bug in bugs_of(tx, rock_id) if bug.is_open and bug.card.name == _line(finding.name)), None)
    if known is not None:
        add_comment(tx, known.card.id, finding.by, f"Seen again. {finding.description}")
        return known
    card = _card(tx, rock, finding)
    insert_cards(tx, [card])
    bug = bug_of(card)
    if bug is None:
        raise AssertionError("a card that was made as a bug is one")
    told = {"rock": rock_id, "name": card.name, "priority": card.priority, "severity": finding.severity}
    seen = asdict(finding.found_in) | {"source": finding.source, "by": finding.by, "in_phase": bug.in_phase}
    append(tx, "bug.reported", card.id, told | seen)
    return bug


def bug_of(card: Card) -> Bug | None:
    """The bug that a card is; None where it is none. What its card does not say goes by its priority."""
    if card.kind not in WORKABLE or BUG not in (card.details.get("labels") or ()):
        return None
    said = (card.details.get("params") or {}).get(BUG)
    said = said if isinstance(said, dict) else {}
    by_priority = (
        Severity.CRITICAL if card.priority >= HIGH else Severity.MAJOR if card.priority > 1 else Severity.MINOR
    )
    found = FoundIn(*(str(said[name]) if said.get(name) else None for name in ("commit", "sandbox", "scenario")))
    severity, source = said.get("severity", by_priority), said.get("source", Source.PERSON)
    return Bug(card, Severity(severity), Source(source), str(said.get("by", "")), found, bool(said.get("in_phase")))


def bugs_of(tx: Transaction, rock_id: str | None = None) -> list[Bug]:
    """The bugs of a rock, or of all, oldest first."""
    return bugs_among(list_cards(tx, rock_id=rock_id, kinds=WORKABLE))


def bugs_among(cards: Iterable[Card]) -> list[Bug]:
    """Those of these cards that are bugs."""
    return [bug for bug in map(bug_of, cards) if bug is not None]


def get_bug(tx: Transaction, card_id: str) -> Bug:
    """The bug with this id. Raises: CardError where there is none."""
    bug = bug_of(get_card(tx, card_id))
    if bug is None:
        raise CardError(f"{card_id} is no bug", next_step="See which there are: orket bugs list")
    return bug


def epic_for(tx: Transaction, rock: Card, name: str) -> Card:
    """The rock's epic for bugs, where it has room for one of that name; a new one otherwise."""
    for number in count(1):
        title = "Bugs" if number == 1 else f"Bugs {number}"
        epic = find_card(tx, derived_id(rock.id, title))
        if epic is None:
            break
        if _has_room(tx, epic, name):
            return epic
    epic = Card(derived_id(rock.id, title), CardKind.EPIC, title, parent_id=rock.id, rock_id=rock.id)
    insert_cards(tx, [epic])
    return epic


def _card(tx: Transaction, rock: Card, finding: Finding) -> Card:
    name = _line(finding.name)
    epic = epic_for(tx, rock, name)
    said = asdict(finding.found_in) | {"severity": str(finding.severity), "source": str(finding.source)}
    said |= {"by": finding.by, "in_phase": rock.state is CardState.DONE}
    details: dict[str, Any] = {"description": finding.description, "labels": [BUG], "params": {BUG: said}}
    if finding.verified_by:
        details["verified_by"] = list(finding.verified_by)
    return Card(
        id=_free_id(tx, derived_id(f"{rock.id}-{BUG}", name)),
        kind=CardKind.ISSUE,
        name=name,
        parent_id=epic.id,
        rock_id=rock.id,
        priority=PRIORITY[finding.severity] if finding.priority is None else finding.priority,
        details=details,
    )


def _has_room(tx: Transaction, epic: Card, name: str) -> bool:
    """An epic that ended never begins again, and the names in it are taken for good."""
    names = [card.name for card in list_cards(tx, parent_id=epic.id)]
    return epic.state not in TERMINAL and len(names) < EPIC_LIMIT and name not in names


def _free_id(tx: Transaction, wanted: str) -> str:
    """A bug that comes back after it was fixed is another one."""
    names = chain([wanted], (derived_id(wanted, str(number)) for number in count(2)))
    return next(name for name in names if find_card(tx, name) is None)


def _line(name: str) -> str:
    return " ".join(name.split())
