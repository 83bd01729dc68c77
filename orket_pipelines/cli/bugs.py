"""`orket bugs`: what is wrong with what was built, and where it was seen."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli import bug_phases
from orket_pipelines.cli.bug_phases import Rock
from orket_pipelines.cli.terminal import Terminal, command, typed, when

if TYPE_CHECKING:
    from orket_pipelines.cards.bugs import Bug

group = typer.Typer()
group.add_typer(bug_phases.group, name="phase", help="How long delivered rocks are watched.", no_args_is_help=True)


@command(group, "report")
def report(
    terminal: Terminal,
    rock: Rock,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What goes wrong, in one line.")],
    *,
    description: Annotated[
        str, typer.Option(envvar="ORKET_DESCRIPTION", help="How to see it, what should come, and what came instead.")
    ] = "",
    severity: Annotated[str, typer.Option(envvar="ORKET_SEVERITY", help="critical, major or minor.")] = "major",
    priority: Annotated[
        float | None,
        typer.Option(envvar="ORKET_PRIORITY", min=1, max=3, help="1 low to 3 high; by the severity where not given."),
    ] = None,
    commit: Annotated[str | None, typer.Option(envvar="ORKET_COMMIT", help="The commit it was seen at.")] = None,
    scenario: Annotated[
        str | None, typer.Option(envvar="ORKET_SCENARIO", help="What was tried: a page, a request, a test.")
    ] = None,
) -> None:
    """Report a bug of a rock: it becomes an issue. Without a commit it is taken for one of what runs."""
    from getpass import getuser

    from orket_pipelines.bugs import report_found
    from orket_pipelines.cards.bugs import Finding, FoundIn, Severity
    from orket_pipelines.sandboxes.records import sandbox_of_rock

    try:
        chosen = Severity(severity)
    except ValueError:
        raise typer.BadParameter(f"severity: one of {', '.join(Severity)}, not {severity!r}") from None
    with terminal.store() as store, store.write() as tx:
        sandbox = sandbox_of_rock(tx, rock) if commit is None else None
        found_in = FoundIn(sandbox.commit if sandbox else commit, sandbox.id if sandbox else None, scenario)
        finding = Finding(name, description or name, chosen, priority, by=getuser(), found_in=found_in)
        bug = report_found(tx, rock, finding)
    terminal.data(_told(bug))
    over = "" if bug.card.rock_id == rock else f": the bug-fix phase of {rock} is over"
    terminal.say(f"{bug.card.id}: {bug.severity}, an issue of {bug.card.rock_id}{over}.")
    terminal.say(typed(f"Have it fixed: orket issues deliver {bug.card.id}"))


@command(group, "list")
def list_all(
    terminal: Terminal,
    rock: Annotated[str | None, typer.Option(envvar="ORKET_ROCK", help="Only those of this rock.")] = None,
    every: Annotated[bool, typer.Option("--all", envvar="ORKET_ALL", help="Those that are over, too.")] = False,
) -> None:
    """Bugs that are open, the worst first."""
    from orket_pipelines.cards.bugs import bugs_of
    from orket_pipelines.cards.records import get_card

    with terminal.store() as store, store.read() as tx:
        found = bugs_of(tx, get_card(tx, rock).id if rock is not None else None)
    chosen = sorted((bug for bug in found if every or bug.is_open), key=lambda bug: -bug.card.priority)
    terminal.data([_told(bug) for bug in chosen])
    columns = ("id", "rock", "severity", "priority", "state", "found by", "name")
    rows = [
        (bug.card.id, bug.card.rock_id, bug.severity, f"{bug.card.priority:g}", bug.card.state, bug.by, bug.card.name)
        for bug in chosen
    ]
    terminal.table(columns, rows, empty="No bug is open. Report one: orket bugs report ROCK NAME")


@command(group, "show")
def show(terminal: Terminal, bug: Annotated[str, typer.Argument(metavar="BUG", help="The id of the issue.")]) -> None:
    """One bug: what goes wrong, and where it was seen."""
    from orket_pipelines.cards.bugs import get_bug
    from orket_pipelines.cards.records import comments_of

    with terminal.store() as store, store.read() as tx:
        found, said = get_bug(tx, bug), comments_of(tx, bug)
    terminal.data(_told(found) | {"comments": [{"author": author, "body": body} for author, body in said]})
    card, place = found.card, found.found_in
    terminal.say(
        f"{card.name}\n{card.id} of {card.rock_id}: {found.severity}, priority {card.priority:g}, {card.state}"
    )
    by = found.by if found.by == found.source else f"{found.by} ({found.source})"
    terminal.say(f"reported by {by or found.source}, {when(card.created_at)}")
    seen = {"commit": place.commit, "sandbox": place.sandbox, "scenario": place.scenario}
    terminal.say("".join(f"{name}: {value}\n" for name, value in seen.items() if value))
    terminal.say(str(card.details.get("description", "")))
    for author, body in said:
        terminal.say(f"\n{author}: {body}")


@command(group, "fix")
def fix(terminal: Terminal, rock: Rock) -> None:
    """Have agents work on the critical bugs of a rock, a few at once; stopped in any way, the same carries on."""
    from orket_pipelines.bugs.records import critical_bugs
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.cli.delivering import deliver_watched
    from orket_pipelines.cli.rocks import AFTER
    from orket_pipelines.delivery.bug_phases import fix_critical

    with terminal.store() as store, store.read() as tx:
        bugs = [bug.card.id for bug in critical_bugs(tx, get_card(tx, rock).id)]
    if not bugs:
        terminal.data([])
        terminal.say(typed(f"No critical bug of {rock} is open. See the others: orket bugs list --rock {rock}"))
        return
    deliver_watched(
        terminal,
        terminal.settings(),
        bugs,
        lambda factory, stop: fix_critical(factory, rock, stop=stop),
        again=f"orket bugs fix {rock}",
        after=AFTER,
    )


def _told(bug: "Bug") -> dict[str, Any]:
    from dataclasses import asdict

    told = asdict(bug)
    card = told.pop("card")
    about = {name: card[name] for name in ("id", "name", "state", "priority", "rock_id", "created_at", "updated_at")}
    return about | {"description": card["details"].get("description", "")} | told
