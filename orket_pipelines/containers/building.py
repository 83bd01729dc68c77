"""The images that containers are made from: built from Dockerfiles of ours, and tried for what they must hold."""

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orket_pipelines.containers.connection import Connection
from orket_pipelines.containers.contexts import find_endpoint
from orket_pipelines.containers.model import ContainerSpec, Labels
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import ContainerError

BUILD_SILENCE = 900.0
"""Seconds that a step of a build may say nothing: packages are unpacked in silence."""
PYTHON, NODE = (3, 11), (20,)
"""The oldest versions that will do."""
QUESTIONS = {
    "user": "id -u",
    "python": "python3 -c 'import sys, venv, ensurepip; print(*sys.version_info[:3], sep=\".\")'",
    "node": "node --version",
    "npm": "npm --version",
    "git": "git --version",
}
BROWSER_QUESTION = {"chromium": "chromium --version"}
NEEDED = {
    "user": "a container that runs as a user who is not root",
    "python": "python3 3.11 or newer with venv",
    "node": "node 20 or newer",
    "npm": "npm",
    "git": "git",
    "chromium": "chromium",
}
"""In words, by question."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A Dockerfile in `folder` that is built as `name`. `arguments` are its build arguments."""

    name: str
    folder: Path
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an image said to one question; `usable` as far as that goes."""

    question: str
    said: str
    usable: bool


def build_image(recipe: Recipe, *, progress: Callable[[str], None]) -> None:
    """Build with the builder that every engine has; each line of it goes to `progress`.

    The steps run as root and reach the network: a Dockerfile has to be ours. Raises: ContainerError with the step that
    failed; EngineUnavailable.
    """
    attempt = f"build image {recipe.name}"
    step = ""
    with Connection(find_endpoint(), BUILD_SILENCE).asking(attempt) as client:
        lines = client.build(
            path=str(recipe.folder),
            tag=recipe.name,
            buildargs=dict(recipe.arguments),
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in lines:
            if "error" in line:
                raise ContainerError(f"{attempt}: {step}: {line['error']}", next_step=_advice(str(line["error"])))
            for text in filter(None, _texts(line)):
                step = text if text.startswith("Step ") else step
                progress(text)


def examine_image(engine: Engine, name: str, *, labels: Labels, user: tuple[int, int], browser: bool) -> list[Answer]:
    """Ask an image what it holds, in a container as hardened as every other.

    Raises: ContainerError where no container of it starts; EngineUnavailable.
    """
    questions = QUESTIONS | (BROWSER_QUESTION if browser else {})
    script = "\n".join(f"echo {each}: $({ask} 2>&1 | tail -n 1)" for each, ask in questions.items())
    spec = ContainerSpec(
        name=f"orket-check-{secrets.token_hex(6)}",
        image=name,
        command=("sh", "-c", script),
        labels=replace(labels, subject="images"),
        user=user,
        environment={"HOME": "/tmp"},  # noqa: S108 - a tmpfs of the container's own
    )
    try:
        container = engine.start(spec)
        engine.wait(container.id, should_stop=lambda: False)
        return read_answers(engine.logs(container.id), questions)
    finally:
        engine.remove(spec.name)


def read_answers(said: str, questions: Mapping[str, str]) -> list[Answer]:
    """What an image said, judged question by question."""
    lines = dict(line.split(": ", 1) for line in said.splitlines() if ": " in line)
    return [Answer(each, lines.get(each, "").strip(), _is_usable(each, lines.get(each, ""))) for each in questions]


def _is_usable(question: str, said: str) -> bool:
    found = re.search(r"(?:^v?|^git version |^Chromium )(\d+(?:\.\d+)*)", said)
    if found is None:
        return False
    version = tuple(map(int, found[1].split(".")))
    if question == "user":
        return version != (0,)
    return version >= {"python": PYTHON, "node": NODE}.get(question, (0,))


def _texts(line: Mapping[str, str]) -> Iterator[str]:
    """A build says `stream`; a pull in it says `status`, for each layer again and again with how far it is."""
    yield line.get("stream", "").rstrip()
    if "progress" not in line:
        yield " ".join(filter(None, (line.get("id", ""), line.get("status", ""))))


def _advice(error: str) -> str:
    if re.search(
        r"pull access denied|not found|manifest unknown|connection refused|no such host|timeout|lookup", error
    ):
        return "Name bases that this engine has or can pull: orket images build --base IMAGE --node IMAGE"
    return "Look at the step that failed above; the Dockerfiles are in images/."
