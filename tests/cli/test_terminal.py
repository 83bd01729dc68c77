"""How the terminal speaks, and how it fails."""

import json
from pathlib import Path

import pytest
import typer

from orket_pipelines.cli.terminal import explained, visible
from orket_pipelines.errors import OrketError
from tests.cli.conftest import Orket


def test_an_error_is_one_line_and_a_next_step(orket: Orket) -> None:
    done = orket("cards", "show", "nobody")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == "orket: there is no card 'nobody'\nnext: See which there are: orket cards list\n"


def test_an_error_is_json_for_a_machine(orket: Orket) -> None:
    done = orket("cards", "show", "nobody", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stderr) == {
        "error": "there is no card 'nobody'",
        "next": "See which there are: orket cards list",
    }


def test_a_wrong_setting_names_the_setting(orket: Orket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_LEASE_PATIENCE", "long")
    done = orket("cards", "list")
    assert done.exit_code == 1
    assert done.stderr.startswith("orket: ORKET_LEASE_PATIENCE: must be a number")


@pytest.mark.sqlite
def test_a_home_that_cannot_be_made_is_one_clear_line(orket: Orket, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = orket("cards", "list", "--home", tmp_path / "file" / "home")
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_a_fault_of_ours_is_no_trace_either(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, explained(machine=False):
        raise KeyError("key")
    assert left.value.exit_code == 1
    assert capsys.readouterr().err == (
        "orket: a fault of orket itself: KeyError: 'key'\nnext: See where: run the same command with ORKET_DEBUG=1.\n"
    )


def test_debugging_shows_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_DEBUG", "1")
    with pytest.raises(OrketError), explained(machine=False):
        raise OrketError("no")


def test_an_interruption_says_that_the_same_command_carries_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, explained(machine=False):
        raise KeyboardInterrupt
    assert left.value.exit_code == 130
    assert "the same command carries on" in capsys.readouterr().err


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert visible("a\x1b[2Jb\rc\n\td·→") == "a\\x1b[2Jb\\rc\n\td·→"
