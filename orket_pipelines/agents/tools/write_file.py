"""Write a whole text file."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult, WritablePath
from orket_pipelines.workbench.files import WRITE_LIMIT, Files


class WriteFile(Arguments):
    path: WritablePath = Field(description="Relative to the checkout; missing folders are made.")
    content: str = Field(max_length=WRITE_LIMIT, description="The whole content; what was there is replaced.")


def _run(desk: Desk, _assignment: Assignment, arguments: WriteFile) -> ToolResult:
    new = Files(desk.workbench.checkout).write(arguments.path, arguments.content.encode())
    lines = len(arguments.content.removesuffix("\n").split("\n")) if arguments.content else 0
    return ToolResult(f"{'Created' if new else 'Replaced'} {arguments.path}: {lines} lines.")


WRITE_FILE = Tool(
    "write_file",
    "Create a text file, or replace it as a whole. To change a part of a file, use edit_file.",
    WriteFile,
    Reach.CHECKOUT,
    _run,
)
