"""What work leaves behind: an issue's card, code, pull request, tests and delivery; a rock's plan and main line.

"Materialize" means "make it so": the issue or the rock is delivered. On what is delivered it calls no model, nor for
a sandbox, which is brought to what is on main.
"""

from collections.abc import Iterator

from dagster import AssetExecutionContext, MaterializeResult, multi_asset

from assets.deploying import make_sandbox_so
from assets.graph import PROOF, RUNNING, WORK, spec
from assets.inputs import changed_inputs, no_card
from assets.making import make_issue_so
from assets.pictures import illustrated
from assets.recorder import told
from assets.reports import standing
from assets.whole_rock import make_rock_so, settle_rock
from orket_pipelines.cards.model import CardKind
from orket_pipelines.cards.records import find_card
from resources import FactoryResource

ISSUE_ASSETS = [
    spec(
        "cards",
        group=WORK,
        kinds=["json"],
        owner="planning",
        description="An issue as it stands: its state, what it waits for, its text. Red: it is blocked. "
        "Yellow: it waits for a person.",
    ),
    spec(
        "generated_code",
        group=WORK,
        kinds=["git", "python"],
        owner="agents",
        description="What the author of an issue committed last, on the issue's own branch. Its version is the commit.",
    ),
    spec(
        "pull_requests",
        group=WORK,
        kinds=["git"],
        owner="agents",
        description="The pull request of an issue, and what each reviewer said. Red: changes are asked for.",
    ),
    spec(
        "test_reports",
        group=PROOF,
        kinds=["python"],
        owner="quality",
        description="What was tried for an issue, and what came of it: the project's tests on its branch and on the "
        "merged tree, then the suites that it declares, on the deployed sandbox, with the picture of a browser. "
        "Red: one of them failed.",
    ),
    spec(
        "delivered",
        group=PROOF,
        kinds=["git"],
        owner="quality",
        description="Issues that are done: approved, tested, merged. Nothing else ever shows here.",
    ),
]
ROCK_ASSETS = [
    spec(
        "rocks",
        group=WORK,
        kinds=["json"],
        owner="planning",
        description="A rock with the state of all its issues. Red: one of them is blocked. "
        "Yellow: one waits for a person.",
    ),
    spec(
        "mainline",
        group=WORK,
        kinds=["git"],
        owner="agents",
        description="The main branch of a rock's repository. Its version is the merge commit that came in last.",
    ),
    spec(
        "sandboxes",
        group=RUNNING,
        kinds=["docker"],
        owner="operations",
        description="The application that a rock's main line makes, running on this machine: open its address. Its "
        "version is the commit that runs; where main has moved on, it shows as out of date. Red: it does not answer.",
    ),
]


@multi_asset(name="make_issue", specs=ISSUE_ASSETS, can_subset=True)
def make_issue(context: AssetExecutionContext, factory: FactoryResource) -> Iterator[MaterializeResult[None]]:
    """Deliver this issue, or say again what stands of it."""
    card_id = context.partition_key
    with factory.store.read() as tx:
        known = find_card(tx, card_id) is not None
    if not known:
        raise no_card(card_id)
    yield from told(context, changed_inputs(context.instance, factory.factory.settings))
    history = make_issue_so(context, factory, card_id)
    yield from told(context, illustrated(standing(history), history, factory.factory.settings.home))


@multi_asset(name="make_rock", specs=ROCK_ASSETS, can_subset=True)
def make_rock(context: AssetExecutionContext, factory: FactoryResource) -> Iterator[MaterializeResult[None]]:
    """Deliver this rock, or say again what stands of it; for its sandbox alone: run what is on main already."""
    rock_id = context.partition_key
    with factory.store.read() as tx:
        rock = find_card(tx, rock_id)
    if rock is None or rock.kind is not CardKind.ROCK:
        raise no_card(rock_id)
    yield from told(context, changed_inputs(context.instance, factory.factory.settings))
    chosen = {key.to_user_string() for key in context.selected_asset_keys}
    if chosen != {"sandboxes"}:
        make_rock_so(context, factory, rock_id)
    if "sandboxes" in chosen:
        make_sandbox_so(context, factory, rock_id)
    settle_rock(context, factory, rock_id)
    yield from ()
