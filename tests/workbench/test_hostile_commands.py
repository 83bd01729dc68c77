"""What a command in a container may try, one test each: it is contained, and cleaned up afterwards."""

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.docker_engine import DockerEngine
from orket_pipelines.containers.model import SUBJECT
from orket_pipelines.git import GitCode
from orket_pipelines.workbench.container import ContainerWorkbench, ContainerWorkbenches
from orket_pipelines.workbench.files import Files
from orket_pipelines.workbench.paths import FileRefused

pytestmark = pytest.mark.docker
KILLER = "import os, time; os.kill(-1, 9); open('survived', 'w'); time.sleep(60)"
DAEMON = """
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 3)
time.sleep(0.7)
open('late', 'w')
"""


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
    shutil.rmtree(checkout)
    assert not checkout.exists()


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def python(script: str) -> list[str]:
    return ["python3", "-S", "-c", script]


def test_links_out_of_the_checkout_lead_nowhere(workbench: ContainerWorkbench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("ours")
    before = outside.stat(), (outside / "file").stat()
    script = f"ln -s {outside} out; ln -s {outside}/file file; ln -s /etc/passwd passwd; cat out/file file; ls -l"
    assert "No such file" in workbench.run(sh(script), deadline=30).output
    for name in ("out/file", "file", "passwd"):
        with pytest.raises(FileRefused):
            Files(workbench.checkout).read(name)
    workbench.run(["true"], deadline=30)  # the checkout is handed over once more
    assert (outside.stat().st_uid, (outside / "file").stat().st_uid) == (before[0].st_uid, before[1].st_uid)
    assert (workbench.checkout / "passwd").lstat().st_uid == command_user()[0]


def test_a_git_folder_written_in_the_container_runs_nothing_on_the_host(
    workbench: ContainerWorkbench, home: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {trap}.ran\ncat\n")
    trap.chmod(0o755)
    code = GitCode(home / "repositories")
    start = code.ensure("hostile", title="Hostile", at=1)
    code.check_out("hostile", start, workbench.checkout)
    script = f"""
        git config core.fsmonitor {trap}
        git config core.hooksPath /project/checkout/hooks
        git config filter.evil.clean {trap}
        git config filter.evil.required true
        echo '* filter=evil' > .gitattributes
        mkdir hooks
        for hook in pre-commit post-checkout post-index-change reference-transaction; do
            printf '#!/bin/sh\\ntouch {trap}.ran\\n' > hooks/$hook
            chmod +x hooks/$hook
            cp hooks/$hook .git/hooks/$hook
        done
        git init -q sub
        git -C sub config core.fsmonitor {trap}
        echo 1 > sub/file
    """
    assert workbench.run(sh(script), deadline=30).succeeded
    tree = code.snapshot("hostile", workbench.checkout)
    code.restore("hostile", tree, workbench.checkout)
    code.check_out("hostile", start, workbench.checkout)
    assert not trap.with_name("trap.ran").exists()


def test_a_setuid_file_gives_nothing_inside_and_is_the_commands_own_outside(workbench: ContainerWorkbench) -> None:
    script = (
        "cp /usr/bin/id ./own && chmod 6755 own && ./own -u; find / -xdev -perm -4000 -exec {} --version \\; | head -1"
    )
    result = workbench.run(sh(script), deadline=30)
    assert result.output.split()[0] == str(command_user()[0])
    workbench.run(["true"], deadline=30)
    found = (workbench.checkout / "own").stat()
    assert found.st_uid == command_user()[0] != 0


def test_a_file_of_a_gigabyte_is_stopped(workbench: ContainerWorkbench) -> None:
    result = workbench.run(sh("head -c 1000000000 /dev/zero > big; echo $?"), deadline=30)
    assert "153" in result.output  # 128 + SIGXFSZ
    assert (workbench.checkout / "big").stat().st_size <= 64 * 1024**2


def test_a_checkout_that_is_filled_file_by_file_is_noticed_in_time(workbench: ContainerWorkbench) -> None:
    script = "i=0; while :; do i=$((i+1)); head -c 20000000 /dev/zero > f$i; sleep 0.1; done"
    result = workbench.run(sh(script), deadline=60)
    assert result.exit_code == -9
    assert "[killed: it filled the checkout]" in result.output
    assert "at most 96.0 MiB in 2000 are allowed: delete what is not needed]" in result.output
    for file in workbench.checkout.iterdir():
        Files(workbench.checkout).delete(file.name)
    assert workbench.run(["true"], deadline=30).output == ""


def test_a_flood_of_files_is_counted_and_refused(workbench: ContainerWorkbench) -> None:
    script = "import os\nfor i in range(5000): os.close(os.open(f'f{i}', os.O_CREAT))"
    assert "2000 are allowed" in workbench.run(python(script), deadline=30).output
    assert "2000 are allowed" in workbench.run(["true"], deadline=30).output


def test_a_fork_bomb_is_held_and_gone_afterwards(workbench: ContainerWorkbench) -> None:
    result = workbench.run(["bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 60"], deadline=1, output_limit=1000)
    assert result.timed_out or result.exit_code != 0
    listed = workbench.run(sh("ls -d /proc/[0-9]* | wc -l"), deadline=30)
    assert int(listed.output) < 10


def test_a_flood_of_output_ends_the_command(workbench: ContainerWorkbench) -> None:
    result = workbench.run(["yes"], deadline=60, output_limit=1000)
    assert result.exit_code == -9
    assert "[killed: it said more than 8.0 MiB]" in result.output
    assert len(result.output) < 1200


def test_a_daemon_does_not_outlive_its_command(workbench: ContainerWorkbench, engine: DockerEngine) -> None:
    assert workbench.run(python(DAEMON), deadline=30).exit_code == 0
    time.sleep(1.2)
    assert not (workbench.checkout / "late").exists()


def test_a_command_that_kills_all_it_can_is_followed_by_a_fresh_container(
    workbench: ContainerWorkbench, engine: DockerEngine
) -> None:
    result = workbench.run(python(KILLER), deadline=30)
    assert result.exit_code == -9
    assert workbench.run(sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), deadline=30).output.count("survived") == 0
    assert len(engine.containers({SUBJECT: workbench.checkout.name})) == 1


def test_a_command_that_stops_its_own_clock_is_ended_from_outside(workbench: ContainerWorkbench) -> None:
    result = workbench.run(
        sh("for p in /proc/[0-9]*; do kill -STOP ${p#/proc/}; done 2>/dev/null; sleep 60"), deadline=1
    )
    assert (result.exit_code, result.timed_out) == (None, True)
    assert "[killed: its container did not end it in time]" in result.output
    assert workbench.run(["true"], deadline=30).succeeded


def test_proc_tells_nothing_of_the_host(workbench: ContainerWorkbench) -> None:
    script = "cat /proc/1/root/etc/shadow /etc/shadow /proc/1/environ; echo 1 > /proc/sys/vm/drop_caches; hostname"
    lines = workbench.run(sh(script), deadline=30).output.splitlines()
    assert [line.rpartition(": ")[2] for line in lines[:3]] == ["Permission denied"] * 3
    assert "cannot create" in lines[3]
    assert lines[4] != os.uname().nodename


def test_the_network_is_out_of_reach(workbench: ContainerWorkbench) -> None:
    script = "import socket\nfor a in ('1.1.1.1', '169.254.169.254', '172.17.0.1'):\n"
    script += "  try: socket.create_connection((a, 80), 2)\n  except OSError as e: print(e.errno)"
    assert workbench.run(python(script), deadline=30).output.split() == ["101"] * 3


def test_folders_that_cannot_be_entered_are_cleaned_up_by_anybody(workbench: ContainerWorkbench) -> None:
    workbench.run(sh("mkdir -p a/b/c d; touch a/b/c/f d/f; chmod 000 a/b/c a/b a; chmod 500 d"), deadline=30)
    # As the user of the command, not as root, who can remove anything.
    uid, gid = command_user()
    script = f"import os, shutil; os.setgid({gid}); os.setuid({uid}); [shutil.rmtree(p) for p in ('a', 'd')]"
    subprocess.run([sys.executable, "-c", script], cwd=workbench.checkout, check=True, timeout=30)
    assert list(workbench.checkout.iterdir()) == []


def test_a_checkout_closed_to_its_owner_is_opened_again(workbench: ContainerWorkbench) -> None:
    workbench.run(sh("echo kept > file; chmod 000 ."), deadline=30)
    assert stat.S_IMODE(workbench.checkout.stat().st_mode) in {0, 0o700}
    assert workbench.run(["cat", "file"], deadline=30).output == "kept\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_another_user_are_taken_back(workbench: ContainerWorkbench) -> None:
    foreign = workbench.checkout / "foreign"
    foreign.mkdir(mode=0o700)
    (foreign / "file").write_text("x")
    os.chown(foreign / "file", 4242, 4242)
    os.chown(foreign, 4242, 4242)
    assert workbench.run(sh("cat foreign/file && rm -r foreign"), deadline=30).output == "x"


def test_a_bottomless_folder_is_refused(workbench: ContainerWorkbench) -> None:
    script = "import os\nfor i in range(400): os.mkdir('d'); os.chdir('d')"
    assert "the checkout holds more than" in workbench.run(python(script), deadline=30).output
    assert workbench.run(["true"], deadline=30).output.startswith("not run: the checkout holds more than")
