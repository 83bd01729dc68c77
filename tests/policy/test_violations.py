"""Refusals on record."""

import pytest

from orket_pipelines.errors import ForgeError, SpecRefused, TransitionRefused
from orket_pipelines.policy import Violation, list_violations, record_violation, refusals_on_record
from orket_pipelines.store import Store, append, read_events


def record(store: Store, rule: str, card_id: str | None = None) -> Violation:
    violation = Violation(
        rule, "coder", {"tool": "write_file", "path": "../x"}, "outside the checkout", "Stay inside.", card_id
    )
    with store.write() as tx:
        record_violation(tx, violation)
    store.clock.sleep(1)
    return violation


def test_a_violation_comes_back_with_all_that_was_said(store: Store) -> None:
    given = record(store, "boundary", "todo-api")

    with store.read() as tx:
        (found,) = list_violations(tx)
    assert (found.id, found.rule, found.actor, found.card_id) == (given.id, "boundary", "coder", "todo-api")
    assert found.attempted == {"tool": "write_file", "path": "../x"}
    assert (found.reason, found.fix, found.session_id) == ("outside the checkout", "Stay inside.", None)
    assert found.at == 1_700_000_000_000_000


def test_violations_are_listed_oldest_first_and_by_card(store: Store) -> None:
    record(store, "first", "a")
    record(store, "second", "b")
    record(store, "third", "a")

    with store.read() as tx:
        assert [found.rule for found in list_violations(tx)] == ["first", "second", "third"]
        assert [found.rule for found in list_violations(tx, card_id="a")] == ["first", "third"]


def test_a_violation_is_an_event_about_its_card_or_else_its_actor(store: Store) -> None:
    record(store, "first", "a")
    record(store, "second")

    with store.read() as tx:
        events = read_events(tx)
    assert [(event.kind, event.subject) for event in events] == [("policy.violated", "a"), ("policy.violated", "coder")]
    assert events[0].payload["rule"] == "first"


def test_a_refused_move_is_on_record_though_what_it_was_part_of_is_undone(store: Store) -> None:
    violation = Violation("transition", "coder", {"move": "done"}, "cannot move", "Ask.", "a")

    def commit_and_be_refused() -> None:
        with refusals_on_record(store), store.write() as tx:
            append(tx, "code.committed", "a", {})
            raise TransitionRefused("cannot move", violation=violation)

    with pytest.raises(TransitionRefused):
        commit_and_be_refused()
    with store.read() as tx:
        assert [event.kind for event in read_events(tx)] == ["policy.violated"]


def test_who_was_merely_overtaken_broke_no_rule(store: Store) -> None:
    with pytest.raises(TransitionRefused), refusals_on_record(store):
        raise TransitionRefused("somebody else moved it first")

    with store.read() as tx:
        assert list_violations(tx) == []


def test_what_a_rule_refuses_a_step_is_on_record_with_the_step_and_the_way_out(store: Store) -> None:
    with pytest.raises(SpecRefused), refusals_on_record(store, doing="Verify", card_id="a"):
        raise SpecRefused("container 'x' is refused: it asks for the network of the host")

    with store.read() as tx:
        (found,) = list_violations(tx, card_id="a")
    assert (found.rule, found.actor, found.attempted) == ("container_spec", "system", {"step": "Verify"})
    assert found.fix == "See what a container is granted: docs/ISOLATION.md"


def test_what_merely_fails_breaks_no_rule(store: Store) -> None:
    with pytest.raises(ForgeError), refusals_on_record(store, doing="Merge", card_id="a"):
        raise ForgeError("the forge does not answer")

    with store.read() as tx:
        assert list_violations(tx) == []
