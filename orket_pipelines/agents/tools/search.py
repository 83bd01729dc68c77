"""Search the files of the checkout by pattern.

Patterns come from a model and may take for ever: they run as grep in the workbench, under its deadline, never here.
"""

from collections import Counter
from collections.abc import Iterator

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, ReadablePath, Tool, ToolResult
from orket_pipelines.cards.model import CardState
from orket_pipelines.workbench.files import NOT_ENTERED, Files
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.paths import components

DEADLINE = 20.0
OUTPUT_LIMIT = 2_000_000
LINES = 200
LONGEST_LINE = 300
PER_FILE = 50
NOTHING_FOUND = 1
FAILED = 2
NO_PERL = ("-P option", "invalid option -- P", "unrecognized option")
"""What a grep says that does not know Perl's expressions: a GNU grep built without, BSD's, BusyBox's."""


class Search(Arguments):
    pattern: str = Field(min_length=1, max_length=1_000, description="A regular expression (PCRE), within one line.")
    path: ReadablePath = Field(".", description="A file or folder, relative to the checkout.")
    glob: str | None = Field(None, max_length=200, description="Only files whose name matches, such as *.py")


def _run(desk: Desk, _assignment: Assignment, arguments: Search) -> ToolResult:
    if "\n" in arguments.pattern:
        return ToolResult("The pattern spans lines; each line is searched alone. Search for one of them.", failed=True)
    if Files(desk.workbench.checkout).kind(arguments.path) not in {"file", "folder"}:
        return ToolResult(f"{arguments.path} is neither a file nor a folder.", failed=True)
    result = _grep(desk, arguments, "-P")
    if result.exit_code == FAILED and any(sign in result.output for sign in NO_PERL):
        result = _grep(desk, arguments, "-E")
    return _told(arguments, result)


def _grep(desk: Desk, arguments: Search, syntax: str) -> Execution:
    skipped = [f"--exclude-dir={name}" for name in (".git", *sorted(NOT_ENTERED))]
    only = [f"--include={arguments.glob}"] if arguments.glob else []
    options = ["-rnIH", "-D", "skip", "-m", str(PER_FILE), syntax, *skipped, *only]
    command = ["grep", *options, "-e", arguments.pattern, "--", "/".join((".", *components(arguments.path)))]
    return desk.workbench.run(command, deadline=DEADLINE, output_limit=OUTPUT_LIMIT)


def _told(arguments: Search, result: Execution) -> ToolResult:
    if result.timed_out:
        text = f"The search took longer than {DEADLINE:.0f} seconds. Use a simpler pattern, a path or a glob."
        return ToolResult(text, failed=True)
    lines = [line[2:] for line in result.output.split("\n") if line.startswith("./")]
    if not lines and result.exit_code in {0, NOTHING_FOUND}:
        return ToolResult(f"Nothing matches {arguments.pattern!r}.")
    if not lines:
        return ToolResult(f"The search failed: {result.output[:500].strip()}", failed=True)
    shown = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines[:LINES]]
    return ToolResult("\n".join([*shown, *_left_out(lines, result)]))


def _left_out(lines: list[str], result: Execution) -> Iterator[str]:
    """What the answer does not hold, said openly."""
    of_file = Counter(line.split(":", 1)[0] for line in lines)
    if len(lines) > LINES or result.truncated or max(of_file.values()) >= PER_FILE:
        yield f"[More may match: at most {LINES} lines are shown, {PER_FILE} of a file. Use a path or a glob.]"
    problem = next((line for line in result.output.split("\n") if line.startswith("grep: ")), None)
    if problem:
        yield f"[Not everything could be searched: {problem[:LONGEST_LINE]}]"


SEARCH = Tool(
    "search",
    "Find the lines that match a regular expression, as path:line:text. Binary files are left out.",
    Search,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
