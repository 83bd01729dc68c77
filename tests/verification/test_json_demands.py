"""What a check may demand of JSON: values at paths, and a schema; and what comes of documents that are made to hurt."""

import json
import threading
from typing import Any

import pytest
from pydantic import ValidationError

from orket_pipelines.cards.http_checks import HttpChecks
from orket_pipelines.verification import CaseOutcome, Suite, SuiteKind
from orket_pipelines.verification.http_suites import run_http_suite
from tests.verification.conftest import Service, answer

CART = {"items": [{"id": 1, "title": "Tea"}, {"id": 2, "title": "Cup"}], "total": 7, "open": True}


def one(service: Service, expect: dict[str, Any], document: object = CART) -> tuple[CaseOutcome, str]:
    """What becomes of one check of the cart."""
    service.answers = {"GET /cart": answer(document)}
    checks = {"checks": [{"name": "it", "request": {"path": "/cart"}, "expect": {"status": 200, **expect}}]}
    suite = Suite("api", SuiteKind.HTTP, json.dumps(checks), "api.json")
    [case] = run_http_suite(suite, service.target, deadline=5, stop=threading.Event()).cases
    return case.outcome, case.message.partition("\nThe body")[0]


@pytest.mark.parametrize(
    ("paths", "wrong"),
    [
        ({"$.total": 7, "$.items[*].id": [1, 2], "$.items[?@.id == 2].title": ["Cup"], "$['open']": True}, ""),
        ({"$.items[0]": {"title": "Tea"}}, ""),
        ({"$.gone[*]": []}, ""),
        ({"$.total": 8}, "$.total: expected 8, got 7"),
        ({"$.gone": None}, "$.gone: expected null, but it is missing"),
        ({"$.open": 1}, "$.open: expected 1, got true"),
        ({"$.items[*].id": [1]}, "$.items[*].id: expected 1 items, got 2: [1, 2]"),
    ],
)
def test_values_are_demanded_by_path(service: Service, paths: dict[str, Any], wrong: str) -> None:
    outcome = CaseOutcome.FAILED if wrong else CaseOutcome.PASSED
    assert one(service, {"json_path": paths}) == (outcome, wrong)


def test_an_answer_follows_its_schema_or_it_is_said_where_not(service: Service) -> None:
    item = {"type": "object", "required": ["id", "title"], "properties": {"id": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/$defs/item"}}}}
    schema["$defs"] = {"item": item}
    assert one(service, {"schema": schema})[0] is CaseOutcome.PASSED
    broken = {"items": [{"id": "one", "title": "Tea"}, {"id": 2}]}
    assert one(service, {"schema": schema}, broken) == (
        CaseOutcome.FAILED,
        (
            """$['items'][0]['id'] does not follow the schema: "one" is not of type "integer"\n"""
            """$['items'][1] does not follow the schema: "title" is a required property"""
        ),
    )


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"json_path": {"$.items[": 1}}, "is no JSON path"),
        ({"schema": {"type": "nonsense"}}, "is no JSON Schema"),
        ({"schema": {"$ref": "http://127.0.0.1:9/schema.json"}}, "lies outside the schema"),
        ({"schema": {"$ref": "file:///etc/passwd"}}, "lies outside the schema"),
        ({"schema": 5}, "is no JSON Schema"),
    ],
)
def test_what_cannot_be_demanded_is_refused_when_cards_are_imported(expect: dict[str, Any], told: str) -> None:
    check = {"name": "it", "request": {"path": "/"}, "expect": {"status": 200, **expect}}
    with pytest.raises(ValidationError, match=told):
        HttpChecks.model_validate({"checks": [check]})


def test_a_document_that_is_made_to_hurt_fails_and_hurts_nobody(service: Service) -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"a": deep}
    outcome, told = one(service, {"json_path": {"$..b": []}}, deep)
    assert (outcome, "recursion limit" in told) == (CaseOutcome.FAILED, True)
    text = "a" * 50_000 + "!"
    assert one(service, {"schema": {"pattern": "^(a+)+$"}}, text)[0] is CaseOutcome.FAILED


def test_a_saved_value_may_be_demanded_by_path() -> None:
    first = {"name": "one", "request": {"path": "/"}, "expect": {"status": 200}, "save": {"id": "id"}}
    second = {"name": "two", "request": {"path": "/"}, "expect": {"status": 200, "json_path": {"$.id": "{id}"}}}
    assert len(HttpChecks.model_validate({"checks": [first, second]}).checks) == 2
    with pytest.raises(ValidationError, match="which no check before it saves"):
        HttpChecks.model_validate({"checks": [second]})
