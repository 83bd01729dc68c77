"""The line over shipped fakes: how issues go forth, back, wait, and end."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.records import list_sessions
from orket_pipelines.budget_settings import Budget, Budgets
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.cards.records import get_card, move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery import Crew, Result, deliver_issue
from orket_pipelines.delivery.claims import Choice, Claimant
from orket_pipelines.delivery.records import feedback_of, last_attempt
from orket_pipelines.delivery.work import move
from orket_pipelines.delivery.worker import deliver_claimed
from orket_pipelines.errors import EngineUnavailable, TransitionRefused
from orket_pipelines.forge.model import PullRequestState
from orket_pipelines.policy import list_violations
from orket_pipelines.store import LeaseKeeper, read_events

pytestmark = pytest.mark.slow

READY = {"request_state": {"state": "ready_for_testing", "summary": "done"}}
NOT_YET = {"submit_review": {"verdict": "request_changes", "body": "There is no limit."}}
LOOK = {"purpose": "work", "turns": [{"say": "I look."}]}


def scene(purpose: str, *calls: dict[str, Any], visit: int | None = None) -> dict[str, Any]:
    return {"purpose": purpose, "visit": visit, "turns": [{"calls": list(calls)}]}


def write(path: str, content: str) -> dict[str, Any]:
    return {"write_file": {"path": path, "content": content}}


def card_of(line: Any, card_id: str) -> Any:
    with line.store.read() as tx:
        return get_card(tx, card_id)


def test_an_issue_goes_from_ready_to_merged_and_its_parents_follow(line: Any, tmp_path: Path) -> None:
    line.add("one")
    assert line.deliver()["one"].result is Result.DONE
    assert {card_of(line, name).state for name in ("one", "epic", "rock")} == {CardState.DONE}
    assert line.files(tmp_path / "main")["work.txt"] == "done\n"


def test_an_issue_never_starts_before_what_it_depends_on_is_merged(line: Any) -> None:
    line.add("first")
    line.add("second", depends_on=("first",))
    line.scripts = {name: {"coder": [scene("work", write(f"{name}.txt", "x"), READY)]} for name in ("first", "second")}
    line.deliver()
    with line.store.read() as tx:
        order = [(event.kind, event.subject) for event in read_events(tx)]
    assert order.index(("pull_request.merged", "first")) < order.index(("attempt.started", "second"))


def test_what_waits_for_a_blocked_issue_says_so(line: Any) -> None:
    line.add("first")
    line.add("second", depends_on=("first",))
    asks = {"request_state": {"state": "blocked", "wait_reason": "input", "summary": "Which currency?"}}
    line.scripts = {"first": {"coder": [scene("work", asks)]}}
    delivered = line.deliver()
    assert (delivered["first"].result, delivered["first"].reason) == (Result.WAITING, "input: Which currency?")
    assert delivered["second"].reason == "it waits for first (blocked)"


def test_an_answered_question_lets_the_author_go_on(line: Any) -> None:
    line.add("one")
    asks = {"request_state": {"state": "blocked", "wait_reason": "input", "summary": "Which currency?"}}
    line.scripts = {"one": {"coder": [scene("work", asks, visit=1), scene("work", write("a", "euro"), READY, visit=2)]}}
    assert line.deliver()["one"].result is Result.WAITING
    assert line.deliver()["one"].result is Result.WAITING
    move_card(line.store, "one", Move(CardState.IN_PROGRESS, "project_manager", note="Euro."))
    assert line.deliver()["one"].result is Result.DONE


def test_a_rejected_pull_request_goes_back_to_its_author(line: Any) -> None:
    line.add("one")
    line.scripts = {
        "one": {
            "coder": [
                scene("work", write("a", "1"), READY),
                {
                    "purpose": "changes_requested",
                    "turns": [{"expect": "There is no limit.", "calls": [write("a", "2"), READY]}],
                },
            ],
            "integrity_guard": [
                scene("review", NOT_YET, visit=1),
                scene("review", {"submit_review": {"verdict": "approve", "body": "good"}}, visit=2),
            ],
        }
    }
    assert line.deliver()["one"].result is Result.DONE
    assert line.forge.pull_request("rock", 1).state is PullRequestState.MERGED


def test_the_architect_is_called_at_three_and_the_author_hears_the_guidance(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": _endless_review()}
    line.scripts["one"]["coder"][-1]["turns"][0]["calls"][0] = write("a", "last")
    assert line.deliver()["one"].result is Result.WAITING
    with line.store.read() as tx:
        said = [str(found.kind) for found in feedback_of(tx, "one")]
        prompts = [str(found.prompt) for found in list_sessions(tx, card_id="one") if found.role == "coder"]
    changes = "changes_requested"
    assert said == [changes, changes, changes, "guidance", changes, "rejected", "waited"]
    assert ["Use an index." in prompt for prompt in prompts] == [False, False, False, True]


def test_the_fourth_request_for_changes_leaves_requirements_to_a_person(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": _endless_review()}
    delivered = line.deliver()["one"]
    assert delivered.card.wait_reason is WaitReason.INPUT
    assert line.forge.pull_request("rock", 1).state is PullRequestState.CLOSED
    requirements = card_of(line, "one-requirements-1")
    assert requirements.state is CardState.BLOCKED
    assert requirements.details["description"].count("There is no limit.") == 4
    assert "- Use an index." in requirements.details["description"]


def test_after_a_rejection_a_person_brings_the_card_back_to_a_new_attempt(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": _endless_review()}
    line.deliver()
    move_card(line.store, "one", Move(CardState.IN_PROGRESS, "project_manager"))
    approve = {"submit_review": {"verdict": "approve", "body": "good"}}
    line.scripts["one"]["integrity_guard"] = [scene("review", approve)]
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        attempt = last_attempt(tx, "one")
    assert attempt is not None
    assert (attempt.number, attempt.pull_request) == (2, 2)


def test_a_merged_tree_that_fails_its_tests_goes_back_with_main_merged(line: Any, tmp_path: Path) -> None:
    """Each is well alone; together they are not: `one.txt` beside `two.txt` breaks."""
    line.add("one", "two")
    gate = threading.Event()

    def breaks_together(checkout: Path) -> None:
        if checkout.name.startswith("test-") and checkout.parent.name == "two":
            assert gate.wait(10)
        if checkout.parent.name == "two" and (checkout / "one.txt").exists() and not (checkout / "fix").exists():
            (checkout / "verdict").write_text("broken")

    line.during_tests = breaks_together
    mend = {"purpose": "merged_tests_failed", "turns": [{"calls": [{"read_file": {"path": "one.txt"}}]}]}
    mend["turns"].append({"expect": "of one", "calls": [write("fix", "x"), READY]})  # type: ignore[attr-defined]
    line.scripts = {
        "one": {"coder": [scene("work", write("one.txt", "of one"), READY)]},
        "two": {"coder": [scene("work", write("two.txt", "of two"), READY), mend]},
    }
    threading.Thread(target=_when_merged, args=(line, "one", gate), daemon=True).start()
    assert {found.result for found in line.deliver().values()} == {Result.DONE}
    assert {"one.txt", "two.txt", "fix"} <= set(line.files(tmp_path / "main"))
    with line.store.read() as tx:
        assert "merged_tests_failed" in [str(found.kind) for found in feedback_of(tx, "two")]


def test_a_model_without_an_answer_makes_the_card_wait_and_the_next_delivery_goes_on(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": {"coder": [LOOK]}}
    waiting = line.deliver()["one"]
    assert waiting.card.wait_reason is WaitReason.SYSTEM
    assert "the script of one coder work 1 is over" in waiting.reason
    line.scripts = {"one": {"coder": [{"purpose": "work", "turns": [*LOOK["turns"], {"calls": [READY]}]}]}}
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        sessions = [found for found in list_sessions(tx, card_id="one") if found.role == "coder"]
    assert len(sessions) == 1


def test_a_reviewer_that_stays_silent_ends_in_a_bounded_way(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": {"integrity_guard": [{"purpose": "review", "turns": [{"say": "Hm."}] * 3}]}}
    delivered = line.deliver()["one"]
    assert (delivered.card.state, delivered.card.wait_reason) == (CardState.BLOCKED, WaitReason.SYSTEM)
    assert "3 sessions in a row" in delivered.reason


def test_issues_that_fail_do_not_stop_the_others(line: Any) -> None:
    line.add("one", "two", "three")
    line.scripts = {"two": {"coder": [LOOK]}}
    results = {name: found.result for name, found in line.deliver().items()}
    assert results == {"one": Result.DONE, "two": Result.WAITING, "three": Result.DONE}


def test_a_card_canceled_by_a_person_is_left_alone(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": {"coder": [scene("work", {"run_tests": {}}, READY)]}}
    cancel = Move(CardState.CANCELED, "project_manager", note="not needed")
    line.during_tests = lambda _checkout: (
        card_of(line, "one").state is CardState.IN_PROGRESS and move_card(line.store, "one", cancel)
    )
    assert line.deliver()["one"].result is Result.CANCELED
    assert card_of(line, "rock").state is CardState.CANCELED
    assert line.forge.find_pull_request("rock", head="orket/default/one/1", base="main") is None


def test_two_processes_deliver_a_rock_once(line: Any) -> None:
    names = [f"issue-{number}" for number in range(6)]
    line.add(*names)
    line.scripts = {name: {"coder": [scene("work", write(f"{name}.txt", "x"), READY)]} for name in names}
    leases = LeaseKeeper(line.store)
    threads = [
        threading.Thread(target=line.deliver, args=(factory,)) for factory in (line.factory, line.another(leases))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    leases.close()
    assert {card_of(line, name).state for name in names} == {CardState.DONE}
    with line.store.read() as tx:
        merged = [event.subject for event in read_events(tx) if event.kind == "pull_request.merged"]
    assert sorted(merged) == names


def test_no_more_issues_are_worked_on_at_once_than_the_settings_allow(line: Any) -> None:
    line.add(*(f"issue-{number}" for number in range(6)))
    line.settings = line.settings.model_copy(update={"concurrency": 2})
    held: list[int] = []

    def count(_checkout: Path) -> None:
        with line.store.read() as tx:
            held.append(len(line.leases.held(tx, "issue:")))

    line.during_tests = count
    line.scripts = {
        f"issue-{number}": {"coder": [scene("work", write(f"{number}", "x"), READY)]} for number in range(6)
    }
    line.deliver()
    assert held
    assert max(held) <= 2


def test_a_worker_whose_lease_was_taken_over_writes_nothing_more(line: Any) -> None:
    line.add("one")
    claimed = Claimant(line.factory).claim_next(Choice("rock"))
    assert isinstance(claimed, tuple)
    stale = replace(claimed[1], token=claimed[1].token - 1)
    delivered = deliver_claimed(line.factory, "one", stale, stop=threading.Event())
    assert delivered.result is Result.STOPPED
    assert "another worker has taken over" in delivered.reason
    assert card_of(line, "one").state is CardState.READY


def test_a_stopped_delivery_is_taken_up_where_it_stands(line: Any) -> None:
    line.add("one")
    stop = threading.Event()
    line.during_tests = lambda _checkout: stop.set()
    stopped = deliver_issue(line.factory, "one", stop=stop)
    assert stopped.result is Result.STOPPED
    assert stopped.card.state is CardState.READY_FOR_TESTING
    line.during_tests = lambda _checkout: None
    assert deliver_issue(line.factory, "one", stop=threading.Event()).result is Result.DONE


def test_an_issue_waits_for_a_dependency_that_its_crew_brings(line: Any) -> None:
    line.add("first")
    line.add("second", depends_on=("first",))
    line.scripts = {"second": {"coder": [scene("work", write("second.txt", "x"), READY)]}}
    crew = Crew(["first", "second"])
    heard: list[str] = []
    results: dict[str, Result] = {}

    def deliver(card_id: str) -> None:
        found = deliver_issue(line.factory, card_id, stop=threading.Event(), crew=crew, on_waiting=heard.append)
        results[card_id] = found.result

    second = threading.Thread(target=deliver, args=("second",))
    second.start()
    while not heard:
        time.sleep(0.01)
    deliver("first")
    second.join(20)
    assert results == {"first": Result.DONE, "second": Result.DONE}
    assert heard[0] == "it waits for first (ready)"


def test_an_issue_does_not_wait_for_a_dependency_that_nobody_brings(line: Any) -> None:
    line.add("first")
    line.add("second", depends_on=("first",))
    delivered = deliver_issue(line.factory, "second", stop=threading.Event())
    assert (delivered.result, delivered.reason) == (Result.WAITING, "it waits for first (ready)")


@pytest.mark.parametrize("reason", [WaitReason.SYSTEM, WaitReason.RESOURCE])
def test_what_waits_for_the_system_is_tried_again(line: Any, reason: WaitReason) -> None:
    line.add("one", state=CardState.BLOCKED, wait_reason=reason)
    assert line.deliver()["one"].result is Result.DONE


def test_a_step_that_changes_nothing_ends_in_a_wait_and_not_in_a_loop(
    line: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.add("one")
    monkeypatch.setattr("orket_pipelines.delivery.worker.take_step", lambda _work, _step: None)
    delivered = line.deliver()["one"]
    assert delivered.result is Result.WAITING
    assert "StartAttempt(number=1) changed nothing" in delivered.reason


def test_a_move_that_the_rules_refuse_a_worker_is_on_record(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    line.add("one")
    monkeypatch.setattr("orket_pipelines.delivery.worker.take_step", lambda work, _step: move(work, CardState.DONE))
    with pytest.raises(TransitionRefused):
        line.deliver()
    with line.store.read() as tx:
        assert {found.reason for found in list_violations(tx)} == {"issue one cannot move from ready to done"}


def _endless_review() -> dict[str, list[dict[str, Any]]]:
    """A guard who never is content, and an author who keeps trying."""
    return {
        "coder": [
            scene("work", write("a", "0"), READY),
            *(scene("changes_requested", write("a", str(visit)), READY, visit=visit) for visit in (1, 2)),
            scene("changes_requested", write("a", "3"), READY),
        ],
        "integrity_guard": [scene("review", NOT_YET)],
        "lead_architect": [scene("guidance", {"submit_guidance": {"body": "Use an index."}})],
    }


def _when_merged(line: Any, card_id: str, gate: threading.Event) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and card_of(line, card_id).state is not CardState.DONE:
        time.sleep(0.01)
    gate.set()


ALONE = {"concurrency": 1}
"""Waiting moves the clock of the test past every lease: a second worker would take the issue over."""


def _losing_the_engine(line: Any, times: int) -> Any:
    """A factory whose engine does not answer the first `times` commands."""
    left = [times]

    def lose(_checkout: Path) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise EngineUnavailable("the engine is gone", next_step="Start it.")

    line.during_tests = lose
    return line.factory


def test_a_step_is_tried_again_when_the_engine_comes_back(line: Any) -> None:
    line.settings = line.settings.model_copy(update=ALONE)
    line.add("one")
    assert line.deliver(_losing_the_engine(line, times=2))["one"].result is Result.DONE
    with line.store.read() as tx:
        assert len(list_sessions(tx, card_id="one")) == 2, "nobody was called twice for it"


def test_a_card_waits_for_an_engine_that_stays_away(line: Any) -> None:
    line.settings = line.settings.model_copy(update=ALONE)
    line.add("one")
    delivered = line.deliver(_losing_the_engine(line, times=10_000))["one"]
    assert (delivered.result, delivered.card.wait_reason) == (Result.WAITING, WaitReason.SYSTEM)
    assert delivered.reason == "system: the engine is gone. Start it."
    line.during_tests = lambda _checkout: None
    assert line.deliver()["one"].result is Result.DONE


def test_an_issue_whose_budget_is_spent_waits_and_goes_on_when_there_is_more(line: Any) -> None:
    line.add("one")
    scenes = [{"purpose": "work", "turns": [{"calls": [write("a.txt", "a")]}, {"calls": [READY]}]}]
    line.scripts = {"one": {"coder": scenes}}
    given = line.settings
    line.settings = given.model_copy(update={"budgets": Budgets(issue=Budget(requests=1))})
    card = line.deliver()["one"].card
    assert (card.state, card.wait_reason) == (CardState.BLOCKED, WaitReason.RESOURCE)
    assert card.note.startswith("the budget is spent: 1 requests of 1 requests of the issue")
    line.settings = given
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        assert len([each for each in list_sessions(tx, card_id="one") if each.role == "coder"]) == 1


def test_an_issue_whose_time_is_over_waits_with_a_report_and_gets_as_much_again(line: Any) -> None:
    """The tests of the first try take an hour, and fail."""
    line.add("one")
    mend = scene("tests_failed", write("a.txt", "mended\n"), READY)
    line.scripts = {"one": {"coder": [scene("work", write("a.txt", "broken\n"), READY), mend]}}
    line.settings = line.settings.model_copy(update={"issue_timeout": 3_600.0, "rerun_failed_suites": False})
    line.during_tests = lambda _checkout: line.store.clock.advance(3_600)
    card = line.deliver()["one"].card
    assert (card.state, card.wait_reason) == (CardState.BLOCKED, WaitReason.RESOURCE)
    limit, spent, step = card.note.split(". ", 2)
    assert limit.startswith("the time for the issue is over: 3,600 seconds of wall time of 3,600 seconds of wall time")
    assert spent.startswith("Spent on the issue so far: 1 answers, 2 tool calls, 0 tokens, $0, 0 seconds of models")
    assert step.startswith("To go on for as long again: orket issues deliver one")
    line.during_tests = lambda _checkout: None
    assert line.deliver()["one"].result is Result.DONE


def circling(*calls: dict[str, Any], visit: int) -> dict[str, Any]:
    """Reads the same file over and over, twice as often as it takes to be noticed."""
    look = [{"calls": [{"read_file": {"path": "missing.txt"}}]}] * 8
    return {"purpose": "work", "visit": visit, "turns": [*look, {"calls": list(calls)}]}


def test_an_author_who_is_stuck_is_helped_by_the_architect(line: Any) -> None:
    line.add("one")
    way = {"submit_guidance": {"body": "Write the file instead."}}
    again = {"purpose": "work", "visit": 2, "turns": [{"calls": [write("work.txt", "done\n"), READY]}]}
    line.scripts = {"one": {"coder": [circling(visit=1), again], "lead_architect": [scene("stuck", way)]}}
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        said = [(found.kind.value, found.author) for found in feedback_of(tx, "one")][:2]
        sessions = {(each.role, each.visit): each for each in list_sessions(tx, card_id="one")}
    assert said == [("stuck", "coder"), ("guidance", "lead_architect")]
    assert "read_file" in sessions["lead_architect", 1].prompt[0]["parts"][1]["content"]
    assert "Write the file instead." in sessions["coder", 2].prompt[0]["parts"][1]["content"]


def test_an_author_who_stays_stuck_waits_for_a_person(line: Any) -> None:
    line.add("one")
    way = {"submit_guidance": {"body": "Write the file instead."}}
    scripts = {"coder": [circling(visit=1), circling(visit=2)], "lead_architect": [scene("stuck", way)]}
    line.scripts = {"one": scripts}
    card = line.deliver()["one"].card
    assert (card.state, card.wait_reason) == (CardState.BLOCKED, WaitReason.INPUT)
    assert "4 times in a row" in card.note
    assert "The architect had advised" in card.note
