import getpass
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orket_pipelines.errors import Stopped, WorkbenchError
from orket_pipelines.workbench.process import Limits, ProcessWorkbench, ProcessWorkbenches, preflight

pytestmark = pytest.mark.slow

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
DAEMON = """
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open('pid', 'w').write(str(os.getpid()))
os.closerange(0, 3)
time.sleep(60)
"""


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def workbenches() -> Iterator[ProcessWorkbenches]:
    workbenches = ProcessWorkbenches()
    yield workbenches
    workbenches.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "checkout").mkdir()
    return tmp_path / "checkout"


@pytest.fixture
def workbench(workbenches: ProcessWorkbenches, checkout: Path, stop: threading.Event) -> ProcessWorkbench:
    return workbenches.open(checkout, name="ISSUE-1", stop=stop)


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def python(script: str) -> list[str]:
    return ["python", "-S", "-c", textwrap.dedent(script)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pid: int, within: float = 5.0) -> bool:
    give_up = time.monotonic() + within
    while alive(pid) and time.monotonic() < give_up:
        time.sleep(0.01)
    return not alive(pid)


def wait_for(path: Path, within: float = 10.0) -> str:
    give_up = time.monotonic() + within
    while not (path.exists() and path.read_text()) and time.monotonic() < give_up:
        time.sleep(0.01)
    return path.read_text()


def test_a_command_runs_in_the_checkout_and_its_output_comes_back(workbench: ProcessWorkbench) -> None:
    result = workbench.run(sh("pwd; echo out; echo err >&2; exit 3"), deadline=10)
    assert result.exit_code == 3
    assert not result.succeeded
    assert result.output == f"{workbench.checkout}\nout\nerr\n"
    assert (result.truncated, result.timed_out) == (0, False)
    assert result.seconds > 0


def test_a_signal_shows_as_a_negative_exit_code(workbench: ProcessWorkbench) -> None:
    assert workbench.run(sh("kill -TERM $$"), deadline=10).exit_code == -signal.SIGTERM


@pytest.mark.parametrize("program", ["no-such-program", "./missing", "/etc", ""])
def test_a_program_that_cannot_be_started_is_127_with_the_reason(workbench: ProcessWorkbench, program: str) -> None:
    result = workbench.run([program], deadline=10)
    assert result.exit_code == 127
    assert "cannot be started" in result.output


def test_a_command_with_nul_in_it_is_127(workbench: ProcessWorkbench) -> None:
    assert workbench.run(["echo", "a\0b"], deadline=10).exit_code == 127


def test_an_empty_command_is_127(workbench: ProcessWorkbench) -> None:
    assert workbench.run([], deadline=10).exit_code == 127


def test_standard_input_is_closed(workbench: ProcessWorkbench) -> None:
    result = workbench.run(python("input('continue? [y/n] ')"), deadline=10)
    assert "EOFError" in result.output


