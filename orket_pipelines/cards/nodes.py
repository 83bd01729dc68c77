"""The nodes of card files, in whatever layout they lie: rocks, epics and issues with their fields, or what is wrong."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orket_pipelines.cards.documents import read_document
from orket_pipelines.cards.files import EpicFields, IssueFields, RockFields, Seat, Team, read_fields
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
    """An epic of a file. `seats` are those of its team, by slug."""

    place: Place
    fields: EpicFields | None
    issues: tuple[IssueNode, ...]
    seats: dict[str, Seat] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RockNode:
    """A rock of a file; `fields` is None where they, or the files of its suites, are wrong."""

    place: Place
    fields: RockFields | None
    epics: tuple[EpicNode, ...]
    suites: tuple[SuiteFile, ...] = ()


@dataclass
class Nodes:
    """Reads one node after another, and keeps what was wrong.

    `suite_files` are the files that rocks declare as suites: they lie among card files, and are none.
    """

    problems: list[Problem] = field(default_factory=list)
    suite_files: set[str] = field(default_factory=set)

    def rock(self, node: Any, file: Path, place: Place) -> tuple[RockFields | None, tuple[SuiteFile, ...]]:
        """A rock's own fields and suites. Without one of its suites it is not taken in: it would be verified by less
        than it asks for."""
        for suite in listed(node, ("suites",))[1]:
            if isinstance(suite, dict) and isinstance(suite.get("file"), str):
                self.suite_files.add(os.path.realpath(file.parent / suite["file"]))
        fields = self.fields(RockFields, node, place)
        suites, problems = read_suites(fields, file, place) if fields is not None else ((), [])
        self.problems.extend(problems)
        return (None, ()) if problems else (fields, suites)

    def epic(self, node: Any, place: Place) -> EpicNode:
        fields = self.fields(EpicFields, node, place)
        key, nodes = listed(node, ISSUE_KEYS)
        issues = tuple(self.issue(issue, place / key / number) for number, issue in enumerate(nodes))
        return EpicNode(place, fields, issues)

    def issue(self, node: Any, place: Place) -> IssueNode:
        fields = self.fields(IssueFields, node, place)
        said = [node.get(key) for key in ("id", "name", "summary")] if isinstance(node, dict) else []
        return IssueNode(place, fields, tuple(name for name in said if isinstance(name, str)))

    def team(self, node: Any, place: Place) -> dict[str, Seat]:
        """The seats of a team, by slug."""
        team = self.fields(Team, node, place)
        found: dict[str, Seat] = {}
        for name, given in team.seats.items() if team else ():
            seat = self.fields(Seat, given, place / "seats" / name)
            if seat is not None:
                found[slug(name)] = seat
        return found

    def document(self, file: Path) -> Any:
        """None where the file cannot be used, which is then reported."""
        try:
            document = read_document(file)
        except UnreadableFile as error:
            self.problems.append(Problem(str(file), "", str(error), error.next_step))
            return None
        if document is None:
            self.problems.append(Problem(str(file), "", "is empty"))
        return document

    def fields(self, kind: Any, node: Any, place: Place) -> Any:
        fields, problems = read_fields(kind, node, place)
        self.problems.extend(problems)
        return fields


def listed(node: Any, keys: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The first of `keys` that `node` has, and the list there; an empty one where it is not a list."""
    if not isinstance(node, dict):
        return keys[0], []
    key = next((key for key in keys if key in node), keys[0])
    found = node.get(key)
    return key, found if isinstance(found, list) else []
