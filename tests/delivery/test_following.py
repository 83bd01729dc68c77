"""What follows from a session is stored as intended with its end."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.agents.records import list_sessions
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery import Result
from orket_pipelines.store import Store, tables

from .conftest import READY, scene, write


def effects_of(store: Store, kind: str) -> list[Any]:
    with store.read() as tx:
        of_kind = sa.select(tables.effects).where(
            tables.effects.c.workspace_id == tx.workspace_id, tables.effects.c.kind == kind
        )
        return list(tx.execute(of_kind))


def test_a_session_ends_and_its_commit_or_review_is_intended_in_one_transaction(line: Any) -> None:
    line.add("one")
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        ended = {session.id: session.ended_at for session in list_sessions(tx, card_id="one")}
    (commit,), (review,) = effects_of(line.store, "code.commit"), effects_of(line.store, "forge.review")
    begun = {effect.key.partition(":")[2]: effect.begun_at for effect in (commit, review)}
    assert begun == ended
    assert {commit.outcome, review.outcome} == {"done"}


def test_nothing_is_intended_for_a_card_that_somebody_moved_meanwhile(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": {"coder": [scene("work", write("a", "1"), {"run_tests": {}}, READY)]}}

    def cancel(_checkout: Path) -> None:
        move_card(line.store, "one", Move(CardState.CANCELED, "project_manager"))

    line.during_tests = cancel
    assert line.deliver()["one"].result is Result.CANCELED
    assert effects_of(line.store, "code.commit") == []
