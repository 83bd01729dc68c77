"""What many rocks at once take, and what is lost between the answers of a model; on SQLite, and on PostgreSQL besides
where the settings name one.

Ten rocks of a hundred issues with dependencies, a worker process for each, as `orket rocks deliver` is; the model
answers at once, and code, forge and workbench only remember. Then one rock whose model takes 100 ms; and
what Dagster's UI takes to show the partitions.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from orket_pipelines.agents.model import Purpose
from orket_pipelines.bench.floor import agent_steps, commits, server_commits
from orket_pipelines.bench.line import TURNS, import_rocks
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.bench.under_dagster import ask_for_partitions
from orket_pipelines.bench.worker_process import Cost
from orket_pipelines.cards.model import CardKind, CardState
from orket_pipelines.errors import OrketError
from orket_pipelines.settings import Settings, load_settings
from orket_pipelines.store import Store, Transaction, new_id, tables

ROCKS, ISSUES = 10, 100
"""Issues of each rock."""
AT_ONCE = 10
"""Issues worked on at once, in all."""
LATENCY = 0.1
"""Seconds that the model takes for an answer, where it takes any."""
SAMPLE = 500
"""Bare commits and steps of which the floor is reckoned."""
WARM_UP = "warm-up"
"""The rock that is delivered before the slow model's: what a worker does at its first issues is its start."""
LIMIT = 900.0
"""Seconds after which a worker is given up."""
PAUSE = 0.2
"""Seconds between two looks at how far everybody is."""
MEGABYTE = 1e6

_cards, _sessions = tables.cards, tables.sessions


@dataclass(frozen=True, slots=True)
class Sample:
    """How many issues were done at one moment, of each rock that had any, and how large the database was, in bytes."""

    done: dict[str, int]
    size: int

    @property
    def total(self) -> int:
        """Of all rocks."""
        return sum(self.done.values())


def measure(report: Report) -> list[Metric]:
    """Fairness, memory, growth, prompts and cost of many rocks; the wall time of a slow model."""
    url = load_settings().database_url
    metrics = _measure(None, report)
    if url is not None and url.startswith("postgresql"):
        metrics += _measure(url, report)
    report(f"Dagster's partitions of {ROCKS} rocks of {ISSUES} issues")
    query, bare = ask_for_partitions(ROCKS, ISSUES)
    return [*metrics, against("delivery.dagster_partitions", query, "s", bare)]


def _measure(url: str | None, report: Report) -> list[Metric]:
    name = "sqlite" if url is None else "postgresql"
    with _home(url) as settings:
        report(f"{ROCKS} rocks of {ISSUES} issues, {name}")
        metrics = _many_rocks(name, settings)
    with _home(url) as settings:
        report(f"{ISSUES} issues with a model that takes {LATENCY:g} s, {name}")
        import_rocks(settings, [WARM_UP], AT_ONCE)
        import_rocks(settings, ["slow"], ISSUES)
        warm = _ended(_start(settings, "slow", warm_up=WARM_UP, latency=LATENCY))
        import_rocks(settings, ["again"], ISSUES)
        called = time.monotonic()
        cold = _ended(_start(settings, "again", latency=LATENCY))
    ideal, start = ISSUES * TURNS * LATENCY / AT_ONCE, cold.began - called
    return [
        *metrics,
        against(f"delivery.{name}.slow_model", warm.wall, "s", ideal),
        against(f"delivery.{name}.slow_model_with_start", start + cold.wall, "s", start + ideal),
    ]


def _many_rocks(name: str, settings: Settings) -> list[Metric]:
    rocks = [f"rock-{number}" for number in range(ROCKS)]
    import_rocks(settings, rocks, ISSUES, dependent=True)
    with closing(Store.open(settings.store_url, workspace_id=settings.workspace)) as store:
        workers = [_start(settings, rock) for rock in rocks]
        samples = list(_watch(store, workers))
        costs = [_ended(worker) for worker in workers]
        first, last = _prompts(store)
    middle = next(sample for sample in samples if sample.total >= ROCKS * ISSUES / 2)
    early, late = _growth(samples[0], middle), _growth(middle, samples[-1])
    slowest = min(middle.done.get(rock, 0) for rock in rocks)
    about = f"delivery.{name}"
    return [
        *_cost(about, settings, costs),
        against(f"{about}.done_of_slowest_rock_at_half", slowest, "issues", middle.total / ROCKS),
        against(f"{about}.memory", sum(cost.peak for cost in costs) / MEGABYTE, "MB", _loaded(costs)),
        against(f"{about}.growth_per_issue", late, "KB", early),
        against(f"{about}.prompt", last, "characters", first),
    ]


