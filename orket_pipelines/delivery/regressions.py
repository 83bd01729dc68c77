"""What was proven before, tried again where a change is verified: it is not its author's blame, and nobody else's card.

A suite that failed there becomes a bug. Whoever is to mend it names the suite, and so answers for it: until then it is
not tried for others, and the same failure is the same bug.
"""

from collections.abc import Collection
from dataclasses import replace

from orket_pipelines.cards.bugs import Bug, report
from orket_pipelines.cards.model import WORKABLE, Card
from orket_pipelines.cards.records import list_cards
from orket_pipelines.delivery.model import SuiteRun
from orket_pipelines.delivery.records import store_run
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.delivery.suite_bugs import findings_of
from orket_pipelines.delivery.trying import try_suite
from orket_pipelines.delivery.work import Work
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.store import Transaction
from orket_pipelines.verification.model import Suite
from orket_pipelines.verification.suites import standing_suites

REGRESSION = "regression"
"""The occasion of a test run of what other issues have proven."""
GATE = "gate"


def try_standing(
    work: Work, stage: Stage, rock: Card | None, sandbox: Sandbox, own: Collection[Suite]
) -> tuple[SuiteRun, ...]:
    """Run what stands of the rock and is none of the card's `own` suites. Raises: what suites raise."""
    if rock is None:
        return ()
    with work.store.read() as tx:
        others = [each for each in list_cards(tx, rock_id=rock.id, kinds=WORKABLE) if each.id != work.card.id]
    runs = []
    for suite in standing_suites(rock, others):
        if suite not in own:
            # The same after a kill, as the card's own are.
            run_id = f"{rock.id}.{REGRESSION}-{work.card.id}-{work.attempt.number}.{suite.name}"
            run = try_suite(work.factory, stage, suite, sandbox, card_id=rock.id, run_id=run_id, stop=work.stop)
            runs.append(replace(run, purpose=REGRESSION))
    return tuple(runs)


def store_standing(tx: Transaction, work: Work, rock: Card, sandbox: Sandbox, runs: Collection[SuiteRun]) -> list[Bug]:
    """Store these runs with the rock, and make bugs of what failed."""
    found = []
    for run in runs:
        store_run(tx, work.factory.settings.home, rock, work.attempt, run)
        for finding in findings_of(run, sandbox, by=GATE):
            about = f"It held before, and failed when {work.card.id} was verified, whose own suites held."
            told = replace(finding, description=f"{about}\n\n{finding.description}")
            found.append(report(tx, rock.id, told))
    return found
