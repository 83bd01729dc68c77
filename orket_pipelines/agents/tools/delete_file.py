"""Delete a file."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult, WritablePath
from orket_pipelines.workbench.files import Files


class DeleteFile(Arguments):
    path: WritablePath = Field(description="Relative to the checkout.")
    confirm: bool = Field(False, description="Must be true.")


def _run(desk: Desk, _assignment: Assignment, arguments: DeleteFile) -> ToolResult:
    Files(desk.workbench.checkout).delete(arguments.path)
    return ToolResult(f"Deleted {arguments.path}.")


DELETE_FILE = Tool("delete_file", "Delete a file of the checkout.", DeleteFile, Reach.CHECKOUT, _run)
