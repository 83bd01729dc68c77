"""From the tree of a rock to cards: ids, roles, dependencies; what breaks a rule is reported, and the rest stands."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from orket_pipelines.cards.files import CardFields, IssueFields
from orket_pipelines.cards.graph import cycles, dependents_of
from orket_pipelines.cards.identifiers import derived_id, slug
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.nodes import EpicNode, IssueNode, RockNode
from orket_pipelines.cards.problems import Place, Problem
from orket_pipelines.cards.suites import unknown_names

EPIC_ISSUE_LIMIT = 7
"""Issues that an epic may have before it must say how it is cut into parts."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The cards of one rock, parents first, and where each stands; what could not be planned, and why."""

    cards: tuple[Card, ...]
    places: dict[str, Place]
    problems: tuple[Problem, ...]


@dataclass
class Planner:
    """Plans one rock after another; an id is given once, a name once per parent."""

    seats: Collection[str]
    issue_limit: int = EPIC_ISSUE_LIMIT
    _places: dict[str, Place] = field(default_factory=dict)
    _names: dict[tuple[str | None, str], Place] = field(default_factory=dict)

    def plan(self, rock: RockNode) -> Plan:
        """The cards of a rock; none where its own fields are wrong."""
        return _RockPlan(self, rock).result() if rock.fields is not None else Plan((), {}, ())

    def admit(self, card: Card, place: Place) -> Problem | None:
        """Remember a card's id and name; a problem where one is taken."""
        if (first := self._places.get(card.id)) is not None:
            return (place / "id").problem(f"the id {card.id!r} is taken by {first}", "Give it an id of its own.")
        if (first := self._names.get((card.parent_id, card.name))) is not None:
            return (place / "name").problem(f"the name {card.name!r} is taken by {first}", "Give it another name.")
        self._places[card.id] = place
        self._names[card.parent_id, card.name] = place
        return None


