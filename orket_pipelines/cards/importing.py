"""Card files into the store: what is new is added, what changed is updated, and nothing else is touched."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from orket_pipelines.cards.model import WORKABLE, Card
from orket_pipelines.cards.planning import EPIC_ISSUE_LIMIT, Plan, Planner
from orket_pipelines.cards.problems import Problem
from orket_pipelines.cards.records import free_names, insert_cards, list_cards, set_source, update_card
from orket_pipelines.cards.trees import Trees
from orket_pipelines.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, as ids of cards; and everything that it could not bring in."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        counts = f"{len(self.created)} created, {len(self.changed)} changed, {len(self.unchanged)} unchanged"
        return f"Cards: {counts}, {len(self.problems)} {'problem' if len(self.problems) == 1 else 'problems'}."


def import_cards(
    store: Store, paths: Iterable[Path], *, seats: Collection[str], issue_limit: int = EPIC_ISSUE_LIMIT
) -> ImportReport:
    """Bring the cards of files and folders into the store, one transaction a rock; the same again changes nothing.

    `seats` are the roles that may be named as seats; `issue_limit` is how many issues an epic may have without
    declaring its architecture. The state in a file counts when the card is created, never after. A card that has left
    its file stays in the store. What is wrong in the files is in the report, not raised.
    """
    trees = Trees()
    for path in paths:
        trees.read(path)
    planner = Planner(seats, issue_limit)
    plans = [planner.plan(rock) for rock in trees.rocks]
    problems = [*trees.nodes.problems, *(problem for plan in plans for problem in plan.problems)]
    reports = [_store(store, plan) for plan in plans if plan.cards]
    return ImportReport(
        tuple(card_id for report in reports for card_id in report.created),
        tuple(card_id for report in reports for card_id in report.changed),
        tuple(card_id for report in reports for card_id in report.unchanged),
        (*problems, *(problem for report in reports for problem in report.problems)),
    )


def _store(store: Store, plan: Plan) -> ImportReport:
    with store.write() as tx:
        stored = {card.id: card for card in list_cards(tx)}
        problems = _collisions(plan, stored)
        if problems:
            return ImportReport((), (), (), tuple(problems))
        return _apply(tx, plan.cards, stored)


def _apply(tx: Transaction, cards: tuple[Card, ...], stored: dict[str, Card]) -> ImportReport:
    new = [card for card in cards if card.id not in stored]
    old = [card for card in cards if card.id in stored]
    changed = [card for card in old if card.content_hash != stored[card.id].content_hash]
    unchanged = [card for card in old if card.content_hash == stored[card.id].content_hash]
    # Two cards may have swapped their names.
    free_names(tx, [card.id for card in changed if card.name != stored[card.id].name])
    for card in changed:
        update_card(tx, _kept(card, stored[card.id]))
    insert_cards(tx, new)
    for card in unchanged:
        if card.source != stored[card.id].source:
            set_source(tx, card.id, card.source)
    return ImportReport(_ids(new), _ids(changed), _ids(unchanged), ())


def _kept(card: Card, stored: Card) -> Card:
    """`card` as its file has it now, standing where the stored one stands."""
    return replace(card, state=stored.state, wait_reason=stored.wait_reason, note=stored.note, attempt=stored.attempt)


def _collisions(plan: Plan, stored: dict[str, Card]) -> list[Problem]:
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


def _ids(cards: Iterable[Card]) -> tuple[str, ...]:
    return tuple(card.id for card in cards)
