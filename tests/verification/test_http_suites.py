"""Suites of HTTP checks against a service that may do anything."""

import json
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from orket_pipelines.errors import Stopped
from orket_pipelines.verification import CaseOutcome, Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.verification.http_suites import run_health_suite, run_http_suite
from orket_pipelines.verification.matching import differences
from orket_pipelines.verification.suites import HEALTHY
from tests.verification.conftest import Service, answer, text

pytestmark = pytest.mark.slow

PASSED, FAILED, ERROR = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.ERROR


def run(service: Service, source: str, *, deadline: float = 5.0, target: Target | None = None) -> SuiteReport:
    suite = Suite("api", SuiteKind.HTTP, source, "api.yaml")
    return run_http_suite(suite, target or service.target, deadline=deadline, stop=threading.Event())


def one(service: Service, check: str, **options: Any) -> tuple[CaseOutcome, str]:
    """What becomes of one check, and why."""
    (case,) = run(service, f"checks: [{{name: it, {check}}}]", **options).cases
    return case.outcome, case.message


def test_checks_run_in_order_and_hand_values_on(service: Service) -> None:
    service.answers = {
        "POST /api/tasks": lambda body: answer({"id": 7, "title": json.loads(body)["title"]}, 201),
        "GET /api/tasks/7": answer({"id": 7, "title": "Buy milk", "more": [1]}),
        "PUT /api/tasks/7": answer(status=204),
    }
    report = run(
        service,
        """
checks:
  - name: create
    request: {method: POST, path: /api/tasks, json: {title: Buy milk}}
    expect: {status: 201, json: {title: Buy milk}, headers: {Content-Type: application/json}}
    save: {id: id, title: title}
  - name: read
    request: {path: "/api/tasks/{id}", headers: {X-Title: "a {title}"}}
    expect: {status: 200, json: {id: "{id}", title: "{title}"}, contains: ["{title}", more]}
  - name: change
    request: {method: PUT, path: "/api/tasks/{id}", json: {id: "{id}", note: "no {id}"}}
    expect: {status: 204}
""",
    )
    assert (report.passed, report.counts, report.exit_code) == (True, {"passed": 3}, 0)
    assert [case.name for case in report.cases] == ["create", "read", "change"]
    assert [asked for asked, _, _ in service.asked] == ["POST /api/tasks", "GET /api/tasks/7", "PUT /api/tasks/7"]
    assert service.asked[0][1]["content-type"] == "application/json"
    assert service.asked[1][1]["x-title"] == "a Buy milk"
    assert json.loads(service.asked[2][2]) == {"id": 7, "note": "no 7"}
    assert f'> POST {service.url}/api/tasks {{"title": "Buy milk"}}' in report.log
    assert "< 201 application/json, 30 bytes" in report.log


def test_a_failing_case_says_what_is_different_and_the_next_ones_still_run(service: Service) -> None:
    service.answers["GET /api"] = answer({"tasks": [{"title": "bread", "done": 1}], "total": 2})
    report = run(
        service,
        """
checks:
  - {name: one, request: {path: /api}, expect: {status: 201, json: {tasks: [{title: milk, done: true}], page: 1}}}
  - {name: two, request: {path: /api}, expect: {status: 200, contains: butter, headers: {x-a: b}}}
  - {name: three, request: {path: /api}, expect: {status: 200}}
""",
    )
    one, two, three = report.cases
    assert one.message.splitlines() == [
        "expected status 201, got 200",
        '$.tasks[0].title: expected "milk", got "bread"',
        "$.tasks[0].done: expected true, got 1",
        "$.page: expected 1, but it is missing",
        'The body: {"tasks": [{"title": "bread", "done": 1}], "total": 2}',
    ]
    assert two.message.splitlines()[:2] == [
        'header x-a: expected "b", but it is missing',
        'the body does not contain "butter"',
    ]
    assert (three.outcome, report.passed, report.counts, report.exit_code) == (
        PASSED,
        False,
        {"failed": 2, "passed": 1},
        1,
    )


