"""Killed anywhere while a sandbox gets its next commit: somebody answers all the time, and the same again ends it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.containers import ContainerSpec, MemoryEngine, installation_id, reap
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, open_sandboxes
from orket_pipelines.sandboxes.allocations import PORT, SUBNET, leased
from orket_pipelines.sandboxes.records import list_sandboxes
from orket_pipelines.sandboxes.runtime import FRONT
from orket_pipelines.sandboxes.upkeep import is_used
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

ROCK = "fire"
BEFORE = (
    *("sandboxes.deploy.before_intent", "sandboxes.begun", "sandboxes.deploy.after_intent"),
    *("sandboxes.after_copy", "sandboxes.after_dependencies", "sandboxes.after_leases", "sandboxes.after_clear"),
    *("sandboxes.after_network", "sandboxes.after_joining", "containers.created", "sandboxes.after_container"),
    "sandboxes.after_start",
)
"""Where the commit before serves, whatever becomes of the next."""
SWITCHING = ("sandboxes.after_healthy", "sandboxes.switched", "sandboxes.deploy.after_effect")
SWITCHED = (
    *("sandboxes.deploy.after_outcome", "containers.removed", "sandboxes.others_cleared", "sandboxes.files_discarded"),
)
FAILING = ("sandboxes.failed_cleared", "sandboxes.deploy.after_effect", "sandboxes.deploy.after_outcome")
State = dict[str, Any]


def opened(home: Path, *, beside: str = "always", broken: bool = False) -> DeployedSandboxes:
    settings = Settings(home=home, sandbox_beside=beside, sandbox_start_timeout=0.1)

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        return (1, "no such module") if broken and "-2-" in spec.name else (None, "")

    engine = MemoryEngine(home, program, path=home / "engine.jsonl")
    sandboxes = open_sandboxes(settings, Store.open(settings.store_url), MemoryInstaller(), engine=engine)
    return replace(sandboxes, ask=lambda url: None if broken and "@" in url else 200)


def deploy(home: Path, commit: str, **mood: Any) -> Sandbox:
    sandboxes = opened(home, **mood)
    try:
        return sandboxes.deploy(Deployment(ROCK, ROCK, commit, home.parent / "source"), stop=threading.Event())
    finally:
        sandboxes.store.close()


def answering(home: Path) -> str:
    """The generation that who connects comes to; nothing where nobody would answer."""
    engine = MemoryEngine(home, path=home / "engine.jsonl")
    forwarders = [each for each in engine.containers({}) if each.name.endswith("-forwarder") and each.running]
    [file] = home.glob("sandboxes/*/*/ways/ways")
    target = dict(line.split("=") for line in file.read_text().splitlines())["9000"].partition(":")[0]
    found = engine.find(target)
    if not forwarders or found is None or not found.running:
        return ""
    return target.split("-")[2]


def everything(home: Path) -> State:
    """What there is at the end, but for ids and times."""
    engine, sandboxes = MemoryEngine(home, path=home / "engine.jsonl"), opened(home)
    with sandboxes.store.read() as tx:
        [row] = tx.execute(_rows()).mappings()
        leases = {kind: leased(tx, kind, row["id"]) | leased(tx, kind, FRONT) for kind in (PORT, SUBNET)}
    sandboxes.store.close()
    attached = {
        each.name.split("-", 2)[2]: sorted(network.split("-")[-1] for network in each.addresses)
        for each in engine.containers({})
    }
    return {
        "row": {name: row[name] for name in ("state", "commit", "generation", "serving", "note")},
        "leases": {kind: sorted(found) for kind, found in leases.items()},
        "containers": attached,
        "networks": sorted(each.name.split("-")[-1] for each in engine.networks({})),
        "files": sorted(path.name for path in home.glob("sandboxes/*/*/*")),
        "answers": answering(home),
    }


def _rows() -> Any:
    import sqlalchemy as sa

    from orket_pipelines.store import tables

    return sa.select(tables.sandboxes)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An ORKET_HOME with one sandbox that runs."""
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
    deploy(home, "c1")
    return home


