"""Who is an orphan, and who is left alone."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orket_pipelines.containers import (
    ContainerPurpose,
    ContainerSpec,
    Labels,
    MemoryEngine,
    NetworkSpec,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.containers.model import Container, Network, Volume
from orket_pipelines.containers.reaper import Orphans, find_orphans, reap
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.store import is_proven_dead, process_identity

NOW = 1_000_000_000
OURS = {"orket.owner": "us", "orket.workspace": "default", "orket.subject": "ISSUE-1"}


def orphans(labels: Mapping[str, str], *, age: float = 0.0, live: bool = True) -> int:
    """How many of a container, a network and a volume with these labels are orphans."""
    created_at = NOW - int(age * 1_000_000)
    found = find_orphans(
        [Container("c1", "orket-1", "image", labels, True, None, 0, "", created_at=created_at)],
        [Network("n1", "orket-net", labels, None, created_at)],
        [Volume("orket-volume", labels, created_at)],
        owner="us",
        workspace="default",
        now=NOW,
        is_dead=lambda process: process == "dead",
        is_live=lambda _: live,
        grace=60,
    )
    assert isinstance(found, Orphans)
    return len(found.containers) + len(found.networks) + len(found.volumes)


@pytest.mark.parametrize(
    ("labels", "age", "live", "count"),
    [
        (OURS, 3600, True, 0),
        (OURS, 59, False, 0),
        (OURS, 61, False, 3),
        (OURS | {"orket.expires": str(NOW)}, 0, True, 3),
        (OURS | {"orket.expires": str(NOW + 1)}, 0, True, 0),
        (OURS | {"orket.expires": "soon"}, 0, True, 0),
        (OURS | {"orket.process": "dead"}, 0, True, 3),
        (OURS | {"orket.process": "alive"}, 0, True, 0),
        (OURS | {"orket.owner": "them", "orket.process": "dead"}, 3600, False, 0),
        (OURS | {"orket.workspace": "other", "orket.process": "dead"}, 3600, False, 0),
        ({}, 3600, False, 0),
        ({"orket.subject": "ISSUE-1"}, 3600, False, 0),
    ],
)
def test_an_orphan_is_ours_and_expired_or_of_a_dead_process_or_without_a_row(
    labels: Mapping[str, str], age: float, live: bool, count: int
) -> None:
    assert orphans(labels, age=age, live=live) == count


def test_a_process_is_proven_dead_only_where_it_ran_here() -> None:
    code = "from orket_pipelines.store import process_identity; print(process_identity())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    dead = done.stdout.strip()
    assert is_proven_dead(dead)
    assert is_proven_dead(f"{dead}/lease")
    assert not is_proven_dead(process_identity())
    assert not is_proven_dead("elsewhere/" + dead.partition("/")[2])
    assert not is_proven_dead("nonsense")
    assert not is_proven_dead("")
    assert str(os.getpid()) in process_identity()


def fill(engine: MemoryEngine) -> Labels:
    labels = Labels("us", "default", "ISSUE-1", ContainerPurpose.WORKBENCH, process="dead")
    engine.create_volume(VolumeSpec("orket-volume", labels))
    for number in range(20):
        mounts = (VolumeMount("orket-volume", "/data"),)
        engine.start(ContainerSpec(f"orket-{number}", "image", ("run",), labels, (7, 8), mounts=mounts))
    return labels


def test_several_reapers_remove_everything_once(tmp_path: Path) -> None:
    engine = MemoryEngine(tmp_path)
    fill(engine)

    def go(_: int) -> object:
        return reap(
            engine, owner="us", workspace="default", now=NOW, is_live=lambda _: True, is_dead=lambda _: True
        ).volumes

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(go, range(8)))
    assert engine.containers({}) == []
    assert engine.volumes({}) == []
    removed = [entry["container"] for entry in engine.journal if entry["call"] == "remove"]
    assert len(removed) == len(set(removed)) == 20


def test_an_engine_that_does_not_answer_is_not_an_empty_one(tmp_path: Path) -> None:
    engine = MemoryEngine(tmp_path)
    engine.unavailable = True
    with pytest.raises(EngineUnavailable):
        reap(engine, owner="us", workspace="default", now=NOW, is_live=lambda _: False)


def test_a_network_that_a_living_container_stands_on_waits_for_the_next_time(tmp_path: Path) -> None:
    engine = MemoryEngine(tmp_path)
    labels = Labels("us", "default", "ISSUE-1", ContainerPurpose.WORKBENCH)
    engine.create_network(NetworkSpec("orket-net", Labels("us", "default", "x", ContainerPurpose.SERVICE, expires=1)))
    user = engine.start(ContainerSpec("orket-1", "image", ("run",), labels, (7, 8), network="orket-net"))

    def reap_networks() -> tuple[str, ...]:
        return reap(engine, owner="us", workspace="default", now=NOW, is_live=lambda _: True).networks

    assert reap_networks() == ()
    engine.remove(user.id)
    assert reap_networks() == ("orket-net",)


def test_a_volume_that_a_living_container_uses_waits_for_the_next_time(tmp_path: Path) -> None:
    engine = MemoryEngine(tmp_path)
    labels = Labels("us", "default", "ISSUE-1", ContainerPurpose.WORKBENCH)
    engine.create_volume(VolumeSpec("orket-volume", Labels("us", "default", "x", ContainerPurpose.INSTALL, expires=1)))
    mounts = (VolumeMount("orket-volume", "/data"),)
    user = engine.start(ContainerSpec("orket-1", "image", ("run",), labels, (7, 8), mounts=mounts))

    def reap_volumes() -> tuple[str, ...]:
        return reap(engine, owner="us", workspace="default", now=NOW, is_live=lambda _: True).volumes

    assert reap_volumes() == ()
    engine.remove(user.id)
    assert reap_volumes() == ("orket-volume",)
