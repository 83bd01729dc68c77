"""One issue in the hands of one worker, and the few things that every step does."""

import threading
from dataclasses import dataclass

from orket_pipelines.cards.model import Card, CardState, WaitReason
from orket_pipelines.cards.records import get_card, move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.checkouts import fresh_checkout
from orket_pipelines.delivery.factory import Factory, Project
from orket_pipelines.delivery.model import Attempt, Facts, FeedbackKind
from orket_pipelines.delivery.records import add_feedback
from orket_pipelines.store import Store, Transaction, failpoint, reach
from orket_pipelines.verification import SuiteReport, run_found_tests, run_project_tests
from orket_pipelines.verification.findings import digest_of, findings
from orket_pipelines.verification.flaky import with_rerun
from orket_pipelines.workbench.model import Workbench

BEFORE_MOVE = failpoint("card.before_move")
AFTER_MOVE = failpoint("card.after_move")
BEFORE_TESTS = failpoint("tests.before_run")
AFTER_TESTS = failpoint("tests.after_run")

REVIEW_LEFT = frozenset({CardState.READY_FOR_TESTING, CardState.CODE_REVIEW})
"""The states that a wait passes out of through in_progress."""


@dataclass(frozen=True, slots=True)
class Work:
    """The facts at the start of a step; `store` writes under the issue's lease.

    `since` is when the worker took the issue up, on the store's monotonic clock.
    """

    factory: Factory
    store: Store
    facts: Facts
    project: Project
    stop: threading.Event
    since: float

    @property
    def card(self) -> Card:
        """The issue."""
        return self.facts.card

    @property
    def attempt(self) -> Attempt:
        """The attempt under way: every step but the first has one."""
        if self.facts.attempt is None:
            raise AssertionError(f"{self.card.id} has no attempt yet")
        return self.facts.attempt


def move(work: Work, to: CardState, *, actor: str = "system") -> None:
    """Move the card in a transaction of its own."""
    reach(BEFORE_MOVE)
    with work.store.write() as tx:
        move_in(tx, work.card, Move(to, actor))
    reach(AFTER_MOVE)


def wait(
    work: Work,
    reason: WaitReason,
    note: str,
    *,
    to: CardState = CardState.BLOCKED,
    actor: str = "system",
    session_id: str | None = None,
) -> None:
    """Bring the card to a state it waits in; what was asked for is on record, so that it is asked for once."""
    reach(BEFORE_MOVE)
    with work.store.write() as tx:
        wait_in(tx, work, Move(to, actor, wait_reason=reason, note=note), session_id=session_id)
    reach(AFTER_MOVE)


def wait_in(tx: Transaction, work: Work, asked: Move, *, session_id: str | None = None) -> None:
    """The same in the caller's transaction. Out of a later state the card passes through in_progress."""
    card = get_card(tx, work.card.id)
    if card.state in REVIEW_LEFT or card.state is CardState.READY:
        card = move_in(tx, card, Move(CardState.IN_PROGRESS, "system", note=asked.note))
    if work.facts.attempt is not None:
        details = {"session_id": session_id} if session_id else {}
        kind = FeedbackKind.WAITED
        add_feedback(tx, card, work.attempt, kind, author=asked.actor, body=asked.note, details=details)
    move_in(tx, card, asked)


def run_tests_on(work: Work, commit: str) -> SuiteReport:
    """Run the project's tests on `commit` in a fresh checkout, which is removed afterwards."""
    with fresh_checkout(work.factory, work.card.id, "test", work.project.repository, commit) as path:
        workbench = work.factory.workbenches.open(path, name=work.card.id, stop=work.stop)
        reach(BEFORE_TESTS)
        settings = work.factory.settings
        try:
            report = with_rerun(
                lambda _: _run_tests(workbench, work.project, deadline=settings.test_timeout),
                again=settings.rerun_failed_suites,
            )
        finally:
            workbench.close()
        reach(AFTER_TESTS)
    return report


def _run_tests(workbench: Workbench, project: Project, *, deadline: float) -> SuiteReport:
    if project.test_command:
        return run_project_tests(workbench, project.test_command, deadline=deadline)
    return run_found_tests(workbench, deadline=deadline)


def failed(suite: str, commit: str, report: SuiteReport) -> tuple[str, dict[str, str]]:
    """What the author of a failed run is told, and what tells the same failure again."""
    return findings(suite, commit, report), {"failure": digest_of(suite, report)}
