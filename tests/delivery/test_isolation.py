"""Containers where an engine answers; bare processes only where that is allowed."""

from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.delivery.isolation import Found, in_containers
from orket_pipelines.errors import EngineUnavailable, SettingsError
from orket_pipelines.settings import Settings

NOTHING = Found(answers=False)
READY = Found(answers=True)
UNBUILT = Found(answers=True, lacking=("orket-workbench:0.1.0",))


def settings(**values: Any) -> Settings:
    return Settings(home=Path("home"), **({"isolation": "auto"} | values))


@pytest.mark.parametrize("model", ["scripted", "qwen"])
def test_an_engine_with_its_images_is_used(model: str) -> None:
    assert in_containers(settings(model=model), READY)


@pytest.mark.parametrize("found", [NOTHING, UNBUILT])
def test_the_scripted_model_does_without_an_engine(found: Found) -> None:
    assert not in_containers(settings(), found)


@pytest.mark.parametrize("found", [NOTHING, UNBUILT])
def test_a_real_model_on_bare_processes_takes_an_explicit_yes(found: Found) -> None:
    with pytest.raises(SettingsError) as caught:
        in_containers(settings(model="qwen"), found)
    assert caught.value.next_step.startswith(("Build it: orket images build", "Start Docker; or set ORKET_ISOLATION"))
    assert not in_containers(settings(model="qwen", isolation="process"), found)


def test_processes_are_used_where_they_are_asked_for() -> None:
    assert not in_containers(settings(isolation="process"), READY)


def test_containers_that_are_asked_for_are_not_replaced_by_processes() -> None:
    with pytest.raises(EngineUnavailable) as missing:
        in_containers(settings(isolation="container"), NOTHING)
    assert missing.value.next_step == "Start Docker, then look: orket doctor"
    with pytest.raises(SettingsError, match=r"has no image orket-workbench:0\.1\.0") as unbuilt:
        in_containers(settings(isolation="container"), UNBUILT)
    assert unbuilt.value.next_step == "Build it: orket images build"
