"""Container workbenches without an engine: which container a command finds, and what comes of what can go wrong."""

import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.containers.model import (
    EXPIRES,
    PROCESS,
    SUBJECT,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    EngineFacts,
    FolderMount,
    Labels,
    Scratch,
    VolumeMount,
)
from orket_pipelines.dependencies import Environment, MemoryInstaller
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallFailed, Stopped, WorkbenchError
from orket_pipelines.store.failpoints import arm, registered
from orket_pipelines.workbench.container import ContainerWorkbench, ContainerWorkbenches, preflight_container
from orket_pipelines.workbench.enclosure import SCRIPT, Frame, container_spec, enclose, read_exit, why_unstartable
from orket_pipelines.workbench.watch import Bounds

LABELS = Labels("owner", "default", "-", ContainerPurpose.WORKBENCH, process="this", run="run-1")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkouts" / "default" / "issue-1"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def answers() -> dict[str, tuple[int, str]]:
    """What comes of a command, by its program."""
    return {}


@pytest.fixture
def engine(tmp_path: Path, answers: dict[str, tuple[int, str]]) -> MemoryEngine:
    def programs(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        return (None, "") if tuple(command) == spec.command else answers.get(command[5], (0, ""))

    return MemoryEngine(tmp_path, programs)


@pytest.fixture
def installer() -> MemoryInstaller:
    return MemoryInstaller()


@pytest.fixture
def workbenches(engine: MemoryEngine, installer: MemoryInstaller, clock: FakeClock) -> ContainerWorkbenches:
    return ContainerWorkbenches(
        engine, installer, image="image", labels=LABELS, bounds=Bounds(checkout=20_000, entries=4), clock=clock
    )


@pytest.fixture
def workbench(workbenches: ContainerWorkbenches, checkout: Path) -> ContainerWorkbench:
    return workbenches.open(checkout, name="issue-1")


def names(engine: MemoryEngine) -> list[str]:
    return [found.name for found in engine.containers({SUBJECT: "issue-1"})]


TARGETS = ("/tmp", "/home/orket", "/project/node_modules/.vite-temp")


def test_the_spec_gives_the_checkout_scratch_folders_and_nothing_else(checkout: Path) -> None:
    volume = VolumeMount("deps", "/dependencies/python")
    environment = Environment(
        "key",
        (volume,),
        ("/dependencies/python/bin",),
        (("VIRTUAL_ENV", "/dependencies/python"),),
        scratch=("/project/node_modules/.vite-temp",),
    )
    frame = Frame("image", LABELS, ContainerLimits(), user=(1000, 1000))
    spec = container_spec(frame, checkout, environment, LABELS)
    assert spec.mounts == (FolderMount(checkout, "/project/checkout", read_only=False), volume)
    mine = [Scratch(target, executable=True, owner=(1000, 1000)) for target in TARGETS]
    assert spec.scratch == tuple(mine)
    assert (spec.user, spec.network, spec.command) == ((10_002, 10_002), None, ("sleep", "infinity"))
    assert spec.environment == {
        "PATH": "/dependencies/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/home/orket",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CI": "1",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "VIRTUAL_ENV": "/dependencies/python",
    }


def test_what_keeps_the_container_is_never_the_user_of_the_commands() -> None:
    keepers = {Frame("image", LABELS, ContainerLimits(), (uid, uid)).keeper[0] for uid in (1000, 10_001)}
    assert keepers == {10_002}
    assert Frame("image", LABELS, ContainerLimits(), (10_002, 10_002)).keeper == (10_003, 10_003)


def test_a_command_is_put_behind_the_script_that_ends_it(workbench: ContainerWorkbench, engine: MemoryEngine) -> None:
    workbench.run(["make", "all"], deadline=1.5)
    assert enclose(["make", "all"], 1.5) == ("sh", "-c", SCRIPT, "orket", "1.500", "make", "all")
    expected = ("sh", "-c", SCRIPT, "orket", "1.500", "make", "all")
    assert [command for _, command in engine.commands] == [expected]


def test_a_container_bears_its_issue_its_worker_and_its_end(
    workbench: ContainerWorkbench, engine: MemoryEngine, clock: FakeClock
) -> None:
    workbench.run(["true"], deadline=1)
    [found] = engine.containers({SUBJECT: "issue-1"})
    assert found.labels[PROCESS] == "this"
    assert found.labels[EXPIRES] == str(clock.now() + 24 * 3600 * 1_000_000)


def test_one_container_serves_all_commands_until_close(workbench: ContainerWorkbench, engine: MemoryEngine) -> None:
    assert names(engine) == []
    workbench.run(["true"], deadline=1)
    workbench.run(["true"], deadline=1)
    assert engine.asked["start"] == 1
    workbench.close()
    assert names(engine) == []
    with pytest.raises(WorkbenchError, match="is closed"):
        workbench.run(["true"], deadline=1)


@pytest.mark.parametrize("code", [129, 137, 143, 192])
def test_a_container_whose_command_was_killed_is_not_used_again(
    workbench: ContainerWorkbench, engine: MemoryEngine, answers: dict[str, tuple[int, str]], code: int
) -> None:
    answers["hostile"] = (code, "")
    assert workbench.run(["hostile"], deadline=60).exit_code == 128 - code
    assert names(engine) == []
    assert workbench.run(["true"], deadline=1).succeeded


def test_an_engine_that_goes_away_is_waited_for_and_its_container_not_trusted_again(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    workbench.run(["true"], deadline=1)
    [before] = names(engine)
    engine.lost_answers.add("execute")
    with pytest.raises(EngineUnavailable):
        workbench.run(["true"], deadline=1)
    assert workbench.run(["true"], deadline=1).succeeded
    assert names(engine) != [before]
    assert len(names(engine)) == 1


def test_a_container_of_which_the_engine_could_not_tell_is_removed(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    engine.lost_answers.add("start")
    with pytest.raises(EngineUnavailable):
        workbench.run(["true"], deadline=1)
    assert len(names(engine)) == 1
    assert workbench.run(["true"], deadline=1).succeeded
    assert len(names(engine)) == 1


def test_close_leaves_to_the_reaper_what_it_cannot_remove(workbench: ContainerWorkbench, engine: MemoryEngine) -> None:
    workbench.run(["true"], deadline=1)
    engine.unavailable = True
    workbench.close()
    engine.unavailable = False
    assert len(names(engine)) == 1


def test_an_engine_that_was_restarted_costs_nothing_but_a_new_container(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    workbench.run(["true"], deadline=1)
    engine.restart()
    assert workbench.run(["true"], deadline=1).succeeded
    assert len(names(engine)) == 1


def test_dependencies_that_cannot_be_installed_are_the_authors_to_mend(
    workbench: ContainerWorkbench, engine: MemoryEngine, installer: MemoryInstaller
) -> None:
    installer.failure = InstallFailed("no such package: lxml9", next_step="Correct requirements.txt.")
    result = workbench.run(["pytest"], deadline=1)
    assert (result.exit_code, result.output) == (1, "no such package: lxml9\nCorrect requirements.txt.\n")
    assert engine.commands == []


def test_another_set_of_dependencies_takes_another_container(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    workbench.run(["true"], deadline=1)
    before = names(engine)
    (workbench.checkout / "requirements.txt").write_text("flask==3.0.0\n")
    workbench.run(["true"], deadline=1)
    assert len(names(engine)) == 1
    assert names(engine) != before


def test_an_image_that_is_missing_is_an_error_of_the_engine(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    engine.missing_images.add("image")
    with pytest.raises(ContainerError, match="No such image"):
        workbench.run(["true"], deadline=1)


def test_what_a_dead_worker_left_for_the_issue_goes_and_what_others_have_stays(
    workbenches: ContainerWorkbenches, engine: MemoryEngine, installer: MemoryInstaller, checkout: Path
) -> None:
    dead = ContainerWorkbenches(engine, installer, image="image", labels=replace(LABELS, process="dead"))
    dead.open(checkout, name="issue-1").run(["true"], deadline=1)
    dead.open(checkout, name="issue-2").run(["true"], deadline=1)
    workbenches.open(checkout, name="issue-1").run(["true"], deadline=1)
    processes = {(found.labels[SUBJECT], found.labels[PROCESS]) for found in engine.containers({})}
    assert processes == {("issue-1", "this"), ("issue-2", "dead")}


def test_a_command_that_was_waited_for_is_not_started_after_a_stop(
    workbenches: ContainerWorkbenches, engine: MemoryEngine, checkout: Path
) -> None:
    stop = threading.Event()
    workbench = workbenches.open(checkout, name="issue-1", stop=stop)
    stop.set()
    with pytest.raises(Stopped):
        workbench.run(["true"], deadline=1)
    assert engine.asked["start"] == 0


def test_a_checkout_over_its_limit_is_told_and_at_twice_of_it_nothing_runs(
    workbench: ContainerWorkbench, engine: MemoryEngine
) -> None:
    for number in range(5):
        (workbench.checkout / str(number)).touch()
    expected = "the checkout holds 0.0 MiB in 5 files and folders; at most 0.0 MiB in 4 are allowed"
    assert workbench.run(["true"], deadline=1).output == f"\n[{expected}: delete what is not needed]\n"
    for number in range(5, 9):
        (workbench.checkout / str(number)).touch()
    result = workbench.run(["true"], deadline=1)
    assert result.exit_code == 1
    assert result.output.startswith("not run: the checkout holds 0.0 MiB in 9 files")
    for file in workbench.checkout.iterdir():
        file.unlink()
    assert workbench.run(["true"], deadline=1).output == ""


@pytest.mark.parametrize("place", [name for name in registered() if name.startswith("workbench.")])
def test_a_worker_killed_anywhere_leaves_nothing_that_the_next_one_does_not_remove(
    place: str, tmp_path: Path, checkout: Path
) -> None:
    def work(process: str) -> MemoryEngine:
        engine = MemoryEngine(tmp_path, path=tmp_path / "engine")
        workbenches = ContainerWorkbenches(
            engine, MemoryInstaller(), image="image", labels=replace(LABELS, process=process)
        )
        workbench = workbenches.open(checkout, name="issue-1")
        assert workbench.run(["true"], deadline=1).succeeded
        workbench.close()
        return engine

    child = os.fork()
    if child == 0:
        arm(place)
        work("killed")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert work("next").containers({}) == []


@pytest.mark.parametrize(
    ("code", "output", "told"),
    [
        (0, "fine\n", (0, "fine\n")),
        (3, "", (3, "")),
        (143, "", (-15, "")),
        (200, "", (200, "")),
        (
            127,
            "timeout: failed to run command 'x': No such file or directory\n",
            (127, "x: cannot be started: No such file or directory\n"),
        ),
        (
            126,
            "timeout: failed to run command 'x': Permission denied\n",
            (127, "x: cannot be started: Permission denied\n"),
        ),
        (126, "sh: 1: ./y: Permission denied\n", (126, "sh: 1: ./y: Permission denied\n")),
    ],
)
def test_exit_codes_are_read_as_the_port_has_them(code: int, output: str, told: tuple[int, str]) -> None:
    assert read_exit(code, output, "x") == told


def test_what_no_system_can_start_is_known_beforehand() -> None:
    assert why_unstartable(["true"], {}) is None
    assert why_unstartable([], {}) == "nothing to run: the command is empty"
    assert "holds NUL" in str(why_unstartable(["echo"], {"A": "\0"}))
    assert "Argument list too long" in str(why_unstartable(["echo", "x" * 131_072], {}))
    assert "Argument list too long" in str(why_unstartable(["echo", *["x" * 1000] * 2000], {}))


def test_preflight_says_in_one_line_what_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert preflight_container(EngineFacts("28.0.1", "1.48", "gvisor")) == (
        "isolation: commands run in containers of engine 28.0.1 (gvisor) as user 10001, without network, capabilities "
        "or this machine's files, within limits of memory, processes and time"
    )
