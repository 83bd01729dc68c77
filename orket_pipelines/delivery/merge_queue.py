"""The merge queue: one at a time per repository, and main moves only to a tree that was tested."""

from collections.abc import Mapping

from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.factory import identity_of
from orket_pipelines.delivery.model import FeedbackKind, SuiteRun
from orket_pipelines.delivery.records import MERGED, add_feedback, add_test_run, tests_passed, update_attempt
from orket_pipelines.delivery.reviewing import take_in, wait_for_review
from orket_pipelines.delivery.work import Work, failed, run_tests_on
from orket_pipelines.errors import ForgeError
from orket_pipelines.forge.model import BaseMoved, NotApproved, PullRequestState, TryAgainLater
from orket_pipelines.git.port import MAIN, Conflict
from orket_pipelines.store import Lease, Transaction, append, effect_kind, failpoint, perform, reach
from orket_pipelines.store.effects import Result, find

MERGE = effect_kind("forge.merge")
IN_QUEUE = failpoint("merge_queue.entered")
CANDIDATE_MADE = failpoint("merge_queue.candidate_made")
CANDIDATE_TESTED = failpoint("merge_queue.candidate_tested")
SENT_BACK = failpoint("merge_queue.sent_back")

TRIES = 20
PAUSE = 0.25
"""Seconds before the queue tries again what the forge was not ready for."""
MERGER = "system"


def merge(work: Work) -> None:
    """Take the issue's pull request through the queue.

    Raises: ForgeError where the forge is still not ready after TRIES; Stopped where a stop is asked for while waiting.
    """
    with work.factory.leases.holding(f"merge:{work.attempt.repository}", stop=work.stop) as lease:
        reach(IN_QUEUE)
        for _ in range(TRIES):
            try:
                _merge_once(work, lease)
            except (TryAgainLater, BaseMoved):
                work.store.clock.sleep(PAUSE)
            except NotApproved as refused:
                # Somebody asked for changes meanwhile, or still does of this very patch.
                if not take_in(work):
                    wait_for_review(work, str(refused))
                return
            else:
                return
    raise ForgeError(
        f"the forge was not ready to merge {work.attempt.branch} in {TRIES} tries",
        next_step=f"Try again later: orket issues deliver {work.card.id}",
    )


def _merge_once(work: Work, lease: Lease) -> None:
    attempt, code = work.attempt, work.factory.code
    main = code.head(attempt.repository, MAIN) or ""
    if code.contains(attempt.repository, branch=MAIN, commit=attempt.head):
        # A process that died after main moved left the outcome open: what it meant to make is what there is.
        _make(work, lease, main, _intended(work) or main)
        return
    message = f"Merge pull request #{attempt.pull_request}: {work.card.name}\n\nCard: {work.card.id}"
    by = identity_of(MERGER)
    at = max(found.at for found in work.facts.feedback)
    candidate = code.merge(attempt.repository, base=main, head=attempt.head, message=message, by=by, at=at)
    reach(CANDIDATE_MADE)
    if isinstance(candidate, Conflict):
        body = "The branch conflicts with main in: " + ", ".join(candidate.paths)
        _send_back(work, FeedbackKind.CONFLICT, body, main)
    elif _is_proven(work, main, candidate.commit):
        _make(work, lease, main, candidate.commit)


def _is_proven(work: Work, main: str, candidate: str) -> bool:
    """Test the merged tree, unless it is the head's own, which was tested; a failure goes back to the author."""
    card, attempt = work.card, work.attempt
    if work.factory.code.contains(attempt.repository, branch=attempt.branch, commit=main):
        return True
    with work.store.glance() as tx:
        known = tests_passed(tx, card.id, candidate, MERGED)
    if known:
        return True
    started_at = work.store.clock.now()
    report = run_tests_on(work, candidate)
    with work.store.write() as tx:
        add_test_run(tx, card, attempt, SuiteRun(MERGED, candidate, report, started_at))
    reach(CANDIDATE_TESTED)
    if not report.passed:
        body, details = failed("project", candidate, report)
        _send_back(work, FeedbackKind.MERGED_TESTS_FAILED, body, main, details)
    return report.passed


def _intended(work: Work) -> str | None:
    with work.store.read() as tx:
        begun = find(tx, f"{MERGE.name}:{_key(work)}")
    return str(begun.intent["candidate"]) if begun else None


def _key(work: Work) -> str:
    return f"{work.card.id}:{work.attempt.number}:{work.attempt.head}"


def _make(work: Work, lease: Lease, main: str, candidate: str) -> None:
    """Merge. `lease` is the queue's, which goes on with the outcome."""
    card, attempt, forge = work.card, work.attempt, work.factory.forge
    number = attempt.pull_request or 0

    def act() -> Result:
        head = attempt.head
        made = forge.merge(attempt.repository, number, head=head, base=main, candidate=candidate, by=MERGER)
        return {"merge_commit": made}

    def probe() -> Result | None:
        found = forge.pull_request(attempt.repository, number)
        return {"merge_commit": found.merge_commit} if found.state is PullRequestState.MERGED else None

    def record(tx: Transaction, result: Result) -> None:
        update_attempt(tx, card.id, attempt.number, merge_commit=result["merge_commit"])
        payload = {"repository": attempt.repository, "number": number, "head": attempt.head, **result}
        append(tx, "pull_request.merged", card.id, payload | {"attempt": attempt.number, "rock": card.rock_id})
        work.factory.leases.give_back(tx, lease)

    intent = {"number": number, "base": main, "candidate": candidate}
    perform(work.store, MERGE, _key(work), subject=card.id, intent=intent, act=act, probe=probe, record=record)


def _send_back(work: Work, kind: FeedbackKind, body: str, main: str, details: Mapping[str, str] | None = None) -> None:
    """Not a review cycle."""
    told = {"main": main, **(details or {})}
    with work.store.write() as tx:
        add_feedback(tx, work.card, work.attempt, kind, author=MERGER, body=body, details=told)
        move_in(tx, work.card, Move(CardState.IN_PROGRESS, "system", note=str(kind)))
    reach(SENT_BACK)
