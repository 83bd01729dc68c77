"""Each step performed: effects through the effects table, facts written in the transaction of the outcome."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from orket_pipelines.agents import run_session
from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.agents.tools.model import Desk, Follow
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery import outcomes
from orket_pipelines.delivery.assignments import READS_THE_CHANGE, make_assignment
from orket_pipelines.delivery.factory import Project
from orket_pipelines.delivery.labels import Unlabelled, label_pull_request
from orket_pipelines.delivery.merge_queue import merge
from orket_pipelines.delivery.model import (
    Attempt,
    AwaitReview,
    CallAgent,
    FeedbackKind,
    GiveUp,
    LabelRefusals,
    Merge,
    MoveOn,
    OpenPullRequest,
    Reject,
    RunHeadTests,
    StartAttempt,
    Step,
    SuiteRun,
    TakeOutcome,
    Verify,
)
from orket_pipelines.delivery.records import (
    HEAD,
    add_feedback,
    add_test_run,
    insert_attempt,
    is_begun,
    update_attempt,
)
from orket_pipelines.delivery.rejection import reject
from orket_pipelines.delivery.reviewing import await_people, take_in
from orket_pipelines.delivery.sandbox_views import view_of
from orket_pipelines.delivery.seats import seated
from orket_pipelines.delivery.verifying import verify
from orket_pipelines.delivery.work import Work, failed, move, run_tests_on, wait
from orket_pipelines.forge.model import PullRequestExists
from orket_pipelines.git.port import MAIN
from orket_pipelines.store import Transaction, append, effect_kind, failpoint, perform, reach
from orket_pipelines.store.effects import Result, repeatable
from orket_pipelines.verification.runners import plain_command, runners_of

START_BRANCH = effect_kind("code.start_branch")
OPEN_PULL_REQUEST = effect_kind("forge.open_pull_request")
REPOSITORY_MADE = failpoint("code.start_branch.repository_made")
CHECKED_OUT = failpoint("session.checked_out")
TESTS_STORED = failpoint("tests.after_store")

_merges_main = frozenset({Purpose.CONFLICT, Purpose.MERGED_TESTS_FAILED})


def take_step(work: Work, step: Step) -> None:
    """Perform one step; when it returns, everything that follows from it is stored."""
    _performers[type(step)](work, step)


def _start(work: Work, step: StartAttempt) -> None:
    """The branch starts at main as it is now; found there already, at what it was started from.

    A repository that work was done in and that is gone is an error: a new one would be without that work.
    """
    card, project, code, number = work.card, work.project, work.factory.code, step.number
    branch = f"orket/{work.store.workspace_id}/{card.id}/{number}"

    with work.store.glance() as tx:
        begun = is_begun(tx, project.repository)

    def act() -> Result:
        if begun:
            code.head(project.repository, MAIN)
        base = code.ensure(project.repository, title=project.title, at=card.created_at)
        reach(REPOSITORY_MADE)
        if not code.move_branch(project.repository, branch, to=base, expected=None):
            base = code.head(project.repository, branch) or base
        return {"base": base}

    def record(tx: Transaction, result: Result) -> None:
        insert_attempt(tx, card, Attempt(number, project.repository, branch, result["base"], None, None, None))
        if card.state is CardState.READY:
            move_in(tx, card, Move(CardState.IN_PROGRESS, "system"))

    intent = {"repository": project.repository, "branch": branch}
    key = f"{card.id}:{number}"
    perform(work.store, START_BRANCH, key, subject=card.id, intent=intent, act=act, probe=repeatable, record=record)


def _call_agent(work: Work, call: CallAgent) -> None:
    """The session's outcome is stored by the session itself, with the intent of what follows; where there is none, the
    next step acts on it.

    Nobody is called to a pull request of which the forge knows more than the record.
    """
    if take_in(work):
        return
    path = work.factory.checkout_of(work.card.id, "review" if call.purpose in READS_THE_CHANGE else "work")
    merging = work.facts.main_to_merge if call.purpose in _merges_main else None
    work.factory.code.check_out(work.project.repository, work.attempt.head, path, merging=merging)
    reach(CHECKED_OUT)
    following = outcomes.Following(work)
    outcome = _converse(work, call, path, following)
    if following.session is not None:
        outcomes.take(work, following.session, outcome, begun=following.intent)


def _converse(work: Work, call: CallAgent, path: Path, follow: Follow) -> Outcome:
    """The session of the call, over what is checked out at `path`."""
    factory = work.factory
    workbench = factory.workbenches.open(path, name=work.card.id, stop=work.stop)
    try:
        store = work.store.acting(actor=call.role)
        sandbox = view_of(factory, work.card)
        desk = Desk(store, factory.code, workbench, factory.settings, work.stop, sandbox, work.since, follow)
        with work.store.glance() as tx:
            assignment = make_assignment(
                tx,
                factory.code,
                work.facts,
                factory.settings,
                attempt=work.attempt,
                project=_tested_as_it_is(work.project, path),
                call=call,
            )
        with seated(work, call.role, assignment.model):
            return run_session(desk, factory.models, assignment)
    finally:
        workbench.close()


def _tested_as_it_is(project: Project, checkout: Path) -> Project:
    """With the command that an agent runs its tests by, where the rock names none."""
    found = project.test_command or plain_command(runners_of(checkout))
    return replace(project, test_command=found)


def _test_head(work: Work, _step: RunHeadTests) -> None:
    """A failure goes back to the author in the transaction that stores it, and success to the forge."""
    card, attempt = work.card, work.attempt
    started_at = work.store.clock.now()
    report = run_tests_on(work, attempt.head)

    def store(tx: Transaction) -> None:
        add_test_run(tx, card, attempt, SuiteRun(HEAD, attempt.head, report, started_at))

    if report.passed and attempt.pull_request is None and not work.stop.is_set():
        _propose(work, because=store)
        return
    with work.store.write() as tx:
        store(tx)
        if not report.passed:
            kind = FeedbackKind.TESTS_FAILED
            body, details = failed("project", attempt.head, report)
            add_feedback(tx, card, attempt, kind, author="system", body=body, details=details)
            move_in(tx, card, Move(CardState.IN_PROGRESS, "system", note="the project's tests failed"))
    reach(TESTS_STORED)


def _propose(work: Work, *, because: Callable[[Transaction], None] | None = None) -> None:
    """Open the pull request; `because` is stored with the intent."""
    card, attempt, forge = work.card, work.attempt, work.factory.forge
    proposal = {"head": attempt.branch, "base": MAIN, "title": card.name}

    def act() -> Result:
        body = f"Card {card.id}, attempt {attempt.number}.\n\n{card.details.get('description') or ''}".strip()
        try:
            opened = forge.open_pull_request(attempt.repository, **proposal, body=body, author=work.facts.author)
        except PullRequestExists as found:
            return {"number": found.number}
        return {"number": opened.number}

    def probe() -> Result | None:
        found = forge.find_pull_request(attempt.repository, head=attempt.branch, base=MAIN)
        return {"number": found.number} if found else None

    def record(tx: Transaction, result: Result) -> None:
        update_attempt(tx, card.id, attempt.number, pull_request=result["number"])
        payload = {**proposal, **result, "repository": attempt.repository, "commit": attempt.head}
        append(tx, "pull_request.opened", card.id, payload | {"attempt": attempt.number, "rock": card.rock_id})
        move_in(tx, card, Move(CardState.CODE_REVIEW, "system"))

    perform(
        work.store,
        OPEN_PULL_REQUEST,
        f"{card.id}:{attempt.number}",
        subject=card.id,
        intent=proposal,
        act=act,
        probe=probe,
        record=record,
        cause=because,
    )


def _label(work: Work, _step: LabelRefusals) -> None:
    attempt = work.attempt
    found = Unlabelled(work.card.id, work.card.rock_id, attempt.repository, attempt.pull_request or 0)
    label_pull_request(work.store, work.factory.forge, found)


_performers: dict[type, Callable[[Work, Any], None]] = {
    StartAttempt: _start,
    CallAgent: _call_agent,
    TakeOutcome: lambda work, step: outcomes.take(work, step.session, step.outcome),
    MoveOn: lambda work, step: move(work, step.to),
    RunHeadTests: _test_head,
    OpenPullRequest: lambda work, _step: _propose(work),
    LabelRefusals: _label,
    Merge: lambda work, _step: merge(work),
    Verify: lambda work, _step: verify(work),
    AwaitReview: lambda work, step: await_people(work, step.missing),
    Reject: lambda work, _step: reject(work),
    GiveUp: lambda work, step: wait(work, step.reason, step.note),
}
