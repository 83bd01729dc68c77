"""`orket rocks`: whole deliveries."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.pages import Html, show_page
from orket_pipelines.cli.terminal import Terminal, command
from orket_pipelines.errors import CardError

if TYPE_CHECKING:
    from orket_pipelines.settings import Settings

group = typer.Typer()

Concurrency = Annotated[
    int | None, typer.Option(envvar="ORKET_CONCURRENCY", min=1, help="Issues worked on at once, in all.")
]
Model = Annotated[str | None, typer.Option(envvar="ORKET_MODEL", help="`scripted`, or a model of the server.")]
Server = Annotated[
    str | None, typer.Option("--model-base-url", envvar="ORKET_MODEL_BASE_URL", help="An OpenAI-compatible server.")
]


@command(group, "list")
def list_all(terminal: Terminal) -> None:
    """Every rock, and how far it is."""
    from orket_pipelines.cards.model import WORKABLE, CardKind, CardState
    from orket_pipelines.cards.records import list_cards

    with terminal.store() as store, store.read() as tx:
        rocks = list_cards(tx, kinds=[CardKind.ROCK])
        issues = {rock.id: list_cards(tx, rock_id=rock.id, kinds=WORKABLE) for rock in rocks}
    done = {rock: sum(issue.state is CardState.DONE for issue in mine) for rock, mine in issues.items()}
    terminal.data([asdict(rock) | {"issues": len(issues[rock.id]), "done": done[rock.id]} for rock in rocks])
    rows = [(rock.id, rock.state, f"{done[rock.id]} of {len(issues[rock.id])}", rock.name) for rock in rocks]
    empty = "There are no rocks. Bring some in: orket cards import PATH"
    terminal.table(("id", "state", "issues done", "name"), rows, empty=empty)


@command(group, "deliver")
def deliver(
    terminal: Terminal,
    rock: Annotated[str, typer.Argument(metavar="ROCK", help="The rock's id.")],
    concurrency: Concurrency = None,
    model: Model = None,
    model_base_url: Server = None,
) -> None:
    """Work on a rock until nothing is left that can be worked on. Stopped in any way, the same command carries on."""
    settings = terminal.settings(concurrency=concurrency, model=model, model_base_url=model_base_url)
    deliver_rock_watched(terminal, settings, rock, again=f"orket rocks deliver {rock}")


@command(group, "open")
def open_page(
    terminal: Terminal,
    rock: Annotated[str, typer.Argument(metavar="ROCK", help="The rock's id.")],
    page: Html = None,
) -> None:
    """What came of a rock as one page: issues, attempts, test runs, bugs; in the browser where a person is there."""
    from orket_pipelines.reports import rock_page, story_of

    settings = terminal.settings()
    with terminal.store() as store, store.read() as tx:
        story = story_of(tx, rock, home=settings.home, moment=store.clock.moment(), rules=settings.bug_phases)
    show_page(terminal, rock_page(story), name=f"rock-{rock}", html=page)


def deliver_rock_watched(terminal: Terminal, settings: "Settings", rock_id: str, *, again: str) -> None:
    """The same for a caller that knows the settings already; `again` is the command that a person types for it."""
    from orket_pipelines.cards.model import TERMINAL, WORKABLE, CardKind
    from orket_pipelines.cards.records import get_card, list_cards
    from orket_pipelines.cli.delivering import deliver_watched
    from orket_pipelines.delivery import deliver_rock

    with terminal.store() as store, store.read() as tx:
        rock = get_card(tx, rock_id)
        issues = list_cards(tx, rock_id=rock_id, kinds=WORKABLE)
    if rock.kind is not CardKind.ROCK:
        raise CardError(
            f"{rock_id} is not a rock, but an {rock.kind}", next_step="See which there are: orket rocks list"
        )
    if not issues:
        step = "Give it some in its file, then: orket cards import PATH"
        raise CardError(f"the rock {rock_id} has no issues, so that there is nothing to deliver", next_step=step)
    if all(issue.state in TERMINAL for issue in issues):
        terminal.say(f"{rock.name} is delivered already: there is nothing left to do.")
    deliver_watched(
        terminal,
        settings,
        [issue.id for issue in issues],
        lambda factory, stop: deliver_rock(factory, rock_id, stop=stop, on_waiting=terminal.say),
        again=again,
        after=AFTER,
    )


AFTER = ("orket dev", "orket sandboxes list", 'orket sql "select * from lineage"')
"""Three commands that lead from a delivery to its parts: the UI, what runs, and SQL."""
