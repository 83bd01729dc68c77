"""What the engine in memory can be told, and that it comes back after a kill."""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import (
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    MemoryEngine,
    NetworkSpec,
    PublishedPort,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.containers.port import CREATED
from orket_pipelines.errors import ContainerError, EngineUnavailable, PortTaken, SpecRefused
from orket_pipelines.store.failpoints import arm

LABELS = Labels("0a1b2c3d4e5f", "default", "ISSUE-1", ContainerPurpose.WORKBENCH)
SPEC = ContainerSpec("orket-1", "orket-workbench:0.1.0", ("sleep", "infinity"), LABELS, (10_001, 10_001))


@pytest.fixture
def engine(tmp_path: Path) -> MemoryEngine:
    return MemoryEngine(tmp_path)


def nothing(_: bytes) -> None:
    """Output that nobody reads."""


def test_what_was_made_is_there_for_the_next_process(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "checkouts/ISSUE-1").mkdir(parents=True)
    journal = tmp_path / "engine.jsonl"
    engine = MemoryEngine(tmp_path, path=journal, clock=clock)
    network = engine.create_network(NetworkSpec("orket-net", LABELS, "10.213.0.0/28"))
    volume = engine.create_volume(VolumeSpec("orket-volume", LABELS))
    mounts = (FolderMount(tmp_path / "checkouts/ISSUE-1", "/project"), VolumeMount(volume.name, "/data"))
    spec = ContainerSpec("orket-1", "image", ("run",), LABELS, (7, 8), mounts=mounts, network=network.name)
    made = engine.start(spec)
    gone = engine.start(ContainerSpec("orket-2", "image", ("run",), LABELS, (7, 8)))
    engine.remove(gone.id)
    again = MemoryEngine(tmp_path, path=journal)
    assert again.containers({}) == [made]
    assert again.networks({}) == [network]
    assert again.volumes({}) == [volume]
    assert again.journal == engine.journal
    assert made.created_at == clock.now()
    assert made.addresses == {"orket-net": "10.213.0.2"}


def test_a_kill_between_creation_and_start_leaves_a_container_that_never_ran(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        arm(CREATED)
        MemoryEngine(tmp_path, path=tmp_path / "engine.jsonl").start(SPEC)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    left = MemoryEngine(tmp_path, path=tmp_path / "engine.jsonl").containers({})
    assert [(found.name, found.running) for found in left] == [("orket-1", False)]


def test_a_command_that_a_kill_interrupted_is_asked_again(tmp_path: Path) -> None:
    def die(_spec: ContainerSpec, _command: Sequence[str]) -> tuple[int, str]:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    child = os.fork()
    if child == 0:
        MemoryEngine(tmp_path, die, path=tmp_path / "engine.jsonl").start(SPEC)
        os._exit(0)
    os.waitpid(child, 0)
    again = MemoryEngine(tmp_path, lambda _spec, _command: (3, "said"), path=tmp_path / "engine.jsonl")
    assert again.wait("orket-1", should_stop=lambda: False) == 3
    assert again.logs("orket-1") == "said"


def test_an_engine_that_is_down_answers_nothing(engine: MemoryEngine) -> None:
    engine.start(SPEC)
    engine.unavailable = True
    for call in (lambda: engine.containers({}), lambda: engine.find("orket-1"), engine.facts):
        with pytest.raises(EngineUnavailable):
            call()
    engine.unavailable = False
    assert len(engine.containers({})) == 1


def test_an_answer_can_be_lost_after_the_deed(engine: MemoryEngine) -> None:
    engine.lost_answers.add("create_volume")
    with pytest.raises(EngineUnavailable):
        engine.create_volume(VolumeSpec("orket-volume", LABELS))
    assert [volume.name for volume in engine.volumes({})] == ["orket-volume"]
    engine.create_volume(VolumeSpec("orket-volume", LABELS))


def test_an_engine_that_was_restarted_has_its_containers_and_none_runs(engine: MemoryEngine) -> None:
    engine.start(SPEC)
    engine.restart()
    assert [(found.running, found.exit_code) for found in engine.containers({})] == [(False, 137)]


def test_starts_fail_as_told_and_leave_nothing(engine: MemoryEngine) -> None:
    engine.start_failures["orket-1"] = "no space left on device"
    with pytest.raises(ContainerError, match="no space left on device"):
        engine.start(SPEC)
    assert engine.containers({}) == []


def test_ports_can_be_taken_by_somebody_else(engine: MemoryEngine) -> None:
    labels = replace(LABELS, purpose=ContainerPurpose.FORWARDER)
    engine.create_network(NetworkSpec("orket-net", labels, published=True))
    engine.taken_ports.add(20_000)
    with pytest.raises(PortTaken):
        engine.start(replace(SPEC, labels=labels, network="orket-net", ports=(PublishedPort(80, 20_000),)))


def test_a_container_can_run_out_of_memory(engine: MemoryEngine) -> None:
    made = engine.start(SPEC)
    engine.run_out_of_memory(made.id)
    found = engine.find(made.id)
    assert found is not None
    assert (found.running, found.exit_code, found.out_of_memory) == (False, 137, True)


def test_a_container_that_ends_during_a_command_takes_the_command_with_it(tmp_path: Path) -> None:
    def end(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if tuple(command) != spec.command:
            ending.remove(spec.name)
        return None, ""

    ending = MemoryEngine(tmp_path, end)
    ending.start(SPEC)
    with pytest.raises(ContainerError):
        ending.execute("orket-1", ["ls"], output=nothing)


def test_a_program_that_waits_for_another_thread_holds_nobody_up(tmp_path: Path) -> None:
    arrived = threading.Event()
    engine = MemoryEngine(tmp_path, lambda _spec, _command: (0 if arrived.wait(10) else 1, ""))
    waiter = threading.Thread(target=engine.start, args=[SPEC])
    waiter.start()
    while not engine.containers({}):
        time.sleep(0.001)
    arrived.set()
    waiter.join()
    assert engine.wait("orket-1", should_stop=lambda: False) == 0


def test_what_was_asked_can_be_read(engine: MemoryEngine) -> None:
    engine.start(SPEC)
    engine.execute("orket-1", ["ls", "-l"], output=nothing)
    assert engine.asked == {"start": 1, "execute": 1}
    assert engine.commands == [("orket-1", ("ls", "-l"))]
    assert [entry["call"] for entry in engine.journal] == ["create", "start", "say"]


def test_the_allow_list_holds_here_too(engine: MemoryEngine) -> None:
    with pytest.raises(SpecRefused):
        engine.start(ContainerSpec("orket-1", "image", ("run",), LABELS, (0, 0)))
    assert engine.journal == []
