"""List the files of the checkout."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, ReadablePath, Tool, ToolResult
from orket_pipelines.cards.model import CardState
from orket_pipelines.workbench.files import Entry, Files

LIMIT = 1_000
"""Entries of one answer."""


class ListFiles(Arguments):
    path: ReadablePath = Field(".", description="A folder, relative to the checkout.")
    depth: int = Field(3, ge=1, le=20, description="How many folders deep.")


def _run(desk: Desk, _assignment: Assignment, arguments: ListFiles) -> ToolResult:
    listing = Files(desk.workbench.checkout).walk(arguments.path, depth=arguments.depth, limit=LIMIT)
    lines = [_line(entry) for entry in listing.entries] or ["(nothing)"]
    if not listing.complete:
        lines.append(
            f"[There is more: at most {LIMIT} entries are shown, {arguments.depth} folders deep. Name a folder.]"
        )
    return ToolResult("\n".join(lines))


def _line(entry: Entry) -> str:
    what = {"folder": "/", "file": f"  {entry.size} bytes", "link": "  (link, not followed)"}
    return entry.path + what.get(entry.kind, "  (not a file)")


LIST_FILES = Tool(
    "list_files",
    "List files and folders of the checkout. Folders such as node_modules are named and not entered.",
    ListFiles,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
