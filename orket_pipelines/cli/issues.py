"""`orket issues`: single issues."""

from typing import Annotated

import typer

from orket_pipelines.cli.rocks import AFTER, Model, Server
from orket_pipelines.cli.terminal import Terminal, command
from orket_pipelines.errors import CardError

group = typer.Typer()


@command(group, "deliver")
def deliver(
    terminal: Terminal,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's id.")],
    answer: Annotated[
        str | None,
        typer.Option(envvar="ORKET_ANSWER", help="A comment for whoever works on it, such as what it asked for."),
    ] = None,
    model: Model = None,
    model_base_url: Server = None,
) -> None:
    """Work on one issue until it is done or waits, whatever it waited for so far.

    Stopped in any way, the same command carries on.
    """
    from orket_pipelines.cards.model import WORKABLE, WaitReason
    from orket_pipelines.cards.records import add_comment, comments_of, get_card
    from orket_pipelines.cli.delivering import deliver_watched
    from orket_pipelines.delivery import deliver_issue

    settings = terminal.settings(model=model, model_base_url=model_base_url)
    with terminal.store() as store:
        with store.read() as tx:
            kind, said = get_card(tx, issue).kind, comments_of(tx, issue)
        if kind not in WORKABLE:
            raise CardError(
                f"{issue} is no issue, but a card of kind {kind}", next_step="See which there are: orket cards list"
            )
        if answer and ("person", answer) not in said:
            with store.write() as tx:
                add_comment(tx, issue, "person", answer)
    deliver_watched(
        terminal,
        settings,
        [issue],
        # Whoever asks for this very issue has seen what it waits for.
        lambda factory, stop: [deliver_issue(factory, issue, stop=stop, on_waiting=terminal.say, resume=WaitReason)],
        again=f"orket issues deliver {issue}",
        after=AFTER,
    )
