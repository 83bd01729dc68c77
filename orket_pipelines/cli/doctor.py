"""`orket doctor`: what this machine has, what it lacks, and what helps."""

from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, command, typed


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "doctor")(doctor)


def doctor(
    terminal: Terminal,
    model: Annotated[
        bool,
        typer.Option(
            "--model", envvar="ORKET_DOCTOR_MODEL", help="Have each model make one real call, which may cost a little."
        ),
    ] = False,
    attack: Annotated[
        bool,
        typer.Option(
            "--attack",
            envvar="ORKET_DOCTOR_ATTACK",
            help="Instead, attack a sandbox on this machine's engine from inside, half a minute long.",
        ),
    ] = False,
) -> None:
    """See what this machine has and lacks."""
    if attack:
        from orket_pipelines.cli.attacking import attack_engine

        attack_engine(terminal)
        return
    from orket_pipelines.cli.checks import examine

    findings = list(examine(terminal.settings, abilities=model))
    terminal.data([asdict(finding) for finding in findings])
    for finding in findings:
        terminal.say(f"{finding.status:<5} {finding.name:<10} {finding.found}")
        if finding.next:
            terminal.say(f"{'':<16} next: {typed(finding.next)}")
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(FAILED)
