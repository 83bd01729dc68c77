"""Replace one passage of a text file."""

import difflib

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult, WritablePath
from orket_pipelines.workbench.files import WRITE_LIMIT, Files

COMPARED_LINES = 5_000
COMPARED_CHARACTERS = 200
"""What the search for a similar line looks at: its cost grows with the square of both."""
NAMED_MATCHES = 10


class EditFile(Arguments):
    path: WritablePath = Field(description="Relative to the checkout.")
    old: str = Field(min_length=1, max_length=WRITE_LIMIT, description="The passage, exactly, found once in the file.")
    new: str = Field(max_length=WRITE_LIMIT, description="What takes its place.")


def _run(desk: Desk, _assignment: Assignment, arguments: EditFile) -> ToolResult:
    files = Files(desk.workbench.checkout)
    try:
        text = files.read(arguments.path).decode()
    except UnicodeDecodeError:
        return ToolResult(f"{arguments.path} is not text; nothing was changed.", failed=True)
    if arguments.old == arguments.new:
        return ToolResult("old and new are the same; nothing was changed.", failed=True)
    found = text.count(arguments.old)
    if found != 1:
        reason = _not_found(arguments, text) if found == 0 else _too_many(arguments, text, found)
        return ToolResult(f"{reason} Nothing was changed.", failed=True)
    line = _line_of(text, text.index(arguments.old))
    files.write(arguments.path, text.replace(arguments.old, arguments.new).encode())
    return ToolResult(f"Changed {arguments.path} at line {line}.")


def _too_many(arguments: EditFile, text: str, found: int) -> str:
    places: list[int] = []
    position = text.find(arguments.old)
    while position != -1 and len(places) < NAMED_MATCHES:
        places.append(_line_of(text, position))
        position = text.find(arguments.old, position + len(arguments.old))
    more = " and more" if found > len(places) else ""
    where = ", ".join(map(str, places))
    return f"old occurs {found} times in {arguments.path}, at lines {where}{more}: include more lines around it."


def _not_found(arguments: EditFile, text: str) -> str:
    nearest = _nearest(arguments.old, text.split("\n")[:COMPARED_LINES])
    if nearest is None:
        return f"old does not occur in {arguments.path}: read the file first."
    number, line = nearest
    return f"old does not occur in {arguments.path}. The nearest is line {number}: {line[:COMPARED_CHARACTERS]!r}."


def _nearest(old: str, lines: list[str]) -> tuple[int, str] | None:
    """The line most like the first one of `old` that says anything: first one that differs in white space only."""
    wanted = next((line.strip() for line in old.split("\n") if line.strip()), "")[:COMPARED_CHARACTERS]
    stripped = [line.strip()[:COMPARED_CHARACTERS] for line in lines]
    similar = [wanted] if wanted in stripped else difflib.get_close_matches(wanted, stripped, n=1)
    if not similar or not wanted:
        return None
    index = stripped.index(similar[0])
    return index + 1, lines[index]


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


EDIT_FILE = Tool(
    "edit_file",
    "Replace one passage of a text file. The old passage must occur exactly once, white space included.",
    EditFile,
    Reach.CHECKOUT,
    _run,
)
