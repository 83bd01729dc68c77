"""What `--help` promises of every command."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from orket_pipelines.cli.application import build
from tests.cli.conftest import Orket


def _commands(group: Any, *words: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, *words, name)
        else:
            yield (*words, name)


COMMANDS = sorted(_commands(get_command(build())))


def test_the_commands_are_these() -> None:
    assert [" ".join(words) for words in COMMANDS] == [
        "agents prompt",
        "approvals grant",
        "approvals list",
        "approvals refuse",
        "approvals show",
        "bench",
        "budgets show",
        "bugs fix",
        "bugs list",
        "bugs phase abort",
        "bugs phase check",
        "bugs phase extend",
        "bugs phase list",
        "bugs phase show",
        "bugs report",
        "bugs show",
        "cards export",
        "cards import",
        "cards list",
        "cards move",
        "cards plan",
        "cards rules",
        "cards show",
        "demo",
        "detect",
        "dev",
        "doctor",
        "images build",
        "images check",
        "issues deliver",
        "issues review",
        "models check",
        "models list",
        "policy list",
        "policy show",
        "rocks deliver",
        "rocks list",
        "rocks open",
        "roles check",
        "roles list",
        "roles show",
        "sandboxes compose",
        "sandboxes diagnose",
        "sandboxes down",
        "sandboxes list",
        "sandboxes logs",
        "sandboxes presets",
        "sandboxes show",
        "sandboxes stop",
        "sandboxes up",
        "sessions follow",
        "sessions list",
        "sessions resume",
        "sessions show",
        "sessions switch-model",
        "sql",
        "status",
        "tests list",
        "tests open",
        "tests show",
    ]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_answers_in_json_and_documents_its_exit_codes(orket: Orket, words: tuple[str, ...]) -> None:
    told = orket(*words, "--help").stdout
    assert "--json" in told
    assert "0 done, 1 failed, 2 used wrongly" in told


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_is_an_environment_variable_that_help_shows(orket: Orket, words: tuple[str, ...]) -> None:
    command: Any = get_command(build())
    for word in words:
        command = command.commands[word]
    options = [each for each in command.params if each.param_type_name == "option" and each.name != "help"]
    told = orket(*words, "--help").stdout
    assert len(options) >= 3
    for option in options:
        assert option.envvar is not None
        assert option.envvar.startswith("ORKET_")
        assert option.envvar in told


def test_a_command_that_does_not_exist_is_used_wrongly(orket: Orket) -> None:
    assert orket("cards", "sing").exit_code == 2
    assert orket("cards", "list", "--sideways").exit_code == 2


def test_the_version_is_that_of_the_package(orket: Orket) -> None:
    assert orket("--version").stdout == "orket 0.1.0\n"
