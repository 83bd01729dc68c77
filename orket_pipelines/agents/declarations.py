"""Reads what is declared in files of YAML: roles, dialects."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from orket_pipelines.errors import SettingsError

_Declared = TypeVar("_Declared", bound=BaseModel)


def read_declaration(path: Path, kind: type[_Declared]) -> _Declared:
    """What one file declares. Raises: SettingsError with the file and the path to each key that is wrong."""
    try:
        return kind.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}", next_step=f"Correct {path}.") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors())
        raise SettingsError(f"{path}: {wrong}", next_step=f"Correct {path}.") from error
