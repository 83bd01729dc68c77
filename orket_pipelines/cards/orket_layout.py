"""Orket's own layout of card files: `model/<department>/{rocks,epics,teams,roles,environments}/*.json`.

A rock names its epics with their departments, an epic its team and its environment, an issue the seat of that team.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from orket_pipelines.cards.files import LEGACY, Environment, EpicReference, Seat
from orket_pipelines.cards.identifiers import slug
from orket_pipelines.cards.nodes import ISSUE_KEYS, EpicNode, Nodes, RockNode, listed
from orket_pipelines.cards.problems import Place, Problem


def find_model(path: Path) -> Path | None:
    """The `model` folder that `path` is, holds, or lies in as a rock's file; None where the layout is ours."""
    if path.is_file():
        folder = path.resolve().parent
        return path.parent.parent.parent if folder.name == "rocks" and path.suffix == ".json" else None
    return next((folder for folder in (path, path / "model") if any(folder.glob("*/rocks/*.json"))), None)


class OrketModel:
    """One `model` folder. What is wrong in it goes to the problems of `nodes`, and the rest is read."""

    def __init__(self, folder: Path, nodes: Nodes) -> None:
        self._folder, self._nodes = folder, nodes
        self._teams = {file.stem: self._team(file) for file in self._files("teams")}
        for file in self._files("roles"):
            self._report_legacy(nodes.document(file), Place(str(file)))
        self._environments = {file.stem for file in self._files("environments")}
        for file in self._files("environments"):
            self._check_environment(file)
        # Which rock holds an epic already: a card has one parent.
        self._named: dict[Path, Path] = {}

    def read(self, files: Iterable[Path] | None = None) -> Iterator[RockNode]:
        """The rocks of these files; by default all that there are."""
        for file in files or self._files("rocks"):
            document = self._nodes.document(file)
            if document is not None:
                yield self._rock(file, _with_plain_id(document))

    def _files(self, sort: str) -> list[Path]:
        return sorted(self._folder.glob(f"*/{sort}/*.json"))

    def _rock(self, file: Path, node: Any) -> RockNode:
        place = Place(str(file))
        fields, suites = self._nodes.rock(node, file, place)
        references = listed(node, ("epics",))[1]
        found = (
            self._referenced(reference, file, place / "epics" / number) for number, reference in enumerate(references)
        )
        return RockNode(place, fields, tuple(epic for epic in found if epic is not None), suites)

    def _referenced(self, node: Any, rock: Path, place: Place) -> EpicNode | None:
        reference = self._nodes.fields(EpicReference, node, place)
        path = self._epic_file(reference, place) if reference is not None else None
        if path is None:
            return None
        if (other := self._named.setdefault(path, rock)) != rock:
            self._report(place.problem(f"{path.stem} is part of {other} already", "Name an epic in one rock."))
            return None
        return self._epic(path, reference.department)

    def _epic_file(self, reference: EpicReference, place: Place) -> Path | None:
        parts = (reference.department, reference.epic)
        if any(part in {".", ".."} or "/" in part or "\\" in part for part in parts):
            self._report(place.problem("an epic and its department are names, not paths"))
            return None
        path = self._folder / reference.department / "epics" / f"{reference.epic}.json"
        if not path.is_file():
            self._report(place.problem(f"there is no epic {reference.epic!r}", f"Write it to {path}."))
            return None
        return path

    def _epic(self, file: Path, department: str) -> EpicNode | None:
        node = self._nodes.document(file)
        if node is None:
            return None
        node = _with_plain_id(node)
        key, issues = listed(node, ISSUE_KEYS)
        if isinstance(node, dict):
            node = {"department": department, **node}
            node |= {key: [_with_plain_id(issue) for issue in issues]} if issues else {}
        epic = self._nodes.epic(node, Place(str(file)))
        if epic.fields is None:
            return epic
        self._demand("team", epic.fields.team, self._teams, epic.place, department)
        self._demand("environment", epic.fields.environment, self._environments, epic.place, department)
        return replace(epic, seats=self._teams.get(epic.fields.team or "", {}))

    def _demand(self, what: str, name: str | None, known: Collection[str], place: Place, department: str) -> None:
        """Report what an epic names and nobody wrote; the epic is read all the same."""
        if name is not None and name not in known:
            path = self._folder / department / f"{what}s" / f"{slug(name)}.json"
            self._report((place / what).problem(f"there is no {what} {name!r}", f"Write it to {path}."))

    def _team(self, file: Path) -> dict[str, Seat]:
        document = self._nodes.document(file)
        return {} if document is None else self._nodes.team(document, Place(str(file)))

    def _check_environment(self, file: Path) -> None:
        document = self._nodes.document(file)
        if document is not None:
            self._nodes.fields(Environment, document, Place(str(file)))

    def _report_legacy(self, document: Any, place: Place) -> None:
        for key in LEGACY.keys() & (document if isinstance(document, dict) else {}):
            self._report((place / key).problem("is a legacy field", LEGACY[key]))

    def _report(self, problem: Problem) -> None:
        self._nodes.problems.append(problem)


def _with_plain_id(node: Any) -> Any:
    """Orket's ids are free text (`CWR-01`); ours are safe as the name of a folder and a branch."""
    if isinstance(node, dict) and isinstance(node.get("id"), str):
        return node | {"id": slug(node["id"])}
    return node
