"""`orket approvals`: calls of agents that wait for a person's decision."""

from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command, typed, when

group = typer.Typer()
Call = Annotated[str, typer.Argument(metavar="CALL", help="Its id, as orket approvals list shows it.")]
By = Annotated[
    str | None, typer.Option("--as", envvar="ORKET_DECIDE_AS", help="Who decides; by default your user's name.")
]
Why = Annotated[str, typer.Option(envvar="ORKET_DECIDE_REASON", help="Why; an agent that is refused hears it.")]


@command(group, "list")
def list_all(
    terminal: Terminal,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only those of this card.")] = None,
    every: Annotated[bool, typer.Option("--all", envvar="ORKET_ALL", help="Those that were decided, too.")] = False,
) -> None:
    """Calls that wait for a decision. Which tools need one is the setting ORKET_APPROVALS."""
    from orket_pipelines.agents.approvals import list_approvals

    with terminal.store() as store, store.read() as tx:
        found = list_approvals(tx, card_id=card, undecided=not every)
    terminal.data([asdict(each) for each in found])
    rows = [(each.id, when(each.asked_at), each.card_id, each.role, each.tool, _stands(each.granted)) for each in found]
    terminal.table(("id", "at", "card", "role", "tool", "decided"), rows, empty="No call waits for a decision.")


@command(group, "show")
def show(terminal: Terminal, call: Call) -> None:
    """One call with all its arguments."""
    from orket_pipelines.agents.approvals import get_approval

    with terminal.store() as store, store.read() as tx:
        found = get_approval(tx, call)
    terminal.data(asdict(found))
    terminal.say(f"{found.role} wants to call {found.tool} on {found.card_id}, asked at {when(found.asked_at)}:")
    terminal.say(found.arguments)
    if found.granted is not None:
        terminal.say(f"{_stands(found.granted)} by {found.decided_by}: {found.reason or 'no reason given'}")


@command(group, "grant")
def grant(terminal: Terminal, call: Call, name: By = None, reason: Why = "") -> None:
    """Let the call be made; the session goes on with it when its issue is delivered again."""
    _decide(terminal, call, name=name, reason=reason, granted=True)


@command(group, "refuse")
def refuse(terminal: Terminal, call: Call, name: By = None, reason: Why = "") -> None:
    """Refuse the call; the agent is told so, with your reason, and goes on without it."""
    _decide(terminal, call, name=name, reason=reason, granted=False)


def _decide(terminal: Terminal, call: str, *, name: str | None, reason: str, granted: bool) -> None:
    from getpass import getuser

    from orket_pipelines.agents.approvals import decide

    with terminal.store() as store, store.write() as tx:
        decided, resumed = decide(tx, call, granted=granted, by=name or getuser(), reason=reason)
    terminal.data({**asdict(decided), "resumed": resumed})
    terminal.say(f"{decided.tool} of {decided.role} on {decided.card_id}: {_stands(granted)} by {decided.decided_by}.")
    terminal.say(typed(f"Carry on: orket issues deliver {decided.card_id}"))


def _stands(granted: bool | None) -> str:
    return "no" if granted is None else "granted" if granted else "refused"
