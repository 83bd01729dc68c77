"""The table of docs/TOOLS.md says what is so."""

from pathlib import Path

from orket_pipelines.agents.roles import load_roles
from orket_pipelines.agents.tools.model import Tool
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.model import CardState

GUIDE = Path(__file__).parents[3] / "docs" / "TOOLS.md"


def row(tool: Tool) -> str:
    states = "any" if tool.states == frozenset(CardState) else ", ".join(sorted(tool.states))
    roles = [name for name, role in load_roles().items() if tool.name in role.tools]
    told = "all" if len(roles) == len(load_roles()) else ", ".join(roles)
    return f"| `{tool.name}` | {tool.description} | {tool.reach} | {states} | {tool.session_limit} | {told} |"


def test_the_guide_describes_every_tool_as_it_is() -> None:
    table = GUIDE.read_text().partition("## What the gate asks")[0]
    written = [line for line in table.splitlines() if line.startswith("| `")]
    assert written == [row(TOOLS[name]) for name in sorted(TOOLS)]
