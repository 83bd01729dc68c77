"""What a person, a disk or a server gets wrong ends in one clear line and a next step, and is mended where it broke."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from tests.agents.conftest import ProtocolServer

from .desk import CARDS, PAUSE, ROCK, TIME_LIMIT, Desk, Done

pytestmark = pytest.mark.slow

ASKING = """
    coder:
      - purpose: work
        visit: 1
        turns:
          - calls:
              - request_state: {state: blocked, wait_reason: input, summary: "Oak or pine?"}
      - purpose: work
        visit: 2
        turns:
          - expect: Oak, please.
"""
WHOLE = "rock: {id: r, name: R, epics: [{name: E, issues: [%s]}]}"


@pytest.fixture
def disk(desk: Desk) -> Iterator[Callable[[str], None]]:
    """The home on a small disk of its own; called with mount's options, it changes."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    desk.home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(desk.home)], check=False)
    if mounted.returncode != 0:
        pytest.skip("nothing can be mounted here")
    yield lambda options: void(subprocess.check_call(["mount", "-o", f"remount,{options}", str(desk.home)]))
    subprocess.check_call(["umount", str(desk.home)])


def void(_: object) -> None:
    """Nothing comes back."""


def _issues(*issues: str) -> str:
    return WHOLE % ", ".join(issues)


def test_broken_card_files_are_named_with_the_place_and_the_sound_one_loads(desk: Desk) -> None:
    broken: dict[str, tuple[str | bytes, str]] = {
        "syntax.yaml": ("rock: {id: r, name: R", "line "),
        "field.yaml": (_issues("{name: A, prio: High}"), "issues[0].prio: there is no such field"),
        "state.yaml": (_issues("{name: A, state: flying}"), "'flying' is not one of"),
        "type.yaml": ("rock: {id: t, name: 7, epics: 5}", "rock.name: must be text"),
        "empty.yaml": ("", "is empty"),
        "binary.yaml": (b"\xff\xfe\x00\x80", "is not text in UTF-8"),
        "huge.yaml": ("#" * 2_100_000, "is larger than 2 MB"),
        "cycle.yaml": (_issues("{id: a, name: A, depends_on: [b]}", "{id: b, name: B, depends_on: [a]}"), "a → b → a"),
        "seat.yaml": (_issues("{name: A, seat: pilot}"), "no role is called 'pilot'"),
        "absent.yaml": (_issues("{name: A, depends_on: [nobody]}"), "there is no issue 'nobody'"),
        "eight.yaml": (_issues(*(f"{{name: N{number}}}" for number in range(8))), "must declare how it is decomposed"),
        "bad.json": ('{"rock": ', "line 1"),
    }
    for number, (name, (text, _)) in enumerate(broken.items()):
        rock = text.replace("{id: r, name: R", f"{{id: r{number}, name: R{number}") if isinstance(text, str) else text
        desk.write(name, rock)
    (desk.folder / "folder").mkdir()
    done = desk.orket("cards", "import", *broken, "folder", "nothing.yaml", "pier.yaml")
    done.is_refused(
        "not all cards could be loaded", "nothing.yaml: there is no such file", "no card file in this folder"
    )
    lines = done.told.splitlines()
    for name, (_, reason) in broken.items():
        assert [line for line in lines if line.startswith(f"{name}: ") and reason in line], (name, done.told)
    assert all(card in desk.orket("cards", "list", "--rock", "pier").told for card in CARDS)


def test_a_file_that_is_mended_loads_with_the_same_command(desk: Desk) -> None:
    desk.write("pier.yaml", ROCK.replace("depends_on", "depends"))
    desk.orket("cards", "import", "pier.yaml").is_refused("there is no such field; did you mean 'depends_on'?")
    desk.write("pier.yaml", ROCK)
    assert "1 created" in desk.orket("cards", "import", "pier.yaml").told


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cards show nothing", "there is no card 'nothing'"),
        ("sessions show nothing", "there is no session 'nothing'"),
        ("policy show nothing", "there is no violation 'nothing'"),
        ("rocks deliver nothing", "there is no card 'nothing'"),
        ("bench nothing", "there is no bench 'nothing'"),
    ],
)
def test_what_is_not_there_is_said(desk: Desk, command: str, said: str) -> None:
    desk.orket(*command.split()).is_refused(said)


