"""`orket issues`: single issues."""

from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.rocks import AFTER, Model, Server
from orket_pipelines.cli.terminal import Terminal, command, typed
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


@command(group, "review")
def review(
    terminal: Terminal,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's id.")],
    approve: Annotated[
        bool,
        typer.Option("--approve/--request-changes", envvar="ORKET_REVIEW_APPROVE", help="What you decide."),
    ],
    name: Annotated[
        str | None,
        typer.Option("--as", envvar="ORKET_REVIEW_AS", help="Who reviews; by default your user's name."),
    ] = None,
    body: Annotated[
        str, typer.Option(envvar="ORKET_REVIEW_BODY", help="What should change and why; to request changes needs it.")
    ] = "",
) -> None:
    """Review an issue's pull request as a person, beside the reviewers that are agents.

    A request for changes sends the issue back to its author; an approval counts for this very patch.
    """
    from getpass import getuser

    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.delivery.factory import open_code, open_forge
    from orket_pipelines.delivery.people import review_as
    from orket_pipelines.forge.model import Verdict

    verdict, settings = Verdict.APPROVED if approve else Verdict.CHANGES_REQUESTED, terminal.settings()
    with terminal.store() as store:
        forge, roles = open_forge(settings, store, open_code(settings)), load_roles(settings.roles)
        given = review_as(store, forge, issue, name=name or getuser(), roles=roles, verdict=verdict, body=body)
    told, number = given.review, given.request.number
    terminal.data({"issue": issue, "pull_request": number, **asdict(told), "resumed": given.resumed})
    said = "approved" if approve else "requested changes of"
    terminal.say(f"{told.reviewer} {said} pull request #{number} of {issue}, at commit {told.commit[:12]}.")
    terminal.say(typed(f"Carry on: orket issues deliver {issue}"))
