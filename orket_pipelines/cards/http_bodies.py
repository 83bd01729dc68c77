"""What is demanded of JSON in an answer: values at JSON paths (RFC 9535), and a JSON Schema that it follows."""

from collections.abc import Iterator
from typing import Any, NoReturn

import jsonpath_rfc9535
import jsonschema_rs

ERRORS = 10
"""Of one schema, that are told."""


class Unusable(ValueError):
    """A path or a schema cannot be used; or a document cannot be searched. The message says why."""


def checked_path(text: str) -> str:
    """`text`, where it is a JSON path. Raises: Unusable."""
    _compiled(text)
    return text


def checked_schema(schema: Any) -> Any:
    """`schema`, where it is one and refers to nothing outside itself. Raises: Unusable."""
    _validator(schema)
    return schema


def values_at(path: str, document: Any) -> tuple[list[Any], bool]:
    """The values at `path`, and whether it can lead to one at most. Raises: Unusable."""
    query = _compiled(path)
    try:
        return [node.value for node in query.find(document)], query.singular_query()
    except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
        raise Unusable(f"{path} cannot be looked up: {error}") from error


def schema_errors(schema: Any, document: Any) -> Iterator[tuple[str, str]]:
    """Where the document does not follow the schema, as a path, and why; the first ERRORS. Raises: Unusable."""
    for number, error in enumerate(_validator(schema).iter_errors(document)):
        if number >= ERRORS:
            return
        yield "$" + "".join(f"[{part!r}]" for part in error.instance_path), error.message


def _compiled(text: str) -> Any:
    try:
        return jsonpath_rfc9535.compile(text)
    except (jsonpath_rfc9535.JSONPathError, RecursionError) as error:
        raise Unusable(f"{text!r} is no JSON path: {error}") from error


def _validator(schema: Any) -> Any:
    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse)
    except (ValueError, TypeError) as error:
        raise Unusable(f"is no JSON Schema: {str(error).partition(chr(10))[0]}") from error


def _refuse(uri: str) -> NoReturn:
    """Nothing is fetched for a schema."""
    raise ValueError(f"{uri} lies outside the schema; put it under $defs")
