"""Images are built from our Dockerfiles, and tried for what they must hold."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from orket_pipelines.containers import ContainerPurpose, Labels, MemoryEngine, installation_id, open_engine
from orket_pipelines.containers.building import (
    BROWSER_QUESTION,
    QUESTIONS,
    Recipe,
    build_image,
    examine_image,
    read_answers,
)
from orket_pipelines.errors import ContainerError
from orket_pipelines.settings import application_folder

IMAGES = application_folder() / "images"
USER = (10001, 10001)


def _labels(home: Path) -> Labels:
    return Labels(installation_id(home), "default", "images", ContainerPurpose.WORKBENCH)


def test_what_an_image_says_is_judged_question_by_question() -> None:
    said = (
        "user: 10001\npython: 3.11.2\nnode: v20.1.0\nnpm: 10.2.3\ngit: git version 2.39.5\nchromium: Chromium 150.0 x\n"
    )
    assert all(answer.usable for answer in read_answers(said, QUESTIONS | BROWSER_QUESTION))


@pytest.mark.parametrize(
    "said",
    [
        "user: 0",
        "python: 3.10.9",
        "python: ModuleNotFoundError: No module named 'ensurepip'",
        "node: v18.19.0",
        "npm: sh: 4: npm: not found",
        "git: ",
        "chromium: sh: 1: chromium: not found",
        "",
    ],
)
def test_what_is_missing_or_too_old_is_found(said: str) -> None:
    question = said.partition(":")[0] or "node"
    answers = {answer.question: answer for answer in read_answers(said, QUESTIONS | BROWSER_QUESTION)}
    assert not answers[question].usable


def test_an_image_is_asked_without_a_network_and_nothing_is_left(tmp_path: Path) -> None:
    engine = MemoryEngine(tmp_path, lambda spec, command: (0, "node: v20.0.0\n"))
    answers = examine_image(engine, "image:1", labels=_labels(tmp_path), user=USER, browser=False)
    assert [answer.question for answer in answers if answer.usable] == ["node"]
    assert engine.containers({}) == []
    (spec,) = [entry["spec"] for entry in engine.journal if entry["call"] == "create"]
    assert (spec["network"], spec["user"]) == (None, [10001, 10001])


@pytest.fixture
def new_name() -> Iterator[str]:
    """The name of an image that is gone afterwards."""
    name = f"orket-test-{secrets.token_hex(4)}:1"
    yield name
    client = docker.from_env()
    if client.images.list(name):
        client.images.remove(name, force=True)


@pytest.mark.docker
@pytest.mark.slow
def test_our_dockerfiles_build_on_a_base_that_is_named_and_hold_what_is_needed(
    docker_home: Path, workbench_image: str, new_name: str
) -> None:
    steps: list[str] = []
    recipe = Recipe(new_name, IMAGES / "workbench", {"BASE": workbench_image, "NODE": workbench_image})
    build_image(recipe, progress=steps.append)
    assert steps[0].startswith("Step 1/")
    answers = examine_image(open_engine(docker_home), new_name, labels=_labels(docker_home), user=USER, browser=False)
    assert [answer for answer in answers if not answer.usable] == []


@pytest.mark.docker
@pytest.mark.slow
def test_the_image_for_suites_is_one_with_a_browser(e2e_image: str, docker_home: Path, new_name: str) -> None:
    build_image(Recipe(new_name, IMAGES / "e2e", {"BASE": e2e_image}), progress=lambda _: None)
    answers = examine_image(open_engine(docker_home), new_name, labels=_labels(docker_home), user=USER, browser=True)
    assert [answer for answer in answers if not answer.usable] == []


@pytest.mark.docker
def test_a_step_that_fails_is_named(docker_home: Path, workbench_image: str, new_name: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {workbench_image}\nRUN echo a reason && exit 3\n")
    with pytest.raises(ContainerError, match=r"Step 2/2 : RUN echo a reason && exit 3: .*code: 3"):
        build_image(Recipe(new_name, tmp_path, {}), progress=lambda _: None)