def test_a_rock_is_no_issue_and_an_issue_no_rock_and_neither_is_touched(pier: Desk) -> None:
    pier.orket("issues", "deliver", "pier").is_refused("pier is no issue")
    pier.orket("rocks", "deliver", "plank-a").is_refused("plank-a is not a rock")
    assert pier.orket("cards", "list", "--state", "in_progress").told == "No card is in that state.\n"


def test_wrong_questions_in_sql_are_refused(pier: Desk) -> None:
    pier.orket("sql", "selec 1").is_refused("syntax error", "Tables: ")
    pier.orket("sql", "drop table cards").is_refused("only questions are answered")
    pier.orket("sql", "").is_refused("one statement at a time")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORKET_DATABASE_URL", "mysql://orket:pass-word@db/orket"),
        ("ORKET_MODEL_BASE_URL", "localhost:11434"),
        ("ORKET_HOME", "/dev/null"),
    ],
)
def test_a_wrong_variable_is_named(desk: Desk, name: str, value: str) -> None:
    done = desk.orket("cards", "list", **{name: value})
    done.is_refused(name)
    assert "pass-word" not in done.complained


@pytest.mark.parametrize("file", ["config/organization.json", "home/workspace.json"])
def test_a_broken_file_of_settings_is_named_until_it_is_mended(desk: Desk, file: str) -> None:
    (desk.folder / file).parent.mkdir()
    desk.write(file, "{")
    desk.orket("cards", "list").is_refused(f"{file}: cannot be read", f"Correct {file}.")
    desk.write(file, "{}")
    assert desk.orket("cards", "list").code == 0


