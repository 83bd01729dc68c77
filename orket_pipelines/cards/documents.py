"""One file in YAML or JSON as plain data, with bounds that hold for hostile files too.

No aliases (bombs are made of them), no tags (they build objects), no key twice, no deep nesting, nothing huge, no text
that a database refuses.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import yaml

from orket_pipelines.cards.problems import UnreadableFile, shown

SIZE_LIMIT = 2_000_000
"""Bytes of one card file."""
DEPTH_LIMIT = 32
"""Levels of nesting; a card file needs about eight."""
INTEGER_LIMIT = 2**63
LINE = 110
"""Characters after which a long text goes on in the next line of a file that we write."""
ODD_LINES = re.compile("[\r\x85\u2028\u2029\ufeff]")
SUFFIXES = frozenset({".yaml", ".yml", ".json"})

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN = ("null", "bool", "int", "float", "str", "seq", "map")


def read_document(path: Path) -> Any:
    """What a file holds: dicts with text keys, lists, text, numbers, booleans and None.

    Raises: UnreadableFile with the reason, and the line where one is to blame.
    """
    return parse_document(_read_text(path), as_json=path.suffix == ".json")


def parse_document(text: str, *, as_json: bool = False) -> Any:
    """The same of a text: YAML, unless `as_json`. Raises: UnreadableFile."""
    try:
        document = _parse_json(text) if as_json else _parse_yaml(text)
        _check(document, 0)
    except RecursionError as error:
        raise UnreadableFile(f"is nested more than {DEPTH_LIMIT} levels deep") from error
    return document


def write_document(document: Any) -> str:
    """Plain data as YAML that `parse_document` reads as the same: no aliases, text in several lines as a block."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LINE)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Several lines as a block; in quotes what YAML takes for the end of a line, and would not keep."""
    style = '"' if ODD_LINES.search(text) else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _read_text(path: Path) -> str:
    try:
        # A pipe or a device would be waited for, or never end.
        if not path.is_file():
            raise UnreadableFile("there is no such file", next_step="Check the path.")
        if path.stat().st_size > SIZE_LIMIT:
            raise UnreadableFile(f"is larger than {SIZE_LIMIT // 1_000_000} MB", next_step="Split it: one rock a file.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableFile(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not text in UTF-8", next_step="Save it as UTF-8.") from error


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except ValueError as error:
        raise UnreadableFile(f"is not JSON that can be used: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UnreadableFile(f"the key {shown(twice)} stands there twice", next_step="Keep one of the two.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableFile(f"{name} is not a number that can be stored")


def _parse_yaml(text: str) -> Any:
    try:
        _scan(text)
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader with even fewer tags
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UnreadableFile(f"{where}{error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableFile(f"is not YAML that can be used: {shown(str(error))}") from error


def _scan(text: str) -> None:
    """Refuse by its events, which cost little, what would be dear to build."""
    depth = 0
    for event in yaml.parse(text, _Base):
        if isinstance(event, yaml.AliasEvent):
            raise UnreadableFile(f"aliases (*{event.anchor}) are not allowed", next_step="Write the value out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise RecursionError


class _Loader(_Base):  # type: ignore[misc]
    """Plain data only: dates, `yes` and `no` stay text, and a key stands once."""

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        None: yaml.SafeLoader.construct_undefined,
        **{f"tag:yaml.org,2002:{name}": _Base.yaml_constructors[f"tag:yaml.org,2002:{name}"] for name in _PLAIN},
    }
    yaml_implicit_resolvers: ClassVar = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if not tag.endswith(":timestamp") and (first in {*"tTfF"} or not tag.endswith(":bool"))
        ]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in keys:
                problem = f"the key {shown(key.value)} stands there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            keys.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise RecursionError
    for child in _children(value):
        _check(child, depth + 1)
    if isinstance(value, str):
        _check_text(value)
    elif (isinstance(value, int) and abs(value) >= INTEGER_LIMIT) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise UnreadableFile("holds a number too large to store", next_step="Write it as text, in quotes.")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UnreadableFile(f"the key {shown(key)} is not text", next_step="Put it in quotes.")
            yield key
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _check_text(value: str) -> None:
    """NUL is refused by PostgreSQL, half a surrogate pair by every encoder."""
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise UnreadableFile(f"holds text that cannot be stored: {shown(value)}")
