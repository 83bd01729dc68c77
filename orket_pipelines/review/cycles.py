"""What follows from a request for changes. A cycle is a head commit that somebody asked changes of."""

from enum import StrEnum

from orket_pipelines.review.model import Rules


class Consequence(StrEnum):
    """Back to the author; to the author by way of the architect; or rejected."""

    REWORK = "rework"
    ARCHITECT = "architect"
    REJECT = "reject"


def consequence(cycles: int, rules: Rules, *, advised: bool) -> Consequence:
    """What the request for changes number `cycles` of an issue leads to, counted since its last rejection.

    `advised`: the architect has spoken since then, so that the guidance is tried before anybody is asked again.
    """
    if cycles >= rules.reject_at:
        return Consequence.REJECT
    return Consequence.ARCHITECT if cycles >= rules.architect_at and not advised else Consequence.REWORK
