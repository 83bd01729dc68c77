"""Read a part of a text file."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, ReadablePath, Tool, ToolResult
from orket_pipelines.cards.model import CardState
from orket_pipelines.workbench.files import Files

LONGEST = 40_000
"""Characters of one answer."""


class ReadFile(Arguments):
    path: ReadablePath = Field(description="Relative to the checkout.")
    start_line: int = Field(1, ge=1, description="The first line to show, from 1.")
    line_count: int = Field(400, ge=1, le=2_000)


def _run(desk: Desk, _assignment: Assignment, arguments: ReadFile) -> ToolResult:
    content = Files(desk.workbench.checkout).read(arguments.path)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return ToolResult(f"{arguments.path} is not text: {len(content)} bytes that are not UTF-8.", failed=True)
    if "\0" in text:
        return ToolResult(f"{arguments.path} is not text: its {len(content)} bytes contain NUL.", failed=True)
    return _part(arguments, text)


def _part(arguments: ReadFile, text: str) -> ToolResult:
    # Not splitlines(), which also breaks at form feeds and other characters that belong to a line.
    lines = text.removesuffix("\n").split("\n") if text else []
    first = arguments.start_line
    if first > max(len(lines), 1):
        return ToolResult(f"{arguments.path} has {len(lines)} lines; there is no line {first}.", failed=True)
    last = min(first + arguments.line_count - 1, len(lines))
    while last > first and sum(len(line) + 1 for line in lines[first - 1 : last]) > LONGEST:
        last = first + (last - first) // 2
    shown = "\n".join(lines[first - 1 : last])
    header = f"{arguments.path}: lines {first}-{last} of {len(lines)}" if lines else f"{arguments.path}: empty"
    return ToolResult(f"{header}\n{_cut(shown)}{_rest(last, len(lines))}")


def _cut(shown: str) -> str:
    if len(shown) <= LONGEST:
        return shown
    return f"{shown[:LONGEST]}\n[This line is cut: it has {len(shown)} characters. Use search to find a place in it.]"


def _rest(last: int, total: int) -> str:
    if last >= total:
        return ""
    return f"\n[{total - last} more lines: call read_file with start_line={last + 1}.]"


READ_FILE = Tool(
    "read_file",
    "Read a text file of the checkout, or a part of it.",
    ReadFile,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