@pytest.mark.parametrize("version", [None, "2.30.2"], ids=["missing", "too old"])
def test_without_a_git_that_will_do_nothing_is_begun(pier: Desk, version: str | None) -> None:
    programs = pier.folder / "programs"
    programs.mkdir()
    if version is not None:
        (programs / "git").write_text(f"#!/bin/sh\necho git version {version}\n")
        (programs / "git").chmod(0o755)
    done = pier.orket("rocks", "deliver", "pier", PATH=str(programs))
    done.is_refused("git ", "Install git 2.38 or newer")
    assert not (pier.home / "repositories").exists()
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_a_server_that_fails_leaves_the_issue_waiting_and_the_next_delivery_takes_it_up(pier: Desk) -> None:
    settings = {
        "ORKET_MODEL": "m",
        "ORKET_ISOLATION": "process",
        "ORKET_MODEL_RETRIES": "1",
        "ORKET_MODEL_RETRY_WAIT": "0.05",
        "ORKET_MODEL_FIRST_TOKEN_TIMEOUT": "0.5",
    }
    troubles: dict[str, Callable[[ProtocolServer], None]] = {
        "(2 tries): Failed to decode": lambda server: server.sends(b"\x00\xff<html>", "text/html"),
        "the first token did not come within 0.5 s": ProtocolServer.hangs,
        "the connection failed": ProtocolServer.close,
    }
    for told, cause in troubles.items():
        server = ProtocolServer()
        cause(server)
        done = pier.orket("issues", "deliver", "plank-a", ORKET_MODEL_BASE_URL=server.url, **settings)
        done.is_refused(told, "1 of 1 issues are not done", "orket issues deliver plank-a")
        if told != "the connection failed":
            server.close()
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_a_model_without_its_server_or_its_permission_is_refused_before_anything_begins(pier: Desk) -> None:
    pier.orket("rocks", "deliver", "pier", ORKET_MODEL="m").is_refused("has no server to run on")
    allowed = {"ORKET_MODEL": "m", "ORKET_MODEL_BASE_URL": "http://127.0.0.1:9/v1"}
    alone = allowed | {"ORKET_ISOLATION": "auto", "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    pier.orket("rocks", "deliver", "pier", **alone).is_refused("no container engine answers", "ORKET_ISOLATION=process")
    assert pier.orket("cards", "list", "--state", "in_progress").told == "No card is in that state.\n"


def test_a_full_disk_stops_what_is_done_and_a_larger_one_lets_it_go_on(desk: Desk, disk: Callable[[str], None]) -> None:
    desk.orket("cards", "import", "pier.yaml").is_refused("full", "Free disk space")
    disk("size=8m")
    assert "5 created" in desk.orket("cards", "import", "pier.yaml").told
    free = shutil.disk_usage(desk.home).free
    (desk.home / "ballast").write_bytes(bytes(free - 600_000))
    done = desk.orket("rocks", "deliver", "pier")
    assert done.code == 1, done
    assert "space" in done.complained + done.told
    disk("size=60m")
    desk.is_delivered(desk.orket("rocks", "deliver", "pier"))


def test_a_home_that_is_read_only_is_said_until_it_is_not(desk: Desk, disk: Callable[[str], None]) -> None:
    disk("size=30m")
    assert desk.orket("cards", "import", "pier.yaml").code == 0
    disk("ro")
    desk.orket("rocks", "deliver", "pier").is_refused("Check that ORKET_HOME exists and is writable")
    disk("rw")
    desk.is_delivered(desk.orket("rocks", "deliver", "pier"))


def test_a_corrupt_database_and_one_of_a_newer_release_are_refused_untouched(pier: Desk) -> None:
    database = pier.home / "orket.db"
    sound = database.read_bytes()
    database.write_bytes(b"not a database at all" * 1000)
    pier.orket("cards", "list").is_refused("is not a database")
    database.write_bytes(sound)
    with sqlite3.connect(database) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    pier.orket("rocks", "deliver", "pier").is_refused("a newer release wrote it")
    database.write_bytes(sound)
    assert "plank-a" in pier.orket("cards", "list").told


def test_a_repository_that_is_gone_is_missed_and_never_begun_anew(pier: Desk) -> None:
    assert pier.orket("issues", "deliver", "plank-a").code == 0
    (pier.home / "repositories").rename(pier.folder / "elsewhere")
    pier.orket("rocks", "deliver", "pier").is_refused("there is no repository at", "Put it back")
    assert not (pier.home / "repositories").exists()
    (pier.folder / "elsewhere").rename(pier.home / "repositories")
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_a_place_for_checkouts_that_cannot_be_written_is_named_until_it_can(pier: Desk) -> None:
    (pier.home / "checkouts").touch()
    pier.orket("rocks", "deliver", "pier").is_refused("/checkouts/", "then run the same command again")
    (pier.home / "checkouts").unlink()
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_an_issue_that_asks_a_person_goes_on_with_the_answer(pier: Desk) -> None:
    playbook = pier.folder / "playbooks" / "pier" / "playbook.yaml"
    # The answer must be in what the author is told: the scripted model checks it.
    playbook.write_text(
        playbook.read_text().replace(
            "\n    coder:\n      - purpose: work\n        turns:\n          -", ASKING.rstrip() + "\n           ", 1
        )
    )
    asked = pier.orket("rocks", "deliver", "pier")
    asked.is_refused("plank-a waits for input: Oak or pine?", 'orket issues deliver plank-a --answer "TEXT"')
    assert pier.orket("issues", "deliver", "plank-a", "--answer", "Oak, please.").code == 0
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_two_deliveries_of_a_rock_at_once_both_end_and_do_nothing_twice(pier: Desk) -> None:
    pier.play(pause=PAUSE)
    both = [pier.start("rocks", "deliver", "pier") for _ in range(2)]
    for process in both:
        told, complained = process.communicate(timeout=TIME_LIMIT)
        pier.is_delivered(Done(process.returncode, told, complained))
        assert "pull requests:     3 opened, 3 merged" in told
        assert " in 6 sessions" in told


def test_a_delivery_that_is_told_to_end_does_so_within_ten_seconds_and_goes_on_later(pier: Desk) -> None:
    pier.play(pause=PAUSE.replace("'2'", "'12'"))
    process = pier.start("rocks", "deliver", "pier")
    assert process.stdout is not None
    while "coder is called" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=10)
    assert process.returncode == 130, told
    assert "stopped with 3 issues to go; the same command carries on" in told
    pier.play()
    pier.is_delivered(pier.orket("rocks", "deliver", "pier"))


def test_a_port_that_is_taken_is_said_with_another(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        desk.orket("dev", "--port", str(port)).is_refused("is not free", f"orket dev --port {port + 1}")
