"""What is wrong with a role, beyond the shape of its file."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from orket_pipelines.agents.roles.model import Role
from orket_pipelines.agents.tools.model import Tool
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.transitions import ISSUE

ENDING = frozenset({"request_state", "submit_review", "submit_guidance"})
"""The tools with which a session ends."""
ASKS = "request_state"
REQUESTABLE = frozenset(ISSUE[CardState.IN_PROGRESS]) - {CardState.CODE_REVIEW, CardState.CANCELED}
"""What an author may ask for: the rest follows from tests, reviews, and people."""


def find_faults(role: Role, tools: Mapping[str, Tool] = TOOLS) -> list[str]:
    """Every fault in a line; none where the role can be called."""
    return [*_unknown_tools(role, tools), *_no_end(role), *_states(role)]


def _unknown_tools(role: Role, tools: Mapping[str, Tool]) -> Iterator[str]:
    for name in sorted(role.tools - set(tools)):
        near = get_close_matches(name, tools, n=1)
        yield f"tools: there is no tool {name!r}{f'; is {near[0]} meant?' if near else ''}"


def _no_end(role: Role) -> Iterator[str]:
    if not role.tools & ENDING:
        yield f"tools: none of {', '.join(sorted(ENDING))} is among them, so that no session of it could end"


def _states(role: Role) -> Iterator[str]:
    if role.states and ASKS not in role.tools:
        yield f"states: they are asked for with {ASKS}, which is not among its tools"
    if ASKS in role.tools and not role.states:
        yield f"states: it may call {ASKS}, and is allowed no state to ask for"
    for state in sorted(role.states - REQUESTABLE):
        yield f"states: {state} cannot be asked for; these can: {', '.join(sorted(REQUESTABLE))}"
