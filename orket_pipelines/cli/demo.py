"""`orket demo`: the shipped example, delivered on real input."""

from importlib.util import find_spec
from typing import Annotated

import typer

from orket_pipelines.cli.rocks import Concurrency, Model, Server, deliver_rock_watched
from orket_pipelines.cli.terminal import Terminal, command
from orket_pipelines.errors import OrketError

NEEDED = ("fastapi", "httpx", "pytest")
"""What the example's own tests import."""
INSTEAD = "Install that; or start Docker, and run the same command again."


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "demo")(demo)


def demo(
    terminal: Terminal,
    example: Annotated[str, typer.Argument(metavar="EXAMPLE", help="A folder of examples/.")] = "todo",
    concurrency: Concurrency = None,
    model: Model = None,
    model_base_url: Server = None,
) -> None:
    """Deliver the shipped example. The same command carries on after any stop, and says so when all is done."""
    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.cards.importing import import_cards
    from orket_pipelines.cards.model import CardKind
    from orket_pipelines.cards.records import list_cards
    from orket_pipelines.cli.images import build_missing
    from orket_pipelines.delivery.isolation import find_engine, in_containers, what_processes_lack
    from orket_pipelines.settings import application_folder

    settings = terminal.settings(concurrency=concurrency, model=model, model_base_url=model_base_url)
    folder = application_folder() / "examples" / example / "cards"
    if not folder.is_dir():
        raise OrketError(f"there is no example {example!r} in {folder.parent.parent}", next_step="Try: orket demo todo")
    packages = [name for name in NEEDED if find_spec(name) is None]
    if packages:
        raise OrketError(
            f"the example's tests need {', '.join(packages)}, which this Python does not have",
            next_step="Install them: pip install 'orket-pipelines[example]'",
        )
    with terminal.store() as store:
        report = import_cards(store, [folder], seats=load_roles(settings.roles))
        with store.read() as tx:
            rocks = list_cards(tx, kinds=[CardKind.ROCK])
    if report.problems:
        raise OrketError(str(report.problems[0]), next_step=report.problems[0].fix)
    build_missing(terminal, settings)
    tried = any(rock.details.get("suites") for rock in rocks)
    if tried and not in_containers(settings, find_engine(settings)) and (missing := what_processes_lack(settings)):
        raise OrketError(f"without a container engine the example needs {', and '.join(missing)}", next_step=INSTEAD)
    loaded = {*report.created, *report.changed, *report.unchanged}
    for rock in rocks:
        if rock.id in loaded:
            deliver_rock_watched(terminal, settings, rock.id, again=f"orket demo {example}")
