"""Reads the dialect files: one YAML file a family of models, named after it."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orket_pipelines.agents.declarations import read_declaration
from orket_pipelines.errors import SettingsError

FOLDER = Path(__file__).parent
PLAIN = "plain"
"""The dialect of a model that no other file names."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A family of models. `models` are patterns of their names, in lower case; `prompt` ends the system text;
    `text_calls` are the notations in which calls that it prints as text are read, tried in order.
    """

    name: str
    models: tuple[str, ...]
    prompt: str
    text_calls: tuple[str, ...] = ()


class DialectFile(BaseModel):
    """What a dialect file may say."""

    model_config = ConfigDict(extra="forbid")

    models: list[str] = Field(min_length=1)
    prompt: str = ""
    text_calls: list[Literal["tags", "brackets", "json"]] = []


@lru_cache(maxsize=1)
def load_dialects() -> dict[str, Dialect]:
    """Every dialect by its name. Raises: SettingsError with the file and the path to the key that is wrong."""
    return {path.stem: read_dialect(path) for path in sorted(FOLDER.glob("*.yaml"))}


def dialect_of(model: str) -> Dialect:
    """The dialect of the model of this name, whatever provider stands before it, as in `ollama/qwen3:8b`."""
    dialects = load_dialects()
    name = model.lower().rpartition("/")[2]
    for dialect in dialects.values():
        if dialect.name != PLAIN and any(fnmatchcase(name, pattern) for pattern in dialect.models):
            return dialect
    return dialects[PLAIN]


def get_dialect(name: str) -> Dialect:
    """The dialect of this name. Raises: SettingsError where there is none."""
    dialects = load_dialects()
    if name not in dialects:
        step = f"Name one of the dialects there are: {', '.join(dialects)}."
        raise SettingsError(f"there is no dialect {name!r}; there are: {', '.join(dialects)}", next_step=step)
    return dialects[name]


def read_dialect(path: Path) -> Dialect:
    """The dialect that one file describes. Raises: SettingsError."""
    found = read_declaration(path, DialectFile)
    return Dialect(path.stem, tuple(found.models), found.prompt.strip(), tuple(found.text_calls))
