"""The floor of sandboxes, which `docker run` starts: whatever ends the bench, it can be found and removed."""

import os
import signal

import pytest

from orket_pipelines.bench.bare_docker import run_command
from orket_pipelines.cli.bench import ending_in_order

FOUND = {
    "Config": {
        "Env": ["PORT=8000"],
        "User": "10001:10001",
        "WorkingDir": "/site",
        "Entrypoint": ["python3"],
        "Cmd": ["server.py"],
        "Image": "image",
        "Labels": {"orket.owner": "0a1b2c3d4e5f", "orket.subject": "one"},
    },
    "HostConfig": {"Tmpfs": {"/tmp": "size=1"}, "Mounts": [{"Source": "/files", "Target": "/site"}]},
}


def test_a_copy_bears_the_labels_by_which_the_bench_removes_what_is_left() -> None:
    assert run_command(FOUND, 31_000) == [
        *("docker", "run", "-d", "-p", "127.0.0.1:31000:8000"),
        *("--user", "10001:10001", "--workdir", "/site", "--entrypoint", "python3", "--env", "PORT=8000"),
        *("--label", "orket.owner=0a1b2c3d4e5f", "--label", "orket.subject=one"),
        *("--tmpfs", "/tmp:size=1", "--volume", "/files:/site:ro", "image", "server.py"),
    ]


def test_sigterm_ends_a_bench_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), ending_in_order():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
