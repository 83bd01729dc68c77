"""A delivery at the terminal: shown, stopped, summed up."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from orket_pipelines.cards.records import list_cards
from orket_pipelines.cli.delivering import deliver_watched
from orket_pipelines.cli.progress import live_table
from orket_pipelines.cli.terminal import Terminal
from orket_pipelines.delivery import Delivery, Factory, Result
from orket_pipelines.errors import StoreError
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from tests.cli.conftest import Orket

ROOT = Path(__file__).parents[2]
CARDS = ROOT / "examples" / "todo" / "cards"


@pytest.fixture
def imported(orket: Orket) -> None:
    """The example's cards are in the store."""
    assert orket("cards", "import", CARDS).exit_code == 0


@pytest.mark.usefixtures("imported")
def test_an_issue_that_waits_for_others_says_so_and_fails(orket: Orket) -> None:
    done = orket("issues", "deliver", "todo-storage")
    assert done.exit_code == 1
    assert done.stdout.startswith("no isolation: commands run as processes of user ")
    assert "\nscripted model: it plays examples/, no language model is used\n" in done.stdout
    assert "issues:            0 of 1 done" in done.stdout
    assert "todo-storage waits for todo-skeleton" in done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("imported")
def test_an_issue_is_delivered_line_by_line_and_only_once(orket: Orket, asked: Callable[..., Any]) -> None:
    told = orket("issues", "deliver", "todo-skeleton")
    assert told.exit_code == 0, told.output
    for sentence in (
        "coder is called: work",
        "pull request #1 opened",
        "integrity_guard approved",
        "code_review → done",
    ):
        assert f"todo-skeleton: {sentence}" in told.stdout
    assert "pull requests:     1 opened, 1 merged" in told.stdout
    again = asked("issues", "deliver", "todo-skeleton")
    assert again["issues"] == [{"id": "todo-skeleton", "result": "done", "reason": ""}]
    assert (again["pull_requests"], again["merged"], again["denied"]) == (1, 1, 1)
    assert Path(again["repositories"][0]).is_dir()


@pytest.mark.slow
@pytest.mark.usefixtures("imported")
def test_a_session_that_stopped_is_carried_on_by_its_id(
    orket: Orket, asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_BUDGETS", '{"issue": {"requests": 2}}')
    done = orket("issues", "deliver", "todo-skeleton")
    assert "todo-skeleton waits for resource: the budget is spent: 2 requests of 2" in done.stdout
    monkeypatch.delenv("ORKET_BUDGETS")
    (stopped,) = asked("sessions", "list")
    assert "not ended: it runs, or waits" in orket("sessions", "show", stopped["id"]).stdout
    assert orket("sessions", "resume", stopped["id"]).exit_code == 0
    work = [each for each in asked("sessions", "list") if each["purpose"] == "work"]
    assert [(each["id"], each["turns"] > 2) for each in work] == [(stopped["id"], True)]


@pytest.mark.slow
def test_asked_once_it_stops_at_a_checkpoint_and_the_same_command_carries_on(home: Path) -> None:
    process = _demo(home)
    _wait_for(process, "coder is called")
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.endswith("; the same command carries on\n")


@pytest.mark.slow
def test_asked_twice_it_leaves_at_once(home: Path) -> None:
    process = _demo(home)
    _wait_for(process, "coder is called")
    process.send_signal(signal.SIGINT)
    _wait_for(process, "once more to leave at once")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130


def test_what_waits_at_the_end_makes_the_command_fail(home: Path, opened: Store, imported: None) -> None:
    with opened.read() as tx:
        card = next(card for card in list_cards(tx) if card.id == "todo-storage")
    outcome = [Delivery(card, Result.WAITING, "input: which?")]
    with pytest.raises(typer.Exit) as left:
        deliver_watched(_terminal(home), Settings(home=home), [card.id], lambda _f, _s: outcome, again="", after=[])
    assert left.value.exit_code == 1


def test_an_error_of_the_delivery_reaches_the_terminal(home: Path) -> None:
    def fail(_factory: Factory, _stop: threading.Event) -> list[Delivery]:
        raise StoreError("the disk is full")

    with pytest.raises(StoreError, match="the disk is full"):
        deliver_watched(_terminal(home), Settings(home=home), ["todo-storage"], fail, again="", after=[])


def test_the_handlers_of_signals_are_given_back(home: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    deliver_watched(_terminal(home), Settings(home=home), [], lambda _f, _s: [], again="", after=[])
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.usefixtures("imported")
def test_the_live_table_has_a_row_an_issue(opened: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with opened.read() as tx:
        issues = [card.id for card in list_cards(tx, rock_id="todo") if card.kind == "issue"]
    with live_table(opened, issues) as refresh:
        refresh()
    drawn = capsys.readouterr().out
    assert all(issue in drawn for issue in issues)
    assert "waits for its turn" in drawn
    assert f"0 of {len(issues)} done" in drawn


def _terminal(home: Path) -> Terminal:
    return Terminal(home, None, machine=True)


def _demo(home: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-u", "-c", "from orket_pipelines.cli import main; main()", "demo"]
    environment = os.environ | {"ORKET_HOME": str(home)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _wait_for(process: "subprocess.Popen[str]", words: str) -> None:
    deadline = time.monotonic() + 60
    for line in process.stdout or ():
        if words in line:
            return
        assert time.monotonic() < deadline
    pytest.fail(f"ended with {process.wait()} before it said {words!r}")
