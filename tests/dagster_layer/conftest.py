"""A home with a small rock in it, a Dagster instance, and runs of our jobs in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, JobDefinition
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.storage.dagster_run import DagsterRun

from definitions import defs
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store

ROCK = "shop"
ISSUES = ("shop-cart", "shop-till")
FILE = "cards/shop.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty ORKET_HOME."""
    monkeypatch.setenv("ORKET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def factory_store(home: Path) -> Iterator[Store]:
    """The store of that home."""
    store = Store.open(load_settings(home=home).store_url)
    yield store
    store.close()


@pytest.fixture
def shop(factory_store: Store) -> Store:
    """A rock with two issues, of which the second depends on the first."""
    first, second = ISSUES
    cards = [
        Card(ROCK, CardKind.ROCK, "A shop", content_hash="r1"),
        Card("shop-api", CardKind.EPIC, "Its API", parent_id=ROCK, content_hash="e1"),
        Card(first, CardKind.ISSUE, "A cart", parent_id="shop-api", content_hash="i1"),
        Card(second, CardKind.ISSUE, "A till", parent_id="shop-api", content_hash="i2", depends_on=(first,)),
    ]
    with factory_store.write() as tx:
        insert_cards(tx, [replace(card, rock_id=ROCK, source=FILE) for card in cards])
    return factory_store


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


@dataclass(frozen=True)
class Launcher:
    """Runs jobs of the application as a run worker does."""

    instance: DagsterInstance

    def __call__(self, job: str | JobDefinition, **arguments: object) -> DagsterRun:
        definition = job if isinstance(job, JobDefinition) else defs.resolve_job_def(job)
        partition = arguments.pop("partition", None)
        tags = {"dagster/partition": str(partition)} if partition else {}
        created = self.instance.create_run_for_job(definition, tags=tags, **arguments)  # type: ignore[arg-type]
        execute_run(InMemoryJob(definition), created, self.instance)
        found = self.instance.get_run_by_id(created.run_id)
        assert found is not None
        return found


@pytest.fixture
def launch(instance: DagsterInstance) -> Launcher:
    return Launcher(instance)


@pytest.fixture
def told(instance: DagsterInstance) -> Callable[[str, str], list[str]]:
    """The descriptions of all materializations of one partition, oldest first."""

    def read(asset: str, partition: str) -> list[str]:
        from dagster import AssetRecordsFilter

        chosen = AssetRecordsFilter(asset_key=AssetKey(asset), asset_partitions=[partition])
        records = instance.fetch_materializations(chosen, limit=1_000, ascending=True).records
        return [str(record.asset_materialization and record.asset_materialization.description) for record in records]

    return read
