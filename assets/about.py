"""What every report of an issue carries: its trace, and what it has cost so far."""

from dagster import MetadataValue

from assets.history import History
from assets.links import link, trace
from assets.model import Values


def about_issue(history: History, about: Values) -> Values:
    """What is worth knowing first comes first; what is empty is left out."""
    spent: dict[str, MetadataValue | str | int | float] = {"attempt": history.attempt, "turns": history.turns}
    if history.cost is not None:
        spent["cost in USD"] = round(history.cost, 6)
    if history.models:
        spent["model"] = ", ".join(history.models)
    if history.rock_id:
        spent["rock"] = link("rocks", history.rock_id)
    return {**traced(history), **{name: value for name, value in about.items() if value != ""}, **spent}


def traced(history: History) -> Values:
    """The way that an issue came, as links."""
    return {"trace": MetadataValue.md(trace(history))}
