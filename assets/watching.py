"""Make it so, for a rock that is delivered: its phase looked after, its critical bugs fixed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from dagster import AssetExecutionContext, Failure, MaterializeResult, multi_asset

from assets.bug_phases import phase_reports
from assets.graph import RUNNING, spec
from assets.inputs import no_card
from assets.making import Context, make_issue_so
from assets.recorder import told
from orket_pipelines.bugs import find_phase
from orket_pipelines.bugs.records import critical_bugs
from resources import FactoryResource
from resources.interruption import stop_flag

PHASES = spec(
    "bug_phases",
    group=RUNNING,
    kinds=["python"],
    owner="quality",
    description="The bug-fix phase of a delivered rock: bugs found and fixed, the rate by day as a picture, the cost. "
    "Red: too many are found, or too many bad ones are open. Materialize looks after it, as every night does.",
)


@multi_asset(name="watch_rock", specs=[PHASES])
def watch_rock(context: AssetExecutionContext, factory: FactoryResource) -> Iterator[MaterializeResult[None]]:
    """Look after this rock's phase: extend it or end it where that is due, and say how it stands."""
    from orket_pipelines.delivery.bug_phases import look_after_phase  # noqa: PLC0415 - as in resources/factory.py

    rock_id, rules = context.partition_key, factory.factory.settings.bug_phases
    with factory.store.read() as tx:
        known = find_phase(tx, rock_id) is not None
    if not known:
        raise no_card(rock_id)
    looked = look_after_phase(factory.factory, rock_id, stop=stop_flag(context.run.run_id))
    yield from told(context, phase_reports(factory.store, rock_id, rules))
    if looked.trouble:
        raise Failure(f"The end of {rock_id}'s phase is decided: {looked.trouble}", allow_retries=False)


def fix_bugs(context: Context, factory: FactoryResource, rock_id: str) -> None:
    """Have the critical bugs of a rock fixed, as many at once as its phase allows.

    Raises: Failure that names every one that is not, after all have ended.
    """
    from orket_pipelines.delivery import Crew  # noqa: PLC0415 - as in resources/factory.py

    with factory.store.read() as tx:
        bugs = [bug.card.id for bug in critical_bugs(tx, rock_id)]
    crew = Crew(bugs)

    def fix(card_id: str) -> str | None:
        try:
            make_issue_so(context, factory, card_id, crew=crew)
        except Failure as failure:
            return failure.description
        return None

    at_once = factory.factory.settings.bug_phases.concurrency
    with ThreadPoolExecutor(at_once, thread_name_prefix=rock_id) as pool:
        failed = [said for said in pool.map(fix, bugs) if said]
    context.log.info("%s: %d critical bugs, %d of them not fixed", rock_id, len(bugs), len(failed))
    if failed:
        raise Failure("\n".join(failed), allow_retries=False)
