"""What a person is told of a sandbox that does not do what it should."""

import pytest

from orket_pipelines.sandboxes.complaints import complaint_in
from orket_pipelines.sandboxes.diagnosing import FLOOD, Finding, explain
from orket_pipelines.sandboxes.model import SandboxState, Sighting

RUNNING = SandboxState.RUNNING
UNHEALTHY = SandboxState.UNHEALTHY
FINE = Sighting("api", 8000, ("uvicorn", "main:app"), status=200)


def told(seen: Sighting) -> str:
    (found,) = explain(UNHEALTHY, "", [seen])
    assert found.service == "api"
    return f"{found.what} -> {found.advice}"


def test_what_answers_is_fine() -> None:
    assert explain(RUNNING, "", [FINE, Sighting("web", 8080, status=304)]) == []


def test_of_what_should_run_and_was_not_seen_nothing_good_is_said() -> None:
    assert [found.what for found in explain(RUNNING, "", [])] == ["nothing is known of its services"]
    assert explain(SandboxState.CREATING, "", []) == []


def test_a_service_on_localhost_is_told_where_to_listen() -> None:
    said = told(Sighting("api", 8000, listening={8000: False}))
    assert said.startswith("it listens on localhost inside its container, port 8000, where nobody else reaches it")
    assert said.endswith("or on what the variable HOST says.")


def test_a_service_on_another_port_or_on_none_is_told_which_it_is_to_be() -> None:
    assert told(Sighting("api", 8000, listening={3000: True})).startswith("it listens on 3000, not on 8000 -> ")
    assert "the variable PORT" in told(Sighting("api", 8000, listening={}))
    assert told(Sighting("api", 8000, listening={8000: True})).startswith("it listens on port 8000 and does not answer")
    assert told(Sighting("api", 8000)).startswith("it runs and does not answer")


def test_a_start_command_that_is_not_there_is_named() -> None:
    for ended in ("ended with code 127", "ended with 126"):
        said = told(Sighting("api", 8000, ("uvicorn", "main:app"), ended=ended))
        assert said.startswith("its start command cannot be run: uvicorn main:app -> ")
        assert "orket.yaml" in said


def test_an_end_comes_with_its_last_lines_and_with_what_they_complain_of() -> None:
    log = "\n".join([*(f"line {number}" for number in range(9)), "ModuleNotFoundError: No module named 'flask'"])
    (found,) = explain(UNHEALTHY, "", [Sighting("api", ended="ended with code 1", said=log)])

    assert found.what.startswith("ended with code 1; the Python module flask is not installed")
    assert found.lines == (
        *(f"line {number}" for number in range(2, 9)),
        "ModuleNotFoundError: No module named 'flask'",
    )
    assert "ORKET_CONTAINER_MEMORY" in told(Sighting("api", ended="was killed for want of memory"))


def test_restarts_are_a_storm_while_they_go_on_or_while_nothing_answers() -> None:
    assert "3 times so far: a restart storm" in told(Sighting("api", restarts=3, restarts_before=1, status=200))
    assert "a restart storm" in told(Sighting("api", restarts=3, restarts_before=3))
    assert explain(RUNNING, "", [Sighting("api", restarts=3, restarts_before=3, status=200)]) == []


def test_a_log_that_grows_too_fast_is_a_flood_though_the_service_answers() -> None:
    (found,) = explain(RUNNING, "", [Sighting("api", status=200, rate=2.0 * FLOOD)])
    assert found.what.startswith("it floods its log: about 200 kB a second")
    assert explain(RUNNING, "", [Sighting("api", status=200, rate=FLOOD - 1)]) == []


def test_a_health_check_that_fails_says_with_what() -> None:
    assert told(Sighting("api", status=503)).startswith("it answers its health check with status 503")


@pytest.mark.parametrize(
    ("state", "note", "what"),
    [
        (SandboxState.STOPPED, "stopped", "a person stopped it"),
        (SandboxState.DELETED, "", "nothing is left of it: it was removed"),
        (SandboxState.FAILED, "", "it failed, and nothing says why"),
        (
            SandboxState.FAILED,
            "api ended with code 1\nsh: exec: uvicorn: not found",
            "api ended with code 1; its start command is not there: uvicorn",
        ),
    ],
)
def test_where_nothing_should_run_it_is_said_why(state: SandboxState, note: str, what: str) -> None:
    (found,) = explain(state, note, [])
    assert (found.service, found.what) == (None, what)


def test_a_deployment_that_failed_is_told_what_helps() -> None:
    (found,) = explain(SandboxState.FAILED, "api did not answer: it listens on localhost\nStarted", [])
    assert found == Finding(
        None,
        "api did not answer: it listens on localhost",
        "Listen on 0.0.0.0, or on what the variable HOST says.",
        ("Started",),
    )


@pytest.mark.parametrize(
    ("log", "what"),
    [
        ("Error: Cannot find module '/project/server.js'", "/project/server.js is not there"),
        ("Error: Cannot find package 'left-pad' imported from x", "left-pad is not there"),
        ('npm ERR! Missing script: "start"', "no script start"),
        ("uvicorn: cannot be started: No such file or directory", "cannot be started: uvicorn"),
        ('ERROR: Error loading ASGI app. Could not import module "main".', "an application that is not there"),
        ("OSError: [Errno 98] Address already in use", "listens twice"),
        ('Blocked request. This host ("web") is not allowed.', "refuses the name"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "nothing can be written"),
        ("ENOSPC: no space left", "more than there is room for"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "nothing leaves a sandbox"),
        ("Error: connect ECONNREFUSED 127.0.0.1:5432", "does not answer"),
        ("KeyError: 'STRIPE_KEY'", "the variable STRIPE_KEY"),
    ],
)
def test_what_programs_complain_of_is_said_in_plain_words(log: str, what: str) -> None:
    found = complaint_in(f"Traceback\n{log}\n")
    assert found is not None
    assert what in found[0]
    assert found[1]


def test_what_nobody_knows_is_not_made_up() -> None:
    assert complaint_in("KeyError: 'id'\nboom") is None
