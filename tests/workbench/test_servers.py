"""Servers beside the commands of a workbench, held against processes and containers."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orket_pipelines.workbench.model import Workbench, Workbenches
from orket_pipelines.workbench.servers import MOST, Serving

pytestmark = pytest.mark.slow

SERVER = """
import http.server, subprocess, sys
subprocess.Popen(["sleep", "300"], start_new_session=True)
print("listening", flush=True)
http.server.HTTPServer(("127.0.0.1", 18999), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
ASK = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:18999/page.txt').read().decode())"


@pytest.fixture
def workbench(workbenches: Workbenches, home: Path, tmp_path: Path) -> Iterator[Workbench]:
    path = home / "checkouts" / "default" / f"servers-{tmp_path.name}"
    path.mkdir(parents=True, exist_ok=True)
    (path / "server.py").write_text(SERVER)
    (path / "page.txt").write_text("hello")
    workbench = workbenches.open(path, name="servers")
    yield workbench
    workbench.close()


def until(workbench: Workbench, name: str, holds: Callable[[Serving], bool]) -> Serving:
    give_up = time.monotonic() + 20
    while not holds(found := workbench.servers.find(name) or pytest.fail("no such server")):
        assert time.monotonic() < give_up, found
        time.sleep(0.05)
    return found


def test_a_server_outlives_commands_which_reach_it_and_is_gone_when_it_is_stopped(workbench: Workbench) -> None:
    assert workbench.start_server("web", ["python3", "server.py"]) is None
    until(workbench, "web", lambda found: "listening" in found.output)
    assert workbench.run(["true"], deadline=30).succeeded
    assert workbench.run(["python3", "-c", ASK], deadline=30).output == "hello\n"
    assert workbench.start_server("web", ["true"]) == "a server web is running already"
    stopped = workbench.servers.stop("web")
    assert stopped is not None
    assert (stopped.running, stopped.exit_code) == (False, None)
    assert not workbench.run(["python3", "-c", ASK], deadline=30).succeeded
    assert workbench.start_server("web", ["python3", "server.py"]) is None
    workbench.close()
    assert not until(workbench, "web", lambda found: not found.running).running


def test_a_server_that_ends_says_how_and_no_more_run_than_may(workbench: Workbench) -> None:
    assert workbench.start_server("bad", ["sh", "-c", "read x; echo no input >&2; exit 3"]) is None
    ended = until(workbench, "bad", lambda found: not found.running)
    assert (ended.exit_code, ended.output) == (3, "no input\n")
    for number in range(MOST):
        assert workbench.start_server(f"s{number}", ["sleep", "60"]) is None
    assert workbench.start_server("more", ["sleep", "60"]) == f"{MOST} servers are running already, which is the limit"
