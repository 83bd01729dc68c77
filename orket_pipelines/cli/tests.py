"""`orket tests`: what was tried, what came of it, and what it looked like."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.pages import Html, show_page
from orket_pipelines.cli.terminal import Terminal, command, typed, when

if TYPE_CHECKING:
    from orket_pipelines.verification.records import StoredRun

group = typer.Typer()
Chosen = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as in: orket tests list.")]


@command(group, "list")
def list_all(
    terminal: Terminal,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only the runs for this card.")] = None,
    limit: Annotated[int, typer.Option(envvar="ORKET_LIMIT", min=1, help="As many as this, the latest.")] = 50,
) -> None:
    """The last test runs: the project's own tests and every suite."""
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.verification.pages import describe_counts
    from orket_pipelines.verification.records import list_test_runs

    with terminal.store() as store, store.read() as tx:
        runs = list_test_runs(tx, card_id=card, limit=limit)
        if card is not None and not runs:
            get_card(tx, card)
    terminal.data([_summary(run) for run in runs])
    rows = [
        (
            run.id,
            when(run.ended_at),
            run.card_id,
            run.suite,
            run.purpose,
            run.verdict,
            describe_counts(run.report.counts),
        )
        for run in runs
    ]
    columns = ("id", "ended", "card", "suite", "on", "verdict", "cases")
    terminal.table(columns, rows, empty="Nothing was tested yet. Deliver a rock: orket rocks deliver ROCK")


@command(group, "show")
def show(terminal: Terminal, run: Chosen) -> None:
    """One run: its cases, why they did not pass, and what it left."""
    from orket_pipelines.verification.pages import describe_counts

    found = _read(terminal, run)
    report = found.report
    terminal.data(_whole(found))
    about = f"{found.suite} {found.verdict} on commit {found.commit[:12]}, attempt {found.attempt} of {found.card_id}"
    terminal.say(f"{about}: {describe_counts(report.counts)}, {found.seconds:.1f} s")
    rows = [(case.outcome, f"{case.seconds:.2f}", case.name) for case in report.cases]
    terminal.table(("outcome", "seconds", "case"), rows, empty="The runner told no cases.")
    for case in report.cases:
        if case.message:
            terminal.say(f"\n{case.name}\n{case.message}")
    if not report.cases and report.log:
        terminal.say(f"\n{report.log}")
    for artifact in report.artifacts:
        terminal.say(f"{artifact.name}: {artifact.path}")
    terminal.say(f"To read it in a browser: orket tests open {typed(found.id)}")


@command(group, "open")
def open_page(terminal: Terminal, run: Chosen, page: Html = None) -> None:
    """One run as a page, with its pictures; in the browser where a person is there."""
    from orket_pipelines.verification.pages import write_page

    found = _read(terminal, run)
    show_page(terminal, write_page(found), name=found.id, html=page)


def _read(terminal: Terminal, run: str) -> "StoredRun":
    from orket_pipelines.verification.records import get_test_run

    home = terminal.settings().home
    with terminal.store() as store, store.read() as tx:
        return get_test_run(tx, run, home=home)


def _summary(run: "StoredRun") -> dict[str, Any]:
    told = {name: value for name, value in asdict(run).items() if name != "report"}
    return told | {
        "verdict": run.verdict,
        "passed": run.report.passed,
        "counts": run.report.counts,
        "exit_code": run.report.exit_code,
        "seconds": run.seconds,
    }


def _whole(run: "StoredRun") -> dict[str, Any]:
    report = asdict(run.report)
    artifacts = [{**each, "path": str(each["path"])} for each in report["artifacts"]]
    return _summary(run) | {"cases": report["cases"], "log": report["log"], "artifacts": artifacts}
