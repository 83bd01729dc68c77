"""The job that keeps house: sandboxes as recorded, none older than it may be, nothing left of dead workers."""

from dagster import OpExecutionContext, job, op

from jobs.threads_executor import threads_executor
from resources import FactoryResource


@op(name="look_after", description="Looks at every sandbox and every container of this factory, once.")
def look_after_everything(context: OpExecutionContext, factory: FactoryResource) -> None:
    """What was found stands in the log; sandboxes that changed show in the asset `sandboxes`."""
    from orket_pipelines.delivery.upkeep import look_after  # noqa: PLC0415 - as in resources/factory.py

    done = look_after(factory.factory)
    for sandbox in done.changed:
        context.log.warning("%s: %s, %s", sandbox.rock_id, sandbox.state, sandbox.note)
    for sandbox in done.expired:
        context.log.info("%s: its time was over, removed", sandbox.rock_id)
    for kind in ("containers", "networks", "volumes"):
        for name in getattr(done.reaped, kind):
            context.log.info("removed, for nobody owned it any more: %s (%s)", name, kind)
    for card_id in done.labelled:
        context.log.info("%s: its pull request says now that something was refused", card_id)
    if done.is_nothing:
        context.log.info("everything was in order")


@job(
    executor_def=threads_executor,
    description="Keeps house: records sandboxes that no longer answer, takes down those whose time is over, removes "
    "containers of workers that died. Sensors start it; starting it by hand does no harm.",
)
def upkeep() -> None:
    """One step."""
    look_after_everything()
