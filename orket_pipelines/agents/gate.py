"""The gate in front of every tool call: pure, and closed unless a rule opens it.

A denial names the rule, the reason, and the way out, so that a model can do it right the next time.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from orket_pipelines.agents.roles.model import Role
from orket_pipelines.agents.tools.model import Arguments, PathUse, Tool
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.transitions import Move, judge
from orket_pipelines.workbench.paths import judge_path, shorten

LONGEST_ARGUMENTS = 4_000_000
"""Characters of the JSON of one call."""
NAMED_ERRORS = 3
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call may be made, with these arguments."""

    tool: Tool
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Denied:
    """The call must not be made: by which rule, why, and what would be allowed."""

    rule: str
    reason: str
    fix: str


def judge_call(
    role: Role,
    card_state: CardState,
    tool_name: str,
    arguments: Mapping[str, Any] | str,
    called: Sequence[str] = (),
    *,
    tools: Mapping[str, Tool] = TOOLS,
) -> Allowed | Denied:
    """Whether `role` may make this call on a card in `card_state`.

    `arguments` is what the model sent: an object, or its JSON. `called` are the names of the tools that were called in
    this session so far.
    """
    tool = _find_tool(role, tool_name, tools)
    if isinstance(tool, Denied):
        return tool
    denied = _out_of_place(role, card_state, tool, called)
    if denied is not None:
        return denied
    parsed = _parse(tool, arguments)
    if isinstance(parsed, Denied):
        return parsed
    denied = next((found for rule in CONTENT_RULES if (found := rule(role, parsed))), None)
    return denied or Allowed(tool, parsed)


def _find_tool(role: Role, name: str, tools: Mapping[str, Tool]) -> Tool | Denied:
    if name in tools and name in role.tools:
        return tools[name]
    fix = f"Your tools are: {', '.join(sorted(role.tools & set(tools)))}."
    if name not in tools:
        return Denied("unknown_tool", f"there is no tool {shorten(name)}", fix)
    return Denied("role_tools", f"{role.name} may not call {name}", fix)


def _out_of_place(role: Role, card_state: CardState, tool: Tool, called: Sequence[str]) -> Denied | None:
    if card_state not in tool.states:
        states = ", ".join(sorted(tool.states))
        reason = f"{tool.name} may not be called while the card is {card_state}"
        return Denied("card_state", reason, f"{role.name} may call it while the card is: {states}.")
    if called.count(tool.name) >= tool.session_limit:
        reason = f"{tool.name} was called {tool.session_limit} times in this session, which is the limit"
        return Denied("rate_limit", reason, "Finish with what you have, or say what you wait for.")
    return None


def _parse(tool: Tool, arguments: Mapping[str, Any] | str) -> Arguments | Denied:
    try:
        given = _load(arguments) if isinstance(arguments, str) else arguments
        return tool.arguments.model_validate(given)
    except ValidationError as error:
        return _wrong(tool, "; ".join(_explain(error)))
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return _wrong(tool, f"no JSON object can be read from them: {reason}")


def _load(text: str) -> Any:
    if len(text) > LONGEST_ARGUMENTS:
        raise ValueError(f"they have {len(text)} characters; at most {LONGEST_ARGUMENTS} are read")
    # Some servers send nothing where there is nothing to say.
    return json.loads(text, parse_constant=_refuse_constant) if text.strip() else {}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _explain(error: ValidationError) -> Iterator[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    for each in found[:NAMED_ERRORS]:
        path = ".".join(shorten(str(part)).strip("'\"") for part in each["loc"])
        yield f"{path or 'the arguments'}: {each['msg']}"
    if len(found) > NAMED_ERRORS:
        yield f"and {len(found) - NAMED_ERRORS} more"


def _wrong(tool: Tool, reason: str) -> Denied:
    fields = tool.arguments.model_fields
    names = ", ".join(name if field.is_required() else f"{name} (optional)" for name, field in fields.items())
    fix = f"{tool.name} takes one JSON object with: {names}." if names else f"{tool.name} takes an empty JSON object."
    return Denied("arguments", f"the arguments of {tool.name} are wrong: {reason}", fix)


def _storable(_role: Role, arguments: Arguments) -> Denied | None:
    """Text that no file and no database takes as text."""
    paths = set(_paths(arguments))
    for name, text in _texts(arguments):
        # What is wrong with a path is said by the rule for paths.
        if name not in paths and ("\0" in text or HALF_A_CHARACTER.search(text)):
            return Denied("text", f"{name} contains NUL or half a character", "Send plain text.")
    return None


def _inside(_role: Role, arguments: Arguments) -> Denied | None:
    for name, use in _paths(arguments).items():
        refusal = judge_path(getattr(arguments, name), writing=use is PathUse.WRITE)
        if refusal is not None:
            return Denied(refusal.rule, f"{name}: {refusal.reason}", refusal.fix)
    return None


def _confirmed(_role: Role, arguments: Arguments) -> Denied | None:
    if getattr(arguments, "confirm", True):
        return None
    return Denied("confirmation", "what this deletes is gone", "If that is meant, call again with confirm=true.")


def _may_request(role: Role, arguments: Arguments) -> Denied | None:
    state = getattr(arguments, "state", None)
    if state is None or state in role.states:
        return None
    states = ", ".join(sorted(role.states)) or "none: end your session in another way"
    return Denied("requested_state", f"{role.name} may not request {state}", f"You may request: {states}.")


def _movable(role: Role, arguments: Arguments) -> Denied | None:
    """What the table of moves would refuse once the session has ended is refused while it can be mended."""
    state = getattr(arguments, "state", None)
    if state is None:
        return None
    reason = getattr(arguments, "wait_reason", None)
    card = Card("the card", CardKind.ISSUE, "", state=CardState.IN_PROGRESS)
    refusal = judge(card, Move(CardState(state), role.name, WaitReason(reason) if reason else None))
    return Denied(refusal.rule, refusal.reason, refusal.fix) if refusal else None


CONTENT_RULES: tuple[Callable[[Role, Arguments], Denied | None], ...] = (
    _storable,
    _inside,
    _confirmed,
    _may_request,
    _movable,
)
"""What is asked of arguments that have the right shape, in this order."""


def _paths(arguments: Arguments) -> dict[str, PathUse]:
    fields = type(arguments).model_fields.items()
    return {name: use for name, field in fields for use in field.metadata if isinstance(use, PathUse)}


def _texts(arguments: Arguments) -> Iterator[tuple[str, str]]:
    for name, value in arguments:
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield name, text
