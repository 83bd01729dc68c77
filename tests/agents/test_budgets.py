"""What may be spent: the ledger, the limits, and what a session does at one."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from orket_pipelines.agents import run_session
from orket_pipelines.agents.budgets import Line, Scope, Spent, compare, describe_left, describe_spent
from orket_pipelines.agents.ledger import demand_budget, spent_on
from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.records import Session, Turn, insert_session, insert_turn, list_sessions, turns_of
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.budget_settings import Budget, Budgets
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import BudgetSpent
from orket_pipelines.store import Store, tables

READY = {"request_state": {"state": "ready_for_testing", "summary": "It is done."}}


def script(*turns: dict[str, Any]) -> Scripted:
    scene = {"purpose": "work", "turns": list(turns)}
    return Scripted(Playbook.model_validate({"cards": {"default": {"coder": [scene]}}}))


def reading(count: int) -> list[dict[str, Any]]:
    return [{"calls": [{"read_file": {"path": f"{number}.txt"}}]} for number in range(count)]


def limited(desk: Desk, **budgets: Budget) -> Desk:
    return replace(desk, settings=desk.settings.model_copy(update={"budgets": Budgets(**budgets)}))


def set_turns(desk: Desk, **values: Any) -> None:
    """The scripted model costs nothing; a real one's figures are put in its place."""
    with desk.store.write() as tx:
        tx.execute(tables.turns.update().values(**values))


def test_limits_stand_beside_what_was_spent() -> None:
    budgets = Budgets(issue=Budget(cost=2, tokens=1_000), day=Budget(requests=10))
    found = compare(budgets, {Scope.ISSUE: Spent(tokens=1_000, cost=1.5), Scope.DAY: Spent(requests=3)})
    assert [(line.scope, line.measure, line.is_nearly_spent, line.is_spent) for line in found] == [
        (Scope.ISSUE, "tokens", True, True),
        (Scope.ISSUE, "cost", True, False),
        (Scope.DAY, "requests", False, False),
    ]
    assert str(found[0]) == "1,000 tokens of 1,000 tokens of the issue"
    assert describe_left([found[1]]) == "- $0.5 for the issue"
    assert describe_left([Line(Scope.ROCK, "tool_calls", 12, 10)]) == "- 0 tool calls for the rock"


@pytest.mark.parametrize("given", [{"issue": {"dollars": 1}}, {"week": {"cost": 1}}, {"day": {"cost": 0}}])
def test_a_limit_that_could_not_be_kept_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Budgets.model_validate(given)


def test_the_ledger_counts_what_is_stored(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script(*reading(3), {"calls": [READY]}), assignment)
    set_turns(desk, input_tokens=100, output_tokens=20, cost=0.25)
    with desk.store.read() as tx:
        spent = spent_on(tx, Scope.ISSUE, card_id="hello", rock_id=None)
        other = spent_on(tx, Scope.ISSUE, card_id="other", rock_id=None)
    assert (spent.requests, spent.tool_calls, spent.tokens, spent.cost, spent.unpriced) == (4, 4, 480, 1.0, 0)
    assert other == Spent()


def test_the_ledger_adds_up_time_tokens_and_cost_on_each_database(store: Store) -> None:
    session = Session("s", "i", 1, "coder", Purpose.WORK, 1, "c" * 40, "m", [], None)
    with store.write() as tx:
        insert_cards(tx, [Card("i", CardKind.ISSUE, "I")])
        insert_session(tx, session)
        for number in (1, 2):
            insert_turn(tx, session, Turn(number, [], "m", 1_234_567, 3, 0.125, 0, 1), 1.5)
    with store.read() as tx:
        spent = spent_on(tx, Scope.ISSUE, card_id="i", rock_id=None)
    assert (spent.requests, spent.tokens, spent.cost) == (2, 2 * 1_234_570, 0.25)
    assert isinstance(spent.seconds, float)


def test_an_answer_without_a_price_is_counted_and_costs_nothing(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script({"calls": [READY]}), assignment)
    set_turns(desk, cost=None)
    with desk.store.read() as tx:
        spent = spent_on(tx, Scope.DAY, card_id="", rock_id=None)
    assert (spent.cost, spent.unpriced) == (0.0, 1)


