"""Search the files of the checkout by pattern, as ripgrep does: ignore files are heeded, binary files left out.

Patterns come from a model and may take for ever: they run as git's grep in the workbench, under its deadline, never
here. It reads no repository and no configuration there. Where there is no git, grep is asked.

Neither follows links, but both look at a name before they open it, and it may be swapped for a link in between: a line
is told where it stands in the file that is found there without following links.
"""

import re
from collections import Counter
from collections.abc import Iterator

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, ReadablePath, Tool, ToolResult
from orket_pipelines.cards.model import CardState
from orket_pipelines.workbench.files import NOT_ENTERED, Files
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.paths import FileRefused, components

DEADLINE = 20.0
OUTPUT_LIMIT = 2_000_000
LINES = 200
LONGEST_LINE = 300
PER_FILE = 50
NOTHING_FOUND = 1
NO_GIT = frozenset({127, 129})
"""Exit codes where git is missing, or too old for an option."""
NO_REPOSITORY = {"GIT_DIR": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
NO_PERL = ("-P option", "invalid option -- P", "unrecognized option", "USE_LIBPCRE")
"""What a git or grep says that was built without Perl's expressions, or is BSD's or BusyBox's."""
READ_LIMIT = 32_000_000
"""Bytes of a file whose lines are told."""
_match = re.compile(r'("(?:[^"\\]|\\.)*"|.+?):(\d+):')
_beside = re.compile(r'("(?:[^"\\]|\\.)*"|.+?)-(\d+)-')


class Search(Arguments):
    pattern: str = Field(min_length=1, max_length=1_000, description="A regular expression (PCRE), within one line.")
    path: ReadablePath = Field(".", description="A file or folder, relative to the checkout.")
    glob: str | None = Field(
        None, min_length=1, max_length=200, description="Only files like *.py or src/**/*.ts; !*.md leaves those out."
    )
    ignore_case: bool = False
    context: int = Field(0, ge=0, le=10, description="Lines to show around each match.")
    include_ignored: bool = Field(False, description="Also files that ignore files, such as .gitignore, leave out.")


def _run(desk: Desk, _assignment: Assignment, arguments: Search) -> ToolResult:
    if "\n" in arguments.pattern:
        return ToolResult("The pattern spans lines; each line is searched alone. Search for one of them.", failed=True)
    kind = Files(desk.workbench.checkout).kind(arguments.path)
    if kind not in {"file", "folder"}:
        return ToolResult(f"{arguments.path} is neither a file nor a folder.", failed=True)
    result = _ask(desk, _git(arguments, is_file=kind == "file"))
    if result.exit_code not in NO_GIT:
        return _told(desk, arguments, result, ignoring=not arguments.include_ignored)
    return _told(desk, arguments, _ask(desk, _grep(arguments)), ignoring=False)


def _ask(desk: Desk, command: list[str]) -> Execution:
    """What the command answers; asked again in POSIX's expressions where it does not know Perl's."""
    for syntax in ("-P", "-E"):
        asked = [syntax if word == "-P" else word for word in command]
        result = desk.workbench.run(asked, deadline=DEADLINE, environment=NO_REPOSITORY, output_limit=OUTPUT_LIMIT)
        if result.succeeded or not any(sign in result.output for sign in NO_PERL):
            break
    return result


def _git(arguments: Search, *, is_file: bool) -> list[str]:
    names = components(arguments.path)
    skipped = [f":(exclude,glob)**/{name}/**" for name in sorted(NOT_ENTERED - set(names))]
    heeding = "--no-exclude-standard" if arguments.include_ignored or is_file else "--exclude-standard"
    options = [heeding, *_options(arguments), "-m", str(PER_FILE), "-P", "-e", arguments.pattern]
    where = [_where(names, arguments.glob, is_file=is_file), *skipped]
    return [
        "git",
        "-c",
        "core.quotePath=false",
        "--no-pager",
        "grep",
        "--no-index",
        "--no-color",
        "-nI",
        *options,
        "--",
        *where,
    ]


def _where(names: tuple[str, ...], glob: str | None, *, is_file: bool) -> str:
    """One path as git's grep is told of it. A glob without a slash is one of names, in any folder."""
    plain = "/".join(names)
    if glob is None or is_file:
        return f":(literal){plain}" if plain else "."
    magic = ":(exclude,glob)" if glob.startswith("!") else ":(glob)"
    wanted = glob.removeprefix("!").removeprefix("/")
    within = wanted if "/" in wanted else f"**/{wanted}"
    return magic + "/".join([*(re.sub(r"([\\*?\[])", r"\\\1", name) for name in names), within])


def _grep(arguments: Search) -> list[str]:
    skipped = [f"--exclude-dir={name}" for name in (".git", *sorted(NOT_ENTERED))]
    glob = (arguments.glob or "").rpartition("/")[2]
    option = "--exclude" if glob.startswith("!") else "--include"
    only = [f"{option}={glob.removeprefix('!')}"] if glob else []
    options = ["-rnIH", "-D", "skip", *_options(arguments), "-m", str(PER_FILE), "-P", *skipped, *only]
    return ["grep", *options, "-e", arguments.pattern, "--", "/".join((".", *components(arguments.path)))]


def _options(arguments: Search) -> list[str]:
    case = ["-i"] if arguments.ignore_case else []
    return [*case, "-C", str(arguments.context)] if arguments.context else case


def _told(desk: Desk, arguments: Search, result: Execution, *, ignoring: bool) -> ToolResult:
    if result.timed_out:
        text = f"The search took longer than {DEADLINE:.0f} seconds. Use a simpler pattern, a path or a glob."
        return ToolResult(text, failed=True)
    said = [line.removeprefix("./") for line in result.output.split("\n")]
    lines = [line for line in said if line == "--" or _match.match(line) or _beside.match(line)]
    if not lines and result.exit_code in {0, NOTHING_FOUND}:
        hint = " Ignored files were left out: include_ignored." if ignoring else ""
        return ToolResult(f"Nothing matches {arguments.pattern!r}.{hint}")
    if not lines:
        return ToolResult(f"The search failed: {result.output[:500].strip()}", failed=True)
    standing = list(_standing(Files(desk.workbench.checkout), lines[:LINES]))
    shown = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in standing]
    if len(standing) < len(lines[:LINES]):
        shown.append("[Some files were not there any more as they were found, or cannot be used. Search again.]")
    return ToolResult("\n".join([*shown, *_left_out(lines, result)]))


