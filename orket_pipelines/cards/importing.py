"""Card files into the store: what is new is added, what changed is updated, and nothing else is touched."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orket_pipelines.cards.differences import Difference, differences_of
from orket_pipelines.cards.model import WORKABLE, Card
from orket_pipelines.cards.planning import EPIC_ISSUE_LIMIT, Plan, Planner
from orket_pipelines.cards.problems import Problem
from orket_pipelines.cards.records import free_names, insert_cards, list_cards, set_source, update_card
from orket_pipelines.cards.trees import Trees
from orket_pipelines.store import Store, Transaction, failpoint, reach

ROCK_STORED = failpoint("cards.rock_stored")


@dataclass(frozen=True, slots=True)
class Reading:
    """What files hold: the cards of each rock that can be used, and everything that is wrong."""

    plans: tuple[Plan, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do, as ids of cards; and everything that it could not bring in.

    `differences` are those of the cards that `changed`, field by field.
    """

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    problems: tuple[Problem, ...]
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        counts = f"{len(self.created)} created, {len(self.changed)} changed, {len(self.unchanged)} unchanged"
        return f"Cards: {counts}, {len(self.problems)} {'problem' if len(self.problems) == 1 else 'problems'}."


def read_cards(paths: Iterable[Path], *, seats: Collection[str], issue_limit: int = EPIC_ISSUE_LIMIT) -> Reading:
    """The cards of files and folders. What is wrong in the files is in the answer, not raised.

    `seats` are the roles that may be named as seats; `issue_limit` is how many issues an epic may have without
    declaring its architecture.
    """
    trees = Trees()
    for path in paths:
        trees.read(path)
    planner = Planner(seats, issue_limit)
    plans = tuple(planner.plan(rock) for rock in trees.rocks)
    problems = (*trees.nodes.problems, *(problem for plan in plans for problem in plan.problems))
    return Reading(tuple(plan for plan in plans if plan.cards), problems)


def preview(store: Store, reading: Reading) -> ImportReport:
    """What `store_cards` would do now; nothing is written."""
    with store.read() as tx:
        stored = {card.id: card for card in list_cards(tx)}
    return _summed(reading, [_compare(plan, stored) for plan in reading.plans])


def store_cards(store: Store, reading: Reading, *, agreed: Collection[Difference] | None = None) -> ImportReport:
    """Bring the cards into the store, one transaction a rock; the same again changes nothing.

    The state in a file counts when the card is created, never after. A card that has left its file stays in the store.
    `agreed` are the differences that a person has seen: a rock with another one is left as it is, and reported. None:
    every difference is agreed to.
    """
    known = None if agreed is None else {(found.card_id, found.path): found for found in agreed}
    return _summed(reading, [_store(store, plan, known) for plan in reading.plans])


def import_cards(
    store: Store, paths: Iterable[Path], *, seats: Collection[str], issue_limit: int = EPIC_ISSUE_LIMIT
) -> ImportReport:
    """`read_cards` and `store_cards` in one, for files whose changes nobody has to agree to."""
    return store_cards(store, read_cards(paths, seats=seats, issue_limit=issue_limit))


def _summed(reading: Reading, reports: Iterable[ImportReport]) -> ImportReport:
    found = list(reports)
    return ImportReport(
        tuple(card_id for report in found for card_id in report.created),
        tuple(card_id for report in found for card_id in report.changed),
        tuple(card_id for report in found for card_id in report.unchanged),
        (*reading.problems, *(problem for report in found for problem in report.problems)),
        tuple(difference for report in found for difference in report.differences),
    )


def _store(store: Store, plan: Plan, agreed: Mapping[tuple[str, str], Difference] | None) -> ImportReport:
    with store.write() as tx:
        stored = {card.id: card for card in list_cards(tx)}
        report = _compare(plan, stored)
        unseen = [found for found in report.differences if found != (agreed or {}).get((found.card_id, found.path))]
        if agreed is not None and unseen:
            place = plan.places[unseen[0].card_id]
            message = f"{unseen[0].card_id} has changed in the store since the differences were shown"
            return ImportReport((), (), (), (place.problem(message, "Run the same command again."),))
        if not report.problems:
            _apply(tx, plan.cards, stored, report)
    reach(ROCK_STORED)
    return report


def _compare(plan: Plan, stored: Mapping[str, Card]) -> ImportReport:
    """What storing a plan would do; nothing of a rock is taken in where something of it collides."""
    problems = _collisions(plan, stored)
    if problems:
        return ImportReport((), (), (), tuple(problems))
    new = tuple(card.id for card in plan.cards if card.id not in stored)
    found = {card.id: differences_of(stored[card.id], card) for card in plan.cards if card.id in stored}
    changed = tuple(card_id for card_id, differences in found.items() if differences)
    unchanged = tuple(card_id for card_id, differences in found.items() if not differences)
    return ImportReport(new, changed, unchanged, (), tuple(each for card_id in changed for each in found[card_id]))


def _apply(tx: Transaction, cards: tuple[Card, ...], stored: Mapping[str, Card], report: ImportReport) -> None:
    changed_ids, unchanged_ids = set(report.changed), set(report.unchanged)
    changed = [card for card in cards if card.id in changed_ids]
    # Two cards may have swapped their names.
    free_names(tx, [card.id for card in changed if card.name != stored[card.id].name])
    for card in changed:
        update_card(tx, _kept(card, stored[card.id]))
    insert_cards(tx, [card for card in cards if card.id not in stored])
    for card in cards:
        if card.id in unchanged_ids and card.source != stored[card.id].source:
            set_source(tx, card.id, card.source)


def _kept(card: Card, stored: Card) -> Card:
    """`card` as its file has it now, standing where the stored one stands."""
    return replace(card, state=stored.state, wait_reason=stored.wait_reason, note=stored.note, attempt=stored.attempt)


def _collisions(plan: Plan, stored: Mapping[str, Card]) -> list[Problem]:
    """Why this rock cannot go into the store as it is: an id or a name there belongs to something else."""
    planned = {card.id for card in plan.cards}
    taken = {(card.parent_id, card.name): card.id for card in stored.values() if card.id not in planned}
    problems: list[Problem] = []
    for card in plan.cards:
        place, other = plan.places[card.id], stored.get(card.id)
        if other is not None and (other.rock_id != card.rock_id or not _same_sort(other, card)):
            message = f"the id {card.id!r} belongs to the {other.kind} of rock {other.rock_id}"
            problems.append((place / "id").problem(message, "Give this card an id of its own."))
        if (namesake := taken.get((card.parent_id, card.name))) is not None:
            message = f"the name {card.name!r} belongs to card {namesake}, which is in the store and not in this file"
            problems.append((place / "name").problem(message, f"Use another name, or give it the id {namesake}."))
    return problems


def _same_sort(one: Card, other: Card) -> bool:
    return one.kind is other.kind or {one.kind, other.kind} <= WORKABLE
