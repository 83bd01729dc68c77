"""`orket issues`: single issues."""

from typing import Annotated

import typer

from orket_pipelines.cli.rocks import AFTER, Model, Server
from orket_pipelines.cli.terminal import Terminal, command

group = typer.Typer()


@command(group, "deliver")
def deliver(
    terminal: Terminal,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's id.")],
    model: Model = None,
    model_base_url: Server = None,
) -> None:
    """Work on one issue until it is done or waits. Stopped in any way, the same command carries on."""
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.cli.delivering import deliver_watched
    from orket_pipelines.delivery import deliver_issue

    settings = terminal.settings(model=model, model_base_url=model_base_url)
    with terminal.store() as store, store.read() as tx:
        get_card(tx, issue)
    deliver_watched(
        terminal,
        settings,
        [issue],
        lambda factory, stop: [deliver_issue(factory, issue, stop=stop, on_waiting=terminal.say)],
        after=AFTER,
    )
