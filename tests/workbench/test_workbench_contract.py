"""What the port says of a workbench, held against processes and containers."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orket_pipelines.errors import Stopped, WorkbenchError
from orket_pipelines.workbench.model import Workbench, Workbenches

pytestmark = pytest.mark.slow


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


@pytest.fixture(scope="module")
def checkout(home: Path) -> Path:
    path = home / "checkouts" / "default" / "contract"
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="module")
def workbench(workbenches: Workbenches, checkout: Path) -> Iterator[Workbench]:
    """One for all tests that leave it as it is."""
    workbench = workbenches.open(checkout, name="contract")
    yield workbench
    workbench.close()


def test_a_command_runs_in_the_checkout_and_its_output_comes_back(workbench: Workbench) -> None:
    result = workbench.run(sh("echo out; echo err >&2; echo made > file; exit 3"), deadline=30)
    assert (result.exit_code, result.output) == (3, "out\nerr\n")
    assert (result.truncated, result.timed_out) == (0, False)
    assert (workbench.checkout / "file").read_text() == "made\n"


@pytest.mark.parametrize("program", ["no-such-program", "./missing", "/etc", ""])
def test_a_program_that_cannot_be_started_is_127_with_the_reason(workbench: Workbench, program: str) -> None:
    result = workbench.run([program], deadline=30)
    assert result.exit_code == 127
    assert "cannot be started" in result.output


def test_what_no_system_can_start_is_127(workbench: Workbench) -> None:
    commands = [[], ["echo", "a\0b"], ["echo", "x" * 200_000]]
    assert [workbench.run(command, deadline=30).exit_code for command in commands] == [127, 127, 127]


def test_the_environment_holds_what_is_needed_and_what_the_caller_adds(workbench: Workbench) -> None:
    result = workbench.run(sh("echo $EXTRA $CI $TERM $GIT_CONFIG_GLOBAL"), deadline=30, environment={"EXTRA": "more"})
    assert result.output == "more 1 dumb /dev/null\n"


def test_standard_input_is_closed(workbench: Workbench) -> None:
    assert workbench.run(["cat"], deadline=30).exit_code == 0


def test_the_middle_of_long_output_is_left_out(workbench: Workbench) -> None:
    script = "echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo last"
    result = workbench.run(sh(script), deadline=30, output_limit=4_000)
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxx\nlast\n")
    assert result.truncated == 3_000_000 + len("first\n\nlast\n") - 4_000


def test_output_that_is_not_text_is_decoded_with_replacement(workbench: Workbench) -> None:
    assert workbench.run(sh(r"printf 'a\377b\0c\303\244'"), deadline=30).output == "a�b�cä"


def test_background_processes_are_gone_when_the_command_has_ended(workbench: Workbench) -> None:
    script = "for i in 1 2 3; do (sleep 0.7; date >> late) & setsid sh -c 'sleep 0.7; date >> late' & done; echo done"
    result = workbench.run(sh(script), deadline=30)
    assert (result.exit_code, result.output) == (0, "done\n")
    time.sleep(1.2)
    assert not (workbench.checkout / "late").exists()


def test_a_signal_shows_as_a_negative_exit_code(workbench: Workbench) -> None:
    assert workbench.run(sh("kill -TERM $$"), deadline=30).exit_code == -signal.SIGTERM


def test_the_deadline_ends_a_command_that_ignores_signals(workbench: Workbench) -> None:
    result = workbench.run(sh("trap '' TERM INT HUP; echo on; while :; do sleep 0.05; done"), deadline=0.4)
    assert (result.exit_code, result.timed_out, result.output) == (None, True, "on\n")
    assert result.seconds < 10
    assert workbench.run(["true"], deadline=30).succeeded


def test_commands_of_many_threads_each_get_their_own_output(workbench: Workbench) -> None:
    with ThreadPoolExecutor(4) as pool:
        outputs = pool.map(lambda number: workbench.run(["echo", str(number)], deadline=30).output, range(6))
        assert list(outputs) == [f"{number}\n" for number in range(6)]


@pytest.mark.parametrize("busy", ["sleep 60", "exec yes"])
def test_a_stop_ends_a_command_within_a_second(workbenches: Workbenches, checkout: Path, busy: str) -> None:
    stop = threading.Event()
    workbench = workbenches.open(checkout, name="stopped", stop=stop)
    (checkout / "started").unlink(missing_ok=True)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(workbench.run, sh(f"touch started; {busy}"), deadline=60, output_limit=1000)
        wait_for(checkout / "started")
        stop.set()
        began = time.monotonic()
        with pytest.raises(Stopped):
            running.result(timeout=20)
    assert time.monotonic() - began < 2  # one, and what a busy machine adds
    with pytest.raises(Stopped):
        workbench.run(["true"], deadline=1)
    workbench.close()


def test_close_ends_what_runs_and_takes_no_more(workbenches: Workbenches, checkout: Path) -> None:
    workbench = workbenches.open(checkout, name="closed")
    (checkout / "started").unlink(missing_ok=True)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(workbench.run, sh("touch started; sleep 60"), deadline=60)
        wait_for(checkout / "started")
        workbench.close()
        assert running.result(timeout=20).exit_code == -signal.SIGKILL
    with pytest.raises(WorkbenchError, match="is closed"):
        workbench.run(["true"], deadline=1)
    assert checkout.is_dir()


def test_a_workbench_needs_a_folder(workbenches: Workbenches, home: Path) -> None:
    with pytest.raises(WorkbenchError, match="not a folder"):
        workbenches.open(home / "missing", name="ISSUE-1")


def test_a_checkout_that_is_gone_is_an_error_of_the_workbench(workbenches: Workbenches, home: Path) -> None:
    checkout = home / "checkouts" / "default" / "gone"
    checkout.mkdir(parents=True)
    workbench = workbenches.open(checkout, name="gone")
    checkout.rmdir()
    with pytest.raises(WorkbenchError, match="No such file"):
        workbench.run(["true"], deadline=10)
    workbench.close()


def wait_for(path: Path, within: float = 20.0) -> None:
    give_up = time.monotonic() + within
    while not path.exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert path.exists()
