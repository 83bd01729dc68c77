"""What it takes to plan ten thousand cards, and to claim one of them, through the real store, commits included.

Ten rocks of a thousand issues, most of which depend on two earlier ones. A claimant for each rock claims in turn, as
ten worker processes would, while ten issues are at work; what is claimed is finished in between, which is not measured.
The floor of a plan is to read as many rows, that of a claim to commit one, both by the bare driver of the database.
"""

import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.agents.models import open_models
from orket_pipelines.bench.floor import ROW
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.cards import Card, CardKind, CardState, Move
from orket_pipelines.cards.agenda import agenda
from orket_pipelines.cards.ranking import rank_new
from orket_pipelines.cards.records import get_card, insert_cards, list_cards, move_in
from orket_pipelines.delivery import Factory
from orket_pipelines.delivery.claims import Choice, Claimant
from orket_pipelines.errors import OrketError
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MemoryCode
from orket_pipelines.settings import Settings, load_settings
from orket_pipelines.store import Lease, LeaseKeeper, Store, new_id, tables
from orket_pipelines.workbench import MemoryWorkbenches

ROCKS, ISSUES = 10, 1_000
"""Issues of each rock."""
AT_WORK = 10
CLAIMS = 200
WARM_UP = 20
"""Claims before anything is measured: statements are compiled and pages are read then."""
PLANS = 3
FLOOR = "orket_bench_floor"


@dataclass(frozen=True, slots=True)
class Bench:
    """A database with the cards in it, and the claimants that take turns."""

    store: Store
    leases: LeaseKeeper
    claimants: tuple[tuple[str, Claimant], ...]

    @property
    def name(self) -> str:
        """Of the database."""
        return self.store.engine.dialect.name


def measure(report: Report) -> list[Metric]:
    """Seconds of a plan and milliseconds of a claim, on SQLite; on PostgreSQL as well, where the settings name one."""
    url = load_settings().database_url
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        metrics = _measure(Settings(home=Path(folder), database_url=None), report)
        if url is not None and url.startswith("postgresql"):
            metrics += _measure(Settings(home=Path(folder), database_url=url), report)
    return metrics


def _measure(settings: Settings, report: Report) -> list[Metric]:
    report(f"writing {ROCKS * ISSUES:,} cards to {settings.store_url.partition(':')[0]}")
    with _opened(settings.model_copy(update={"concurrency": AT_WORK + 1})) as bench:
        ranked = _seconds(lambda: _rank(bench))
        report(f"planning them {PLANS} times")
        plan, read = _plan(bench)
        report(f"claiming {CLAIMS} of them")
        claim, commit = _claim(bench)
    return [
        against(f"scheduler.{bench.name}.plan", plan, "s", read),
        against(f"scheduler.{bench.name}.claim", claim * 1e3, "ms", commit * 1e3),
        Metric(f"scheduler.{bench.name}.rank_all", round(ranked, 3), "s"),
    ]


def _plan(bench: Bench) -> tuple[float, float]:
    """Seconds from the store to the order with its critical path; and of reading the bare rows."""
    ours, bare = [], []
    for _ in range(PLANS):
        bare.append(_seconds(lambda: _read(bench)))
        ours.append(_seconds(lambda: _order(bench)))
    return statistics.median(ours), statistics.median(bare)


def _order(bench: Bench) -> None:
    with bench.store.read() as tx:
        found = agenda(list_cards(tx))
    if len(found.order) != ROCKS * ISSUES or not found.critical_path:
        raise OrketError(f"the plan has {len(found.order)} issues, so that nothing was measured")


def _read(bench: Bench) -> None:
    with _driver(bench) as cursor:
        cursor.execute(f"SELECT * FROM cards WHERE workspace_id = '{bench.store.workspace_id}'")  # noqa: S608 - ours
        cursor.fetchall()


