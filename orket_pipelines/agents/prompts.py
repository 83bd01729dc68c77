"""What a model is told: the system text of a role, the first message, and a word where it goes astray."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from string import Template

import yaml

from orket_pipelines.agents.dialects import Dialect
from orket_pipelines.agents.fences import one_line
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.roles.model import Role
from orket_pipelines.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
RULE = "---"
"""Opens and closes the header of a first message."""


def compile_prompt(role: Role, assignment: Assignment, settings: Settings, dialect: Dialect) -> tuple[str, str]:
    """The system text and the first message of a session, as a model of this dialect gets them but for redaction."""
    system = system_text(role, settings.turn_limit, dialect, settings.organization)
    return system, first_message(assignment)


def system_text(role: Role, turn_limit: int, dialect: Dialect, organization: str = "") -> str:
    """What `role` is told before anything else: who it is and for whom, how it works, the house rules, and how its
    family of models makes calls."""
    told = [
        _fill("system", role=role.name, intent=role.intent, prompt=role.prompt),
        organization and _fill("organization", organization=organization.strip()),
        role.states and _fill("states", states=", ".join(sorted(role.states))),
        _fill("house_rules", turn_limit=turn_limit),
        dialect.prompt,
    ]
    return "\n\n".join(part.strip() for part in told if part)


def first_message(assignment: Assignment) -> str:
    """What the role is called to do: a header that machines read, the purpose, the brief."""
    purpose = _purposes()[assignment.purpose]
    return _fill("first_message", header=_header(assignment), purpose=purpose, brief=assignment.brief).rstrip()


def silent_text(tools: Iterable[str]) -> str:
    """What a model is told that answered without calling a tool."""
    return _fill("silent", tools=", ".join(sorted(tools))).rstrip()


def stuck_text(circle: str) -> str:
    """What a model is told that goes round in a circle."""
    return _fill("stuck", circle=circle).rstrip()


def left_text(left: str) -> str:
    """What a model is told when little is left of what it may use."""
    return _fill("left", left=left).rstrip()


def denied_text(rule: str, reason: str, fix: str) -> str:
    """What a model is told of a call that the gate denied."""
    return _fill("denied", rule=rule, reason=reason, fix=fix).rstrip()


def read_header(message: str) -> dict[str, str]:
    """The header of a first message by its keys; empty where there is none."""
    opening, _, rest = message.partition(f"{RULE}\n")
    header, closing, _ = rest.partition(f"\n{RULE}\n")
    if opening or not closing:
        return {}
    return dict(line.split(": ", 1) for line in header.splitlines() if ": " in line)


def _header(assignment: Assignment) -> str:
    facts = {
        "card": one_line(assignment.card_id),
        "role": assignment.role,
        "purpose": assignment.purpose,
        "visit": assignment.visit,
        "attempt": assignment.attempt,
    }
    return "\n".join([RULE, *(f"{key}: {value}" for key, value in facts.items()), RULE])


def _fill(name: str, **values: object) -> str:
    return _template(name).substitute(values)


@lru_cache
def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.txt").read_text())


@lru_cache(maxsize=1)
def _purposes() -> dict[str, str]:
    purposes: dict[str, str] = yaml.safe_load((TEMPLATES / "purposes.yaml").read_text())
    return purposes