def test_a_check_that_needs_what_was_not_saved_cannot_be_tried(service: Service) -> None:
    service.answers["GET /a"] = answer({"other": 1})
    report = run(
        service,
        """
checks:
  - {name: one, request: {path: /a}, expect: {status: 200}, save: {id: id}}
  - {name: two, request: {path: "/b/{id}"}, expect: {status: 200}}
""",
    )
    assert [(case.outcome, case.message.splitlines()[0]) for case in report.cases] == [
        (FAILED, "id is to be saved as id, but the answer has no such value"),
        (ERROR, "needs {id}, which no check before it could save"),
    ]


def test_a_saved_value_stays_within_its_segment_of_the_path(service: Service) -> None:
    service.answers["GET /a"] = answer({"next": "/../../x?y=http://evil.example/#z @"})
    report = run(
        service,
        """
checks:
  - {name: one, request: {path: /a}, expect: {status: 200}, save: {next: next}}
  - {name: two, request: {path: "/{next}"}, expect: {status: 404}}
""",
    )
    assert report.passed
    assert service.asked[1][0] == "GET /%2F..%2F..%2Fx%3Fy%3Dhttp%3A%2F%2Fevil.example%2F%23z%20%40"


@pytest.mark.parametrize("value", [["a"], {"a": 1}, None, "x" * 2_001])
def test_only_short_texts_and_numbers_are_saved(service: Service, value: object) -> None:
    service.answers["GET /a"] = answer({"value": value})
    outcome, message = one(service, "request: {path: /a}, expect: {status: 200}, save: {v: value}")
    assert (outcome, "neither a short text nor a number" in message) == (FAILED, True)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://192.0.2.1:80", "only http on this machine's own addresses"),
        ("http://example.com", "only http on this machine's own addresses"),
        ("https://127.0.0.1", "only http on this machine's own addresses"),
        ("http://user@127.0.0.1", "only http on this machine's own addresses"),
        ("http://127.0.0.1@example.com", "only http on this machine's own addresses"),
        ("file:///etc/passwd", "only http on this machine's own addresses"),
        ("http://[::1", "only http on this machine's own addresses"),
        ("http://127.0.0.1:1", "no answer: ConnectError"),
    ],
)
def test_nothing_but_loopback_is_asked(service: Service, url: str, told: str) -> None:
    target = Target("sandbox", "web", {"web": url})
    outcome, message = one(service, "request: {path: /}, expect: {status: 200}", target=target)
    assert (outcome, told in message) == (ERROR, True), message


def test_a_redirect_is_an_answer_and_is_not_followed(service: Service) -> None:
    service.answers["GET /"] = 302, {"location": "http://192.0.2.1/"}, b""
    check = "request: {path: /}, expect: {status: 302, headers: {location: 192.0.2.1}}"
    assert one(service, check) == (PASSED, "")
    assert len(service.asked) == 1


def test_a_check_may_ask_another_service_and_not_one_that_is_not_there(service: Service) -> None:
    service.answers["GET /"] = answer({})
    target = replace(service.target, urls={"web": "http://127.0.0.1:1", "api": service.url})
    check = "request: {path: /}, expect: {status: 200}"
    assert one(service, f"{check}, service: api", target=target) == (PASSED, "")
    assert one(service, f"{check}, service: db", target=target) == (
        ERROR,
        "there is no service 'db' (services: api, web)",
    )


