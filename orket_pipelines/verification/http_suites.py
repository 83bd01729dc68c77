"""Suites that send requests: a rock's own checks, and whether every service answers at all."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
from pydantic import ValidationError

from orket_pipelines.cards.documents import parse_document
from orket_pipelines.cards.http_checks import Check, HttpChecks, placeholders
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

FIRST_BAD_STATUS = 500
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


class _Run:
    """One suite while it runs."""

    def __init__(self, target: Target, until: float) -> None:
        self._target = target
        self._until = until
        self._saved: dict[str, Any] = {}
        self._log: list[str] = []

    async def all(self, checks: list[Check]) -> SuiteReport:
        async with open_client() as client:
            return self._report([await self._case(client, check) for check in checks])

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

    async def _case(self, client: httpx.AsyncClient, check: Check) -> Case:
        began = time.monotonic()
        self._log.append(f"# {check.name}")
        try:
            wrong = await self._try(client, check)
        except NoAnswer as error:
            return self._judged(check.name, began, CaseOutcome.ERROR, str(error))
        return self._judged(check.name, began, CaseOutcome.FAILED if wrong else CaseOutcome.PASSED, wrong)

    async def _try(self, client: httpx.AsyncClient, check: Check) -> str:
        """What is wrong with the answer; empty where nothing is."""
        base = self._target.urls.get(check.service or self._target.front)
        if base is None:
            names = ", ".join(sorted(self._target.urls)) or "none"
            raise NoAnswer(f"there is no service {check.service or self._target.front!r} (services: {names})")
        if unsaved := sorted(set(placeholders(check)) - self._saved.keys()):
            raise NoAnswer(f"needs {{{unsaved[0]}}}, which no check before it could save")
        request = check.request
        path = fill_path(request.path, self._saved)
        headers = {name: fill_text(text, self._saved) for name, text in request.headers.items()}
        content = request.body.encode() if request.body is not None else None
        if request.sends_json:
            content = json.dumps(fill(request.document, self._saved)).encode()
            headers = {"content-type": "application/json"} | headers
        answer = await self._send(client, base, request.method, path, headers=headers, content=content)
        wrong = list(_wrong(check, answer, self._saved))
        wrong += self._save(check, answer) if not wrong else []
        if not wrong:
            return ""
        self._log.append(f"  {_excerpt(answer.body)}")
        more = f"\n… and {len(wrong) - DIFFERENCES} more" if len(wrong) > DIFFERENCES else ""
        return "\n".join(wrong[:DIFFERENCES]) + more + f"\nThe body: {_excerpt(answer.body)}"

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
            yield from differences(fill(expect.document, values), document)
    body = answer.body.decode(errors="replace")
    for text in (fill_text(text, values) for text in expect.texts):
        if text not in body:
            yield f"the body does not contain {shown(text)}"


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