def _cost(about: str, settings: Settings, costs: list[Cost]) -> list[Metric]:
    issues, made = ROCKS * ISSUES, sum(cost.commits for cost in costs)
    few = server_commits(settings.store_url, SAMPLE) if settings.database_url else commits(settings.home, SAMPLE)
    floor = few.per(SAMPLE).times(made).per(issues) + agent_steps(SAMPLE).per(SAMPLE).times(TURNS)
    wall = max(cost.wall for cost in costs) / issues
    return [
        against(f"{about}.cpu_per_issue", sum(cost.cpu for cost in costs) / issues * 1e3, "ms", floor.cpu * 1e3),
        against(f"{about}.wall_per_issue", wall * 1e3, "ms", floor.wall * 1e3),
        Metric(f"{about}.commits_per_issue", round(made / issues, 2), "commits"),
    ]


def _loaded(costs: list[Cost]) -> float:
    return sum(cost.loaded for cost in costs) / MEGABYTE


def _growth(before: Sample, after: Sample) -> float:
    """KB for each issue that was done in between."""
    return (after.size - before.size) / 1e3 / max(1, after.total - before.total)


def _watch(store: Store, workers: list["subprocess.Popen[str]"]) -> Iterator[Sample]:
    """From the beginning until all workers have ended."""
    while True:
        ended = all(worker.poll() is not None for worker in workers)
        with store.read() as tx:
            yield Sample(_done(tx), _size(tx))
        if ended:
            return
        time.sleep(PAUSE)


def _done(tx: Transaction) -> dict[str, int]:
    mine = sa.and_(_cards.c.workspace_id == tx.workspace_id, _cards.c.kind == CardKind.ISSUE)
    done = sa.select(_cards.c.rock_id, sa.func.count().label("done")).where(mine, _cards.c.state == CardState.DONE)
    return {row.rock_id: row.done for row in tx.execute(done.group_by(_cards.c.rock_id))}


def _size(tx: Transaction) -> int:
    """Bytes of the whole database."""
    sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    asked = sqlite if tx.dialect == "sqlite" else "SELECT pg_database_size(current_database())"
    return int(tx.execute(sa.text(asked)).scalar() or 0)


def _prompts(store: Store) -> tuple[float, float]:
    """The mean prompt of the first tenth of the authors' sessions, and of the last tenth."""
    length = sa.func.length(sa.cast(_sessions.c.prompt, sa.Text))
    with store.read() as tx:
        mine = sa.select(length).where(_sessions.c.workspace_id == tx.workspace_id, _sessions.c.purpose == Purpose.WORK)
        found = list(tx.execute(mine.order_by(_sessions.c.started_at)).scalars())
    tenth = max(1, len(found) // 10)
    return sum(found[:tenth]) / tenth, sum(found[-tenth:]) / tenth


def _start(
    settings: Settings, rock: str, *, warm_up: str | None = None, latency: float = 0.0
) -> "subprocess.Popen[str]":
    given = settings.model_dump(mode="json", include={"home", "workspace", "database_url", "concurrency"})
    asked = json.dumps({"rock": rock, "warm_up": warm_up, "latency": latency, "settings": given})
    command = [sys.executable, "-m", "orket_pipelines.bench.worker_process", asked]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _ended(worker: "subprocess.Popen[str]") -> Cost:
    out, wrong = worker.communicate(timeout=LIMIT)
    if worker.returncode != 0:
        raise OrketError(f"a worker of the bench failed: {wrong.strip().splitlines()[-1:]}")
    return Cost(**json.loads(out.splitlines()[-1]))


@contextmanager
def _home(url: str | None) -> Iterator[Settings]:
    """A home and a workspace of its own, of which nothing stays."""
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        workspace = f"bench-{new_id()[:8]}"
        settings = Settings(home=Path(folder), database_url=url, workspace=workspace, concurrency=AT_ONCE)
        yield settings
        if url is not None:
            _clear(settings)


def _clear(settings: Settings) -> None:
    with closing(Store.open(settings.store_url, workspace_id=settings.workspace)) as store, store.write() as tx:
        for table in tables.metadata.sorted_tables:
            tx.execute(sa.delete(table).where(table.c.workspace_id == store.workspace_id))
