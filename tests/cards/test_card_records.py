"""Cards in the store: moves by compare-and-set, parents that follow, refusals on record."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.cards import Card, CardKind, CardState, Move, WaitReason
from orket_pipelines.cards.records import (
    MANY,
    add_comment,
    comments_of,
    find_card,
    get_card,
    insert_cards,
    list_cards,
    move_card,
    move_in,
    update_card,
)
from orket_pipelines.errors import CardError, TransitionRefused
from orket_pipelines.policy import list_violations
from orket_pipelines.store import Store, read_events

S = CardState
MOVER = """
import sys
from orket_pipelines.cards import CardState, Move
from orket_pipelines.cards.records import get_card, move_card, move_in
from orket_pipelines.errors import TransitionRefused
from orket_pipelines.store import Store
store = Store.open(sys.argv[1])
with store.read() as tx:
    seen = get_card(tx, "one")
print("at the start", flush=True)
sys.stdin.readline()
try:
    with store.write() as tx:
        move_in(tx, seen, Move(CardState.IN_PROGRESS, sys.argv[2]))
    print("won")
except TransitionRefused as refused:
    print(refused)
try:
    move_card(store, "two", Move(CardState.IN_PROGRESS, sys.argv[2]))
    print("won")
except TransitionRefused as refused:
    print(refused)
