"""Playbook files: what the scripted model says and calls, by card, role, purpose, visit and turn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from orket_pipelines.agents.model import Purpose
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings

FILE = "playbook.yaml"
SOLUTION = "solution"
ANY_CARD = "default"
"""The entry of a playbook that plays every card it does not name."""
FROM = "_from"
"""An argument with this ending names a file under the solution folder; the argument gets its content."""
PACKAGE = Path(__file__).parents[2]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Move(_Written):
    """One answer: words, then tool calls, each `{tool: arguments}`.

    `expect` must occur in what the model was told last, or the script stops.
    """

    say: str = ""
    expect: str | None = None
    calls: tuple[dict[str, dict[str, Any]], ...] = ()

    @field_validator("calls")
    @classmethod
    def _one_tool_each(cls, calls: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        if any(len(call) != 1 for call in calls):
            raise ValueError("each call names one tool, as `- tool: {argument: value}`")
        return calls


class Scene(_Written):
    """What a role does when it is called for a purpose; without `visit`, at any visit that no other scene names."""

    purpose: Purpose
    visit: int | None = Field(None, ge=1)
    turns: tuple[Move, ...] = Field(min_length=1)


class Playbook(_Written):
    """Scenes by card id and role."""

    cards: dict[str, dict[str, tuple[Scene, ...]]]

    def scene(self, card: str, role: str, purpose: str, visit: int) -> Scene | None:
        """The scene for this call: the card's own before anybody's, one for this visit before one for any."""
        for name in (card, ANY_CARD):
            scenes = [scene for scene in self.cards.get(name, {}).get(role, ()) if scene.purpose == purpose]
            for wanted in (visit, None):
                found = next((scene for scene in scenes if scene.visit == wanted), None)
                if found is not None:
                    return found
        return None


def examples_folder() -> Path:
    """Where the examples lie: in the wheel's application, or beside the package in a checkout."""
    packaged = PACKAGE / "_app" / "examples"
    return packaged if packaged.is_dir() else PACKAGE.parent / "examples"


def load_playbooks(settings: Settings) -> Playbook:
    """The playbooks of all examples as one, or of the folder in the settings: `<folder>/<example>/playbook.yaml`.

    Raises: SettingsError with the file and the path to the key that is wrong.
    """
    folder = settings.playbooks or examples_folder()
    files = sorted(folder.glob(f"*/{FILE}"))
    if not files:
        raise SettingsError(
            f"{folder}: no playbook lies there ({folder}/<example>/{FILE})",
            next_step="Point ORKET_PLAYBOOKS at a folder of examples, or choose a language model: ORKET_MODEL.",
        )
    cards: dict[str, dict[str, tuple[Scene, ...]]] = {}
    for file in files:
        found = read_playbook(file).cards
        twice = sorted(set(found) & set(cards))
        if twice:
            raise _broken(file, f"cards: another playbook plays {', '.join(twice)} already")
        cards |= found
    return Playbook(cards=cards)


def read_playbook(file: Path) -> Playbook:
    """One playbook file, with the solution files that its arguments name. Raises: SettingsError."""
    try:
        raw = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _broken(file, " ".join(str(error).split())) from error
    try:
        playbook = Playbook.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise _broken(file, f"{'.'.join(map(str, first['loc']))}: {first['msg']}{more}") from error
    for path, arguments in _calls(playbook):
        _fill_in(file, path, arguments)
    return playbook


def _calls(playbook: Playbook) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call's arguments, with the path to them."""
    for card, roles in playbook.cards.items():
        for role, scenes in roles.items():
            for at, scene in enumerate(scenes):
                for turn, move in enumerate(scene.turns):
                    for number, call in enumerate(move.calls):
                        path = f"cards.{card}.{role}.{at}.turns.{turn}.calls.{number}"
                        yield from ((f"{path}.{tool}", arguments) for tool, arguments in call.items())


def _fill_in(file: Path, path: str, arguments: dict[str, Any]) -> None:
    """Replace each argument that names a solution file by the file's content."""
    solution = (file.parent / SOLUTION).resolve()
    for name in [name for name in arguments if name.endswith(FROM)]:
        source = (solution / str(arguments[name])).resolve()
        if not source.is_relative_to(solution):
            raise _broken(file, f"{path}.{name}: {arguments[name]} lies outside {SOLUTION}/")
        try:
            content = source.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise _broken(file, f"{path}.{name}: {error}") from error
        del arguments[name]
        arguments[name.removesuffix(FROM)] = content


def _broken(file: Path, what: str) -> SettingsError:
    return SettingsError(f"{file}: {what}", next_step=f"Correct {file}.")