DEPLOYED = {
    "row": {"state": "running", "commit": "c2", "generation": 2, "serving": None, "note": ""},
    "leases": {"port": ["(probe)", "api"], "subnet": ["beside", "front", "sealed"]},
    "containers": {"2-api": ["beside"], "forwarder": ["beside", "front", "sealed"]},
    "networks": ["beside", "front", "sealed"],
    "files": ["2", "ways"],
    "answers": "2",
}


@pytest.mark.parametrize("failpoint", [*BEFORE, *SWITCHING, *SWITCHED])
def test_a_kill_leaves_one_that_answers_and_the_next_process_carries_on(home: Path, failpoint: str) -> None:
    assert do_and_die(lambda: deploy(home, "c2"), failpoint) == failpoint
    allowed = {"1"} if failpoint in BEFORE else {"2"} if failpoint in SWITCHED else {"1", "2"}
    assert answering(home) in allowed
    deploy(home, "c2")

    assert everything(home) == DEPLOYED


def test_what_served_and_was_not_removed_before_a_kill_goes_with_the_next_reap(home: Path) -> None:
    assert do_and_die(lambda: deploy(home, "c2"), SWITCHED[0]) == SWITCHED[0]
    engine, sandboxes = MemoryEngine(home, path=home / "engine.jsonl"), opened(home)
    with sandboxes.store.read() as tx:
        rows = list_sandboxes(tx)
    later = sandboxes.store.clock.now() + 3_600 * MICROSECONDS
    owner = installation_id(home)
    reaped = reap(engine, owner=owner, workspace="default", now=later, is_live=lambda labels: is_used(labels, rows))
    sandboxes.store.close()

    assert [name.split("-", 2)[2] for name in reaped.containers] == ["1-api"]
    assert (reaped.networks, reaped.volumes, answering(home)) == ((), (), "2")


@pytest.mark.parametrize("failpoint", ["sandboxes.after_start", *SWITCHING])
def test_another_commit_after_a_kill_finds_what_serves(home: Path, failpoint: str) -> None:
    """Even where connections were carried to the one that was killed: nobody had said yet that it runs."""
    assert do_and_die(lambda: deploy(home, "c2"), failpoint) == failpoint
    assert do_and_die(lambda: deploy(home, "c3"), "sandboxes.after_clear") == "sandboxes.after_clear"
    assert answering(home) == "1"
    sandbox = deploy(home, "c3")

    assert (sandbox.commit, sandbox.generation, sandbox.serving, answering(home)) == ("c3", 3, None, "3")
    assert everything(home)["containers"] == {"3-api": ["beside"], "forwarder": ["beside", "front", "sealed"]}


@pytest.mark.parametrize("failpoint", FAILING)
def test_a_kill_while_a_broken_commit_fails_leaves_what_served(home: Path, failpoint: str) -> None:
    assert do_and_die(lambda: deploy(home, "c2", broken=True), failpoint) == failpoint
    assert answering(home) == "1"
    failed = deploy(home, "c2", broken=True)

    assert (failed.state, failed.commit) == ("failed", "c2")
    assert failed.serving == {"commit": "c1", "generation": 1, "note": ""}
    found = everything(home)
    assert found["containers"] == {"1-api": ["sealed"], "forwarder": ["beside", "front", "sealed"]}
    assert (found["answers"], found["networks"]) == ("1", ["beside", "front", "sealed"])


@pytest.mark.parametrize("failpoint", ["sandboxes.given_up", "sandboxes.after_clear", "sandboxes.after_container"])
def test_a_kill_where_one_takes_the_place_of_the_other_ends_the_same(home: Path, failpoint: str) -> None:
    assert do_and_die(lambda: deploy(home, "c2", beside="never"), failpoint) == failpoint
    deploy(home, "c2", beside="never")

    found = everything(home)
    assert found["row"] == DEPLOYED["row"]
    assert found["containers"] == {"2-api": ["sealed"], "forwarder": ["front", "sealed"]}
    assert found["leases"] == {"port": ["(probe)", "api"], "subnet": ["front", "sealed"]}
