"""Configuration that is written as JavaScript, as far as it is plain data: the exported object, parsed and not run."""

import re
from typing import Any

TOKENS_LIMIT = 50_000
DEPTH_LIMIT = 30

_token = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.|\$(?!\{))*`)
    |(?P<broken>/\*|["'`])
    |(?P<name>[A-Za-z_$][\w$]*)
    |(?P<number>\d[\w.]*)
    |(?P<sign>=>|\.\.\.|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_opening, _closing = {"{", "[", "("}, {"}", "]", ")"}


class Computed:
    """A value that only running the program would tell."""


COMPUTED = Computed()


class _Unreadable(Exception):
    """More than plain data: the object cannot be told from the text."""


def exported_object(source: str) -> dict[str, Any] | None:
    """The object that a module exports: texts, further objects, and COMPUTED for every other value.

    Directly, through one call (`defineConfig({…})`), through an arrow function that returns it at once, or by the name
    of a constant. None where it is built in any other way.
    """
    try:
        tokens = _tokens(source)
        start = _export(tokens)
        return None if start is None else _object(tokens, _skip_wrapping(tokens, start), 0)[0]
    except (_Unreadable, IndexError, ValueError, RecursionError):
        return None


def _tokens(source: str) -> list[str]:
    """Comments left out. Texts keep their quotes. Templates with values and regular expressions are not read."""
    found: list[str] = []
    for match in _token.finditer(source):
        if match["broken"] or (match[0] == "/" and (not found or found[-1] in set("(,=:[!&|?{};+"))):
            raise _Unreadable
        if not match["space"]:
            found.append(match[0])
        if len(found) > TOKENS_LIMIT:
            raise _Unreadable
    return found


def _export(tokens: list[str]) -> int | None:
    """Where the exported value begins."""
    for at in range(len(tokens) - 2):
        if tokens[at : at + 2] == ["export", "default"]:
            return at + 2
        if tokens[at : at + 4] == ["module", ".", "exports", "="]:
            return at + 4
    return None


def _skip_wrapping(tokens: list[str], at: int) -> int:
    """Where the object begins that stands there, or in the call, arrow function or constant that stands there."""
    if _is_name(tokens[at]) and tokens[at + 1 : at + 2] == ["("]:
        at += 2
    if tokens[at] == "async":
        at += 1
    end = _matching(tokens, at) if tokens[at] == "(" else at
    if tokens[end + 1 : end + 2] == ["=>"]:
        at = end + 2
        if tokens[at] == "{":
            raise _Unreadable
    if tokens[at] == "(":
        at += 1
    if _is_name(tokens[at]):
        at = _skip_wrapping(tokens, _constant(tokens, tokens[at], at)) if _is_plain_end(tokens, at + 1) else at
    if tokens[at] != "{":
        raise _Unreadable
    return at


def _constant(tokens: list[str], name: str, before: int) -> int:
    for at in range(before - 2):
        if tokens[at : at + 2] == ["const", name]:
            return tokens.index("=", at, before) + 1
    raise _Unreadable


def _is_plain_end(tokens: list[str], at: int) -> bool:
    return at >= len(tokens) or tokens[at] in {";", ")"} or tokens[at] == "export"


def _object(tokens: list[str], at: int, depth: int) -> tuple[dict[str, Any], int]:
    """The object whose brace stands at `at`, and where it ends."""
    if depth > DEPTH_LIMIT:
        raise _Unreadable
    found: dict[str, Any] = {}
    at += 1
    while tokens[at] != "}":
        if tokens[at] == "...":
            # What is spread here may set any key again, known or not.
            found = dict.fromkeys(found, COMPUTED) | {"...": COMPUTED}
            at = _end_of_value(tokens, at + 1)
        elif tokens[at + 1] == ":":
            key = _text(tokens[at]) if tokens[at][0] in "\"'" else tokens[at]
            value, at = _value(tokens, at + 2, depth)
            found[key] = value
        else:
            found[tokens[at]] = COMPUTED
            at = _end_of_value(tokens, at)
        if tokens[at] == ",":
            at += 1
    return found, at


def _value(tokens: list[str], at: int, depth: int) -> tuple[Any, int]:
    end = _end_of_value(tokens, at)
    if tokens[at] == "{" and _matching(tokens, at) == end - 1:
        return _object(tokens, at, depth + 1)[0], end
    if end == at + 1 and tokens[at][0] in "\"'`":
        return _text(tokens[at]), end
    return COMPUTED, end


def _end_of_value(tokens: list[str], at: int) -> int:
    """Where the comma or the brace stands that ends the value at `at`."""
    while tokens[at] not in {",", "}"}:
        at = _matching(tokens, at) + 1 if tokens[at] in _opening else at + 1
    return at


def _matching(tokens: list[str], at: int) -> int:
    """Where the bracket that opens at `at` is closed."""
    depth = 0
    for position in range(at, len(tokens)):
        depth += (tokens[position] in _opening) - (tokens[position] in _closing)
        if depth == 0:
            return position
    raise _Unreadable


def _is_name(token: str) -> bool:
    return token[0].isalpha() or token[0] in "_$"


def _text(token: str) -> Any:
    """What a quoted text says; one with escapes is rare in a path, and not read."""
    return COMPUTED if "\\" in token else token[1:-1]
