"""What an answer is compared with, and values put in and taken out of JSON; pure, and safe with hostile values."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from orket_pipelines.cards.http_checks import PLACEHOLDER

Values = Mapping[str, Any]
"""What checks have saved: text, numbers and booleans by name."""
SHOWN = 200
"""Characters of a value that a difference repeats."""
VALUE_LIMIT = 2_000
"""Characters of a text that may be saved."""


class NotThere(LookupError):
    """The path leads nowhere in the document."""


def fill(value: Any, values: Values) -> Any:
    """`value` with every `{name}` replaced; a text that is nothing else becomes the saved value, number or not."""
    if isinstance(value, dict):
        return {key: fill(child, values) for key, child in value.items()}
    if isinstance(value, list):
        return [fill(child, values) for child in value]
    if not isinstance(value, str):
        return value
    if (whole := PLACEHOLDER.fullmatch(value)) is not None:
        return values[whole[1]]
    return fill_text(value, values)


def fill_text(text: str, values: Values) -> str:
    """The same where nothing but text can stand."""
    return PLACEHOLDER.sub(lambda found: _as_text(values[found[1]]), text)


def fill_path(path: str, values: Values) -> str:
    """The same for a path: a value stays within its segment, whatever it is made of."""
    return PLACEHOLDER.sub(lambda found: quote(_as_text(values[found[1]]), safe=""), path)


def differences(expected: Any, actual: Any, path: str = "$") -> Iterator[str]:
    """Why `actual` does not hold `expected`: objects may have more keys, lists must agree item by item."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, child in expected.items():
            if key in actual:
                yield from differences(child, actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: expected {shown(child)}, but it is missing"
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} items, got {len(actual)}: {shown(actual)}"
        for number, (child, other) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(child, other, f"{path}[{number}]")
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        # In Python True equals 1; in JSON it does not.
        yield f"{path}: expected {shown(expected)}, got {shown(actual)}"


def pick(document: Any, path: str) -> Any:
    """The value at `items.0.id`. Raises: NotThere."""
    for key in path.split("."):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(document):
            document = document[int(key[:9])]
        else:
            raise NotThere(path)
    return document


def is_savable(value: Any) -> bool:
    """Whether later checks may use it."""
    return isinstance(value, int | float) or (isinstance(value, str) and len(value) <= VALUE_LIMIT)


def shown(value: Any) -> str:
    """A value as JSON on one line, in ASCII and cut short."""
    try:
        text = json.dumps(value)
    except RecursionError:
        return "a value that is nested too deeply to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
