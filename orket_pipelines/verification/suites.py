"""What a card must pass, from what it and its rock say; pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from orket_pipelines.cards.model import TERMINAL, Card, CardState
from orket_pipelines.verification.e2e import shipped
from orket_pipelines.verification.model import Suite, SuiteKind
from orket_pipelines.verification.scenarios import scenario_suite

PROJECT = Suite("project", SuiteKind.PROJECT)
HEALTHY = Suite("healthy", SuiteKind.HEALTHY)
SMOKE = Suite("smoke", SuiteKind.SMOKE, shipped("orket_smoke"))
OPENAPI = Suite("openapi", SuiteKind.OPENAPI, shipped("orket_openapi"))
_built_in = {suite.name: suite for suite in (PROJECT, HEALTHY, SMOKE, OPENAPI)}


def suites_of(card: Card, rock: Card | None, *, serves: bool) -> tuple[Suite, ...]:
    """What `card` must pass before it is done: the project's own tests, `healthy` where the stack `serves`, and what
    it declares, each once; and its scenarios, where it has any.

    A suite that it names and its rock does not hold is of kind `missing`, which never passes.
    """
    declared = declared_suites(rock) if rock is not None else {}
    names = [PROJECT.name, *([HEALTHY.name] if serves else []), *_names(card)]
    known = declared | _built_in
    scenarios = scenario_suite(card, fixtures_of(declared.values()))
    if scenarios is not None:
        known, names = known | {scenarios.name: scenarios}, [*names, scenarios.name]
    return _in_order(known.get(name, Suite(name, SuiteKind.MISSING)) for name in dict.fromkeys(names))


def rock_suites(rock: Card, *, serves: bool) -> tuple[Suite, ...]:
    """What a rock must pass before it is done."""
    return suites_of(rock, rock, serves=serves)


def standing_suites(rock: Card, issues: Iterable[Card]) -> tuple[Suite, ...]:
    """What holds of a rock since its done `issues` were verified, and nobody answers for any more: the suites that they
    name and no open one does."""
    issues = list(issues)
    held = [name for issue in issues if issue.state is CardState.DONE for name in _names(issue)]
    answered = {name for issue in issues if issue.state not in TERMINAL for name in _names(issue)}
    known = {suite.name: suite for suite in tried_suites(rock)} | _built_in
    return _in_order(known[name] for name in dict.fromkeys(held) if name in known and name not in answered)


def tried_suites(rock: Card) -> tuple[Suite, ...]:
    """The suites that a rock's file declares, without fixtures, which try nothing by themselves."""
    return tuple(suite for suite in declared_suites(rock).values() if suite.kind is not SuiteKind.FIXTURE)


def declared_suites(rock: Card) -> dict[str, Suite]:
    """The suites that a rock's file declares, by name."""
    found = [_suite(node) for node in rock.details.get("suites") or ()]
    return {suite.name: suite for suite in found}


def fixtures_of(declared: Iterable[Suite]) -> dict[str, Suite]:
    """The fixtures among them, by what a card may call them: their file, or their name."""
    found = [suite for suite in declared if suite.kind is SuiteKind.FIXTURE]
    return {suite.name: suite for suite in found} | {suite.file_name: suite for suite in found}


def _in_order(suites: Iterable[Suite]) -> tuple[Suite, ...]:
    """A try by description comes last: it leaves data of all sorts behind, which the others do not expect."""
    return tuple(sorted(suites, key=lambda suite: suite.kind is SuiteKind.OPENAPI))


def _names(card: Card) -> list[str]:
    return [str(name) for name in card.details.get("verified_by") or ()]


def _suite(node: Mapping[str, Any]) -> Suite:
    return Suite(node["name"], SuiteKind(node["kind"]), node["source"], node["file"], node["digest"])
