"""`orket doctor`: each thing that can be wrong, made wrong."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer

from orket_pipelines.cli import checks
from orket_pipelines.cli.attacking import report
from orket_pipelines.cli.terminal import Terminal
from orket_pipelines.sandboxes.attacks import Outcome, Verdict
from orket_pipelines.settings import Settings
from tests.cli.conftest import Orket

NAMES = ["python", "git", "disk", "home", "store", "reviews", "model", "engine", "processes", "port"]


def test_a_machine_that_has_everything_passes(orket: Orket, asked: Callable[..., Any]) -> None:
    findings = {finding["name"]: finding for finding in asked("doctor")}
    assert list(findings) == NAMES
    assert {findings[name]["status"] for name in ("python", "git", "home", "store", "reviews", "model")} == {"ok"}
    assert orket("doctor").stdout.startswith("ok    python ")


def test_a_git_that_cannot_merge_without_files_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho git version 2.37.9\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = checks.check_git()
    assert (found.status, found.found) == ("fail", "2.37.9")
    assert "2.38" in found.next


def test_a_missing_git_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checks.check_git().status == "fail"
    assert checks.check_processes(Settings(home=tmp_path)).status == "warn"


def test_a_home_that_is_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert checks.check_home(Settings(home=tmp_path / "file" / "home")).status == "fail"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_this_user_may_not_write_to_fails(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert checks.check_home(Settings(home=tmp_path / "home")).status == "fail"
    tmp_path.chmod(0o700)


@pytest.mark.sqlite
def test_a_store_that_does_not_open_fails_with_the_stores_own_words(tmp_path: Path) -> None:
    (tmp_path / "orket.db").mkdir()
    found = checks.check_store(Settings(home=tmp_path))
    assert found.status == "fail"
    assert "orket.db" in found.found


def test_a_wrong_setting_is_a_finding_and_ends_the_look(orket: Orket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_CONCURRENCY", "many")
    done = orket("doctor")
    assert done.exit_code == 1
    assert "fail  settings   ORKET_CONCURRENCY: " in done.stdout


def test_without_an_engine_it_is_said_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'none.sock'}")
    found = checks.check_engine(Settings(home=tmp_path))
    assert (found.status, found.found) == ("warn", "no container engine answers")
    assert "DOCKER_HOST" in found.next


@pytest.mark.docker
def test_an_engine_is_named_with_its_isolation_and_the_images_it_lacks(workbench_image: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, workbench_image=workbench_image, e2e_image="orket-test-no-such-image:1")
    found = checks.check_engine(settings)
    assert "isolation " in found.found
    assert found.found.endswith("it lacks orket-test-no-such-image:1")
    assert found.next == "orket images build"
    assert ", networks sealed" in found.found


@pytest.mark.docker
def test_an_engine_without_the_tier_that_is_asked_for_fails(workbench_image: str, tmp_path: Path) -> None:
    found = checks.check_engine(Settings(home=tmp_path, workbench_image=workbench_image, container_tier="kata"))
    assert found.status == "fail"
    assert "has no such runtime" in found.found
    assert found.next.endswith("ORKET_CONTAINER_TIER=runc")


def test_a_taken_port_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(checks, "PORT", taken.getsockname()[1])
        found = checks.check_port()
    assert (found.status, found.next) == ("warn", "Choose another: orket dev --port 3001")


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that answers what the test says, and remembers what it was asked."""
    state: dict[str, Any] = {"status": 200, "body": b'{"data": [{"id": "qwen"}]}', "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state["asked"].append((self.path, self.headers.get("Authorization")))
            self.send_response(state["status"])
            self.end_headers()
            self.wfile.write(state["body"])

        def log_message(self, *_arguments: object) -> None:
            """Tests are quiet."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/v1", state
    listening.shutdown()
    listening.server_close()


def _model(url: str | None, model: str = "qwen", **more: Any) -> checks.Finding:
    return checks.check_model(Settings(model=model, model_base_url=url, **more), model)


def test_a_server_that_has_the_model_is_asked_with_the_key(server: tuple[str, dict[str, Any]]) -> None:
    url, state = server
    assert _model(url, model_api_key="secret").status == "ok"
    assert state["asked"] == [("/v1/models", "Bearer secret")]


def test_a_server_without_the_model_fails_and_says_what_it_has(server: tuple[str, dict[str, Any]]) -> None:
    found = _model(server[0], model="llama")
    assert (found.status, found.found) == ("fail", "the server has no 'llama'; it has: qwen")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": [1]}', b'{"data": 3}', b"\xff"])
def test_a_server_that_is_something_else_fails(server: tuple[str, dict[str, Any]], body: bytes) -> None:
    server[1]["body"] = body
    assert _model(server[0]).status == "fail"


def test_a_server_that_refuses_fails(server: tuple[str, dict[str, Any]]) -> None:
    server[1]["status"] = 401
    assert "401" in _model(server[0]).found


def test_a_server_that_is_down_fails() -> None:
    assert _model("http://127.0.0.1:9/v1").status == "fail"


def test_an_address_that_is_none_fails(orket: Orket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _model(None).status == "fail"
    monkeypatch.setenv("ORKET_MODEL_BASE_URL", "file:///etc/passwd")
    done = orket("doctor")
    assert "fail  settings   ORKET_MODEL_BASE_URL: must begin with http:// or https://" in done.stdout


def test_reviewers_who_cannot_review_are_a_finding(tmp_path: Path) -> None:
    found = checks.check_reviews(Settings(home=tmp_path, reviewers=("coder", "integrity_guard")))
    assert found.status == "fail"
    assert "coder cannot review" in found.found
    both = Settings(home=tmp_path, reviewers=("technical_reviewer", "integrity_guard"))
    assert checks.check_reviews(both).found == "by technical_reviewer, integrity_guard; 2 must approve"


def test_an_attack_without_an_engine_says_so(orket: Orket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'none.sock'}")
    done = orket("doctor", "--attack")
    told = "orket: no container engine answers\nnext: Start Docker, then look: orket doctor\n"
    assert (done.exit_code, done.stderr) == (1, told)


def test_an_attack_that_got_through_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    held = Outcome("files", "No file.", Verdict.HELD, "3 attempts failed", 0.25)
    report(Terminal(None, None, machine=False), [held])
    assert capsys.readouterr().out.splitlines()[-1] == "1 held, 0 broken, 0 not tried"
    with pytest.raises(typer.Exit) as ended:
        report(Terminal(None, None, machine=True), [held, replace(held, verdict=Verdict.BROKEN)])
    assert ended.value.exit_code == 1
    assert [each["verdict"] for each in json.loads(capsys.readouterr().out)] == ["held", "broken"]
