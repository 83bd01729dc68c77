"""What runs of a rock in its bug-fix phase, tried again with every suite it declares; a failure is a bug."""

import threading
from dataclasses import replace

from orket_pipelines.cards.bugs import Bug, report
from orket_pipelines.cards.model import Card
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery.deploying import holding_sandbox
from orket_pipelines.delivery.factory import Factory, project_of
from orket_pipelines.delivery.model import Attempt, SuiteRun
from orket_pipelines.delivery.records import count_runs, store_run
from orket_pipelines.delivery.suite_bugs import findings_of
from orket_pipelines.delivery.trying import try_suite
from orket_pipelines.sandboxes import Sandbox, SandboxState
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import Transaction, failpoint, reach
from orket_pipelines.verification.suites import HEALTHY, tried_suites

BEFORE_FINDINGS = failpoint("bugs.before_findings")
AFTER_FINDINGS = failpoint("bugs.after_findings")

NIGHTLY = "nightly"
"""The occasion of a test run on what has been running for a while."""
TRIED = frozenset({SandboxState.RUNNING, SandboxState.UNHEALTHY})


def verify_again(factory: Factory, rock_id: str, *, stop: threading.Event) -> tuple[list[SuiteRun], list[Bug]]:
    """Try the rock's sandbox as it runs now; what was run, and the bugs found. Neither where nothing runs.

    What was killed in it left nothing, and is begun anew. Raises: what suites raise.
    """
    with factory.store.read() as tx:
        rock = get_card(tx, rock_id)
    with holding_sandbox(factory, rock_id, stop):
        with factory.store.read() as tx:
            sandbox, number = sandbox_of_rock(tx, rock_id), 1 + count_runs(tx, rock_id, NIGHTLY, HEALTHY.name)
        if factory.stage is None or sandbox is None or sandbox.state not in TRIED:
            return [], []
        suites = (HEALTHY, *tried_suites(rock))
        runs = []
        for suite in suites:
            run_id = f"{rock_id}.{NIGHTLY}-{number}.{suite.name}"
            about = {"card_id": rock_id, "run_id": run_id}
            run = try_suite(factory, factory.stage, suite, sandbox, **about, stop=stop)
            runs.append(replace(run, purpose=NIGHTLY))
    reach(BEFORE_FINDINGS)
    with factory.store.write() as tx:
        found = _store(tx, factory, rock, sandbox, runs)
    reach(AFTER_FINDINGS)
    return runs, found


def _store(tx: Transaction, factory: Factory, rock: Card, sandbox: Sandbox, runs: list[SuiteRun]) -> list[Bug]:
    number = 1 + count_runs(tx, rock.id, NIGHTLY, HEALTHY.name)
    attempt = Attempt(number, project_of(tx, rock).repository, "", sandbox.commit, None, None, None)
    found = []
    for run in runs:
        store_run(tx, factory.settings.home, rock, attempt, run)
        found += [report(tx, rock.id, finding) for finding in findings_of(run, sandbox, by=NIGHTLY)]
    return found
