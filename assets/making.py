"""Make it so: deliver an issue inside a step, and report what happens to it while it happens."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster import AssetExecutionContext, AssetKey, DagsterEvent, DagsterInstance, Failure, MetadataValue
from dagster import OpExecutionContext as OpContext
from dagster._core.events import AssetMaterializationPlannedData

from assets.history import History
from assets.links import trace
from assets.recorder import Recorder
from assets.telling import IssueReporter, Teller
from orket_pipelines.cards.model import WAITING, WaitReason
from orket_pipelines.errors import OrketError
from resources import FactoryResource
from resources.interruption import stop_flag

if TYPE_CHECKING:
    from orket_pipelines.delivery import Crew, Delivery

Context = OpContext | AssetExecutionContext
PROMISED = ("generated_code", "pull_requests", "test_reports", "delivered")
"""What a step intends to make of an issue once it works on it: the UI shows it as being made, then made or failed."""


def make_issue_so(
    context: Context,
    factory: FactoryResource,
    card_id: str,
    *,
    crew: "Crew | None" = None,
    resume: Iterable[WaitReason] = WaitReason,
) -> History:
    """Deliver an issue, or find that nothing is left to do; its history then.

    A card that waits for one of `resume` is taken up again: any, where a person asks for this very issue.

    Raises: Failure where it is neither done nor canceled, with the reason and the next step.
    """
    from orket_pipelines.delivery import deliver_issue  # noqa: PLC0415 - as in resources/factory.py

    with _reporting(context, factory, card_id) as reporter:
        try:
            delivery = deliver_issue(
                factory.factory,
                card_id,
                stop=stop_flag(context.run.run_id),
                crew=crew,
                on_waiting=lambda reason: context.log.info("%s: %s", card_id, reason),
                resume=resume,
            )
        except OrketError as error:
            raise _failure(str(error), error.next_step, reporter.history) from error
        finally:
            if crew is not None:
                # Whoever depends on this issue must not wait for it any longer, whatever happened here.
                crew.leave(card_id)
    _demand_delivery(delivery, reporter.history)
    return reporter.history


@contextmanager
def _reporting(context: Context, factory: FactoryResource, card_id: str) -> Iterator[IssueReporter]:
    def promise() -> None:
        _promise(context.instance, context.run.run_id, context.job_name, str(context.op_handle), card_id)

    teller = Teller(Recorder.live(context), factory.store, factory.factory.settings.home)
    reporter = IssueReporter(card_id, teller, context.run.run_id, promise)
    with factory.feed.following(card_id, reporter):
        yield reporter


def _promise(instance: DagsterInstance, run_id: str, job_name: str, step_key: str, card_id: str) -> None:
    for name in PROMISED:
        planned = AssetMaterializationPlannedData(AssetKey(name), partition=card_id)
        event = DagsterEvent.build_asset_materialization_planned_event(job_name, step_key, planned)
        instance.report_dagster_event(event, run_id)


def _demand_delivery(delivery: "Delivery", history: History) -> None:
    card, result = delivery.card, str(delivery.result)
    if result in {"done", "canceled"}:
        return
    if result == "stopped":
        raise _failure(
            f"{card.id} was stopped on the way, in {card.state}: everything so far is stored",
            "Re-execute from failure: it carries on from there.",
            history,
        )
    if card.state in WAITING:
        raise _failure(
            f"{card.id} is {card.state} ({delivery.reason})",
            f"Settle what it waits for, then re-execute from failure, or: orket issues deliver {card.id}",
            history,
        )
    raise _failure(
        f"{card.id} was not started: {delivery.reason}",
        "Nothing is wrong with it. Settle what it waits for, then re-execute from failure: that takes it up too.",
        history,
    )


def _failure(description: str, next_step: str, history: History) -> Failure:
    metadata = {"next step": MetadataValue.text(next_step), "trace": MetadataValue.md(trace(history))}
    told = f"{description}. Next: {next_step}" if next_step else description
    return Failure(told, metadata=metadata, allow_retries=False)
