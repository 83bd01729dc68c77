"""Reads the role files: one YAML file a role, named after it."""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from orket_pipelines.agents.roles.model import Role
from orket_pipelines.cards.model import CardState
from orket_pipelines.errors import CardError, SettingsError

FOLDER = Path(__file__).parent


class RoleFile(BaseModel):
    """What a role file may say."""

    model_config = ConfigDict(extra="forbid")

    intent: str
    tools: list[str]
    states: list[CardState] = []
    prompt: str


@lru_cache(maxsize=1)
def load_roles() -> dict[str, Role]:
    """Every role by its name. Raises: SettingsError with the file and the path to the key that is wrong."""
    return {path.stem: read_role(path) for path in sorted(FOLDER.glob("*.yaml"))}


def get_role(name: str) -> Role:
    """The role of this name. Raises: CardError where nobody sits there."""
    roles = load_roles()
    if name not in roles:
        seats = ", ".join(roles)
        raise CardError(f"there is no seat {name!r}", next_step=f"Name one of the seats there are: {seats}.")
    return roles[name]


def read_role(path: Path) -> Role:
    """The role that one file describes. Raises: SettingsError."""
    try:
        found = RoleFile.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}", next_step=f"Correct {path}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"{path}: {wrong}", next_step=f"Correct {path}.") from error
    return Role(path.stem, found.intent, frozenset(found.tools), frozenset(found.states), found.prompt.strip())
