"""Stacks that others install: entry points of the group `orket.stacks`, each a `Rule`."""

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection.rule import Rule
from orket_pipelines.sandboxes.detection.stacks import RULES

GROUP = "orket.stacks"


def known_rules() -> tuple[Rule, ...]:
    """The rules that others installed, by name, and then ours: whoever installs a stack wants it to be found.

    Raises: DetectionError with the distribution, where one cannot be loaded.
    """
    return (*(_load(point) for point in _installed(tuple(sys.path))), *RULES)


@cache
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What is installed below these folders; to look through them takes longer than to look through a repository."""
    del path
    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name))


@cache
def _load(point: EntryPoint) -> Rule:
    distribution = point.dist.name if point.dist else "an unknown distribution"
    try:
        rule = point.load()
    except Exception as error:
        raise _unusable(point, distribution, f"{type(error).__name__}: {error}") from error
    if not isinstance(rule, Rule):
        raise _unusable(point, distribution, f"{point.value} is no Rule")
    return rule


def _unusable(point: EntryPoint, distribution: str, why: str) -> DetectionError:
    return DetectionError(
        f"the stack {point.name!r} of {distribution} cannot be loaded: {why}",
        next_step=f"Repair it or uninstall it: pip uninstall {distribution}.",
    )
