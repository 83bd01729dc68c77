"""The jobs of bug-fix phases: looked after, their critical bugs worked on, what runs tried again."""

from dagster import Failure, OpExecutionContext, job, op

from assets.graph import ROCKS
from assets.watching import fix_bugs
from jobs.delivery import DELIVERS
from jobs.threads_executor import threads_executor
from orket_pipelines.bugs import rocks_in_phase
from orket_pipelines.errors import OrketError
from resources import FactoryResource
from resources.interruption import stop_flag


@op(name="look_after_phases", description="Begins, extends and ends what is due. Red: an end could not be carried out.")
def look_after_all(context: OpExecutionContext, factory: FactoryResource) -> None:
    """What changes shows in the asset `bug_phases`, in a moment."""
    from orket_pipelines.delivery.bug_phases import look_after_phases  # noqa: PLC0415 - as in resources/factory.py

    looked = look_after_phases(factory.factory, stop=stop_flag(context.run_id))
    for each in looked:
        context.log.info("%s: %s. %s", each.phase.rock_id, each.phase.state, each.phase.reason)
    trouble = [f"{each.phase.rock_id}: {each.trouble}" for each in looked if each.trouble]
    if trouble:
        raise Failure("\n".join(trouble), allow_retries=False)


@job(
    executor_def=threads_executor,
    description="Looks after every bug-fix phase: extends it while too many bugs are found, ends it when its time is "
    "over. A sensor starts it; starting it by hand does no harm.",
)
def look_after_bug_phases() -> None:
    """One step."""
    look_after_all()


@op(name="fix", description="Works on the critical bugs of the rock, a few at once. Red: one of them is not fixed.")
def fix_all(context: OpExecutionContext, factory: FactoryResource) -> None:
    """Deliver them."""
    fix_bugs(context, factory, context.partition_key)


@job(
    partitions_def=ROCKS,
    executor_def=threads_executor,
    tags={DELIVERS: "bugs"},
    description="Has the critical bugs of a delivered rock fixed: pick it as the partition. What is fixed is left.",
)
def fix_critical_bugs() -> None:
    """One step."""
    fix_all()


@op(
    name="verify",
    description="Runs the suites of each rock in its phase on what runs. Red: one could not be tried.",
)
def verify_all(context: OpExecutionContext, factory: FactoryResource) -> None:
    """A suite that fails is a bug, and no failure of this step."""
    from orket_pipelines.delivery.nightly import verify_again  # noqa: PLC0415 - as in resources/factory.py

    with factory.store.read() as tx:
        rocks = sorted(rocks_in_phase(tx))
    trouble = []
    for rock_id in rocks:
        try:
            runs, found = verify_again(factory.factory, rock_id, stop=stop_flag(context.run_id))
        except OrketError as error:
            trouble.append(f"{rock_id}: {error}. {error.next_step}")
            continue
        bad = sum(not run.report.passed for run in runs)
        context.log.info("%s: %d suites tried, %d failed, %d bugs", rock_id, len(runs), bad, len(found))
    if trouble:
        raise Failure("\n".join(trouble), allow_retries=False)


@job(
    executor_def=threads_executor,
    description="Tries what runs of every rock in its bug-fix phase, then looks after the phases. A schedule starts it "
    "each night; starting it by hand does no harm.",
)
def nightly_verification() -> None:
    """Two steps side by side: a rock that cannot be tried keeps no phase from its end."""
    verify_all()
    look_after_all()
