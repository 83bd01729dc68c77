"""The engine goes away in mid-run and comes back: a wait, and the same end."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.clock import SystemClock
from orket_pipelines.containers import MemoryEngine

from .ends import End, look
from .line import Line, run

pytestmark = pytest.mark.slow

CALLS = (
    *("facts", "find_image", "find", "containers", "logs", "stop", "remove", "connect"),
    *("create_network", "networks", "remove_network", "create_volume", "volumes", "remove_volume"),
)
WEIGHTIEST = ("start", "execute", "wait")
"""Calls whose loss leaves most in doubt; those of the others are lost where all kills are tried."""
EVERY = [*WEIGHTIEST, *(pytest.param(call, marks=pytest.mark.chaos) for call in CALLS)]
LASTING = 6
"""Calls that fail, from several workers."""


class Hasty(SystemClock):
    """Nobody sleeps long."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.02))


def gone(engine: MemoryEngine) -> None:
    """For the rest of the process."""
    engine.unavailable = True


def run_losing(home: Path, lose: Callable[[MemoryEngine], None]) -> End:
    """How a delivery ends during which the engine is lost, after one reap."""
    assert not run(home, open_line=lambda place: Line(place, clock=Hasty(), once_reaped=lose))
    line = Line(home)
    with line.factory:
        line.reap()
    return look(home)


def test_every_call_that_a_delivery_makes_is_lost_once(tmp_path: Path) -> None:
    line = Line(tmp_path)
    line.deliver()
    assert set(line.engine.asked) == {*WEIGHTIEST, *CALLS}


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("call", EVERY)
def test_an_engine_that_goes_away_is_waited_for(call: str, number: int, undisturbed: End, tmp_path: Path) -> None:
    def lose(engine: MemoryEngine) -> None:
        engine.outages = {call: (engine.asked[call] + number, LASTING)}

    assert run_losing(tmp_path, lose) == undisturbed


@pytest.mark.parametrize("call", EVERY)
def test_an_answer_that_is_lost_changes_nothing_in_the_end(call: str, undisturbed: End, tmp_path: Path) -> None:
    def lose(engine: MemoryEngine) -> None:
        engine.lost_answers = {call}

    assert run_losing(tmp_path, lose) == undisturbed


def test_an_engine_that_stays_away_makes_cards_wait_until_the_next_delivery(undisturbed: End, tmp_path: Path) -> None:
    hasty = Hasty()
    assert not run(tmp_path, open_line=lambda home: Line(home, clock=hasty, once_reaped=gone, engine_patience=0.2))
    before = look(tmp_path)
    waiting = {
        card_id for card_id, (state, reason, _) in before.cards.items() if (state, reason) == ("blocked", "system")
    }
    assert waiting == {"first", "second", "fifth", "third"}
    assert not run(tmp_path)
    after = look(tmp_path)
    told = ("cards", "main", "pull_requests", "trials", "sandboxes", "engine", "files")
    assert {name: getattr(after, name) for name in told} == {name: getattr(undisturbed, name) for name in told}
