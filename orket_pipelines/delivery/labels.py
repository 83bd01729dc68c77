"""The label that says on the forge that something of an issue was refused; put once on each of its pull requests."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orket_pipelines.forge import Forge
from orket_pipelines.store import Store, Transaction, append, effect_kind, perform, tables
from orket_pipelines.store.effects import DONE, Result, repeatable

LABEL = effect_kind("forge.label")
POLICY_VIOLATION = "Policy Violation"

_attempts, _cards, _effects, _violations = tables.attempts, tables.cards, tables.effects, tables.policy_violations
is_owed = sa.and_(
    _attempts.c.pull_request.is_not(None),
    sa.exists().where(
        _violations.c.workspace_id == _attempts.c.workspace_id, _violations.c.card_id == _attempts.c.card_id
    ),
    ~sa.exists().where(
        _effects.c.workspace_id == _attempts.c.workspace_id,
        _effects.c.key
        == sa.literal(f"{LABEL.name}:") + _attempts.c.repository + ":" + sa.cast(_attempts.c.pull_request, sa.Text),
        _effects.c.outcome == DONE,
    ),
)
"""Whether the pull request of an attempt lacks the label, in SQL."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """A pull request that the label is owed to."""

    card_id: str
    rock_id: str | None
    repository: str
    number: int


def find_unlabelled(tx: Transaction) -> Sequence[Unlabelled]:
    """All of them; of an issue the last attempt counts."""
    same = sa.and_(_cards.c.workspace_id == _attempts.c.workspace_id, _cards.c.id == _attempts.c.card_id)
    query = (
        sa.select(_cards.c.id, _cards.c.rock_id, _attempts.c.repository, _attempts.c.pull_request)
        .select_from(_attempts.join(_cards, same))
        .where(_attempts.c.workspace_id == tx.workspace_id, _attempts.c.number == _cards.c.attempt, is_owed)
    )
    rows = tx.execute(query.order_by(_cards.c.id))
    return [Unlabelled(row.id, row.rock_id, row.repository, row.pull_request) for row in rows]


def label_pull_request(store: Store, forge: Forge, found: Unlabelled) -> None:
    """Put the label on; on it already is as good. Raises: ForgeError."""
    labels = (POLICY_VIOLATION,)

    def act() -> Result:
        forge.label(found.repository, found.number, labels)
        return {"number": found.number}

    def record(tx: Transaction, result: Result) -> None:
        about = {"repository": found.repository, "rock": found.rock_id, "labels": list(labels)}
        append(tx, "pull_request.labeled", found.card_id, {**about, **result})

    intent = {"repository": found.repository, "number": found.number, "labels": list(labels)}
    key = f"{found.repository}:{found.number}"
    perform(store, LABEL, key, subject=found.card_id, intent=intent, act=act, probe=repeatable, record=record)
