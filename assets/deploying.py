"""Make it so, for a sandbox: what main holds is running, and shows as it stands."""

from dataclasses import asdict

from dagster import Failure, MetadataValue

from assets.links import anchor
from assets.making import Context
from assets.model import Report, Values
from assets.running import sandbox_judged, sandbox_made
from orket_pipelines.cards.model import WORKABLE, CardState
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes.model import Sandbox, SandboxState
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import Store
from resources import FactoryResource
from resources.interruption import stop_flag

NOTE_LIMIT = 2_000
"""Characters of a log's end that a failed step repeats."""


def make_sandbox_so(context: Context, factory: FactoryResource, rock_id: str) -> None:
    """Have the rock's main line running; nothing is done where it is, and no model is asked.

    Raises: Failure where it does not run afterwards, with the end of what it said and the next step.
    """
    try:
        sandbox = _deploy(context, factory, rock_id)
    except OrketError as error:
        raise _failure(f"{rock_id} could not be deployed: {error}", error.next_step or _logs_of(rock_id)) from error
    if sandbox is None:
        context.log.warning("%s: nothing on main answers HTTP, so there is nothing to run (see: orket detect)", rock_id)
    elif sandbox.state is not SandboxState.RUNNING:
        told = f"Commit {sandbox.commit[:12]} of {rock_id} could not be deployed: {sandbox.note[-NOTE_LIMIT:]}"
        raise _failure(told, _logs_of(rock_id))
    else:
        context.log.info("%s: commit %s runs at %s", rock_id, sandbox.commit[:12], sandbox.url)


def standing_sandbox(store: Store, rock_id: str) -> list[Report]:
    """The rock's sandbox as it stands now; nothing where none was ever deployed."""
    with store.read() as tx:
        sandbox = sandbox_of_rock(tx, rock_id)
    if sandbox is None:
        return []
    told = asdict(sandbox) | {"url": sandbox.url}
    about: Values = {"trace": MetadataValue.md(anchor(f"main line of {rock_id}", "mainline", rock_id))}
    return [*sandbox_made(told, about), sandbox_judged(told)]


def _deploy(context: Context, factory: FactoryResource, rock_id: str) -> Sandbox | None:
    from orket_pipelines.delivery.deploying import deploy_main, holding_sandbox  # noqa: PLC0415 - as in factory.py
    from orket_pipelines.delivery.factory import project_of  # noqa: PLC0415

    stop = stop_flag(context.run.run_id)
    with factory.store.read() as tx:
        project = project_of(tx, get_card(tx, rock_id))
        issues = list_cards(tx, rock_id=rock_id, kinds=WORKABLE)
    if all(issue.state is CardState.READY for issue in issues):
        raise _failure(
            f"Nothing of {rock_id} is on main yet: none of its issues was begun", f"orket rocks deliver {rock_id}"
        )
    context.log.info("%s: main of %s is deployed, unless it runs already", rock_id, project.repository)
    with holding_sandbox(factory.factory, rock_id, stop) as lease:
        return deploy_main(factory.factory, rock_id, project.repository, lease, stop=stop)


def _failure(description: str, next_step: str) -> Failure:
    metadata = {"next step": MetadataValue.text(next_step)}
    return Failure(f"{description}\nNext: {next_step}", metadata=metadata, allow_retries=False)


def _logs_of(rock_id: str) -> str:
    return f"orket sandboxes logs {rock_id}"
