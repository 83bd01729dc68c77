"""`orket images`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Orket = Callable[..., Result]


@pytest.mark.parametrize("verb", ["build", "check"])
def test_without_an_engine_the_next_step_is_to_start_one(
    orket: Orket, verb: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    done = orket("images", verb)
    assert done.exit_code == 1
    assert "no container engine answers" in done.stderr
    assert "next: Start Docker" in done.stderr


@pytest.mark.docker
def test_an_image_that_a_person_named_is_not_built(
    asked: Callable[..., Any], workbench_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_WORKBENCH_IMAGE", workbench_image)
    monkeypatch.setenv("ORKET_E2E_IMAGE", "nobody/has-this:1")
    assert asked("images", "build") == [
        {"image": workbench_image, "built": False},
        {"image": "nobody/has-this:1", "built": False},
    ]


@pytest.mark.docker
def test_images_are_checked_one_by_one(orket: Orket, workbench_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_WORKBENCH_IMAGE", workbench_image)
    monkeypatch.setenv("ORKET_E2E_IMAGE", "nobody/has-this:1")
    done = orket("images", "check")
    assert done.exit_code == 1
    assert "ok    workbench git" in done.stdout
    assert "fail  e2e                  nobody/has-this:1 is not there" in done.stdout
    assert "next: docker pull nobody/has-this:1" in done.stdout
