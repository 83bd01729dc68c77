"""The jobs that deliver: a whole rock with a step for each issue, or one issue."""

from collections.abc import Iterator

from dagster import DynamicOut, DynamicOutput, MetadataValue, OpExecutionContext, Output, job, op

from assets.graph import ISSUES, ROCKS
from assets.inputs import changed_inputs, no_card
from assets.links import trace
from assets.making import make_issue_so
from assets.recorder import Recorder
from assets.whole_rock import issues_left, settle_rock
from jobs.crews import STEP, call_crew, crew_of, mapping_keys
from jobs.threads_executor import threads_executor
from orket_pipelines.cards.model import WORKABLE, WaitReason
from orket_pipelines.cards.records import find_card, list_cards
from resources import FactoryResource

DELIVERS = "orket/delivers"
"""By this tag Dagster counts runs that deliver; `orket_pipelines/server/dagster_home.py` limits them."""


@op(out=DynamicOut(str), description="Which issues of the rock are left to deliver; a step follows for each.")
def plan(context: OpExecutionContext, factory: FactoryResource) -> Iterator[DynamicOutput[str]]:
    """The issues that are not done or canceled."""
    rock_id = context.partition_key
    issues = issues_left(factory.store, rock_id)
    if issues is None:
        raise no_card(rock_id)
    Recorder.of(context).record(changed_inputs(context.instance, factory.factory.settings))
    context.log.info("%s: %d issues are left to deliver", rock_id, len(issues))
    call_crew(context.run_id, (card.id for card in issues))
    for card_id, key in mapping_keys(card.id for card in issues).items():
        yield DynamicOutput(card_id, mapping_key=key)


@op(
    name=STEP, description="Works on one issue until it is done or waits. Red: it is not delivered; the error says why."
)
def deliver(context: OpExecutionContext, factory: FactoryResource, card_id: str) -> Iterator[Output[str]]:
    """Deliver this issue; where a person asks again, whatever it waited for counts as settled."""
    from orket_pipelines.delivery import RETRIED  # noqa: PLC0415 - as in resources/factory.py

    with factory.store.read() as tx:
        cards = list_cards(tx, rock_id=context.partition_key, kinds=WORKABLE)
    resume = WaitReason if context.run.parent_run_id else RETRIED
    history = make_issue_so(context, factory, card_id, crew=crew_of(context.run, cards), resume=resume)
    yield Output(card_id, metadata={"trace": MetadataValue.md(trace(history)), "turns": history.turns})


@op(description="Runs only when every issue is done or canceled: reports the rock and its sums.")
def settle(context: OpExecutionContext, factory: FactoryResource, delivered: list[str]) -> None:
    """Report the rock as it stands."""
    context.log.info("%d issues ended in this run", len(delivered))
    settle_rock(context, factory, context.partition_key)


@job(
    partitions_def=ROCKS,
    executor_def=threads_executor,
    tags={DELIVERS: "rock"},
    description="Delivers a rock: pick it as the partition. Each issue is a bar; a red one re-executes alone. Run it "
    "again whenever you like: what is delivered costs nothing.",
)
def deliver_rock() -> None:
    """plan, then deliver for each issue, then settle."""
    settle(plan().map(deliver).collect())


@op(description="Works on the issue until it is done or waits, whatever it waited for before.")
def deliver_one(context: OpExecutionContext, factory: FactoryResource) -> None:
    """Deliver the issue that the partition names."""
    card_id = context.partition_key
    with factory.store.read() as tx:
        known = find_card(tx, card_id) is not None
    if not known:
        raise no_card(card_id)
    Recorder.of(context).record(changed_inputs(context.instance, factory.factory.settings))
    make_issue_so(context, factory, card_id)


@job(
    partitions_def=ISSUES,
    executor_def=threads_executor,
    tags={DELIVERS: "issue"},
    description="Delivers one issue: pick it as the partition. It waits for issues that it depends on only while "
    "somebody works on them.",
)
def deliver_issue() -> None:
    """One step."""
    deliver_one()