"""
TREE = [
    Card("rock", CardKind.ROCK, "Rock", rock_id="rock"),
    Card("epic", CardKind.EPIC, "Epic", parent_id="rock", rock_id="rock"),
    Card("one", CardKind.ISSUE, "One", parent_id="epic", rock_id="rock", details={"description": "…"}, seat="coder"),
    Card("two", CardKind.ISSUE, "Two", parent_id="epic", rock_id="rock", depends_on=("one",)),
]


@pytest.fixture
def tree(store: Store) -> Store:
    with store.write() as tx:
        insert_cards(tx, TREE)
    return store


def states(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return {card.id: card.state.value for card in list_cards(tx)}


def finish(store: Store, card_id: str) -> None:
    move_card(store, card_id, Move(S.IN_PROGRESS, "coder"))
    move_card(store, card_id, Move(S.CODE_REVIEW, "coder"))
    move_card(store, card_id, Move(S.DONE, "integrity_guard"))


def test_a_card_comes_back_as_it_was_stored(tree: Store) -> None:
    with tree.read() as tx:
        found = get_card(tx, "one")
        dependent = get_card(tx, "two")

    now = 1_700_000_000_000_000
    assert found == replace(TREE[2], created_at=now, updated_at=now)
    assert dependent.depends_on == ("one",)


def test_a_card_that_is_not_there_is_named(store: Store) -> None:
    with store.read() as tx:
        assert find_card(tx, "nope") is None
        with pytest.raises(CardError, match="'nope'") as missing:
            get_card(tx, "nope")
    assert "orket cards list" in missing.value.next_step


def test_cards_are_listed_by_every_filter_in_the_order_of_their_file(tree: Store) -> None:
    def listed(**filters: object) -> list[str]:
        with tree.read() as tx:
            return [card.id for card in list_cards(tx, **filters)]  # type: ignore[arg-type]

    assert listed() == ["rock", "epic", "one", "two"]
    assert listed(parent_id="epic") == ["one", "two"]
    assert listed(kinds=[CardKind.ROCK, CardKind.EPIC]) == ["rock", "epic"]
    assert listed(states=[S.DONE]) == []
    assert listed(rock_id="rock", kinds=[CardKind.ISSUE], states=[S.READY]) == ["one", "two"]


def test_parents_start_with_their_first_child(tree: Store) -> None:
    move_card(tree, "one", Move(S.IN_PROGRESS, "coder"))

    assert states(tree) == {"rock": "in_progress", "epic": "in_progress", "one": "in_progress", "two": "ready"}


def test_parents_are_done_when_their_last_child_is(tree: Store) -> None:
    finish(tree, "one")
    assert states(tree)["epic"] == "in_progress"
    finish(tree, "two")

    assert states(tree) == {"rock": "done", "epic": "done", "one": "done", "two": "done"}


def test_parents_are_done_when_one_child_is_and_the_others_are_canceled(tree: Store) -> None:
    finish(tree, "one")
    move_card(tree, "two", Move(S.CANCELED, "project_manager"))

    assert states(tree)["rock"] == "done"


def test_parents_of_children_that_are_all_canceled_are_canceled(tree: Store) -> None:
    move_card(tree, "one", Move(S.CANCELED, "project_manager"))
    move_card(tree, "two", Move(S.CANCELED, "project_manager"))

    assert set(states(tree).values()) == {"canceled"}


def test_a_parent_cannot_be_ended_by_hand_before_its_children(tree: Store) -> None:
    finish(tree, "one")
    with pytest.raises(TransitionRefused, match="epic epic may not be done while cards in it are open: two"):
        move_card(tree, "epic", Move(S.DONE, "integrity_guard"))

    assert states(tree)["epic"] == "in_progress"


def test_every_move_is_an_event_of_its_own(tree: Store) -> None:
    move_card(tree.acting(actor="coder"), "one", Move(S.IN_PROGRESS, "coder", note="begin"))

    with tree.read() as tx:
        moved = [event for event in read_events(tx) if event.kind == "card.moved"]
    assert [(event.subject, event.payload["from"], event.payload["to"]) for event in moved] == [
        ("one", "ready", "in_progress"),
        ("epic", "ready", "in_progress"),
        ("rock", "ready", "in_progress"),
    ]
    assert moved[0].payload["note"] == "begin"


def test_a_refused_move_is_on_record_with_the_way_out_and_changes_nothing(tree: Store) -> None:
    with pytest.raises(TransitionRefused, match="cannot move from ready to done") as refused:
        move_card(tree, "one", Move(S.DONE, "coder", note="please"))

    assert refused.value.next_step == "From ready it may go to: canceled, in_progress."
    with tree.read() as tx:
        (violation,) = list_violations(tx, card_id="one")
        assert list_violations(tx, card_id="two") == []
    assert (violation.rule, violation.actor, violation.reason) == ("transition", "coder", str(refused.value))
    assert violation.fix == refused.value.next_step
    assert violation.attempted == {"move": "done", "from": "ready", "wait_reason": None, "note": "please"}
    assert states(tree)["one"] == "ready"


def test_a_waiting_card_keeps_its_reason_until_it_moves_on(tree: Store) -> None:
    move_card(tree, "one", Move(S.IN_PROGRESS, "coder"))
    move_card(tree, "one", Move(S.BLOCKED, "coder", WaitReason.INPUT, "which colour?"))
    with tree.read() as tx:
        waiting = get_card(tx, "one")
    assert (waiting.wait_reason, waiting.note) == (WaitReason.INPUT, "which colour?")

    move_card(tree, "one", Move(S.IN_PROGRESS, "coder"))
    with tree.read() as tx:
        assert get_card(tx, "one").wait_reason is None


def test_who_moves_a_card_that_somebody_else_has_moved_is_told(tree: Store) -> None:
    with tree.read() as tx:
        seen = get_card(tx, "one")
    move_card(tree, "one", Move(S.IN_PROGRESS, "coder"))

    with pytest.raises(TransitionRefused, match="somebody else moved it first"), tree.write() as tx:
        move_in(tx, seen, Move(S.IN_PROGRESS, "coder"))


def test_one_of_eight_threads_wins_a_card_and_the_others_are_told(tree: Store) -> None:
    def attempt(_number: int) -> str:
        try:
            move_card(tree, "one", Move(S.IN_PROGRESS, "coder"))
        except TransitionRefused:
            return "told"
        return "won"

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(attempt, range(8))) == ["told"] * 7 + ["won"]


@pytest.mark.slow
def test_one_of_four_processes_wins_a_card_and_the_others_are_told_who_did(tree: Store, database_url: str) -> None:
    roles = ("coder", "backend_specialist", "ux_artisan", "qa")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MOVER, database_url, role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path.cwd(),
        )
        for role in roles
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "at the start\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    told = {
        role: process.communicate(timeout=60)[0].splitlines() for role, process in zip(roles, processes, strict=True)
    }
    by_compare_and_set, by_rule = ([lines[number] for lines in told.values()] for number in (0, 1))
    first, second = (next(role for role in roles if told[role][number] == "won") for number in (0, 1))
    lost = f"one is no longer ready: somebody else moved it first ({first}, from ready to in_progress)"
    assert sorted(by_compare_and_set) == [lost] * 3 + ["won"]
    assert sorted(by_rule) == [f"issue two is in_progress already ({second}, from ready to in_progress)"] * 3 + ["won"]
    with tree.read() as tx:
        assert {found.card_id for found in list_violations(tx)} == {"two"}
        moved = [event.subject for event in read_events(tx) if event.kind == "card.moved"]
    assert sorted(moved) == ["epic", "one", "rock", "two"]


def test_an_update_keeps_where_the_card_stands(tree: Store) -> None:
    move_card(tree, "two", Move(S.IN_PROGRESS, "coder", note="mine"))
    with tree.write() as tx:
        update_card(tx, replace(TREE[3], name="Second", depends_on=(), priority=3.0))

    with tree.read() as tx:
        found = get_card(tx, "two")
    assert (found.name, found.depends_on, found.priority) == ("Second", (), 3.0)
    assert (found.state, found.note) == (S.IN_PROGRESS, "mine")


def test_comments_come_back_oldest_first(tree: Store) -> None:
    with tree.write() as tx:
        add_comment(tx, "one", "coder", "first")
    tree.clock.sleep(1)
    with tree.write() as tx:
        add_comment(tx, "one", "integrity_guard", "second")

    with tree.read() as tx:
        assert comments_of(tx, "one") == [("coder", "first"), ("integrity_guard", "second")]
        assert comments_of(tx, "two") == []


@pytest.mark.postgres
def test_the_server_knows_at_once_of_many_new_cards(postgres: Any) -> None:
    """Else it plans for an empty table until its own look, and claims take ten times as long."""
    store = Store.open(postgres.create())
    with store.write() as tx:
        insert_cards(tx, [Card(f"card-{number}", CardKind.ISSUE, f"{number}") for number in range(MANY)])
    with store.read() as tx:
        known = tx.execute(sa.text("SELECT reltuples FROM pg_class WHERE relname = 'cards'")).scalar_one()
    store.close()
    assert known == MANY
