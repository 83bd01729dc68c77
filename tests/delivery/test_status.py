"""How the factory stands, as the store says."""

import os
import threading
from pathlib import Path
from typing import Any

from orket_pipelines.delivery.claims import Choice, Claimant
from orket_pipelines.delivery.status import Limit, Status, status_of


def status(line: Any, **settings: Any) -> Status:
    with line.store.read() as tx:
        return status_of(tx, line.leases, line.settings.model_copy(update=settings), "rock")


def test_an_issue_at_work_is_told_with_its_step_worker_and_time(line: Any) -> None:
    line.add("one")
    seen: list[Status] = []
    line.during_tests = lambda _checkout: seen.append(status(line))
    line.scripts = {
        "one": {
            "coder": [
                {
                    "purpose": "work",
                    "turns": [
                        {"calls": [{"write_file": {"path": "a", "content": "a\n"}}]},
                        {"calls": [{"run_tests": {}}]},
                        {"calls": [{"request_state": {"state": "ready_for_testing", "summary": "done"}}]},
                    ],
                }
            ]
        }
    }
    line.deliver()

    steps = [each.step for found in seen for each in found.at_work]
    assert steps == ["coder: work, turn 3", "runs the project's tests"]
    [at_work] = seen[0].at_work
    assert (at_work.card_id, at_work.role, at_work.model) == ("one", "coder", "scripted (no language model)")
    assert f"process {os.getpid()}" in at_work.worker
    assert at_work.seconds >= 0
    assert status(line).at_work == ()


def test_limits_are_told_with_how_much_of_them_is_taken(line: Any) -> None:
    line.add("one", "two")
    Claimant(line.factory).claim_next(Choice("rock"))

    found = status(line, rock_concurrency={"rock": 3})
    assert found.limits == (Limit("all", "", 1, 2), Limit("rock", "rock", 1, 3))
    assert found.states == {"ready": 2}
    assert [each.card_id for each in found.waiting] == ["two"]


def test_cards_that_wait_for_places_are_a_bottleneck(line: Any) -> None:
    line.add(*(f"issue-{number}" for number in range(12)))
    Claimant(line.factory).claim_next(Choice("rock"))

    [bottleneck] = status(line, concurrency=1).bottlenecks
    assert (bottleneck.waits_for, bottleneck.told) == ("resource", "11 cards wait for a resource")


def test_a_delivery_ends_although_a_dependency_is_canceled(line: Any, tmp_path: Path) -> None:
    from orket_pipelines.cards.model import CardState
    from orket_pipelines.delivery import deliver_issue

    line.add("one", state=CardState.CANCELED)
    line.add("two", depends_on=("one",))

    assert line.deliver()["two"].reason == "it depends on what is canceled: one"
    alone = deliver_issue(line.factory, "two", stop=threading.Event())
    assert alone.reason == "it depends on what is canceled: one"
