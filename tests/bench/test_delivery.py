from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.bench.line import import_rocks
from orket_pipelines.bench.under_dagster import ask_for_partitions
from orket_pipelines.bench.worker_process import work
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, tables

pytestmark = pytest.mark.slow
ROCKS = ("one", "two")


def as_given(settings: Settings) -> dict[str, Any]:
    return settings.model_dump(mode="json", include={"home", "database_url", "concurrency"})


def test_rocks_that_are_worked_on_at_once_are_all_done_and_prompts_do_not_grow(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path / "home", database_url=database_url, concurrency=4)
    import_rocks(settings, ROCKS, 8, dependent=True)
    with ThreadPoolExecutor() as workers:
        costs = list(workers.map(lambda rock: work(rock, None, 0.0, as_given(settings)), ROCKS))
    assert all(cost.commits > 0 and cost.peak >= cost.loaded > 0 for cost in costs)
    with closing(Store.open(database_url)) as store, store.read() as tx:
        issues = sa.select(sa.func.count()).where(tables.cards.c.kind == "issue", tables.cards.c.state == "done")
        done = tx.execute(issues).scalar()
        prompts = sa.select(sa.func.length(sa.cast(tables.sessions.c.prompt, sa.Text)))
        lengths = list(tx.execute(prompts.where(tables.sessions.c.role == "coder")).scalars())
    assert done == len(lengths) == 16
    assert max(lengths) - min(lengths) < 20


def test_issues_wait_for_a_slow_model_side_by_side(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", concurrency=10)
    import_rocks(settings, ["warm-up"], 2)
    import_rocks(settings, ["slow"], 10)
    cost = work("slow", "warm-up", 0.3, as_given(settings))
    # One after the other they would wait for 6 s, all at once for 0.6 s.
    assert 0.6 < cost.wall < 5


def test_dagster_tells_the_partitions_of_what_is_delivered() -> None:
    query, bare = ask_for_partitions(1, 3)
    assert 0 < bare < query < 30
