"""The scenarios of a card, tried from outside through the fixture of its rock."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardKind
from orket_pipelines.verification import CaseOutcome, SuiteKind, SuiteReport, suites_of
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.running import run_suite
from tests.verification.conftest import Answer, Service, answer

FIXTURE = """
request: {method: POST, path: "/api/price/{code}", json: {quantity: "{quantity}"}}
output: $.total
status: 201
"""


def price(body: bytes) -> Answer:
    """Three for two, at 10."""
    quantity = json.loads(body)["quantity"]
    return answer({"total": 10 * (quantity - quantity // 3)}, 201)


def row(quantity: object, expected: object, **more: Any) -> dict[str, Any]:
    return {"description": f"{quantity} of them", "input_data": {"code": "tea", "quantity": quantity}, **more} | {
        "expected_output": expected
    }


def tried(
    service: Service, *rows: dict[str, Any], path: str | None = "price.yaml", source: str = FIXTURE
) -> SuiteReport:
    service.answers = {"POST /api/price/tea": price, "GET /api/stock": answer({"tea": 3, "cups": 1})}
    suite = {"name": "price", "kind": "fixture", "file": "price.yaml", "source": source, "digest": "d"}
    rock = Card("rock", CardKind.ROCK, "Rock", details={"suites": [suite]})
    about = {"verification": {"fixture_path": path, "scenarios": list(rows)}}
    card = Card("a", CardKind.ISSUE, "A", rock_id="rock", details=about)
    [*_, scenarios] = suites_of(card, rock, serves=True)
    assert (scenarios.name, scenarios.kind) == ("scenarios", SuiteKind.SCENARIOS)
    browsers, nowhere = MemoryBrowsers(), Path("nowhere")
    return run_suite(scenarios, service.target, browsers=browsers, folder=nowhere, deadline=5, stop=threading.Event())


def test_each_row_is_a_case_and_its_output_is_compared(service: Service) -> None:
    report = tried(service, row(1, 10), row(3, 20), row(6, 50, id="six"))
    assert [(case.name, case.outcome) for case in report.cases] == [
        ("1. 1 of them", CaseOutcome.PASSED),
        ("2. 3 of them", CaseOutcome.PASSED),
        ("six. 6 of them", CaseOutcome.FAILED),
    ]
    assert report.cases[2].message.startswith("$.total: expected 50, got 40")
    assert not report.passed


def test_all_rows_that_hold_are_a_pass(service: Service) -> None:
    assert tried(service, row(1, 10), row(3, 20)).passed


def test_a_row_may_be_its_own_request(service: Service) -> None:
    stock = {"description": "tea is there", "input_data": {"path": "/api/stock"}, "expected_output": {"tea": 3}}
    assert tried(service, stock, path=None).passed
    refused = stock | {"input_data": {"path": "/api/none"}}
    assert "expected an answer, got status 404" in tried(service, refused, path=None).cases[0].message


@pytest.mark.parametrize(
    ("rows", "path", "source", "told"),
    [
        ([row(1, 10)], "gone.yaml", FIXTURE, "the rock has no fixture gone.yaml: declare it under `suites:`"),
        ([row(1, 10)], "price.yaml", "request: [", "the scenarios cannot be tried"),
        ([row(1, 10)], "price.yaml", "output: x", "the scenarios cannot be tried"),
        ([], "price.yaml", FIXTURE, "has no scenario that it would try"),
        ([row(1, 10)], None, FIXTURE, "does not say how it is tried: name a fixture"),
        ([{"description": "?", "input_data": {"code": "tea"}}], "price.yaml", FIXTURE, "the fixture needs {quantity}"),
    ],
)
def test_scenarios_that_cannot_be_tried_fail_and_say_why(
    service: Service, rows: list[dict[str, Any]], path: str | None, source: str, told: str
) -> None:
    report = tried(service, *rows, path=path, source=source)
    assert not report.passed
    assert told in report.cases[0].message


def test_a_card_without_scenarios_has_no_such_suite() -> None:
    card = Card("a", CardKind.ISSUE, "A", details={"verification": {"fixture_path": None, "scenarios": []}})
    assert [suite.name for suite in suites_of(card, None, serves=True)] == ["project", "healthy"]
