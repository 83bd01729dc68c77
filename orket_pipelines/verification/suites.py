"""What a card must pass, from what it and its rock say; pure."""

from collections.abc import Mapping
from typing import Any

from orket_pipelines.cards.model import Card
from orket_pipelines.verification.model import Suite, SuiteKind

PROJECT = Suite("project", SuiteKind.PROJECT)
HEALTHY = Suite("healthy", SuiteKind.HEALTHY)
_built_in = {suite.name: suite for suite in (PROJECT, HEALTHY)}


def suites_of(card: Card, rock: Card | None, *, serves: bool) -> tuple[Suite, ...]:
    """What `card` must pass before it is done: the project's own tests, `healthy` where the stack `serves`, and what
    it declares, each once.

    A suite that it names and its rock does not hold is of kind `missing`, which never passes.
    """
    declared = declared_suites(rock) if rock is not None else {}
    names = [PROJECT.name, *([HEALTHY.name] if serves else []), *_names(card)]
    known = declared | _built_in
    return tuple(known.get(name, Suite(name, SuiteKind.MISSING)) for name in dict.fromkeys(names))


def rock_suites(rock: Card, *, serves: bool) -> tuple[Suite, ...]:
    """What a rock must pass before it is done."""
    return suites_of(rock, rock, serves=serves)


def declared_suites(rock: Card) -> dict[str, Suite]:
    """The suites that a rock's file declares, by name."""
    found = [_suite(node) for node in rock.details.get("suites") or ()]
    return {suite.name: suite for suite in found}


def _names(card: Card) -> list[str]:
    return [str(name) for name in card.details.get("verified_by") or ()]


def _suite(node: Mapping[str, Any]) -> Suite:
    return Suite(node["name"], SuiteKind(node["kind"]), node["source"], node["file"], node["digest"])
