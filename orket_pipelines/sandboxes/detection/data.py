"""Data files of strangers as plain data: JSON, TOML, YAML, XML; bounded, and broken ones say nothing."""

import json
import re
import tomllib
from typing import Any
from xml.etree.ElementTree import Element

import yaml
from defusedxml import ElementTree

DEPTH_LIMIT = 40
EVENTS_LIMIT = 20_000
"""Of one YAML file; a real compose file has some hundreds."""

TOML_LIMIT = 128 * 1024
"""Characters of one TOML file; lock files are larger, and not read."""
DOTS_LIMIT = 1_000_000
"""Squares of a TOML file's dots in a line, of all lines: the parser's time grows so with the parts of a key."""

_comment = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_last_comma = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_json(text: str | None) -> dict[str, Any]:
    """An object; {} for everything else. Comments and commas at the end are what some tools allow."""
    for plain in (str, _without_comments):
        try:
            document = json.loads(plain(text or ""))
        except (ValueError, RecursionError):
            continue
        return document if isinstance(document, dict) else {}
    return {}


def read_toml(text: str | None) -> dict[str, Any]:
    """A document; {} where it is broken, or larger than a person writes, or has keys of more parts."""
    plain = text or ""
    if len(plain) > TOML_LIMIT or sum(line.count(".") ** 2 for line in plain.splitlines()) > DOTS_LIMIT:
        return {}
    try:
        return tomllib.loads(plain)
    except (ValueError, RecursionError):
        return {}


def read_yaml(text: str | None) -> Any:
    """Dicts, lists and texts: tags mean nothing here, and numbers stay text. None where it is broken or too large.

    An alias is the very object that it names, so that no bomb unfolds; a merge stays what the key `<<` holds.
    """
    try:
        return _Builder().build(text or "")
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def read_xml(text: str | None) -> Element | None:
    """The root element, names without their namespaces; None where it is broken or defines entities."""
    try:
        root: Element = ElementTree.fromstring(text or "", forbid_dtd=True)
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    return root


def table(document: Any, *keys: str) -> dict[str, Any]:
    """What lies under these keys; {} where no mapping does."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def texts(value: Any) -> list[str]:
    """The texts of a list; a text alone is one; [] for everything else."""
    if isinstance(value, str):
        return [value]
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _without_comments(text: str) -> str:
    return _last_comma.sub(lambda found: found[1] or "", _comment.sub(lambda found: found[1] or "", text))


class _Builder:
    """Builds the first document out of a file's events, which cost little whatever the file says."""

    def __init__(self) -> None:
        self._anchors: dict[str, Any] = {}
        self._open: list[tuple[Any, list[Any]]] = []
        self._root: Any = None

    def build(self, text: str) -> Any:
        for number, event in enumerate(yaml.parse(text, _Base)):
            if number > EVENTS_LIMIT or len(self._open) > DEPTH_LIMIT:
                raise ValueError("more than a person writes")
            if isinstance(event, yaml.CollectionStartEvent):
                self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
            elif isinstance(event, yaml.ScalarEvent):
                self._add(event.value, event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._anchors.get(event.anchor or ""), None)
            elif isinstance(event, yaml.DocumentEndEvent):
                break
        return self._root

    def _begin(self, collection: Any, anchor: str | None) -> None:
        self._add(collection, anchor)
        self._open.append((collection, []))

    def _add(self, value: Any, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = value
        if not self._open:
            self._root = value
            return
        holder, keys = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        elif keys:
            holder[keys.pop()] = value
        else:
            # What is no text cannot be a key that anybody asks for.
            keys.append(value if isinstance(value, str) else "")
