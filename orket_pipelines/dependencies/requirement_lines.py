"""Lines that name what pip installs: a name with extras, versions, markers and hashes, and nothing else.

Paths, addresses and options would let a project decide where packages come from, or run code of its own.
"""

import re
from collections.abc import Iterator

from orket_pipelines.errors import InstallFailed

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9._*+!-]+"
_VERSIONS = rf"{_VERSION}(?:\s*,\s*{_VERSION})*"
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})\s*(?:\[\s*(?:{_NAME}(?:\s*,\s*{_NAME})*)?\s*\])?\s*(?:{_VERSIONS}|\(\s*{_VERSIONS}\s*\))?"
    # What follows a dash, pip would take for an option.
    r"\s*(?:;(?!.*\s-)[\w\s'\"<>=!~().,*+-]+)?",
    re.ASCII,
)
_HASHES = re.compile(r"(?:\s+--hash[= ]sha(?:256|384|512):[0-9a-f]{64,128})+\s*$")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_ADVICE = "Name packages with versions only, as in: fastapi>=0.100"
LENGTH = 20_000
"""Characters of one requirement; a package with many wheels has many hashes."""


def read_requirements(path: str, content: bytes) -> Iterator[str]:
    """The requirements of a file for pip, one a line. Raises: InstallFailed for anything else in it."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InstallFailed(f"{path} is not UTF-8 text", next_step=f"Correct {path}.") from error
    for line in text.replace("\r\n", "\n").replace("\\\n", " ").split("\n"):
        requirement = _COMMENT.sub("", line).strip()
        if requirement:
            yield checked(path, requirement)


def checked(path: str, requirement: str) -> str:
    """The requirement in one form. Raises: InstallFailed where it is more than a name with its conditions."""
    requirement = " ".join(requirement.split())
    hashes = _HASHES.search(requirement[:LENGTH])
    plain = requirement[: hashes.start()] if hashes else requirement
    if len(requirement) > LENGTH or not _REQUIREMENT.fullmatch(plain):
        shown = ascii(requirement[:120])
        raise InstallFailed(f"{path} asks for {shown}, which is not installed: {_why(requirement)}", next_step=_ADVICE)
    return requirement


def is_of(requirement: str, project: str) -> bool:
    """Whether a requirement names the project itself, as extras that bundle others do."""
    found = re.match(_NAME, requirement.strip())
    return bool(project) and found is not None and _normal(found[0]) == _normal(project)


def _why(requirement: str) -> str:
    if requirement.startswith("-"):
        return "it is an option of pip"
    if "://" in requirement or "@" in requirement:
        return "it is an address"
    if requirement.startswith((".", "/", "~")) or "/" in requirement:
        return "it is a path"
    return "it is no name with versions"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
