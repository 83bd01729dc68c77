"""The gate before done: main is deployed as it stands, and what the card declares is tried on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from orket_pipelines import bugs
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardState
from orket_pipelines.cards.records import find_card, list_cards, move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.deploying import deploy_main, holding_sandbox
from orket_pipelines.delivery.model import FeedbackKind, SuiteRun
from orket_pipelines.delivery.records import add_feedback, store_run
from orket_pipelines.delivery.regressions import store_standing, try_standing
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.delivery.suite_comments import tell_forge
from orket_pipelines.delivery.trying import try_suite
from orket_pipelines.delivery.work import Work
from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes import Sandbox, SandboxState
from orket_pipelines.store import Lease, Transaction, append, failpoint, reach
from orket_pipelines.verification.findings import around_trouble, digest_of, digest_of_texts, findings, shared_out
from orket_pipelines.verification.model import Suite, SuiteKind
from orket_pipelines.verification.reports import LOG_LIMIT
from orket_pipelines.verification.suites import rock_suites, suites_of

BEFORE_VERDICT = failpoint("verification.before_verdict")
AFTER_VERDICT = failpoint("verification.after_verdict")

VERIFIER = "system"
LOG_LINES = 200
"""Lines of each service that are looked at for what goes with a failure."""
LOG_DELAY = 0.2
"""Seconds that a service's last words may take to its log."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of trying. `failures` are told to the author; none means that everything holds.
    `failure` is the same for the same failures. `standing` are runs of what others had proven, which is not to blame.

    `seconds`: how long the deployment took, near none where what was there already was up to date.
    """

    sandbox: Sandbox | None
    seconds: float = 0.0
    runs: tuple[SuiteRun, ...] = ()
    failures: tuple[str, ...] = ()
    failure: str = ""
    standing: tuple[SuiteRun, ...] = ()


def verify(work: Work) -> None:
    """Finish the card where all that it declares holds on a sandbox with its change, or send it back with the reports.

    Raises: what `deploy_main` and suites raise; the card is then as it was, and nothing of the trial is stored.
    """
    card = work.card
    with work.store.glance() as tx:
        rock = find_card(tx, card.rock_id) if card.rock_id else None
    if work.factory.stage is None and not _suites(work, rock, serves=False):
        _settle(work, rock, Verdict(None))
        return
    with holding_sandbox(work.factory, card.rock_id or card.id, work.stop) as lease:
        verdict = _try(work, rock, lease)
        tell_forge(work, verdict.runs)
        _settle(work, rock, verdict)


def _try(work: Work, rock: Card | None, lease: Lease) -> Verdict:
    clock = work.store.clock
    began = clock.monotonic()
    try:
        owner = work.card.rock_id or work.card.id
        sandbox = deploy_main(work.factory, owner, work.project.repository, lease, stop=work.stop)
    except DetectionError as error:
        return _lost(None, 0.0, f"It is not clear how to run this repository: {error} {error.next_step}")
    seconds = clock.monotonic() - began
    stage, suites = work.factory.stage, _suites(work, rock, serves=sandbox is not None)
    if sandbox is None or stage is None:
        nothing = "nothing in the repository answers HTTP (see: orket detect), so that there is nothing to try"
        return _lost(None, 0.0, *(f"Suite {suite.name}: {nothing}." for suite in suites))
    if sandbox.state is not SandboxState.RUNNING:
        lost = f"Commit {sandbox.commit[:12]} was merged and could not be deployed.\n\n{sandbox.note}"
        return _lost(sandbox, seconds, lost)
    runs = tuple(_run(work, stage, suite, sandbox) for suite in suites)
    bad = [run for run in runs if not run.report.passed]
    if not bad:
        return Verdict(sandbox, seconds, runs, standing=try_standing(work, stage, rock, sandbox, suites))
    work.stop.wait(LOG_DELAY)
    said = stage.sandboxes.logs(sandbox, tail=LOG_LINES)
    told = tuple(findings(run.suite.name, run.commit, run.report, run_id=run.id or "", services=said) for run in bad)
    failure = digest_of_texts(digest_of(run.suite.name, run.report) for run in bad)
    kept = tuple(run if run.report.passed else _with_logs(run, said) for run in runs)
    return Verdict(sandbox, seconds, kept, shared_out(told), failure)


def _with_logs(run: SuiteRun, said: Mapping[str, str]) -> SuiteRun:
    """With what the sandbox said around its failure in its log."""
    around = [f"--- service {name} of the sandbox said ---\n{around_trouble(log)}" for name, log in said.items()]
    return replace(run, report=replace(run.report, log="\n".join([run.report.log, *around])[-LOG_LIMIT:]))


def _lost(sandbox: Sandbox | None, seconds: float, *failures: str) -> Verdict:
    """Nothing was tried."""
    return Verdict(sandbox, seconds, failures=failures, failure=digest_of_texts(failures))


def _run(work: Work, stage: Stage, suite: Suite, sandbox: Sandbox) -> SuiteRun:
    about = {"card_id": work.card.id, "run_id": _run_id(work, suite)}
    return try_suite(work.factory, stage, suite, sandbox, **about, stop=work.stop)


def _run_id(work: Work, suite: Suite) -> str:
    """The same after a kill: an attempt is judged once, and what the killed trial left is overwritten."""
    return f"{work.card.id}.{work.attempt.number}.{suite.name}"


def _settle(work: Work, rock: Card | None, verdict: Verdict) -> None:
    """Everything that came of it, and the card's move, in one transaction."""
    reach(BEFORE_VERDICT)
    with work.store.write() as tx:
        if verdict.sandbox is not None:
            _tell_deployment(tx, work.card, verdict.sandbox, verdict.seconds)
            for run in verdict.runs:
                store_run(tx, work.factory.settings.home, work.card, work.attempt, run)
            if rock is not None:
                store_standing(tx, work, rock, verdict.sandbox, verdict.standing)
        if verdict.failures:
            body = "\n\n".join(verdict.failures)
            kind, told = FeedbackKind.VERIFICATION_FAILED, {"failure": verdict.failure}
            add_feedback(tx, work.card, work.attempt, kind, author=VERIFIER, body=body, details=told)
            move_in(tx, work.card, Move(CardState.IN_PROGRESS, VERIFIER, note=verdict.failures[0].partition("\n")[0]))
        else:
            move_in(tx, work.card, Move(CardState.DONE, VERIFIER, guard_approved=work.facts.guard_approved))
            _begin_phase(tx, work)
            if work.store.fence is not None:
                # There is nothing more to do under it.
                work.factory.leases.give_back(tx, work.store.fence)
    reach(AFTER_VERDICT)


