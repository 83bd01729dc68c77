"""Reads the role files: one YAML file a role, named after it."""

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from orket_pipelines.agents.declarations import read_declaration
from orket_pipelines.agents.roles.checking import find_faults
from orket_pipelines.agents.roles.model import Role
from orket_pipelines.cards.model import CardState
from orket_pipelines.errors import CardError, SettingsError

FOLDER = Path(__file__).parent


class RoleFile(BaseModel):
    """What a role file may say."""

    model_config = ConfigDict(extra="forbid")

    intent: str = Field(min_length=1)
    tools: list[str] = Field(min_length=1)
    states: list[CardState] = []
    prompt: str = Field(min_length=1)


@lru_cache
def load_roles(own: Path | None = None) -> dict[str, Role]:
    """Every role by its name, as `role_files` finds them.

    Raises: SettingsError with the file and the path to the key that is wrong.
    """
    return {path.stem: read_role(path) for path in role_files(own)}


def role_files(own: Path | None = None) -> list[Path]:
    """The files of all roles, by name: the shipped ones, and those in the folder `own`, which replace their like.

    Raises: SettingsError where there is no such folder.
    """
    if own is not None and not own.is_dir():
        raise SettingsError(f"there is no folder {own} with roles", next_step="Correct the setting ORKET_ROLES.")
    files = {path.stem: path for folder in (FOLDER, own) if folder for path in folder.glob("*.yaml")}
    return [files[name] for name in sorted(files)]


def get_role(name: str, own: Path | None = None) -> Role:
    """The role of this name. Raises: CardError where nobody sits there."""
    roles = load_roles(own)
    if name not in roles:
        seats = ", ".join(roles)
        raise CardError(f"there is no seat {name!r}", next_step=f"Name one of the seats there are: {seats}.")
    return roles[name]


def read_role(path: Path) -> Role:
    """The role that one file describes. Raises: SettingsError where it could not be called as it is written."""
    found = read_declaration(path, RoleFile)
    role = Role(path.stem, found.intent, frozenset(found.tools), frozenset(found.states), found.prompt.strip())
    faults = find_faults(role)
    if faults:
        raise SettingsError(f"{path}: {'; '.join(faults)}", next_step="Correct it, then: orket roles check")
    return role
