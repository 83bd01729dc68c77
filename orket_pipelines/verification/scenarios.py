"""The scenarios of a card: rows of input and expected output, tried through a fixture, as FIT has it; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orket_pipelines.cards.documents import parse_document
from orket_pipelines.cards.http_checks import Fixture
from orket_pipelines.cards.model import Card
from orket_pipelines.cards.problems import UnreadableFile
from orket_pipelines.verification.model import Suite, SuiteKind

NAME = "scenarios"
REQUEST_KEYS = frozenset({"method", "path", "json", "body", "headers"})
NAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row: `values` fill the fixture's request, `expected` must be part of its output."""

    name: str
    fixture: Fixture
    values: Mapping[str, Any]
    expected: Any


def scenario_suite(card: Card, fixtures: Mapping[str, Suite]) -> Suite | None:
    """The scenarios of a card as a suite; None where it has none. `fixtures` are those of its rock, by name and file.

    What a fixture is missing for is said when the suite is run, and fails it.
    """
    verification = card.details.get("verification") or {}
    rows = [_row(row) for row in verification.get("scenarios") or ()]
    path = verification.get("fixture_path")
    if not rows and not path:
        return None
    fixture = fixtures.get(path) if path else None
    source = {"path": path, "fixture": fixture.source if fixture else None, "rows": rows}
    return Suite(NAME, SuiteKind.SCENARIOS, json.dumps(source), fixture.file_name if fixture else "")


def read_scenarios(source: str) -> list[Scenario]:
    """The scenarios of `scenario_suite`. Raises: UnreadableFile, pydantic's ValidationError."""
    told = json.loads(source)
    path, rows = told["path"], told["rows"]
    if not rows:
        raise UnreadableFile(f"the card names the fixture {path} and has no scenario that it would try")
    if path and told["fixture"] is None:
        declare = "declare it under `suites:` of the rock with kind fixture, then import the cards again"
        raise UnreadableFile(f"the rock has no fixture {path}: {declare}")
    fixture = Fixture.model_validate(parse_document(told["fixture"], as_json=path.endswith(".json"))) if path else None
    return [_scenario(number, row, fixture) for number, row in enumerate(rows, start=1)]


def _scenario(number: int, row: Mapping[str, Any], fixture: Fixture | None) -> Scenario:
    values, name = row["input"], f"{row['id'] or number}. {row['description']}"[:NAME_LENGTH]
    if fixture is not None:
        return Scenario(name, fixture, values, row["expected"])
    if "path" not in values:
        fix = "name a fixture (verification.fixture_path), or give method, path and json as its input_data"
        raise UnreadableFile(f"scenario {name!r} does not say how it is tried: {fix}")
    request = {key: value for key, value in values.items() if key in REQUEST_KEYS}
    own = Fixture.model_validate({"request": request, "service": values.get("service")})
    return Scenario(name, own, {}, row["expected"])


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row.get("id"),
        "description": row.get("description") or "",
        "input": row.get("input_data") or {},
        "expected": row.get("expected_output"),
    }
