"""A pass over what each service says of itself: requests made from its OpenAPI document, the same in every run.

A service fails where it answers with 500 or more, or with something that its own document does not allow. Bounded in
operations, examples and patience. The document was written by a model: it is read plainly, and nothing outside it.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Err
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

PATHS = ("/openapi.json", "/api/openapi.json", "/docs/openapi.json", "/swagger.json", "/v1/openapi.json")
SIZE = 1_000_000
OPERATIONS = 60
EXAMPLES = 15
SEED = 20_250_101
PATIENCE = 5.0
OK = 200
CHECKS: list[CheckFunction] = [not_a_server_error, content_type_conformance, response_schema_conformance]


def _documents() -> Iterator[tuple[str, str, Any]]:
    """Service, address, document."""
    for service, url in json.loads(os.environ["E2E_URLS"]).items():
        for path in PATHS:
            found = _read(url + path)
            if isinstance(found, dict) and {"openapi", "swagger"} & found.keys():
                yield service, url, found
                break


def _read(url: str) -> Any:
    try:
        with requests.get(url, timeout=PATIENCE, stream=True, allow_redirects=False) as response:
            body = response.raw.read(SIZE + 1)
        return json.loads(body) if response.status_code == OK and len(body) <= SIZE else None
    except (requests.RequestException, ValueError, RecursionError):
        return None


def _leads_out(value: Any) -> bool:
    if isinstance(value, dict):
        reference = value.get("$ref")
        return (isinstance(reference, str) and not reference.startswith("#")) or any(map(_leads_out, value.values()))
    return isinstance(value, list) and any(map(_leads_out, value))


def _operations() -> Iterator[Any]:
    """Every operation of every document as a parameter; for a document that is no use, why."""
    for service, url, document in _documents():
        if _leads_out(document):
            yield pytest.param(f"the OpenAPI document of {service} refers to something outside itself", url, id=service)
            continue
        try:
            yield from list(_of_document(service, url, document))
        except Exception as error:  # noqa: BLE001 - whatever a document makes the library do is a finding, not a crash
            told = f"the OpenAPI document of {service} cannot be used: {type(error).__name__}: {error}"
            yield pytest.param(told, url, id=service)


def _of_document(service: str, url: str, document: Any) -> Iterator[Any]:
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        if isinstance(result, Err):
            yield pytest.param(f"the OpenAPI document of {service} cannot be used: {result.err()}", url, id=service)
            continue
        operation = result.ok()
        yield pytest.param(operation, url, id=f"{service} {operation.method.upper()} {operation.path}")


FOUND = list(_operations())


def test_a_service_describes_itself() -> None:
    assert FOUND, f"no service has an OpenAPI document; looked for {', '.join(PATHS)}"
    assert len(FOUND) <= OPERATIONS, f"{len(FOUND)} operations are more than the {OPERATIONS} that are tried"


@pytest.mark.parametrize(("operation", "url"), FOUND[:OPERATIONS])
def test_operation(operation: Any, url: str) -> None:
    if isinstance(operation, str):
        pytest.fail(operation, pytrace=False)

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        print_blob=False,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def answers_as_described(case: Any) -> None:
        case.call_and_validate(base_url=url, checks=CHECKS, timeout=PATIENCE)

    try:
        answers_as_described()
    except FailureGroup as found:
        pytest.fail("\n\n".join(str(each) for each in (found, *found.exceptions)), pytrace=False)
