"""Suites that send requests: a rock's own checks, and whether every service answers at all."""

import json
import threading
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import httpx
from pydantic import ValidationError

from orket_pipelines.cards.documents import parse_document
from orket_pipelines.cards.http_bodies import Unusable, schema_errors, values_at
from orket_pipelines.cards.http_checks import Check, Expectation, HttpChecks, Request, names_in, placeholders
from orket_pipelines.cards.problems import UnreadableFile
from orket_pipelines.verification.asking import REQUEST_TIMEOUT, Answer, NoAnswer, ask, open_client, run_until_stopped
from orket_pipelines.verification.matching import (
    NotThere,
    Values,
    differences,
    fill,
    fill_path,
    fill_text,
    is_savable,
    pick,
    shown,
)
from orket_pipelines.verification.model import Case, CaseOutcome, Suite, SuiteReport, Target
from orket_pipelines.verification.reports import broken, report_of, shortened
from orket_pipelines.verification.scenarios import Scenario, read_scenarios

FIRST_REFUSAL, FIRST_BAD_STATUS = 400, 500
DIFFERENCES = 10
"""How many a failing case tells."""
EXCERPT = 500
"""Characters of a body that a failing case and the log repeat."""


def run_http_suite(suite: Suite, target: Target, *, deadline: float, stop: threading.Event) -> SuiteReport:
    """Send the suite's requests in order, within `deadline` seconds in all; a case each.

    A check that needs what a failed one should have saved cannot be tried. Raises: Stopped.
    """
    try:
        document = parse_document(suite.source, as_json=suite.file_name.endswith(".json"))
        checks = HttpChecks.model_validate(document).checks
    except (UnreadableFile, ValidationError) as error:
        return broken(suite.name, f"the file of suite {suite.name} cannot be used: {error}")
    return run_until_stopped(_Run(target, time.monotonic() + deadline).all(checks), stop)


def run_health_suite(suite: Suite, target: Target, *, deadline: float, stop: threading.Event) -> SuiteReport:
    """Ask every service of the target once; an answer below 500 is health. Raises: Stopped."""
    if not target.urls:
        return broken(suite.name, f"nothing of sandbox {target.sandbox_id} serves, so that nothing can be healthy")
    return run_until_stopped(_Run(target, time.monotonic() + deadline).health(), stop)


def run_scenario_suite(suite: Suite, target: Target, *, deadline: float, stop: threading.Event) -> SuiteReport:
    """Try the scenarios of a card from outside, in order; a case each. Raises: Stopped."""
    try:
        scenarios = read_scenarios(suite.source)
    except (UnreadableFile, ValidationError) as error:
        return broken(suite.name, f"the scenarios cannot be tried: {error}")
    return run_until_stopped(_Run(target, time.monotonic() + deadline).scenarios(scenarios), stop)


class _Run:
    """One suite while it runs."""

    def __init__(self, target: Target, until: float) -> None:
        self._target = target
        self._until = until
        self._saved: dict[str, Any] = {}
        self._log: list[str] = []

    async def all(self, checks: list[Check]) -> SuiteReport:
        async with open_client() as client:
            return self._report([await self._case(check.name, self._try(client, check)) for check in checks])

    async def scenarios(self, scenarios: list[Scenario]) -> SuiteReport:
        async with open_client() as client:
            cases = [await self._case(each.name, self._try_scenario(client, each)) for each in scenarios]
            return self._report(cases)

    async def health(self) -> SuiteReport:
        cases: list[Case] = []
        async with open_client() as client:
            for name, url in self._target.urls.items():
                began = time.monotonic()
                try:
                    answer = await self._send(client, url, "GET", "/")
                    bad = answer.status >= FIRST_BAD_STATUS
                    wrong = f"answers with status {answer.status}" if bad else ""
                    cases.append(self._judged(name, began, CaseOutcome.FAILED if wrong else CaseOutcome.PASSED, wrong))
                except NoAnswer as error:
                    cases.append(self._judged(name, began, CaseOutcome.FAILED, str(error)))
        return self._report(cases)

    async def _case(self, name: str, trial: Awaitable[str]) -> Case:
        began = time.monotonic()
        self._log.append(f"# {name}")
        try:
            wrong = await trial
        except NoAnswer as error:
            return self._judged(name, began, CaseOutcome.ERROR, str(error))
        return self._judged(name, began, CaseOutcome.FAILED if wrong else CaseOutcome.PASSED, wrong)

    async def _try(self, client: httpx.AsyncClient, check: Check) -> str:
        """What is wrong with the answer; empty where nothing is."""
        if unsaved := sorted(set(placeholders(check)) - self._saved.keys()):
            raise NoAnswer(f"needs {{{unsaved[0]}}}, which no check before it could save")
        answer = await self._request(client, check.request, check.service, self._saved)
        wrong = list(_wrong(check, answer, self._saved))
        wrong += self._save(check, answer) if not wrong else []
        return self._told(wrong, answer)

    async def _try_scenario(self, client: httpx.AsyncClient, scenario: Scenario) -> str:
        """The same for a scenario."""
        fixture, values = scenario.fixture, scenario.values
        request = fixture.request
        if missing := sorted(set(names_in([request.path, request.document, request.headers])) - values.keys()):
            raise NoAnswer(f"the fixture needs {{{missing[0]}}}, which its input_data lacks")
        answer = await self._request(client, request, fixture.service, values)
        return self._told(list(_wrong_output(scenario, answer)), answer)

    def _told(self, wrong: list[str], answer: Answer) -> str:
        if not wrong:
            return ""
        self._log.append(f"  {_excerpt(answer.body)}")
        more = f"\n… and {len(wrong) - DIFFERENCES} more" if len(wrong) > DIFFERENCES else ""
        return "\n".join(wrong[:DIFFERENCES]) + more + f"\nThe body: {_excerpt(answer.body)}"

    async def _request(
        self, client: httpx.AsyncClient, request: Request, service: str | None, values: Values
    ) -> Answer:
        base = self._target.urls.get(service or self._target.front)
        if base is None:
            names = ", ".join(sorted(self._target.urls)) or "none"
            raise NoAnswer(f"there is no service {service or self._target.front!r} (services: {names})")
        path = fill_path(request.path, values)
        headers = {name: fill_text(text, values) for name, text in request.headers.items()}
        content = request.body.encode() if request.body is not None else None
        if request.sends_json:
            content = json.dumps(fill(request.document, values)).encode()
            headers = {"content-type": "application/json"} | headers
        return await self._send(client, base, request.method, path, headers=headers, content=content)

    async def _send(self, client: httpx.AsyncClient, base: str, method: str, path: str, **what: Any) -> Answer:
        left = self._until - time.monotonic()
        if left <= 0:
            raise NoAnswer("not tried: the time of the suite was over")
        self._log.append(f"> {method} {base.rstrip('/')}{path} {_excerpt(what.get('content') or b'')}".rstrip())
        answer = await ask(client, base, method, path, patience=min(left, REQUEST_TIMEOUT), **what)
        kind = answer.headers.get("content-type", "no content type")
        self._log.append(f"< {answer.status} {kind[:100]}, {len(answer.body)} bytes, {answer.seconds * 1000:.0f} ms")
        return answer

    def _save(self, check: Check, answer: Answer) -> list[str]:
        if not check.save:
            return []
        document, wrong = _json(answer)
        if wrong:
            return [wrong]
        for name, path in check.save.items():
            try:
                value = pick(document, path)
            except NotThere:
                return [f"{path} is to be saved as {name}, but the answer has no such value"]
            if not is_savable(value):
                return [f"{path} is to be saved as {name}, but {shown(value)} is neither a short text nor a number"]
            self._saved[name] = value
        return []

    def _judged(self, name: str, began: float, outcome: CaseOutcome, message: str) -> Case:
        message = shortened(message)
        self._log.extend(f"  {outcome}: {line}" for line in message.splitlines()[:DIFFERENCES])
        return Case(name, outcome, time.monotonic() - began, message)

    def _report(self, cases: list[Case]) -> SuiteReport:
        if all(case.outcome is CaseOutcome.PASSED for case in cases):
            exit_code: int | None = 0
        else:
            exit_code = 1 if time.monotonic() < self._until else None
        return report_of(cases, exit_code=exit_code, log="\n".join(self._log))


