"""What a model would be told if it were called to a card now. Nothing is called, and nothing changes."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.models import Models
from orket_pipelines.agents.prompts import compile_prompt
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.turns import tool_definitions
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery.assignments import make_assignment
from orket_pipelines.delivery.factory import Project, project_of
from orket_pipelines.delivery.facts import look
from orket_pipelines.delivery.model import Attempt, CallAgent, Facts
from orket_pipelines.delivery.next_step import ARCHITECT, next_step
from orket_pipelines.delivery.worker import limits_of
from orket_pipelines.errors import GitError
from orket_pipelines.git.port import MAIN, Code
from orket_pipelines.review import rules_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store


@dataclass(frozen=True, slots=True)
class Preview:
    """The two texts that a session begins with, and the tools: name, description, JSON schema of the arguments."""

    role: str
    purpose: Purpose
    model: str
    system: str
    message: str
    tools: tuple[dict[str, Any], ...]


def preview(settings: Settings, store: Store, code: Code, models: Models, *, card_id: str, role: str | None) -> Preview:
    """The call that the card needs next, or the one that `role` would get; its author's where none is due.

    Raises: CardError where there is no such card or role.
    """
    with store.read() as tx:
        card = get_card(tx, card_id)
        facts, project = look(tx, card).facts, project_of(tx, card)
        call = _choose(facts, settings, role)
        attempt = facts.attempt or _unbegun(code, project, facts)
        assignment = make_assignment(tx, code, facts, settings, attempt=attempt, project=project, call=call)
    seat, model = get_role(call.role, settings.roles), models.open(models.chain(assignment.model)[0])
    system, message = compile_prompt(seat, assignment, settings, model.dialect)
    tools = tuple(
        {"name": each.name, "description": each.description, "parameters": each.parameters_json_schema}
        for each in tool_definitions(seat)
    )
    return Preview(call.role, call.purpose, model.name, system, message, tools)


def _choose(facts: Facts, settings: Settings, role: str | None) -> CallAgent:
    step = next_step(facts, limits_of(settings))
    if isinstance(step, CallAgent) and role in {None, step.role}:
        return step
    name = role or facts.author
    purpose = Purpose.WORK
    if name == ARCHITECT:
        purpose = Purpose.GUIDANCE
    elif name in rules_of(settings).reviewers:
        purpose = Purpose.REVIEW
    return CallAgent(name, purpose, facts.visits.get((name, purpose), 0) + 1)


def _unbegun(code: Code, project: Project, facts: Facts) -> Attempt:
    """Where nothing was begun: the attempt as it would start from main, if there is one."""
    base = None
    with suppress(GitError):
        base = code.head(project.repository, MAIN)
    return Attempt(facts.card.attempt, project.repository, "", base or "", None, None, None)
