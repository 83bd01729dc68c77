"""The issues of one run: those that lack only a place stand in a line, and the best of them asks."""

from typing import Any

import pytest

from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.delivery import Crew
from orket_pipelines.delivery.claims import Choice, Claimant, Obstacle, Refused
from orket_pipelines.delivery.crew import LATER
from orket_pipelines.delivery.places import occupancy
from orket_pipelines.store import Lease

pytestmark = pytest.mark.slow


def held(line: Any, card_id: str) -> Lease:
    """A lease of a worker elsewhere."""
    claimed = Claimant(line.factory).claim_next(Choice("rock"))
    assert isinstance(claimed, tuple)
    assert claimed[0] == card_id
    return claimed[1]


def asking(line: Any) -> frozenset[str]:
    with line.store.read() as tx:
        return occupancy(tx, line.leases).asking


def test_of_the_issues_that_wait_for_a_place_the_best_gets_it(line: Any) -> None:
    line.settings = line.settings.model_copy(update={"concurrency": 1})
    line.add("now", priority=9.0)
    line.add("low", priority=1.0)
    line.add("high", priority=3.0)
    crew, elsewhere = Crew(["low", "high"]), held(line, "now")

    def claim(card_id: str) -> Lease | Refused:
        return crew.claim(line.factory, card_id, may_resume=False)

    first = claim("low")
    assert isinstance(first, Refused)
    assert first.obstacle is Obstacle.LIMIT
    claim("high")
    line.leases.release(elsewhere)
    assert claim("low") is LATER
    assert isinstance(claim("high"), Lease)
    assert isinstance(claim("low"), Refused)


def test_an_issue_that_waits_for_another_stands_in_nobodys_way(line: Any) -> None:
    line.add("base", priority=1.0)
    line.add("behind", priority=9.0, depends_on=("base",))
    crew = Crew(["base", "behind"])

    assert isinstance(crew.claim(line.factory, "behind", may_resume=False), Refused)
    assert isinstance(crew.claim(line.factory, "base", may_resume=False), Lease)


def test_an_issue_that_begins_to_wait_for_a_person_steps_out_of_the_line(line: Any) -> None:
    line.settings = line.settings.model_copy(update={"concurrency": 1})
    line.add("now", priority=9.0)
    line.add("high", priority=3.0, state=CardState.BLOCKED, wait_reason=WaitReason.SYSTEM)
    line.add("low", priority=1.0)
    crew, elsewhere = Crew(["low", "high"]), held(line, "now")
    crew.claim(line.factory, "high", may_resume=True)
    assert crew.claim(line.factory, "low", may_resume=False) is LATER
    line.leases.release(elsewhere)

    told = crew.claim(line.factory, "high", may_resume=False)
    assert isinstance(told, Refused)
    assert told.obstacle is Obstacle.WAITING
    assert isinstance(crew.claim(line.factory, "low", may_resume=False), Lease)


def test_a_run_asks_for_a_place_as_long_as_one_of_its_issues_waits_for_it(line: Any) -> None:
    line.settings = line.settings.model_copy(update={"concurrency": 1})
    line.add("now", priority=9.0)
    line.add("one", "two")
    crew = Crew(["one", "two"])
    held(line, "now")
    assert asking(line) == frozenset()
    crew.claim(line.factory, "one", may_resume=False)
    crew.claim(line.factory, "two", may_resume=False)
    crew.leave("one")
    assert asking(line) == {"rock"}
    crew.leave("two")
    assert asking(line) == frozenset()
