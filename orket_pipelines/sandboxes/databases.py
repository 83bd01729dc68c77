"""Databases beside the services of a sandbox: which ones, their secrets as files, and what services are told."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from orket_pipelines.sandboxes.model import Plan

DATABASE_SECRETS, SERVICE_SECRETS = "/run/secrets/database", "/run/secrets/settings"
"""Where a database sees its password and files, and where services see `environment`, what they are told."""
ENVIRONMENT, PASSWORD = "environment", "password"
SECRET_BYTES = 24


@dataclass(frozen=True, slots=True)
class DatabaseKind:
    """A kind of database as `databases.yaml` has it, where its fields are explained."""

    port: int
    data: str
    command: tuple[str, ...]
    check: tuple[str, ...]
    settings: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    scratch: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Database:
    """A database of a sandbox: its kind, and the name by which services reach it."""

    kind: str
    host: str

    @property
    def facts(self) -> DatabaseKind:
        """What is so of every database of its kind."""
        return kinds()[self.kind]

    @property
    def check(self) -> list[str]:
        """The argv that asks, in its container, whether others can connect."""
        return [_filled(word, self, "") for word in self.facts.check]

    def settings(self, password: str) -> dict[str, str]:
        """What services are told of it."""
        return {name: _filled(text, self, password) for name, text in self.facts.settings.items()}

    def files(self, password: str) -> dict[str, str]:
        """What it is told in files."""
        written = {name: _filled(text, self, password) for name, text in self.facts.files.items()}
        return {PASSWORD: password} | written


@cache
def kinds() -> dict[str, DatabaseKind]:
    """All that there are, in the order of their claim to DATABASE_URL."""
    read = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    return TypeAdapter(dict[str, DatabaseKind]).validate_python(read)


def databases_of(plan: Plan) -> tuple[Database, ...]:
    """Those that the plan's services talk to and that can be had, each once for all of them.

    A service that bears the name already keeps it.
    """
    wanted = {name for service in plan.services for name in service.databases}
    taken = {service.name for service in plan.services}
    return tuple(Database(each, f"{each}-database" if each in taken else each) for each in kinds() if each in wanted)


def settings_for(databases: tuple[Database, ...], passwords: Mapping[str, str]) -> dict[str, str]:
    """The variables of the services, `passwords` by kind; where two databases claim a name, the first has it."""
    told: dict[str, str] = {}
    for each in databases:
        told = each.settings(passwords[each.kind]) | told
    return dict(sorted(told.items()))


def write_secrets(folder: Path, databases: tuple[Database, ...], owner: tuple[int, int]) -> None:
    """Have a folder of secrets for each database, and one for the services, which `owner` (uid, gid) alone can read.

    A password is made once: it stands in the database's own files, too. Begun again after a kill, nothing differs.
    """
    passwords: dict[str, str] = {}
    for each in databases:
        place = _own_folder(folder / each.kind, owner)
        passwords[each.kind] = _password(place / PASSWORD, owner)
        for name, text in each.files(passwords[each.kind]).items():
            _write(place / name, text, owner)
    settings = settings_for(databases, passwords)
    exports = "".join(f"export {name}='{value}'\n" for name, value in settings.items())
    _write(_own_folder(folder / "settings", owner) / ENVIRONMENT, exports, owner)


def _password(path: Path, owner: tuple[int, int]) -> str:
    if not path.exists():
        _write(path, secrets.token_hex(SECRET_BYTES), owner)
    return path.read_text()


def _own_folder(folder: Path, owner: tuple[int, int]) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _give(folder, owner)
    return folder


def _write(path: Path, text: str, owner: tuple[int, int]) -> None:
    """As a whole or not at all; nobody else can read it at any moment."""
    new = path.with_name(f".{path.name}")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    _give(new, owner)
    new.replace(path)


def _give(path: Path, owner: tuple[int, int]) -> None:
    """Where the factory is root, the containers' user is another."""
    if os.geteuid() == 0:
        os.chown(path, *owner)


def _filled(text: str, database: Database, password: str) -> str:
    # Not `format`: commands hold braces of their own.
    known = {"{host}": database.host, "{port}": str(database.facts.port), "{password}": password}
    for name, value in known.items():
        text = text.replace(name, value)
    return text