def test_no_proxy_of_the_environment_is_asked(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    service.answers["GET /"] = answer({})
    assert one(service, "request: {path: /}, expect: {status: 200}") == (PASSED, "")


@pytest.mark.parametrize(
    ("head", "chunk", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, "the answer is larger than 1 MB"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", "no whole answer within"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", "no whole answer within"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n", b"x", "the answer is packed (gzip)"),
        (b"nothing of the kind\r\n\r\n", b"", "no answer: RemoteProtocolError"),
        (b"", b"", "no answer: RemoteProtocolError"),
    ],
)
def test_an_answer_is_bounded_in_time_and_size(service: Service, head: bytes, chunk: bytes, told: str) -> None:
    def drip(out: Any) -> None:
        until = time.monotonic() + 3
        try:
            out.write(head)
            while chunk and time.monotonic() < until:
                out.write(chunk)
                time.sleep(0.02 if len(chunk) < 100 else 0)
        except OSError:
            pass

    service.raw = drip
    began = time.monotonic()
    outcome, message = one(service, "request: {path: /}, expect: {status: 200}", deadline=1.0)
    assert (outcome, told in message) == (ERROR, True), message
    assert time.monotonic() - began < 2


def test_what_the_deadline_leaves_no_time_for_is_not_tried(service: Service) -> None:
    check = "request: {path: /}, expect: {status: 404}"
    report = run(service, f"checks: [{{name: a, {check}}}, {{name: b, {check}}}]", deadline=0.0)
    assert (report.passed, report.counts, report.exit_code) == (False, {"errors": 2}, None)
    assert report.cases[1].message == "not tried: the time of the suite was over"
    assert service.asked == []


def test_a_stop_ends_a_request_that_hangs(service: Service) -> None:
    stop = threading.Event()

    def hang(_out: object) -> None:
        stop.set()
        time.sleep(2)

    service.raw = hang
    suite = Suite("api", SuiteKind.HTTP, "checks: [{name: a, request: {path: /}, expect: {status: 200}}]")
    began = time.monotonic()
    with pytest.raises(Stopped):
        run_http_suite(suite, service.target, deadline=60, stop=stop)
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00\x1b[31m",
        b"[" * 100_000,
        b'"\\ud800\\u0000"',
        b"1" * 10_000,
        b"NaN",
        b"{" + b'"a":{' * 500 + b"}" * 501,
        "\N{RIGHT-TO-LEFT OVERRIDE}txt".encode(),
    ],
)
def test_a_hostile_body_fails_its_case_and_can_be_stored(service: Service, body: bytes) -> None:
    service.answers["GET /"] = 200, {"content-type": "application/json"}, body
    report = run(
        service,
        """
checks:
  - {name: a, request: {path: /}, expect: {status: 200, json: {a: {b: 1}}, contains: text}}
  - {name: b, request: {path: /}, expect: {status: 200}, save: {a: a}}
""",
    )
    assert [case.outcome for case in report.cases] == [FAILED, FAILED]
    told = report.log + "".join(case.message for case in report.cases)
    told.encode()
    assert "\0" not in told
    assert all(character.isprintable() or character == "\n" for character in told)


def test_cookies_last_from_one_check_to_the_next(service: Service) -> None:
    service.answers = {"POST /login": (204, {"set-cookie": "session=1; Path=/"}, b""), "GET /": answer({})}
    report = run(
        service,
        """
checks:
  - {name: a, request: {method: POST, path: /login, body: "name=ann"}, expect: {status: 204}}
  - {name: b, request: {path: /}, expect: {status: 200}}
""",
    )
    assert report.passed
    assert service.asked[0][2] == b"name=ann"
    assert service.asked[1][1]["cookie"] == "session=1"


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, [1], ['$: expected {"a": 1}, got [1]']),
        ([1, {"a": []}], [1, {"a": [], "b": 1}], []),
        ([1], [1, 2], ["$: expected 1 items, got 2: [1, 2]"]),
        (1, 1.0, []),
        (1, True, ["$: expected 1, got true"]),
        (None, 0, ["$: expected null, got 0"]),
        ("é", "e", ['$: expected "\\u00e9", got "e"']),
        ("a", "x" * 300, ['$: expected "a", got "' + "x" * 199 + "…"]),
    ],
)
def test_differences_are_told_by_path(expected: object, actual: object, found: list[str]) -> None:
    assert list(differences(expected, actual)) == found


def health(target: Target) -> SuiteReport:
    return run_health_suite(HEALTHY, target, deadline=5, stop=threading.Event())


def test_a_service_is_healthy_where_it_answers_below_500(service: Service) -> None:
    for status in (200, 302, 404):
        service.answers["GET /"] = text("", status)
        assert health(service.target).passed


def test_one_service_that_is_not_healthy_fails_the_suite(service: Service) -> None:
    service.answers["GET /"] = text("broken", 503)
    report = health(replace(service.target, urls={"web": service.url, "api": "http://127.0.0.1:1"}))
    web, api = report.cases
    assert (report.passed, report.counts) == (False, {"failed": 2})
    assert web.message == "answers with status 503"
    assert api.message.startswith("no answer: ConnectError")


def test_nothing_that_serves_is_not_healthy() -> None:
    report = health(Target("sandbox", "web", {}))
    assert (report.passed, report.counts) == (False, {"errors": 1})
