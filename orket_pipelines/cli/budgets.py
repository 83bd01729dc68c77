"""`orket budgets`: what may be spent, and what was."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from orket_pipelines.agents.budgets import Scope, Spent
    from orket_pipelines.budget_settings import Budgets

group = typer.Typer()
MEASURES = ("requests", "tool_calls", "tokens", "cost", "seconds")


@command(group, "show")
def show(
    terminal: Terminal,
    card: Annotated[
        str | None, typer.Argument(metavar="[CARD]", help="An issue or a rock; by default today alone is shown.")
    ] = None,
) -> None:
    """What was spent today, on a rock, on an issue, beside what may be. Limits are the setting ORKET_BUDGETS."""
    from orket_pipelines.agents.budgets import Scope
    from orket_pipelines.agents.ledger import spent_on
    from orket_pipelines.cards.model import CardKind
    from orket_pipelines.cards.records import get_card

    budgets = terminal.settings().budgets
    ledger: dict[Scope, Spent] = {}
    with terminal.store() as store, store.read() as tx:
        found = get_card(tx, card) if card else None
        if found is not None and found.kind not in {CardKind.ROCK, CardKind.EPIC}:
            ledger[Scope.ISSUE] = spent_on(tx, Scope.ISSUE, card_id=found.id, rock_id=found.rock_id)
        if found is not None and found.rock_id is not None:
            ledger[Scope.ROCK] = spent_on(tx, Scope.ROCK, card_id=found.id, rock_id=found.rock_id)
        ledger[Scope.DAY] = spent_on(tx, Scope.DAY, card_id="", rock_id=None)
    _tell(terminal, ledger, budgets)


def _tell(terminal: Terminal, ledger: "dict[Scope, Spent]", budgets: "Budgets") -> None:
    from orket_pipelines.agents.budgets import budget_of

    limits = {scope: budget_of(budgets, scope).model_dump() for scope in ledger}
    terminal.data({scope: {"spent": asdict(spent), "limits": limits[scope]} for scope, spent in ledger.items()})
    rows = [
        (scope, measure.replace("_", " "), _rounded(getattr(spent, measure)), limits[scope][measure] or "none")
        for scope, spent in ledger.items()
        for measure in MEASURES
    ]
    terminal.table(("of", "what", "spent", "limit"), rows, empty="Nothing was spent.")
    for scope, spent in ledger.items():
        if spent.unpriced:
            terminal.say(f"Of the {scope}, the price of {spent.unpriced} answers is not known and not in its cost.")


def _rounded(amount: float) -> str:
    return f"{amount:,}" if isinstance(amount, int) else f"{amount:,.2f}"
