"""What was spent, from the turns and calls that are stored: there is no second account to keep in step."""

from typing import Any

import sqlalchemy as sa

from orket_pipelines.agents.budgets import Line, Scope, Spent, compare, describe_spent, limited, wall_time
from orket_pipelines.agents.records import TOOL
from orket_pipelines.budget_settings import Budgets
from orket_pipelines.cards.records import get_card
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.errors import BudgetSpent
from orket_pipelines.store import Store, Transaction, tables

DAY = 86_400 * MICROSECONDS
_cards, _sessions, _turns, _effects = tables.cards, tables.sessions, tables.turns, tables.effects


def demand_budget(tx: Transaction, budgets: Budgets, card_id: str) -> list[Line]:
    """Every limit that holds for the card, with something left of each. Sessions at the same time may each take one
    answer more than there is.

    Raises: BudgetSpent.
    """
    scopes = limited(budgets)
    if not scopes:
        return []
    rock_id = get_card(tx, card_id).rock_id
    ledger = {scope: spent_on(tx, scope, card_id=card_id, rock_id=rock_id) for scope in scopes}
    found = compare(budgets, ledger)
    spent = [line for line in found if line.is_spent]
    if spent:
        unpriced = max(each.unpriced for each in ledger.values())
        unknown = f" (of {unpriced} answers the price is not known)" if unpriced else ""
        raise BudgetSpent(
            f"the budget is spent: {', '.join(map(str, spent))}{unknown}. {_told(tx, card_id)}",
            next_step=f"Raise ORKET_BUDGETS or wait for tomorrow, then: orket issues deliver {card_id}",
        )
    return found


def demand_time(store: Store, card_id: str, *, since: float, limit: float) -> Line:
    """The time that the issue may take, with something left of it; `since` is when its worker took it up, on the
    monotonic clock of the store.

    Raises: BudgetSpent.
    """
    line = wall_time(store.clock.monotonic() - since, limit)
    if not line.is_spent:
        return line
    with store.read() as tx:
        told = _told(tx, card_id)
    raise BudgetSpent(
        f"the time for the issue is over: {line}. {told}",
        next_step=f"To go on for as long again: orket issues deliver {card_id}; ORKET_ISSUE_TIMEOUT changes the limit",
    )


def spent_on(tx: Transaction, scope: Scope, *, card_id: str, rock_id: str | None) -> Spent:
    """What the sessions of a scope have used: of this card, of its rock, or of everybody since midnight, UTC.

    A card without a rock is its own. The cost of a call that is still running is not in it.
    """
    turns, calls = _turns_query(tx), _calls_query(tx)
    if scope is Scope.DAY:
        midnight = tx.now - tx.now % DAY
        turns, calls = turns.where(_turns.c.started_at >= midnight), calls.where(_effects.c.begun_at >= midnight)
    else:
        concerned = _on_cards(tx, card_id, rock_id if scope is Scope.ROCK else None)
        turns, calls = turns.where(concerned), calls.where(concerned)
    turn, call = tx.execute(turns).one(), tx.execute(calls).one()
    return Spent(
        requests=turn.requests,
        tool_calls=call.tool_calls,
        tokens=turn.tokens or 0,
        cost=turn.cost or 0.0,
        unpriced=turn.unpriced or 0,
        # PostgreSQL's sum of large integers is a decimal, which goes with no float.
        seconds=int(turn.microseconds or 0) / MICROSECONDS + (call.seconds or 0.0),
    )


def _told(tx: Transaction, card_id: str) -> str:
    spent = spent_on(tx, Scope.ISSUE, card_id=card_id, rock_id=None)
    return f"Spent on the issue so far: {describe_spent(spent)}"


def _on_cards(tx: Transaction, card_id: str, rock_id: str | None) -> sa.ColumnElement[bool]:
    if rock_id is None:
        return _sessions.c.card_id == card_id
    of_rock = sa.select(_cards.c.id).where(_cards.c.workspace_id == tx.workspace_id, _cards.c.rock_id == rock_id)
    return _sessions.c.card_id.in_(of_rock)


def _turns_query(tx: Transaction) -> Any:
    of_turn = sa.and_(_sessions.c.workspace_id == _turns.c.workspace_id, _sessions.c.id == _turns.c.session_id)
    sums = {
        "tokens": _turns.c.input_tokens + _turns.c.output_tokens,
        "cost": _turns.c.cost,
        "unpriced": sa.case((_turns.c.cost.is_(None), 1), else_=0),
        "microseconds": _turns.c.ended_at - _turns.c.started_at,
    }
    return (
        sa.select(sa.func.count().label("requests"), *(sa.func.sum(sums[name]).label(name) for name in sums))
        .select_from(_turns.join(_sessions, of_turn))
        .where(_turns.c.workspace_id == tx.workspace_id)
    )


def _calls_query(tx: Transaction) -> Any:
    of_call = sa.and_(_sessions.c.workspace_id == _effects.c.workspace_id, _sessions.c.id == _effects.c.subject)
    seconds = sa.func.sum(_effects.c.result["seconds"].as_float()).label("seconds")
    return (
        sa.select(sa.func.count().label("tool_calls"), seconds)
        .select_from(_effects.join(_sessions, of_call))
        .where(_effects.c.workspace_id == tx.workspace_id, _effects.c.kind == TOOL.name)
    )