def _wrong_output(scenario: Scenario, answer: Answer) -> Iterator[str]:
    """In what an answer is not the output that a scenario expects."""
    fixture = scenario.fixture
    if fixture.status is not None and answer.status != fixture.status:
        yield f"expected status {fixture.status}, got {answer.status}"
    elif fixture.status is None and answer.status >= FIRST_REFUSAL:
        yield f"expected an answer, got status {answer.status}"
    else:
        document, wrong = _json(answer)
        path = fixture.output or "$"
        expected = Expectation.model_validate({"status": answer.status, "json_path": {path: scenario.expected}})
        yield from [wrong] if wrong else _wrong_json(expected, document, {})


def _wrong(check: Check, answer: Answer, values: Values) -> Iterator[str]:
    """Everything in which an answer is not what the check expects."""
    expect = check.expect
    if answer.status != expect.status:
        yield f"expected status {expect.status}, got {answer.status}"
    for name, text in expect.headers.items():
        told = answer.headers.get(name.lower())
        if told is None:
            yield f"header {name}: expected {shown(text)}, but it is missing"
        elif text not in told:
            yield f"header {name}: expected {shown(text)}, got {shown(told)}"
    if expect.demands_json:
        document, wrong = _json(answer)
        # Beside a wrong status it would say the same once more.
        if wrong and answer.status == expect.status:
            yield wrong
        elif not wrong:
            yield from _wrong_json(expect, document, values)
    body = answer.body.decode(errors="replace")
    for text in (fill_text(text, values) for text in expect.texts):
        if text not in body:
            yield f"the body does not contain {shown(text)}"


def _wrong_json(expect: Expectation, document: Any, values: Values) -> Iterator[str]:
    if expect.demands_document:
        yield from differences(fill(expect.document, values), document)
    for path, expected in expect.values.items():
        try:
            found, is_one = values_at(path, document)
        except Unusable as error:
            yield str(error)
            continue
        if is_one and not found:
            yield f"{path}: expected {shown(expected)}, but it is missing"
        else:
            yield from differences(fill(expected, values), found[0] if is_one else found, path)
    if expect.json_schema is not None:
        for where, why in schema_errors(expect.json_schema, document):
            yield f"{where} does not follow the schema: {shortened(why, EXCERPT)}"


def _json(answer: Answer) -> tuple[Any, str]:
    """The body as JSON, or why it is none."""
    try:
        return json.loads(answer.body), ""
    except (ValueError, RecursionError) as error:
        return None, f"the body is not JSON: {str(error)[:200]}"


def _excerpt(body: bytes) -> str:
    """The beginning of a body on one line; `ascii`, because it may hold anything."""
    text = body[: 4 * EXCERPT].decode(errors="replace")[:EXCERPT]
    printable = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return f"{printable}…" if len(body) > len(text.encode()) else printable
