"""`orket models`: who may be asked, and whether it is able enough."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic_ai import models

from tests.agents.conftest import ProtocolServer

from .conftest import Orket

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    opened = ProtocolServer()
    with models.override_allow_model_requests(allow_model_requests=True):
        yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _named(server: ProtocolServer, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"base_url": server.url, "api_key": "sk-of-the-small", "input_price": 1, "output_price": 2}
    local = {"base_url": server.url, "dialect": "qwen", "fallback": ["small"], "retries": 0}
    monkeypatch.setenv("ORKET_MODELS", json.dumps({"small": small, "local": local}))
    monkeypatch.setenv("ORKET_ROLE_MODELS", '{"qa": "small"}')


def test_models_are_listed_with_what_they_are_for_and_without_their_keys(
    orket: Orket, asked: Callable[..., Any]
) -> None:
    scripted, small, local = asked("models", "list")
    assert (scripted["name"], scripted["price"], scripted["used_for"]) == ("scripted", "free", ["all other work"])
    assert (small["used_for"], small["price"], small["fallback"]) == (["qa"], "1 in, 2 out", [])
    assert (local["dialect"], local["price"], local["fallback"]) == ("qwen", "not known", ["small"])
    assert "sk-of-the-small" not in orket("models", "list").output


def test_a_model_that_makes_the_call_is_able_and_its_price_told(
    server: ProtocolServer, asked: Callable[..., Any]
) -> None:
    server.answers(report_sum={"sum": 42, "terms": [17, 25]})
    found = asked("models", "check", "small")
    assert (found["able"], found["input_tokens"], found["cost"]) == (True, 100, 0.00014)


def test_a_model_that_prints_the_call_is_able_where_its_dialect_reads_it(server: ProtocolServer, orket: Orket) -> None:
    server.answers('<tool_call>{"name": "report_sum", "arguments": {"sum": 42, "terms": [17, 25]}}</tool_call>')
    assert "local is able enough: it printed the call as text" in orket("models", "check", "local").stdout
    done = orket("models", "check", "small")
    assert done.exit_code == 1
    assert "small is not able enough: it called no tool, and said: <tool_call>" in done.output


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ({"report_sum": {"sum": 41, "terms": [17, 25]}}, "it called report_sum with"),
        ({"launch_missiles": {}}, "and called: launch_missiles"),
        ({}, "it called no tool, and said: nothing"),
    ],
)
def test_a_model_that_does_something_else_is_not_able(
    server: ProtocolServer, orket: Orket, calls: dict[str, Any], told: str
) -> None:
    server.answers(**calls)
    done = orket("models", "check", "small")
    assert done.exit_code == 1
    assert told in done.output


def test_a_model_that_does_not_answer_or_is_not_there_fails_with_the_next_step(
    server: ProtocolServer, orket: Orket
) -> None:
    server.refuses(503, "overloaded")
    assert "local gave no usable answer: HTTP 503: overloaded" in orket("models", "check", "local").output
    assert "no model 'smal'; is small meant?" in orket("models", "check", "smal").output
    assert "plays playbooks" in orket("models", "check").output


def test_the_doctor_has_each_model_make_a_call_where_it_is_asked_to(server: ProtocolServer, orket: Orket) -> None:
    server.answers(report_sum={"sum": 42, "terms": [17, 25]})
    server.answers("I cannot.")
    told = orket("doctor", "--model").stdout
    assert "ok    ability    scripted: it plays the examples, and cannot be asked anything else" in told
    assert "ok    ability    small: it called the tool as it was asked to (100 tokens in, 20 out, $0.000140, " in told
    assert "fail  ability    local: it called no tool, and said: I cannot." in told
    assert "orket models list" in told
    assert "ability" not in orket("doctor").stdout
    assert len(server.requests) == 2
