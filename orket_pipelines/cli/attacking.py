"""`orket doctor --attack`: what this machine's engine lets a sandbox do, tried."""

from collections import Counter
from dataclasses import asdict

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal
from orket_pipelines.containers import engine_answers, open_engine
from orket_pipelines.errors import ContainerError, EngineUnavailable
from orket_pipelines.sandboxes.attacks import ATTACKS, Outcome, Verdict, attack
from orket_pipelines.settings import Settings

COLUMNS = ("verdict", "attack", "seconds", "what is promised")


def attack_engine(terminal: Terminal) -> None:
    """Try every attack, and say what came of each as it goes."""
    settings = terminal.settings()
    check_engine(settings)
    terminal.say("starting two sandboxes to attack one from the other; nothing is left of them")
    outcomes = []
    for number, outcome in enumerate(attack(settings), 1):
        outcomes.append(outcome)
        terminal.say(f"[{number:>2}/{len(ATTACKS)}] {outcome.verdict:<9} {outcome.name}: {outcome.told}")
    report(terminal, outcomes)


def check_engine(settings: Settings) -> None:
    """Raises: EngineUnavailable, ContainerError where there is nothing to attack."""
    if not engine_answers():
        raise EngineUnavailable("no container engine answers", next_step="Start Docker, then look: orket doctor")
    if open_engine(settings.home, settings.container_tier).find_image(settings.workbench_image) is None:
        raise ContainerError(
            f"the container engine has no image {settings.workbench_image}",
            next_step="Build it: orket images build; or name another: ORKET_WORKBENCH_IMAGE",
        )


def report(terminal: Terminal, outcomes: list[Outcome]) -> None:
    """All of them, and how many of each kind. Raises: typer.Exit where one is broken."""
    terminal.data([asdict(outcome) for outcome in outcomes])
    rows = [(each.verdict, each.name, f"{each.seconds:.1f}", each.claim) for each in outcomes]
    terminal.table(COLUMNS, rows, empty="Nothing was tried.")
    counted = Counter(outcome.verdict for outcome in outcomes)
    terminal.say(", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict))
    if counted[Verdict.BROKEN]:
        raise typer.Exit(FAILED)
