"""A process that is killed in the midst of an effect, on both databases: it happens once, and is recorded once."""

from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.errors import ForgeError
from orket_pipelines.store import Store, Transaction, append, effect_kind, perform, read_events
from orket_pipelines.store.effects import DONE, Effect, find
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

KIND = effect_kind("test.killed")
MOMENTS = [KIND.before_intent, KIND.after_intent, KIND.after_effect, KIND.after_outcome]
Result = dict[str, Any]


def do_it(url: str, world: Path, *, busy: bool = False) -> Result:
    """What one process does: add a line to the world, unless it is busy, and record that."""

    def act() -> Result:
        if busy:
            raise ForgeError("the world is busy")
        with world.open("a") as lines:
            lines.write("done\n")
        return {"lines": 1}

    def probe() -> Result | None:
        return {"lines": len(world.read_text().splitlines())} if world.exists() else None

    def record(tx: Transaction, result: Result) -> None:
        append(tx, "test.recorded", "card", result)

    store = Store.open(url)
    try:
        return perform(store, KIND, "key", subject="card", intent={}, act=act, probe=probe, record=record)
    finally:
        store.close()


def look(url: str, world: Path) -> tuple[str, list[Result], Effect | None]:
    store = Store.open(url)
    with store.read() as tx:
        recorded, effect = [event.payload for event in read_events(tx)], find(tx, f"{KIND.name}:key")
    store.close()
    return world.read_text(), recorded, effect


@pytest.mark.parametrize("then", ["", "effects.doubt_settled"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_an_effect_whose_process_is_killed_happens_once_and_is_recorded_once(
    database_url: str, tmp_path: Path, moment: str, then: str
) -> None:
    """Once more during the recovery, where there is something to recover."""
    world = tmp_path / "world"
    assert do_and_die(lambda: do_it(database_url, world), moment) == moment
    in_doubt = moment in {KIND.after_intent, KIND.after_effect}
    assert do_and_die(lambda: do_it(database_url, world), then) == (then if in_doubt else "")
    assert do_it(database_url, world) == {"lines": 1}
    lines, recorded, effect = look(database_url, world)
    assert (lines, recorded) == ("done\n", [{"lines": 1}])
    assert effect is not None
    assert effect.outcome == DONE


def test_a_refusal_whose_process_is_killed_is_tried_again(database_url: str, tmp_path: Path) -> None:
    world = tmp_path / "world"
    stored = "effects.failure_stored"
    assert do_and_die(lambda: do_it(database_url, world, busy=True), stored) == stored
    assert do_it(database_url, world) == {"lines": 1}
    assert look(database_url, world) == ("done\n", [{"lines": 1}], Effect(DONE, {}, {"lines": 1}, 2))
