"""Card files as trees of fields: our own layout (one rock a file) and Orket's (`orket_layout.py`)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orket_pipelines.cards.documents import SUFFIXES, read_document
from orket_pipelines.cards.files import RockFields, Seat
from orket_pipelines.cards.nodes import EpicNode, Nodes, RockNode, listed
from orket_pipelines.cards.orket_layout import OrketModel, find_model
from orket_pipelines.cards.problems import Place, Problem, UnreadableFile

Teams = Mapping[str, dict[str, Seat]]
"""The seats of teams, by name of the team and slug of the seat."""


@dataclass
class Trees:
    """Everything that was found under some paths."""

    rocks: list[RockNode] = field(default_factory=list)
    nodes: Nodes = field(default_factory=Nodes)

    def read(self, path: Path) -> None:
        """Add a card file, a folder of card files, or Orket's `model` folder."""
        model = find_model(path)
        if model is not None:
            self.rocks.extend(OrketModel(model, self.nodes).read([path] if path.is_file() else None))
            return
        files = sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES) if path.is_dir() else [path]
        if not files:
            problem = Problem(str(path), "", "there is no card file in this folder", "Name a folder of YAML or JSON.")
            self.nodes.problems.append(problem)
        wrong = [(file, problem) for file in files for problem in self._read_ours(file)]
        # What a rock declares as the file of a suite lies among card files, and is none.
        self.nodes.problems.extend(
            problem for file, problem in wrong if os.path.realpath(file) not in self.nodes.suite_files
        )

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
        fields, suites = self.nodes.rock(node, file, place)
        nodes = listed(node, ("epics",))[1]
        teams = self._teams(fields, place / "teams")
        epics = tuple(self._epic(epic, place / "epics" / number, teams) for number, epic in enumerate(nodes))
        self.rocks.append(RockNode(place, fields, epics, suites))

    def _teams(self, rock: RockFields | None, place: Place) -> Teams:
        return {name: self.nodes.team(team, place / name) for name, team in (rock.teams if rock else {}).items()}

    def _epic(self, node: Any, place: Place, teams: Teams) -> EpicNode:
        """An epic with the seats of its team. Who declares no teams may name one all the same: it is a word then."""
        epic = self.nodes.epic(node, place)
        team = epic.fields.team if epic.fields is not None else None
        if team is None or not teams:
            return epic
        if team not in teams:
            problem = (place / "team").problem(f"there is no team {team!r}", f"Teams: {', '.join(sorted(teams))}.")
            self.nodes.problems.append(problem)
        return replace(epic, seats=teams.get(team, {}))