def _begin_phase(tx: Transaction, work: Work) -> None:
    """A rock that was done with this card enters its bug-fix phase."""
    rock = find_card(tx, work.card.rock_id) if work.card.rock_id else None
    if rock is not None:
        bugs.begin(tx, rock, work.store.clock.moment(), work.factory.settings.bug_phases)


def _tell_deployment(tx: Transaction, card: Card, sandbox: Sandbox, seconds: float) -> None:
    told = {name: value for name, value in asdict(sandbox).items() if name != "plan"}
    append(tx, "card.deployed", card.id, told | {"url": sandbox.url, "rock": card.rock_id, "seconds": seconds})


def _suites(work: Work, rock: Card | None, *, serves: bool) -> tuple[Suite, ...]:
    """What the card must pass on a sandbox; for the last open issue of a rock, what the rock must pass besides.

    The project's own tests are not among them: they have passed on the very tree that was merged.
    """
    suites = suites_of(work.card, rock, serves=serves)
    if rock is not None and _is_last(work, rock):
        suites += rock_suites(rock, serves=serves)
    return tuple(suite for suite in dict.fromkeys(suites) if suite.kind is not SuiteKind.PROJECT)


def _is_last(work: Work, rock: Card) -> bool:
    if not rock.details.get("verified_by"):
        return False
    with work.store.read() as tx:
        issues = list_cards(tx, rock_id=rock.id, kinds=WORKABLE)
    return all(issue.state in TERMINAL for issue in issues if issue.id != work.card.id)
