"""What programs say when they cannot run, in plain words, and what helps: read from logs, which are hostile."""

import re
from dataclasses import dataclass

_START = "Say in orket.yaml, under services, how it is started, or declare the package that brings the program."


@dataclass(frozen=True, slots=True)
class Complaint:
    """`said` is looked for in the end of a log; its first group, if it has one, is what `what` calls {}."""

    said: re.Pattern[str]
    what: str
    advice: str


def _complaint(said: str, what: str, advice: str) -> Complaint:
    return Complaint(re.compile(said, re.MULTILINE), what, advice)


# Groups take letters that need no escaping alone.
COMPLAINTS = (
    _complaint(r"exec: ([\w./-]{1,80}): not found", "its start command is not there: {}", _START),
    _complaint(r"^([\w./-]{1,80}): cannot be started: ", "its start command cannot be started: {}", _START),
    _complaint(r"[Mm]issing script:? \"?([\w:.-]{1,40})", "package.json has no script {}", _START),
    _complaint(
        r"ModuleNotFoundError: No module named '([\w.]{1,80})'",
        "the Python module {} is not installed, or is not where the start command looks for it",
        "Declare it in requirements.txt or pyproject.toml; for a module of the project correct services.NAME.start.",
    ),
    _complaint(
        r"Cannot find (?:module|package) '([@\w./-]{1,80})'",
        "the Node package or file {} is not there",
        "Declare it in package.json and its lock file; a file of the build is made by services.NAME.build.",
    ),
    _complaint(
        r"Error loading ASGI app|Could not import module \"([\w.]{1,80})\"",
        "the start command names an application that is not there: {}",
        "Name the module and the variable that hold it: services.NAME.start in orket.yaml.",
    ),
    _complaint(
        r"EADDRINUSE|[Aa]ddress already in use",
        "it listens twice on one port of its own container",
        "Listen once, on the port that the variable PORT names.",
    ),
    _complaint(
        r"Blocked request\. This host|Invalid Host header|DisallowedHost",
        "it refuses the name by which it is asked",
        "Allow every host name: server.allowedHosts (Vite), ALLOWED_HOSTS (Django).",
    ),
    _complaint(
        r"Read-only file system|EROFS",
        "it writes where nothing can be written",
        "Write into the project's folder or /tmp; nothing else can be written to in a sandbox.",
    ),
    _complaint(
        r"No space left on device|ENOSPC",
        "it wrote more than there is room for",
        "Write less, or give it more memory, which its files count as: ORKET_CONTAINER_MEMORY.",
    ),
    _complaint(
        r"Temporary failure in name resolution|getaddrinfo (?:ENOTFOUND|EAI_AGAIN)|Name or service not known",
        "it asks for a host outside, and nothing leaves a sandbox",
        "Take what it needs from beside it: services and databases of the same sandbox, by their names.",
    ),
    _complaint(
        r"ECONNREFUSED|[Cc]onnection refused",
        "something that it needs does not answer",
        "Reach databases by DATABASE_URL and its like, and other services by their names, not by localhost.",
    ),
    _complaint(
        r"KeyError: '([A-Z][A-Z0-9_]{1,60})'",
        "it wants the variable {}, which is not set",
        "Give it a default: a sandbox knows no secrets of this machine.",
    ),
)


def complaint_in(text: str) -> tuple[str, str] | None:
    """What a log complains of, and what helps; None where nothing in it is known."""
    for each in COMPLAINTS:
        if found := each.said.search(text):
            named = (found.group(1) or "") if each.said.groups else ""
            return each.what.format(named).rstrip(": "), each.advice
    return None
