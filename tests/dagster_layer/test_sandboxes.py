"""The sandbox of a rock: run by "Materialize", and out of date as soon as main moves on without it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult, materialize
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from assets.deploying import standing_sandbox
from assets.history import History
from assets.model import Judged
from assets.recorder import Recorder
from assets.reports import mainline_made
from assets.work import make_rock
from definitions import defs
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery import Factory, open_factory
from orket_pipelines.git import MAIN
from orket_pipelines.git.port import Identity
from orket_pipelines.sandboxes import Deployment, MemorySandboxes, Sandbox, SandboxState
from orket_pipelines.sandboxes.probing import ask, is_answer
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store, read_events
from resources import RESOURCES

pytestmark = pytest.mark.slow

PAGE = {"orket.yaml": "services: {page: {kind: static}}\n", "index.html": "<h1>A shop</h1>\n"}
SANDBOXES = AssetKey("sandboxes")


@pytest.fixture
def factory(shop: Store, instance: DagsterInstance) -> Iterator[Factory]:
    """The factory of the shop; its sandbox is gone afterwards."""
    instance.add_dynamic_partitions("rocks", ["shop"])
    with open_factory(load_settings()) as opened:
        yield opened
        with shop.read() as tx:
            found = sandbox_of_rock(tx, "shop")
        if found is not None and opened.stage is not None:
            opened.stage.sandboxes.down(found)


def bring_in(factory: Factory, files: dict[str, str], folder: Path) -> str:
    """Have these files on main, as a merge would; the commit."""
    move_card(factory.store, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    head = factory.code.ensure("shop", title="A shop", at=0)
    factory.code.check_out("shop", head, folder)
    for name, content in files.items():
        (folder / name).write_text(content)
    tree = factory.code.snapshot("shop", folder)
    by = Identity("system", "system@orket.invalid")
    commit = factory.code.commit("shop", tree, parents=(head,), message="Come in", by=by, at=0)
    assert factory.code.move_branch("shop", MAIN, to=commit, expected=head)
    return commit


def run_it(instance: DagsterInstance) -> ExecuteInProcessResult:
    """ "Materialize" on the sandbox of the shop, and on nothing else."""
    return materialize(
        [make_rock],
        instance=instance,
        partition_key="shop",
        resources=RESOURCES,
        selection=[SANDBOXES],
        raise_on_error=False,
    )


def failure(result: ExecuteInProcessResult) -> str:
    """What the one step that failed said."""
    (failed,) = result.get_step_failure_events()
    told = failed.step_failure_data.user_failure_data
    return str(told and told.description)


def sandbox(store: Store) -> Sandbox:
    with store.read() as tx:
        found = sandbox_of_rock(tx, "shop")
    assert found is not None
    return found


def turns(store: Store) -> int:
    with store.read() as tx:
        return sum(event.kind == "turn.completed" for event in read_events(tx, limit=1_000))


def test_materialize_runs_what_is_on_main_and_delivers_nothing(
    factory: Factory, shop: Store, instance: DagsterInstance, tmp_path: Path, told: Callable[[str, str], list[str]]
) -> None:
    commit = bring_in(factory, PAGE, tmp_path / "checkout")
    for _ in range(2):
        assert run_it(instance).success
    found = sandbox(shop)
    assert (found.state, found.commit, found.generation) == (SandboxState.RUNNING, commit, 1)
    assert is_answer(ask(str(found.url)))
    assert told("sandboxes", "shop") == [f"{found.url} runs {commit[:12]}"] * 2
    assert turns(shop) == 0


def test_what_does_not_start_fails_the_step_with_its_log_and_the_command_that_shows_it(
    factory: Factory, instance: DagsterInstance, tmp_path: Path
) -> None:
    start = '["python", "-c", "raise SystemExit(\'no till\')"]'
    bring_in(factory, {"orket.yaml": f"services: {{till: {{kind: web, start: {start}}}}}\n"}, tmp_path / "checkout")
    told = failure(run_it(instance))
    assert "no till" in told
    assert told.endswith("Next: orket sandboxes logs shop")


@pytest.mark.usefixtures("factory")
def test_of_a_rock_that_was_not_begun_nothing_is_run_and_the_command_that_delivers_it_is_named(
    shop: Store, instance: DagsterInstance
) -> None:
    assert failure(run_it(instance)).endswith("Next: orket rocks deliver shop")
    with shop.read() as tx:
        assert sandbox_of_rock(tx, "shop") is None


def test_a_rock_whose_main_serves_nothing_has_no_sandbox_and_that_is_no_failure(
    factory: Factory, instance: DagsterInstance, tmp_path: Path
) -> None:
    bring_in(factory, {"shop.py": "TILL = 1\n"}, tmp_path / "checkout")
    assert run_it(instance).success
    assert instance.get_latest_materialization_event(SANDBOXES) is None


class Graph:
    """What Dagster says of the shop's sandbox, whose main and sandbox move as they would."""

    def __init__(self, store: Store, instance: DagsterInstance) -> None:
        self._store, self._instance = store, instance
        self._sandboxes = MemorySandboxes(store)
        self._recorder = Recorder(instance, instance.report_runless_asset_event)

    def status(self) -> StaleStatus:
        """Whether the partition shows as up to date."""
        graph = defs.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self._instance, graph, LoadingContextForTest(self._instance))
        return resolver.get_status(SANDBOXES, "shop")

    def merge(self, commit: str) -> None:
        """Main moves."""
        self._recorder.record([mainline_made(History("shop-cart", rock_id="shop", merge_commit=commit))])

    def deploy(self, commit: str) -> None:
        """What the sandbox runs moves."""
        deployment = Deployment("shop", "shop", commit, Path("nowhere"))
        self._sandboxes.deploy(deployment, stop=threading.Event())
        self.tell()

    def tell(self) -> None:
        """Say of the sandbox how it stands, as every run of the rock does at its end."""
        # A check belongs into a run.
        standing = standing_sandbox(self._store, "shop")
        self._recorder.record(report for report in standing if not isinstance(report, Judged))


def test_a_sandbox_behind_main_shows_as_out_of_date_until_it_is_deployed(
    shop: Store, instance: DagsterInstance
) -> None:
    instance.add_dynamic_partitions("rocks", ["shop"])
    graph = Graph(shop, instance)
    assert graph.status() is StaleStatus.MISSING
    graph.merge("aaaa")
    graph.deploy("aaaa")
    assert graph.status() is StaleStatus.FRESH
    graph.merge("bbbb")
    assert graph.status() is StaleStatus.STALE
    graph.tell()
    assert graph.status() is StaleStatus.STALE
    graph.deploy("bbbb")
    assert graph.status() is StaleStatus.FRESH
    graph.merge("bbbb")
    assert graph.status() is StaleStatus.FRESH
