"""Card files as trees of fields: our own layout (one rock a file) and Orket's (a folder of files per department)."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orket_pipelines.cards.documents import SUFFIXES, read_document
from orket_pipelines.cards.files import (
    LEGACY,
    EpicFields,
    EpicReference,
    IssueFields,
    RockFields,
    Seat,
    Team,
    read_fields,
)
from orket_pipelines.cards.identifiers import slug
from orket_pipelines.cards.problems import Place, Problem, UnreadableFile
from orket_pipelines.cards.suites import SuiteFile, read_suites

ISSUE_KEYS = ("issues", "stories", "cards")


@dataclass(frozen=True, slots=True)
class IssueNode:
    """An issue of a file; `fields` is None where they are wrong, and then `names` says what others may call it."""

    place: Place
    fields: IssueFields | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EpicNode:
    """An epic of a file. `seats` maps the seats of its team, by slug, to the roles that sit there."""

    place: Place
    fields: EpicFields | None
    issues: tuple[IssueNode, ...]
    seats: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RockNode:
    """A rock of a file; `fields` is None where they, or the files of its suites, are wrong."""

    place: Place
    fields: RockFields | None
    epics: tuple[EpicNode, ...]
    suites: tuple[SuiteFile, ...] = ()


@dataclass
class Trees:
    """Everything that was found under some paths, and what was wrong with it."""

    rocks: list[RockNode] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _suite_files: set[str] = field(default_factory=set)

    def read(self, path: Path) -> None:
        """Add a card file, a folder of card files, or Orket's `model` folder."""
        model = _orket_model(path)
        if model is not None:
            self._read_orket(model, [path] if path.is_file() else sorted(model.glob("*/rocks/*.json")))
            return
        files = sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES) if path.is_dir() else [path]
        if not files:
            problem = Problem(str(path), "", "there is no card file in this folder", "Name a folder of YAML or JSON.")
            self.problems.append(problem)
        wrong = [(file, problem) for file in files for problem in self._read_ours(file)]
        # What a rock declares as the file of a suite lies among card files, and is none.
        self.problems.extend(problem for file, problem in wrong if os.path.realpath(file) not in self._suite_files)

    def _read_ours(self, file: Path) -> list[Problem]:
        """Add a rock's file; why that cannot be done, where the whole file is none."""
        place = Place(str(file))
        try:
            document = read_document(file)
        except UnreadableFile as error:
            return [place.problem(str(error), error.next_step)]
        if document is None:
            return [place.problem("is empty")]
        if not isinstance(document, dict) or set(document) != {"rock"}:
            fix = "Begin the file with `rock:`, and put everything below it."
            return [place.problem("must hold exactly one field, rock", fix)]
        self._add_rock(document["rock"], file, place / "rock")
        return []

    def _add_rock(self, node: Any, file: Path, place: Place) -> None:
        fields, suites = self._rock(node, file, place)
        nodes = _listed(node, ("epics",))[1]
        epics = tuple(self._epic(epic, place / "epics" / number) for number, epic in enumerate(nodes))
        self.rocks.append(RockNode(place, fields, epics, suites))

    def _rock(self, node: Any, file: Path, place: Place) -> tuple[RockFields | None, tuple[SuiteFile, ...]]:
        """A rock's own fields and suites. Without one of its suites it is not taken in: it would be verified by less
        than it asks for."""
        for suite in _listed(node, ("suites",))[1]:
            if isinstance(suite, dict) and isinstance(suite.get("file"), str):
                self._suite_files.add(os.path.realpath(file.parent / suite["file"]))
        fields = self._fields(RockFields, node, place)
        suites, problems = read_suites(fields, file, place) if fields is not None else ((), [])
        self.problems.extend(problems)
        return (None, ()) if problems else (fields, suites)

    def _epic(self, node: Any, place: Place) -> EpicNode:
        fields = self._fields(EpicFields, node, place)
        key, nodes = _listed(node, ISSUE_KEYS)
        issues = tuple(self._issue(issue, place / key / number) for number, issue in enumerate(nodes))
        return EpicNode(place, fields, issues)

    def _issue(self, node: Any, place: Place) -> IssueNode:
        fields = self._fields(IssueFields, node, place)
        said = [node.get(key) for key in ("id", "name", "summary")] if isinstance(node, dict) else []
        return IssueNode(place, fields, tuple(name for name in said if isinstance(name, str)))

    def _read_orket(self, model: Path, rocks: Iterable[Path]) -> None:
        teams = {file.stem: self._team(file) for file in sorted(model.glob("*/teams/*.json"))}
        for file in sorted(model.glob("*/roles/*.json")):
            self._report_legacy(self._document(file), Place(str(file)))
        named: dict[Path, str] = {}
        for file in rocks:
            document = self._document(file)
            if document is not None:
                self._add_orket_rock(model, file, _with_plain_id(document), teams, named)

    def _add_orket_rock(
        self, model: Path, file: Path, node: Any, teams: dict[str, dict[str, tuple[str, ...]]], named: dict[Path, str]
    ) -> None:
        """`named` remembers which rock holds an epic already: a card has one parent."""
        place = Place(str(file))
        fields, suites = self._rock(node, file, place)
        epics: list[EpicNode] = []
        for number, reference in enumerate(_listed(node, ("epics",))[1]):
            at = place / "epics" / number
            found = self._fields(EpicReference, reference, at)
            path = self._epic_file(model, found, at) if found is not None else None
            if path is None:
                continue
            if (other := named.setdefault(path, str(file))) != str(file):
                self.problems.append(at.problem(f"{path.stem} is part of {other} already", "Name an epic in one rock."))
                continue
            epics.extend(self._orket_epic(path, teams))
        self.rocks.append(RockNode(place, fields, tuple(epics), suites))

    def _epic_file(self, model: Path, reference: EpicReference, place: Place) -> Path | None:
        parts = (reference.department, reference.epic)
        if any(part in {".", ".."} or "/" in part or "\\" in part for part in parts):
            self.problems.append(place.problem("an epic and its department are names, not paths"))
            return None
        path = model / reference.department / "epics" / f"{reference.epic}.json"
        if not path.is_file():
            self.problems.append(place.problem(f"there is no epic {reference.epic!r}", f"Write it to {path}."))
            return None
        return path

    def _orket_epic(self, file: Path, teams: dict[str, dict[str, tuple[str, ...]]]) -> list[EpicNode]:
        node = self._document(file)
        if node is None:
            return []
        node = _with_plain_id(node)
        key, issues = _listed(node, ISSUE_KEYS)
        if isinstance(node, dict) and issues:
            node[key] = [_with_plain_id(issue) for issue in issues]
        epic = self._epic(node, Place(str(file)))
        team = epic.fields.team if epic.fields else None
        return [EpicNode(epic.place, epic.fields, epic.issues, teams.get(team or "", {}))]

    def _team(self, file: Path) -> dict[str, tuple[str, ...]]:
        document, place = self._document(file), Place(str(file))
        team = None if document is None else self._fields(Team, document, place)
        found: dict[str, tuple[str, ...]] = {}
        for name, node in team.seats.items() if team else ():
            seat = self._fields(Seat, node, place / "seats" / name)
            if seat is not None:
                found[slug(name)] = tuple(seat.roles)
        return found

    def _report_legacy(self, document: Any, place: Place) -> None:
        for key in LEGACY.keys() & (document if isinstance(document, dict) else {}):
            self.problems.append((place / key).problem("is a legacy field", LEGACY[key]))

    def _document(self, file: Path) -> Any:
        """None where the file cannot be used, which is then reported."""
        try:
            document = read_document(file)
        except UnreadableFile as error:
            self.problems.append(Problem(str(file), "", str(error), error.next_step))
            return None
        if document is None:
            self.problems.append(Problem(str(file), "", "is empty"))
        return document

    def _fields(self, kind: Any, node: Any, place: Place) -> Any:
        fields, problems = read_fields(kind, node, place)
        self.problems.extend(problems)
        return fields


def _orket_model(path: Path) -> Path | None:
    """The `model` folder that `path` is, holds, or lies in as a rock's file; None where the layout is ours."""
    if path.is_file():
        folder = path.resolve().parent
        return path.parent.parent.parent if folder.name == "rocks" and path.suffix == ".json" else None
    return next((folder for folder in (path, path / "model") if any(folder.glob("*/rocks/*.json"))), None)


def _listed(node: Any, keys: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The first of `keys` that `node` has, and the list there; an empty one where it is not a list."""
    if not isinstance(node, dict):
        return keys[0], []
    key = next((key for key in keys if key in node), keys[0])
    found = node.get(key)
    return key, found if isinstance(found, list) else []


def _with_plain_id(node: Any) -> Any:
    """Orket's ids are free text (`CWR-01`); ours are safe as the name of a folder and a branch."""
    if isinstance(node, dict) and isinstance(node.get("id"), str):
        return node | {"id": slug(node["id"])}
    return node
