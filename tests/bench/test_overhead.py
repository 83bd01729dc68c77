"""The bench of the line delivers on every layer that it measures."""

from pathlib import Path

import pytest

from orket_pipelines.bench import overhead
from orket_pipelines.bench.floor import conversations

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", overhead.LAYERS)
def test_every_layer_delivers_what_is_measured(layer: str, tmp_path: Path) -> None:
    run = overhead._deliver(tmp_path, layer, 2)
    assert run.cost.cpu > 0
    assert run.commits >= 2 * 10


def test_the_floor_holds_as_many_conversations_as_it_is_asked_for() -> None:
    assert 0 < conversations(1).cpu < conversations(40).cpu