class _RockPlan:
    """One rock while it is planned."""

    def __init__(self, planner: Planner, rock: RockNode) -> None:
        self._planner = planner
        self._cards: dict[str, Card] = {}
        self._places: dict[str, Place] = {}
        self._problems: list[Problem] = []
        self._named: dict[str, list[str]] = {}
        # What a file calls the issues that are not to be had; and the ids of those that are planned, but have to go.
        self._lost: set[str] = set()
        self._dropped: set[str] = set()
        self._needs: dict[str, list[str]] = {}
        self._suites = [suite.name for suite in rock.suites]
        self._add_rock(rock)

    def result(self) -> Plan:
        """Resolve the dependencies, drop what cannot be worked on, and hand over the rest."""
        for card_id, names in self._needs.items():
            self._resolve(card_id, names)
        self._drop_cycles()
        self._drop_dependents()
        cards = tuple(replace(card, content_hash=_content_hash(card)) for card in self._cards.values())
        return Plan(cards, self._places, tuple(self._problems))

    def _add_rock(self, rock: RockNode) -> None:
        assert rock.fields is not None  # noqa: S101 - Planner.plan asked
        rock_id = rock.fields.id or slug(rock.fields.name)
        card = replace(_card(rock.fields, rock_id, rock.place), rock_id=rock_id)
        card = replace(card, details=card.details | {"suites": [asdict(suite) for suite in rock.suites]})
        whole = self._add(card, rock.place)
        for epic in rock.epics:
            self._add_epic(epic, card, whole=whole)

    def _add_epic(self, epic: EpicNode, rock: Card, *, whole: bool) -> None:
        card = None
        if epic.fields is not None and whole and self._is_simple_enough(epic):
            epic_id = epic.fields.id or derived_id(rock.id, epic.fields.name)
            card = replace(_card(epic.fields, epic_id, epic.place), parent_id=rock.id, rock_id=rock.id)
        whole = card is not None and self._add(card, epic.place)
        for issue in epic.issues:
            self._add_issue(issue, epic, card if whole else None)

    def _add_issue(self, issue: IssueNode, epic: EpicNode, parent: Card | None) -> None:
        if issue.fields is None or parent is None:
            self._lost.update(issue.names)
            return
        issue_id = issue.fields.id or derived_id(parent.id, issue.fields.name)
        seat, problem = self._role(issue.fields, issue.place, epic)
        card = replace(
            _card(issue.fields, issue_id, issue.place), parent_id=parent.id, rock_id=parent.rock_id, seat=seat
        )
        card = replace(card, details=card.details | self._models(issue.fields, epic))
        problems = unknown_names(issue.fields.verified_by, self._suites, issue.place)
        problems += [problem] if problem is not None else []
        self._problems.extend(problems)
        if problems or not self._add(card, issue.place):
            self._lost.update({*issue.names, issue_id})
            return
        self._named.setdefault(card.name, []).append(issue_id)
        self._needs[issue_id] = issue.fields.depends_on

    def _add(self, card: Card, place: Place) -> bool:
        problem = self._planner.admit(card, place)
        if problem is not None:
            self._problems.append(problem)
            return False
        self._cards[card.id] = card
        self._places[card.id] = place
        return True

    def _is_simple_enough(self, epic: EpicNode) -> bool:
        limit = self._planner.issue_limit
        if len(epic.issues) <= limit or (epic.fields is not None and epic.fields.architecture is not None):
            return True
        message = f"has {len(epic.issues)} issues; with more than {limit} it must declare how it is decomposed"
        fix = "Name its parts under `architecture:` as managers, engines and accessors, or split the epic."
        self._problems.append(epic.place.problem(message, fix))
        return False

    def _role(self, fields: IssueFields, place: Place, epic: EpicNode) -> tuple[str | None, Problem | None]:
        """The role that an issue is for: its seat, or the first role we have that its team puts in that seat."""
        known = self._planner.seats
        if fields.seat is None or fields.seat in known:
            return fields.seat, None
        sitting = epic.seats[slug(fields.seat)].roles if slug(fields.seat) in epic.seats else []
        role = next((role for role in sitting if role in known), None)
        if role is not None:
            return role, None
        told = f" (its team seats {', '.join(sitting)} there)" if sitting else ""
        message = f"no role is called {fields.seat!r}{told}"
        return None, (place / "seat").problem(message, f"Seats: {', '.join(sorted(known))}.")

    def _models(self, fields: IssueFields, epic: EpicNode) -> dict[str, Any]:
        """The params of an issue with the models of its team's roles; what the issue says of one itself counts."""
        found = {role: seat.model for seat in epic.seats.values() if seat.model for role in seat.roles}
        known = {role: model for role, model in found.items() if role in self._planner.seats}
        own = fields.params.get("models") or {}
        return {"params": fields.params | {"models": known | own}} if known and isinstance(own, dict) else {}

    def _resolve(self, card_id: str, names: list[str]) -> None:
        found: list[str] = []
        for number, name in enumerate(names):
            ids = self._ids_of(name)
            if len(ids) == 1:
                found.append(ids[0])
                continue
            place = self._places[card_id] / "depends_on" / number
            self._problems.append(place.problem(*self._unresolved(name, ids)))
            self._dropped.add(card_id)
        self._cards[card_id] = replace(self._cards[card_id], depends_on=tuple(dict.fromkeys(found)))

    def _ids_of(self, name: str) -> list[str]:
        """The issues that may be meant: the one with this id, those with this name, the one with this id in Orket."""
        if name in self._needs:
            return [name]
        return self._named.get(name) or [card_id for card_id in [slug(name)] if card_id in self._needs]

    def _unresolved(self, name: str, ids: list[str]) -> tuple[str, str]:
        if ids:
            return f"{name!r} names several issues", f"Use the id: {', '.join(ids)}."
        if name in self._lost or slug(name) in self._lost:
            return f"depends on {name!r}, which cannot be loaded", "Correct that issue first."
        return f"there is no issue {name!r} in this rock", "Use the id or the name of one."

    def _drop_cycles(self) -> None:
        for cycle in cycles(self._graph()):
            place = self._places[cycle[0]] / "depends_on"
            self._problems.append(place.problem(f"a dependency cycle: {' → '.join(cycle)}", "Take one of them out."))
            self._dropped.update(cycle)

    def _drop_dependents(self) -> None:
        for card_id, needed in dependents_of(self._graph(), self._dropped).items():
            place = self._places[card_id] / "depends_on"
            message = f"depends on {needed!r}, which cannot be loaded"
            self._problems.append(place.problem(message, "Correct that issue first."))
            self._dropped.add(card_id)
        for card_id in self._dropped:
            del self._cards[card_id]

    def _graph(self) -> dict[str, tuple[str, ...]]:
        return {card_id: self._cards[card_id].depends_on for card_id in self._needs}


def _card(fields: CardFields, card_id: str, place: Place) -> Card:
    return Card(
        id=card_id,
        kind=CardKind(fields.kind),
        name=fields.name,
        state=fields.state,
        wait_reason=fields.wait_reason,
        note=fields.note,
        priority=fields.priority,
        details=fields.details(),
        source=str(place),
    )


def _content_hash(card: Card) -> str:
    """A fingerprint of what a file says of a card; not of where it says so, and not of the state it began in."""
    said = [card.kind, card.name, card.parent_id, card.priority, card.seat, card.details, sorted(card.depends_on)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
