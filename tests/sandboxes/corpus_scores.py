"""Repositories with their truth, and how well detection tells it: the corpus of `corpus/*.yaml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orket_pipelines.sandboxes.detection import detect, report
from tests.sandboxes.repositories import build

CORPUS = Path(__file__).parent / "corpus"
FLOORS = {"language": 0.98, "framework": 0.90, "kind": 0.90, "paths": 0.85, "invented": 0.97}
"""The least share of repositories that each is right for; `invented` is right where no framework is made up."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A repository of the corpus. `truth` has language, framework, kind and paths, and may have ui and databases."""

    name: str
    truth: dict[str, Any]
    files: dict[str, str]


def corpus() -> Iterator[Truth]:
    for file in sorted(CORPUS.glob("*.yaml")):
        for each in yaml.safe_load(file.read_text()):
            yield Truth(f"{file.stem}: {each['name']}", each["truth"], each["files"])


def wrong(each: Truth, root: Path) -> dict[str, tuple[Any, Any]]:
    """What is told otherwise than it is, each with both."""
    told = report(detect(build(root, each.files)))
    told["paths"] = sorted(service["path"] for service in told["services"])
    expected = {**each.truth, "paths": sorted(each.truth["paths"])}
    found = {key: (told[key], value) for key, value in expected.items() if told[key] != value}
    if told["framework"] is not None and told["framework"] != expected["framework"]:
        found["invented"] = (told["framework"], expected["framework"])
    return found
