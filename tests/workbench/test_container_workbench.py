"""Container workbenches on a real engine; what they share with processes is in test_workbench_contract.py."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.docker_engine import DockerEngine
from orket_pipelines.containers.model import SUBJECT, Container, Labels
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.git import GitCode
from orket_pipelines.workbench.container import ContainerWorkbench, ContainerWorkbenches
from orket_pipelines.workbench.files import Files
from tests.workbench.conftest import IMAGE, LIMITS

pytestmark = pytest.mark.docker


@pytest.fixture
def checkout(home: Path, tmp_path: Path) -> Path:
    path = home / "checkouts" / "default" / tmp_path.name
    path.mkdir(parents=True)
    return path


@pytest.fixture
def workbench(containers: ContainerWorkbenches, checkout: Path) -> Iterator[ContainerWorkbench]:
    workbench = containers.open(checkout, name=checkout.name)
    yield workbench
    workbench.close()


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def of(engine: DockerEngine, checkout: Path) -> list[Container]:
    return engine.containers({SUBJECT: checkout.name})


def test_a_container_is_started_by_the_first_command_and_removed_at_close(
    workbench: ContainerWorkbench, engine: DockerEngine
) -> None:
    assert of(engine, workbench.checkout) == []
    assert workbench.run(["true"], deadline=30).succeeded
    [first] = of(engine, workbench.checkout)
    workbench.run(["true"], deadline=30)
    assert [found.id for found in of(engine, workbench.checkout)] == [first.id]
    workbench.close()
    assert of(engine, workbench.checkout) == []


def test_nothing_but_the_checkout_and_scratch_can_be_written(workbench: ContainerWorkbench) -> None:
    script = "touch file /tmp/x $HOME/x && ! touch /x && ! touch /home/x && ! touch /project/x && id -u && pwd"
    result = workbench.run(sh(script), deadline=30)
    assert result.exit_code == 0
    assert result.output.endswith(f"\n{command_user()[0]}\n/project/checkout\n")


def test_there_is_no_network_and_no_privilege(workbench: ContainerWorkbench) -> None:
    script = "ls /sys/class/net; grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status; ! test -e /var/run/docker.sock"
    result = workbench.run(sh(script), deadline=30)
    assert result.output.split() == ["lo", "CapEff:", "0000000000000000", "NoNewPrivs:", "1", "Seccomp:", "2"]
    assert result.succeeded


def test_what_keeps_the_container_running_is_beyond_the_reach_of_commands(
    workbench: ContainerWorkbench, engine: DockerEngine
) -> None:
    workbench.run(["true"], deadline=30)
    [before] = of(engine, workbench.checkout)
    script = """
        for process in /proc/[0-9]*; do
            case $(tr '\\0' ' ' < $process/cmdline) in
                "sleep infinity ") kill -9 ${process#/proc/} && echo killed; cat $process/environ ;;
            esac
        done
        kill -9 1
    """
    told = workbench.run(sh(script), deadline=30).output
    assert (told.count("Operation not permitted"), told.count("Permission denied")) == (2, 1)
    [after] = of(engine, workbench.checkout)
    assert (after.id, after.running) == (before.id, True)


def test_another_set_of_dependencies_takes_another_container(
    workbench: ContainerWorkbench, engine: DockerEngine
) -> None:
    workbench.run(["true"], deadline=30)
    [before] = of(engine, workbench.checkout)
    (workbench.checkout / "requirements.txt").write_text("flask==3.0.0\n")
    workbench.run(["true"], deadline=30)
    [after] = of(engine, workbench.checkout)
    assert after.id != before.id


def test_a_checkout_that_was_put_in_place_anew_takes_another_container(workbench: ContainerWorkbench) -> None:
    workbench.run(sh("echo old > file"), deadline=30)
    workbench.checkout.rename(workbench.checkout.with_suffix(".old"))
    workbench.checkout.mkdir()
    (workbench.checkout / "file").write_text("new\n")
    assert workbench.run(["cat", "file"], deadline=30).output == "new\n"


def test_a_container_that_somebody_removed_is_replaced(workbench: ContainerWorkbench, engine: DockerEngine) -> None:
    workbench.run(["true"], deadline=30)
    engine.remove(of(engine, workbench.checkout)[0].id)
    assert workbench.run(["true"], deadline=30).succeeded


def test_a_command_whose_container_is_removed_is_killed_and_the_next_one_runs(
    workbench: ContainerWorkbench, engine: DockerEngine
) -> None:
    workbench.run(["true"], deadline=30)
    [found] = of(engine, workbench.checkout)
    threading.Timer(0.5, engine.remove, [found.id]).start()
    result = workbench.run(["sleep", "30"], deadline=30)
    assert result.exit_code == -9
    assert workbench.run(["true"], deadline=30).succeeded


def test_what_a_dead_worker_left_running_for_the_issue_is_removed(
    workbench: ContainerWorkbench, engine: DockerEngine, installer: MemoryInstaller, labels: Labels
) -> None:
    checkout = workbench.checkout
    dead = ContainerWorkbenches(engine, installer, image=IMAGE, labels=replace(labels, process="dead"))
    dead.open(checkout, name=checkout.name).run(["true"], deadline=30)
    [left] = of(engine, checkout)
    workbench.run(["true"], deadline=30)
    assert left.id not in [found.id for found in of(engine, checkout)]


def test_files_of_host_tools_can_be_written_by_commands_and_the_other_way_round(
    workbench: ContainerWorkbench, home: Path
) -> None:
    code = GitCode(home / "repositories")
    start = code.ensure("todo", title="To do", at=1)
    checkout = workbench.checkout
    code.check_out("todo", start, checkout)
    script = "echo more >> README.md && mkdir -m 700 own && (umask 077; echo 1 > own/file)"
    assert workbench.run(sh(script), deadline=30).succeeded
    files = Files(checkout)
    assert files.read("own/file") == b"1\n"
    files.write("new/file", b"from the host\n")
    tree = code.snapshot("todo", checkout)
    script = (
        "echo x >> new/file && rm README.md own/file && git add -A && git commit -qm x && git log --oneline | wc -l"
    )
    result = workbench.run(sh(script), deadline=30)
    assert (result.exit_code, result.output.strip()) == (0, "2")
    code.restore("todo", tree, checkout)
    assert workbench.run(sh("echo again >> README.md && echo again >> own/file"), deadline=30).succeeded


def test_use_of_all_memory_is_told(workbench: ContainerWorkbench) -> None:
    result = workbench.run(sh("exec python3 -c 'x = bytearray(10**9)'"), deadline=30)
    assert result.exit_code == -9
    assert "memory was used up" in result.output


def test_limits_and_labels_are_those_that_were_asked_for(
    workbench: ContainerWorkbench, engine: DockerEngine, labels: Labels
) -> None:
    workbench.run(["true"], deadline=30)
    [found] = of(engine, workbench.checkout)
    shown = subprocess.run(["docker", "inspect", found.id], capture_output=True, check=True, timeout=30).stdout
    told = json.loads(shown)[0]["HostConfig"]
    assert (told["Memory"], told["PidsLimit"], told["NetworkMode"]) == (LIMITS.memory, LIMITS.processes, "none")
    assert [mount["Target"] for mount in told["Mounts"]] == ["/project/checkout"]
    assert found.labels["orket.process"] == "this"
    assert int(found.labels["orket.expires"]) > 0
    assert found.labels["orket.owner"] == labels.owner