def _claim(bench: Bench) -> tuple[float, float]:
    """Median seconds of a claim, and of a bare commit, in turn with it."""
    at_work: deque[tuple[str, Lease]] = deque()
    ours, bare = [], []
    with _driver(bench) as cursor:
        cursor.execute(f"CREATE TABLE {FLOOR} (body TEXT)")
        try:
            for number, (rock_id, claimant) in enumerate(cycle(bench.claimants)):
                if number == WARM_UP + CLAIMS:
                    break
                if len(at_work) == AT_WORK:
                    _finish(bench, *at_work.popleft())
                began = time.monotonic()
                claimed = claimant.claim_next(Choice(rock_id))
                ours.append(time.monotonic() - began)
                if not isinstance(claimed, tuple):
                    raise OrketError(f"no issue of {rock_id} could be claimed: {claimed}")
                at_work.append(claimed)
                bare.append(_seconds(lambda: _commit(cursor)))
        finally:
            cursor.execute(f"DROP TABLE {FLOOR}")
    return statistics.median(ours[WARM_UP:]), statistics.median(bare[WARM_UP:])


def _commit(cursor: Any) -> None:
    for statement in ("BEGIN", f"INSERT INTO {FLOOR} VALUES ('{ROW}')", "COMMIT"):  # noqa: S608 - all of it is ours
        cursor.execute(statement)


def _finish(bench: Bench, card_id: str, lease: Lease) -> None:
    for state in (CardState.IN_PROGRESS, CardState.CODE_REVIEW, CardState.DONE):
        with bench.store.write() as tx:
            move_in(tx, get_card(tx, card_id), Move(state, "integrity_guard"))
    bench.leases.release(lease)


def _rank(bench: Bench) -> None:
    with bench.store.write() as tx:
        rank_new(tx)


def _seconds(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


@contextmanager
def _opened(settings: Settings) -> Iterator[Bench]:
    """A workspace of its own, of which nothing stays."""
    workspace = f"bench-{new_id()[-8:].lower()}"
    with (
        closing(Store.open(settings.store_url, workspace_id=workspace)) as store,
        closing(LeaseKeeper(store)) as leases,
    ):
        try:
            yield _written(settings, store, leases)
        finally:
            _clear(store)


def _written(settings: Settings, store: Store, leases: LeaseKeeper) -> Bench:
    for number in range(ROCKS):
        with store.write() as tx:
            insert_cards(tx, _cards(f"rock-{number}"))
    code = MemoryCode()
    workbenches, models = MemoryWorkbenches(), open_models(settings)
    factory = Factory(settings, store, code, MemoryForge(code), workbenches, models, leases)
    claimants = tuple((f"rock-{number}", Claimant(factory)) for number in range(ROCKS))
    return Bench(store, leases, claimants)


def _cards(rock_id: str) -> list[Card]:
    """A rock whose issues depend on two earlier ones each, but for every third."""
    parents = [
        Card(rock_id, CardKind.ROCK, rock_id, rock_id=rock_id),
        Card(f"{rock_id}-all", CardKind.EPIC, "All", parent_id=rock_id, rock_id=rock_id),
    ]
    details = {"description": ROW}
    for number in range(1, ISSUES + 1):
        earlier = {number // 2, number // 3} - {0} if number % 3 else ()
        needed = tuple(f"{rock_id}-{other}" for other in sorted(earlier))
        card = Card(f"{rock_id}-{number}", CardKind.ISSUE, f"Issue {number}", parent_id=f"{rock_id}-all")
        parents.append(replace(card, rock_id=rock_id, depends_on=needed, details=details))
    return parents


def _clear(store: Store) -> None:
    with store.write() as tx:
        for table in tables.metadata.sorted_tables:
            tx.execute(sa.delete(table).where(table.c.workspace_id == store.workspace_id))


@contextmanager
def _driver(bench: Bench) -> Iterator[Any]:
    """A cursor of the bare driver, which begins and commits when it is told to."""
    connection = bench.store.engine.raw_connection()
    driver: Any = connection.driver_connection
    try:
        if bench.name == "sqlite":
            driver.execute("PRAGMA query_only=OFF")
        else:
            driver.autocommit = True
        yield driver.cursor()
    finally:
        connection.invalidate()
