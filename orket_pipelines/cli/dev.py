"""`orket dev`: Dagster's UI with everything loaded."""

from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "dev")(dev)


def dev(
    terminal: Terminal,
    port: Annotated[int, typer.Option(envvar="ORKET_PORT", min=1, max=65535, help="Where the UI listens.")] = 3000,
) -> None:
    """Dagster's UI, everything loaded.

    It listens on 127.0.0.1 only, runs its daemon, and ends when interrupted.
    """
    from orket_pipelines.server.dev import run

    run(terminal.settings(), port)