def test_the_environment_is_scrubbed(
    workbenches: ProcessWorkbenches, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_MODEL_API_KEY", "canary")
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setenv("PYTHONPATH", "/canary")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/proxy.pem")
    workbench = workbenches.open(checkout, name="ISSUE-1")
    output = workbench.run(["env"], deadline=10, environment={"EXTRA": "1"}).output
    found = dict(line.split("=", 1) for line in output.splitlines())
    assert "canary" not in output
    assert not [name for name in found if name.startswith("ORKET_")]
    assert found["PATH"] == f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    expected = {"LANG": "C.UTF-8", "CI": "1", "TERM": "dumb", "GIT_CONFIG_GLOBAL": "/dev/null", "EXTRA": "1"}
    expected |= {"PYTHONDONTWRITEBYTECODE": "1", "SSL_CERT_FILE": "/etc/ssl/proxy.pem"}
    assert expected.items() <= found.items()


@linux_only
def test_nothing_of_the_supervisor_environment_can_be_read_by_a_command(
    workbench: ProcessWorkbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "secret")
    assert workbench.run(sh("tr '\\0' ' ' < /proc/$PPID/environ"), deadline=10).output.strip() == ""


@linux_only
def test_a_command_inherits_no_descriptors(workbench: ProcessWorkbench) -> None:
    with socket.socket():
        result = workbench.run(python("import os; print(sorted(os.listdir('/proc/self/fd'))[:-1])"), deadline=10)
    assert result.output == "['0', '1', '2']\n"


def test_the_home_is_private_beside_the_checkout_and_gone_after_close(workbench: ProcessWorkbench) -> None:
    output = workbench.run(sh("echo $HOME; touch $HOME/x $TMPDIR/y"), deadline=10).output
    home = Path(output.strip())
    assert home.parent == workbench.checkout.parent
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert (home / "tmp" / "y").exists()
    workbench.close()
    assert not home.exists()
    assert workbench.checkout.exists()


def test_the_deadline_kills_the_whole_group(workbench: ProcessWorkbench) -> None:
    result = workbench.run(sh("sleep 60 & echo $!; sleep 60"), deadline=0.3)
    assert result.timed_out
    assert result.exit_code is None
    assert result.seconds < 5
    assert gone(int(result.output))


def test_a_command_that_ignores_sigterm_dies_at_the_deadline(workbench: ProcessWorkbench) -> None:
    result = workbench.run(sh("trap '' TERM INT HUP; while :; do sleep 0.05; done"), deadline=0.3)
    assert result.timed_out


def test_a_background_process_that_holds_the_pipe_open_is_gone_and_does_not_hang_us(
    workbench: ProcessWorkbench,
) -> None:
    result = workbench.run(sh("sleep 60 & echo $!"), deadline=30)
    assert result.exit_code == 0
    assert result.seconds < 10
    assert gone(int(result.output))


@linux_only
@pytest.mark.parametrize("environment", ["", "env -i "])
def test_a_daemon_that_left_the_group_is_gone(workbench: ProcessWorkbench, environment: str) -> None:
    (workbench.checkout / "daemon.py").write_text(DAEMON)
    script = f"{environment}{sys.executable} -S daemon.py; while ! test -s pid; do sleep 0.01; done"
    result = workbench.run(sh(script), deadline=30)
    assert result.exit_code == 0
    assert gone(int((workbench.checkout / "pid").read_text()))


@linux_only
def test_many_processes_in_sessions_of_their_own_are_all_gone(workbench: ProcessWorkbench) -> None:
    script = "for i in $(seq 100); do setsid sleep 61.75 & done"
    assert workbench.run(sh(script), deadline=30).exit_code == 0
    running = subprocess.run(["ps", "-eo", "stat,args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in running.splitlines() if "sleep 61.75" in line and not line.startswith("Z")]


@linux_only
def test_a_command_that_kills_its_supervisor_is_found_by_its_mark(workbench: ProcessWorkbench) -> None:
    script = "sleep 60 & echo $! > pid; setsid sh -c 'kill -9 '$PPID'; sleep 60'"
    result = workbench.run(sh(script), deadline=30)
    assert result.exit_code == -signal.SIGKILL
    assert "the process that watches over commands was gone" in result.output
    assert gone(int((workbench.checkout / "pid").read_text()))
    assert workbench.run(["true"], deadline=10).succeeded


@linux_only
def test_the_worker_recovers_when_the_supervisor_process_was_killed(
    workbenches: ProcessWorkbenches, workbench: ProcessWorkbench
) -> None:
    parent = python("import os; print(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1])")
    server = int(workbench.run(parent, deadline=10).output)
    os.kill(server, signal.SIGKILL)
    assert gone(server)
    assert workbench.run(["true"], deadline=10).succeeded


@linux_only
def test_nothing_outlives_a_worker_that_is_killed(tmp_path: Path) -> None:
    worker = textwrap.dedent(f"""
        from pathlib import Path
        from orket_pipelines.workbench.process import ProcessWorkbenches
        bench = ProcessWorkbenches().open(Path({str(tmp_path)!r}), name="I")
        bench.run(["sh", "-c", "setsid env -i sleep 60 & echo $! > daemon; echo $$ > main; sleep 60"], deadline=60)
    """)
    process = subprocess.Popen([sys.executable, "-c", worker])
    pids = [int(wait_for(tmp_path / name)) for name in ("daemon", "main")]
    assert all(alive(pid) for pid in pids)
    process.kill()
    process.wait()
    assert all(gone(pid) for pid in pids)


def test_long_output_is_cut_in_the_middle_and_what_is_left_out_is_counted(workbench: ProcessWorkbench) -> None:
    script = "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last"
    result = workbench.run(sh(script), deadline=60, output_limit=4_000)
    assert result.output.startswith("first\nxxx")
    assert result.output.endswith("xxx\nlast\n")
    assert result.truncated == 20_000_000 + len("first\n\nlast\n") - 4_000
    assert f"[… {result.truncated} bytes left out …]" in result.output
    assert len(result.output) < 4_100


def test_output_that_is_not_text_is_decoded_with_replacement(workbench: ProcessWorkbench) -> None:
    assert workbench.run(sh(r"printf 'a\377b\0c\303\244'"), deadline=10).output == "a�b�cä"


def test_endless_output_ends_at_the_deadline(workbench: ProcessWorkbench) -> None:
    result = workbench.run(["yes"], deadline=0.5, output_limit=1_000)
    assert result.timed_out
    assert len(result.output) < 1_100


@linux_only
def test_memory_is_bounded_and_mere_reservations_are_not(workbench: ProcessWorkbench) -> None:
    assert "MemoryError" in workbench.run(python("x = bytearray(5 * 1024**3)"), deadline=20).output
    script = "import mmap; mmap.mmap(-1, 10 * 1024**3, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0)"
    assert workbench.run(python(script), deadline=20).succeeded
    assert "Cannot allocate" in workbench.run(python("import mmap; mmap.mmap(-1, 40 * 1024**3)"), deadline=20).output


def test_file_size_open_files_and_core_dumps_are_bounded(checkout: Path) -> None:
    workbenches = ProcessWorkbenches(limits=Limits(file_size=1_000_000, open_files=64))
    result = workbenches.open(checkout, name="I").run(
        sh("ulimit -n; ulimit -c; exec head -c 2000000 /dev/zero > big"), deadline=10
    )
    assert result.output.splitlines()[:2] == ["64", "0"]
    assert result.exit_code == -signal.SIGXFSZ
    assert (checkout / "big").stat().st_size == 1_000_000
    workbenches.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="root's processes are not counted")
def test_processes_are_not_bounded_for_root_because_the_kernel_does_not_count_them() -> None:
    assert "RLIMIT_NPROC" not in Limits().for_deadline(10)


def test_many_threads_run_commands_at_once_each_with_its_own_output(
    workbenches: ProcessWorkbenches, tmp_path: Path
) -> None:
    def work(number: int) -> list[str]:
        checkout = tmp_path / str(number)
        checkout.mkdir()
        workbench = workbenches.open(checkout, name=f"ISSUE-{number}")
        return [workbench.run(sh(f"sleep 0.0{turn}; echo {number}"), deadline=30).output for turn in range(5)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [[f"{number}\n"] * 5 for number in range(8)]


def test_a_command_that_ends_leaves_those_of_other_threads_alone(
    workbenches: ProcessWorkbenches, tmp_path: Path
) -> None:
    workbench = workbenches.open(tmp_path, name="ISSUE-1")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(workbench.run, sh("touch started; sleep 0.5; echo done"), deadline=30)
        for _ in range(10):
            workbench.run(sh("setsid sleep 60 & true"), deadline=30)
        assert slow.result().output == "done\n"


def test_close_stops_what_runs_and_takes_no_more(workbench: ProcessWorkbench) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(workbench.run, sh("echo $$ > pid; sleep 60"), deadline=60)
        pid = int(wait_for(workbench.checkout / "pid"))
        workbench.close()
        assert running.result(timeout=10).exit_code == -signal.SIGKILL
    assert gone(pid)
    with pytest.raises(WorkbenchError, match="is closed"):
        workbench.run(["true"], deadline=1)


@pytest.mark.parametrize("busy", ["sleep 60", "exec yes"])
def test_the_stop_flag_ends_a_running_command_soon(
    workbench: ProcessWorkbench, stop: threading.Event, busy: str
) -> None:
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(workbench.run, sh(f"echo $$ > pid; {busy}"), deadline=60)
        pid = int(wait_for(workbench.checkout / "pid"))
        stop.set()
        with pytest.raises(Stopped):
            running.result(timeout=10)
    assert gone(pid)
    with pytest.raises(Stopped):
        workbench.run(["true"], deadline=1)


def test_a_checkout_that_is_gone_is_an_error_of_the_workbench(workbench: ProcessWorkbench) -> None:
    workbench.checkout.rmdir()
    with pytest.raises(WorkbenchError, match="No such file"):
        workbench.run(["true"], deadline=10)


def test_a_workbench_needs_a_folder(workbenches: ProcessWorkbenches, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="not a folder"):
        workbenches.open(tmp_path / "missing", name="ISSUE-1")


def test_preflight_says_in_one_line_that_nothing_is_isolated() -> None:
    assert preflight().startswith(f"no isolation: commands run as processes of user {getpass.getuser()}")
    assert "\n" not in preflight()
