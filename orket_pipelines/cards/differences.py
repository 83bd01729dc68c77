"""What a file would change of a card that is stored; pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orket_pipelines.cards.model import Card

COLUMNS = ("kind", "parent_id", "name", "priority", "seat")
UNSHOWN = frozenset({"source"})
"""Of a suite, what its digest stands for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one card, as it is stored and as a file has it; None where it is empty or not there.

    `path` leads to the value, as in `verification.fixture_path`.
    """

    card_id: str
    path: str
    before: Any
    after: Any


def differences_of(stored: Card, card: Card) -> tuple[Difference, ...]:
    """What a file says otherwise; nothing where they say the same.

    Where a card stands (its state, wait reason, note and attempt) is no business of a file. What is empty says nothing,
    and neither does white space around a text.
    """
    before, after = dict(_said(stored)), dict(_said(card))
    paths = [*before, *(path for path in after if path not in before)]
    return tuple(
        Difference(card.id, path, before.get(path), after.get(path))
        for path in paths
        if before.get(path) != after.get(path)
    )


def _said(card: Card) -> Iterator[tuple[str, Any]]:
    columns = {name: getattr(card, name) for name in COLUMNS}
    yield from _flat("", {**columns, "depends_on": sorted(card.depends_on), **card.details})


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """(path, value) of everything that is not empty; lists are values, but for suites, which have names."""
    if path == "suites" and isinstance(value, list):
        value = {suite["name"]: {key: suite[key] for key in suite if key not in UNSHOWN} for suite in value}
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), child)
        return
    plain = value.strip() if isinstance(value, str) else value
    if plain not in (None, "", []):
        # As it comes back from the store: a tuple is a list, a state its name.
        yield path, json.loads(json.dumps(plain))
