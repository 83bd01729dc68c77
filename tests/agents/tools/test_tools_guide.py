"""The table of docs/TOOLS.md says what is so."""

import textwrap
from pathlib import Path
from typing import Any

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.roles import load_roles
from orket_pipelines.agents.tools.model import Desk, Tool, ToolResult
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
    wanted = [row(TOOLS[name]) for name in sorted(TOOLS)]
    assert written == wanted, "\n".join(["These rows are missing:", *(line for line in wanted if line not in written)])


def test_the_example_of_the_guide_is_a_tool(desk: Desk, assignment: Assignment, checkout: Path) -> None:
    (checkout / "a.txt").write_text("one\ntwo\n")
    example = textwrap.dedent(GUIDE.read_text().partition("   ```python\n")[2].partition("   ```\n")[0])
    made: dict[str, Any] = {}
    exec(example, made)  # noqa: S102 - a page of ours
    tool = made["COUNT_LINES"]
    told = tool.run(desk, assignment, tool.arguments.model_validate({"path": "a.txt"}))
    assert told == ToolResult("a.txt has 2 lines.")
