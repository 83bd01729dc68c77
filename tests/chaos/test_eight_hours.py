"""Eight hours on a fake clock, with models that err, hang and loop at random by a seed, and people who look in now and
then: nothing breaks, nothing grows, and every card ends in a state with a reason.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from orket_pipelines.agents.models import conversation
from orket_pipelines.agents.records import list_sessions, turns_of
from orket_pipelines.cards.model import TERMINAL, WAITING, CardKind, CardState
from orket_pipelines.cards.records import list_cards
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.delivery.places import Occupancy
from orket_pipelines.delivery.waits import waits_of
from orket_pipelines.store import read_events

from .day import HOUR, Day
from .fake_hours import FakeHours
from .moods import FAULTS

pytestmark = pytest.mark.slow

SEEDS = range(1, 6)
GROWTH = 100_000
"""Bytes that an hour may leave in memory, in the middle of them: what libraries look up once comes in steps."""
REMEMBERS = ("*/git/fake/*", "*/forge/fake*", "*/workbench/fake.py", "*/store/journal.py", "*/tracemalloc.py")
"""The fakes keep their world in memory, as a disk would."""
LONGEST_TURN = 2 * (5 * 600 + 4 * 60)
"""Seconds: two models, five tries of each within their deadlines, and the waits between."""

Begin = Callable[[int], Day]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """A day by a seed; every event loop from now on runs on its clock, and none that this thread made before."""
    days: list[Day] = []

    def begin(seed: int) -> Day:
        days.append(Day(tmp_path, seed))
        monkeypatch.setattr(asyncio.events, "new_event_loop", lambda: FakeHours(days[0].clock))
        monkeypatch.setattr(conversation, "threads", conversation.Threads())
        return days[0]

    yield begin
    for day in days:
        day.factory.close()


def test_two_hours_of_trouble_end_with_every_card_in_a_state_with_a_reason(begin: Begin) -> None:
    day = begin(1)
    day.go_by(2 * HOUR)
    look_at_the_end(day)


@pytest.mark.chaos
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", SEEDS)
def test_eight_hours_of_trouble_leave_nothing_open_and_nothing_behind(seed: int, begin: Begin) -> None:
    day = begin(seed)
    day.go_by(2 * HOUR)
    tracemalloc.start()
    weights = []
    for _ in range(2, 8):
        day.go_by(HOUR)
        weights.append(weigh())
    tracemalloc.stop()
    look_at_the_end(day)
    assert set(day.moods.met) == {"well", *FAULTS}
    assert median(after - before for before, after in pairwise(weights)) < GROWTH, weights


def look_at_the_end(day: Day) -> None:
    """Every issue is final, or waits and says why; what goes on, goes on for one that waits; deadlines were kept."""
    day.come_to_rest()
    with day.store.read() as tx:
        cards, sessions = list_cards(tx), list_sessions(tx)
        turns = [turn for session in sessions for turn in turns_of(tx, session.id)]
        merged = {event.subject for event in read_events(tx, limit=1_000_000) if event.kind == "pull_request.merged"}
        held = day.factory.leases.held(tx, "")
    issues = {card.id: card for card in cards if card.kind is CardKind.ISSUE}
    waits = {wait.card_id: wait for wait in waits_of(cards, Occupancy({}, {}, frozenset()), day.settings)}
    for card in issues.values():
        assert card.state in TERMINAL | WAITING | {CardState.READY}, card
        assert card.state not in WAITING or (card.wait_reason and card.note), card
        assert card.state is not CardState.READY or waits[card.id].reason, card
    done = {card.id for card in issues.values() if card.state is CardState.DONE}
    assert done
    assert done == merged
    running = {session.card_id for session in sessions if session.outcome is None}
    assert running <= {card.id for card in issues.values() if card.state in WAITING}
    assert not held
    assert max(turn.ended_at - turn.started_at for turn in turns) <= LONGEST_TURN * MICROSECONDS


def weigh() -> int:
    """Bytes in memory that nobody means to keep."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=False, filename_pattern=pattern) for pattern in REMEMBERS]
    )
    return sum(trace.size for trace in snapshot.traces)
