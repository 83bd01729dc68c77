"""All commands in one tree."""

from typing import Annotated

import typer

from orket_pipelines import __version__
from orket_pipelines.cli import (
    agents,
    approvals,
    bench,
    budgets,
    bugs,
    cards,
    demo,
    detect,
    dev,
    doctor,
    images,
    issues,
    models,
    policy,
    rocks,
    roles,
    sandboxes,
    sessions,
    sql,
    status,
    tests,
)
from orket_pipelines.cli.terminal import EXIT_CODES

ABOUT = f"""A software factory: cards go in; reviewed, merged, tested software comes out.

Every option is also an environment variable, named beside it. {EXIT_CODES}"""
NOUNS = {
    "cards": (cards.group, "What is to be built: rocks, epics, issues."),
    "rocks": (rocks.group, "Whole deliveries."),
    "issues": (issues.group, "Single issues."),
    "bugs": (bugs.group, "What is wrong with what was built."),
    "budgets": (budgets.group, "What may be spent, and what was."),
    "approvals": (approvals.group, "Calls of agents that wait for a person's decision."),
    "images": (images.group, "What containers are made from."),
    "tests": (tests.group, "What was tried, and what came of it."),
    "sandboxes": (sandboxes.group, "What runs of the results."),
    "agents": (agents.group, "What a model would be told."),
    "models": (models.group, "Who may be asked, at which price, and whether it is able enough."),
    "roles": (roles.group, "Who may be called to a card, and what each is told."),
    "sessions": (sessions.group, "What agents said and did."),
    "policy": (policy.group, "What was refused, why, and how to do it right."),
}


def _version(given: bool) -> None:
    if given:
        typer.echo(f"orket {__version__}")
        raise typer.Exit


def build() -> typer.Typer:
    """The application `orket`."""
    # Rich formats help nicely and takes as long to load as everything else together.
    application = typer.Typer(
        help=ABOUT,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        add_completion=False,
        context_settings={"max_content_width": 110},
    )
    application.callback()(_root)
    for name, (group, about) in NOUNS.items():
        application.add_typer(group, name=name, help=about, no_args_is_help=True)
    for module in (status, sql, doctor, bench, detect, dev, demo):
        module.register(application)
    return application


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and leave.", callback=_version, is_eager=True),
    ] = False,
) -> None: ...
