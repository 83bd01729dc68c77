"""What files that are written for other programs tell: Procfile, Dockerfile, compose files, environments."""

import json
import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from orket_pipelines.sandboxes.detection.data import read_yaml, table, texts
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

COMPOSE_FILES = ("docker-compose*.y*ml", "compose*.y*ml")
ENVIRONMENTS = (".env", ".env.*", "*.env", "env.example", ".flaskenv")

PORTS = 65_536

_process = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$", re.MULTILINE)
_variable = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*[=:]\s*(.*?)\s*$")


@dataclass(frozen=True, slots=True)
class Built:
    """A service of a compose file: `folder` is what it is built from (None: an image), relative to the root."""

    name: str
    folder: str | None
    image: str
    ports: tuple[int, ...]
    path: str


def procfile(tree: Tree, folder: Folder) -> dict[str, str]:
    """The process types of the folder's Procfile, with their commands."""
    text = tree.read(folder.file("Procfile")) if "Procfile" in folder.files else None
    return {match[1]: match[2].strip() for match in _process.finditer(text or "")}


def exposed_port(tree: Tree, folder: Folder) -> int | None:
    """The port that the folder's Dockerfile exposes, where it is one number."""
    found = [_port(words[0]) for name, words in _instructions(tree, folder) if name == "EXPOSE" and words]
    return next((each for each in found if each), None)


def docker_command(tree: Tree, folder: Folder) -> list[str]:
    """What the image of the folder's Dockerfile starts, as far as it is written out."""
    found: dict[str, list[str]] = {}
    for name, words in _instructions(tree, folder):
        if name == "FROM":
            found = {}
        elif name in {"CMD", "ENTRYPOINT"}:
            found[name] = words
    return [*found.get("ENTRYPOINT", []), *found.get("CMD", [])]


def has_image(folder: Folder) -> bool:
    """Whether an image is built of the folder by itself."""
    return any(name == "Dockerfile" or name.startswith("Dockerfile.") for name in folder.files)


def compose(tree: Tree, folder: Folder) -> list[Built]:
    """The services of the folder's compose files."""
    return tree.once(("compose", folder.path), lambda: _all_composed(tree, folder))


def _all_composed(tree: Tree, folder: Folder) -> list[Built]:
    names = sorted(name for name in folder.files if any(fnmatch(name, each) for each in COMPOSE_FILES))
    return [each for name in names for each in _composed(tree, folder, folder.file(name))]


def environment(tree: Tree, folder: Folder) -> dict[str, str]:
    """The variables that the folder's examples of environments set."""
    found: dict[str, str] = {}
    for name in sorted(folder.files):
        if any(fnmatch(name, pattern) for pattern in ENVIRONMENTS):
            for line in (tree.read(folder.file(name)) or "").splitlines():
                match = _variable.match(line)
                if match:
                    found.setdefault(match[1].upper(), match[2].strip("\"'"))
    return found


def _composed(tree: Tree, folder: Folder, path: str) -> Iterator[Built]:
    for name, service in table(read_yaml(tree.read(path)), "services").items():
        if isinstance(service, dict):
            yield Built(
                name, _context(folder, service.get("build")), str(service.get("image", "")), _ports(service), path
            )


def _context(folder: Folder, build: Any) -> str | None:
    """The folder that an image is built from: the one of its Dockerfile, where that is named."""
    given = build.get("context", ".") if isinstance(build, dict) else build
    if not isinstance(given, str):
        return None
    named = build.get("dockerfile") if isinstance(build, dict) else None
    parts = (
        [given, posixpath.dirname(named)] if isinstance(named, str) and not named.startswith(("/", "..")) else [given]
    )
    path = posixpath.normpath(posixpath.join(folder.path, *parts))
    return None if path.startswith(("/", "..")) else path


def _ports(service: dict[str, Any]) -> tuple[int, ...]:
    found = [_port(each.rpartition(":")[2].partition("/")[0]) for each in texts(service.get("ports"))]
    return tuple(each for each in found if each)


def _port(text: str) -> int | None:
    plain = text.partition("/")[0]
    return int(plain) if plain.isascii() and plain.isdigit() and 0 < int(plain[:6]) < PORTS else None


def _instructions(tree: Tree, folder: Folder) -> Iterator[tuple[str, list[str]]]:
    text = tree.read(folder.file("Dockerfile")) if "Dockerfile" in folder.files else None
    for line in re.sub(r"\\\n", " ", text or "").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name.isalpha():
            yield name.upper(), _words(rest.strip())


def _words(text: str) -> list[str]:
    if text.startswith("["):
        try:
            return texts(json.loads(text))
        except ValueError:
            return []
    try:
        return shlex.split(text)
    except ValueError:
        return []
