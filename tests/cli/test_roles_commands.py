"""`orket roles`: who there is, what each is told, and whether a file would do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.roles import load_roles

from .conftest import Orket

SOUND = """
intent: Draws.
tools: [read_file, request_state]
states: [ready_for_testing]
prompt: Draw it.
"""


def test_roles_are_listed_and_shown_as_a_model_gets_them(
    asked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_ORGANIZATION", "A bakery.")
    assert {role["name"] for role in asked("roles", "list")} == set(load_roles())
    shown = asked("roles", "show", "qa", "--model", "qwen3")
    assert shown["dialect"] == "qwen"
    assert "A bakery." in shown["system"]


def test_an_unknown_role_is_told_which_there_are(orket: Orket) -> None:
    done = orket("roles", "show", "tester")
    assert done.exit_code == 1
    assert "there is no seat 'tester'" in done.output


def test_every_broken_role_file_is_named_and_the_sound_ones_are_not(
    orket: Orket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "roles"
    folder.mkdir()
    monkeypatch.setenv("ORKET_ROLES", str(folder))
    (folder / "a.yaml").write_text(SOUND)
    (folder / "b.yaml").write_text(SOUND.replace("read_file", "reed_file"))
    (folder / "c.yaml").write_text("- no\n")
    done = orket("roles", "check")
    assert done.exit_code == 1
    assert f"{folder / 'b.yaml'}: tools: there is no tool 'reed_file'; is read_file meant?" in done.output
    assert f"{folder / 'c.yaml'}: the file: Input should be" in done.output
    assert f"2 of {len(load_roles()) + 3} roles cannot be called as they are" in done.output
    assert str(folder / "a.yaml") not in done.output
    assert orket("roles", "check", folder / "a.yaml").exit_code == 0
