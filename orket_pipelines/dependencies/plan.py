"""What is installed, and how: decided from what a checkout declares, without doing anything."""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from orket_pipelines.dependencies.manifests import Declared
from orket_pipelines.dependencies.model import PROJECT_PARENT, PYTHON_TARGET
from orket_pipelines.dependencies.node_project import NodeProject
from orket_pipelines.dependencies.sources import Sources

PYTHON, NODE = "python", "node"
FORMAT = 1
"""Counts changes of how sets are installed: what was installed the old way is not used any more."""
NODE_TARGET = f"{PROJECT_PARENT}/node_modules"
"""Where containers see what npm installed."""
MANIFESTS_TARGET = {PYTHON: "/manifests", NODE: PROJECT_PARENT}
"""Where the install container finds the files of a set; npm installs beside them."""
SCRATCH = tuple(f"{NODE_TARGET}/{name}" for name in (".vite-temp", ".vite", ".cache"))
"""Where bundlers and test runners write beside the packages that they use."""
TEMPORARY = ".installing"
"""A folder of the set itself, for what is downloaded: the container's memory is too small for that."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What else decides what an installation brings. `image` is the id of the image, or the host's versions; `scripts`
    whether packages may run code of their own meanwhile."""

    image: str
    scripts: bool
    sources: Sources


@dataclass(frozen=True, slots=True)
class DependencySet:
    """One thing to install. `files` (name: text) are all that the install gets to see, `commands` are run in `folder`,
    one after the other; what they leave at `target` is the set."""

    ecosystem: str
    key: str
    files: Mapping[str, str]
    commands: tuple[tuple[str, ...], ...]
    folder: str
    target: str
    variables: tuple[tuple[str, str], ...]

    @property
    def script(self) -> tuple[str, ...]:
        """All commands as one argv, which ends at the first that fails."""
        return ("sh", "-ec", "\n".join(shlex.join(command) for command in self.commands))


def plan(declared: Declared, terms: Terms) -> tuple[DependencySet, ...]:
    """The sets that a checkout needs. A Python one always: an empty environment, so that `python` is there."""
    python = plan_python(declared.requirements, terms)
    return (python,) if declared.node is None else (python, plan_node(declared.node, terms))


def plan_python(requirements: Sequence[str], terms: Terms) -> DependencySet:
    """A virtual environment. Packages that are not built yet would run their own code to be."""
    files = {"requirements.txt": "".join(f"{line}\n" for line in requirements)}
    python = f"{PYTHON_TARGET}/bin/python"
    built = () if terms.scripts else ("--only-binary=:all:",)
    install = (python, "-m", "pip", "install", "--no-input", "--no-cache-dir", "--disable-pip-version-check")
    temporary = f"{PYTHON_TARGET}/{TEMPORARY}"
    return DependencySet(
        PYTHON,
        _key(PYTHON, files, terms),
        files,
        (
            ("mkdir", temporary),
            # Without anything to install, pip is only slow to set up.
            ("python3", "-m", "venv", *(() if requirements else ("--without-pip",)), PYTHON_TARGET),
            *([(*install, *built, "-r", "requirements.txt")] if requirements else []),
            ("rm", "-rf", temporary),
        ),
        MANIFESTS_TARGET[PYTHON],
        PYTHON_TARGET,
        (("TMPDIR", temporary), ("HOME", temporary), *terms.sources.variables),
    )


def plan_node(project: NodeProject, terms: Terms) -> DependencySet:
    """What the lock says, or without one what npm chooses."""
    locked = {} if project.lock is None else {"package-lock.json": project.lock}
    files = {"package.json": project.package} | locked
    temporary = f"{NODE_TARGET}/{TEMPORARY}"
    return DependencySet(
        NODE,
        _key(NODE, files, terms),
        files,
        (
            ("mkdir", temporary),
            npm_install(locked=bool(locked), scripts=terms.scripts),
            ("rm", "-rf", temporary),
            ("mkdir", "-p", *SCRATCH),
        ),
        MANIFESTS_TARGET[NODE],
        NODE_TARGET,
        (
            ("TMPDIR", temporary),
            ("HOME", temporary),
            ("npm_config_cache", f"{temporary}/cache"),
            ("npm_config_logs_max", "0"),
            ("npm_config_update_notifier", "false"),
            *terms.sources.variables,
        ),
    )


def npm_install(*, locked: bool, scripts: bool) -> tuple[str, ...]:
    """The command of npm, in a container or on a host."""
    what = ("ci",) if locked else ("install", "--no-package-lock")
    return ("npm", *what, *(() if scripts else ("--ignore-scripts",)), "--no-audit", "--no-fund")


def combined_key(sets: Sequence[DependencySet]) -> str:
    """The key of an environment of several sets."""
    return _digest([each.key for each in sets])


def unusable_key(reason: str) -> str:
    """The key of manifests that cannot be used: one that no environment has."""
    return _digest(["unusable", reason])


def _key(ecosystem: str, files: Mapping[str, str], terms: Terms) -> str:
    return _digest([FORMAT, ecosystem, dict(files), asdict(terms)])


def _digest(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