def test_a_rock_pays_for_all_its_issues_and_a_day_for_all_rocks(
    desk: Desk, assignment: Assignment, clock: FakeClock
) -> None:
    state = CardState.IN_PROGRESS
    with desk.store.write() as tx:
        insert_cards(tx, [Card(name, CardKind.ISSUE, name, rock_id="rock", state=state) for name in ("one", "two")])
    for name in ("one", "two", "hello"):
        run_session(desk, script({"calls": [READY]}), replace(assignment, card_id=name))
    with desk.store.read() as tx:
        assert spent_on(tx, Scope.ROCK, card_id="one", rock_id="rock").requests == 2
        assert spent_on(tx, Scope.DAY, card_id="one", rock_id="rock").requests == 3
    clock.advance(86_400)
    with desk.store.read() as tx:
        assert spent_on(tx, Scope.DAY, card_id="one", rock_id="rock").requests == 0


@pytest.mark.parametrize("scope", ["issue", "rock", "day"])
def test_a_session_stops_at_a_limit_and_goes_on_when_it_is_raised(
    scope: str, desk: Desk, assignment: Assignment
) -> None:
    models = script(*reading(5), {"calls": [READY]})
    with pytest.raises(BudgetSpent, match=f"3 requests of 3 requests of the {scope}") as told:
        run_session(limited(desk, **{scope: Budget(requests=3)}), models, assignment)
    assert told.value.next_step.endswith("orket issues deliver hello")
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        assert (session.outcome, len(turns_of(tx, session.id))) == (None, 3)
    outcome = run_session(limited(desk, **{scope: Budget(requests=9)}), models, assignment)
    assert outcome.request is CardState.READY_FOR_TESTING
    with desk.store.read() as tx:
        assert [len(turns_of(tx, each.id)) for each in list_sessions(tx)] == [6]


def test_what_is_not_priced_is_said_where_the_budget_is_spent(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script(*reading(2), {"calls": [READY]}), assignment)
    set_turns(desk, cost=None)
    with desk.store.read() as tx, pytest.raises(BudgetSpent, match="of 3 answers the price is not known"):
        demand_budget(tx, Budgets(issue=Budget(tool_calls=1)), "hello")


def test_a_session_stops_where_the_time_of_its_issue_is_over_and_goes_on_with_more(
    desk: Desk, assignment: Assignment, clock: FakeClock
) -> None:
    models = script(*reading(1), {"expect": "- 60 seconds of wall time for the issue", "calls": [READY]})
    desk = replace(desk, settings=desk.settings.model_copy(update={"issue_timeout": 600.0}), since=clock.monotonic())
    clock.advance(600)
    with pytest.raises(BudgetSpent, match="the time for the issue is over: 600 seconds of wall time of 600"):
        run_session(desk, models, assignment)
    desk = replace(desk, since=clock.monotonic() - 540)
    assert run_session(desk, models, assignment).request is CardState.READY_FOR_TESTING


def test_what_was_spent_is_told_with_what_has_no_price() -> None:
    spent = Spent(requests=41, tool_calls=60, tokens=120_000, cost=0.5, unpriced=2, seconds=3_480.4)
    told = "41 answers (2 of them without a known price), 60 tool calls, 120,000 tokens, $0.5, "
    assert describe_spent(spent) == f"{told}3,480 seconds of models and tools at work"


def test_a_model_is_told_once_when_little_is_left(desk: Desk, assignment: Assignment) -> None:
    models = script(*reading(5), {"calls": [READY]})
    outcome = run_session(limited(desk, issue=Budget(requests=6)), models, assignment)
    assert outcome.request is CardState.READY_FOR_TESTING
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        told = [str(turn.messages).count("Little is left") for turn in turns_of(tx, session.id)]
    assert told == [0, 0, 0, 0, 1, 0]


def test_a_model_is_told_when_its_turns_come_to_an_end(desk: Desk, assignment: Assignment) -> None:
    desk = replace(desk, settings=desk.settings.model_copy(update={"turn_limit": 8}))
    models = script(*reading(6), {"expect": "- 2 turns for the session", "calls": [READY]})
    assert run_session(desk, models, assignment).request is CardState.READY_FOR_TESTING