def _standing(files: Files, lines: list[str]) -> Iterator[str]:
    """Those lines that stand in the checkout's own files, where they are said to stand."""
    read: dict[str, list[str]] = {}
    for line in lines:
        told = [found for found in (_match.match(line), _beside.match(line)) if found]
        if not told or any(line[found.end() :] == _line(files, read, found) for found in told):
            yield line


def _line(files: Files, read: dict[str, list[str]], found: re.Match[str]) -> str | None:
    name, number = found[1], int(found[2])
    if name not in read:
        read[name] = _lines(files, name)
    return read[name][number - 1] if 0 < number <= len(read[name]) else None


def _lines(files: Files, name: str) -> list[str]:
    """The lines of a file by the name that git gives it, which quotes some; none where it cannot be read."""
    try:
        quoted = name[1:-1].encode().decode("unicode_escape").encode("latin-1").decode() if name[0] == '"' else name
        return files.read(quoted, limit=READ_LIMIT).decode(errors="replace").split("\n")
    except (FileRefused, ValueError):
        return []


def _left_out(lines: list[str], result: Execution) -> Iterator[str]:
    """What the answer does not hold, said openly."""
    of_file = Counter(found[1] for line in lines if (found := _match.match(line)))
    if len(lines) > LINES or result.truncated or max(of_file.values(), default=0) >= PER_FILE:
        yield f"[More may match: at most {LINES} lines are shown, {PER_FILE} of a file. Use a path or a glob.]"
    problem = next(
        (line for line in result.output.split("\n") if line.startswith(("grep: ", "fatal: ", "error: "))), None
    )
    if problem:
        yield f"[Not everything could be searched: {problem[:LONGEST_LINE]}]"


SEARCH = Tool(
    "search",
    "Find the lines that match a regular expression, as path:line:text. Binary and ignored files are left out.",
    Search,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
