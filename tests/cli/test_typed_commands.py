"""Commands are shown as they must be typed where the reader stands."""

import sys
from pathlib import Path

import pytest

from orket_pipelines.cli.terminal import typed


@pytest.fixture
def orket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "orket"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    monkeypatch.chdir(tmp_path)
    return program


def test_off_the_path_a_command_shows_where_it_lies(orket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed("See them: orket cards list") == "See them: bin/orket cards list"
    assert orket.exists()


def test_on_the_path_its_name_is_enough(orket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(orket.parent))
    assert typed("See them: orket cards list") == "See them: orket cards list"


def test_a_path_or_another_word_stays(orket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for text in (f"{orket} cards", "the orket", "Orket cards", "orket-pipelines is installed"):
        assert typed(text) == text
