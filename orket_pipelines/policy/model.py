"""The facts of a refusal."""

from dataclasses import dataclass, field
from typing import Any

from orket_pipelines.store import new_id


@dataclass(frozen=True, slots=True)
class Violation:
    """One refused move or tool call: the rule, who tried what, why it failed, how to do it right."""

    rule: str
    actor: str
    attempted: dict[str, Any]
    reason: str
    fix: str
    card_id: str | None = None
    session_id: str | None = None
    id: str = field(default_factory=new_id)
    at: int = 0
