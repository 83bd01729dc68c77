"""Stored cards as files again: a folder for each rock, with its card file in YAML and the files of its suites.

Brought in again they change nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from orket_pipelines.cards.documents import write_document
from orket_pipelines.cards.model import DEFAULT_PRIORITY, WAITING, WORKABLE, Card, CardKind, CardState
from orket_pipelines.errors import CardError

CARD_FILE = "cards.yaml"
IMPLIED = frozenset({"suites"})
"""Details that are written in a form of their own."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file; `path` is relative to the folder of the export, and never leads out of it.

    `holds_cards` tells a card file from the file of a suite.
    """

    path: PurePosixPath
    text: str
    holds_cards: bool = False


def export_rock(cards: Sequence[Card]) -> list[ExportedFile]:
    """The files of one rock. `cards` are all of its cards, the rock among them, in the order of their files.

    Raises: CardError where a card stands where no file can say it.
    """
    rock = next(card for card in cards if card.kind is CardKind.ROCK)
    epics = [card for card in cards if card.kind is CardKind.EPIC]
    _refuse_strays(cards, {epic.id for epic in epics})
    node = _node(rock) | _filled("suites", [_declared(suite) for suite in _suites(rock)])
    node["epics"] = [_epic(epic, [card for card in cards if card.parent_id == epic.id]) for epic in epics]
    files = [ExportedFile(_inside(rock, suite["file"]), suite["source"]) for suite in _suites(rock)]
    name = _free_name({file.path.name for file in files})
    return [ExportedFile(PurePosixPath(rock.id, name), write_document({"rock": node}), holds_cards=True), *files]


def _epic(epic: Card, issues: Iterable[Card]) -> dict[str, Any]:
    return _node(epic) | {"issues": [_node(issue) for issue in issues]}


def _node(card: Card) -> dict[str, Any]:
    """What a file says of a card, without what it need not say. The state is that of now."""
    named: dict[str, Any] = {"id": card.id, "name": card.name}
    if card.kind in {CardKind.UTILITY, CardKind.APP}:
        named["kind"] = str(card.kind)
    if card.state is not CardState.READY:
        named["state"] = str(card.state)
    if card.state in WAITING:
        named["wait_reason"] = str(card.wait_reason)
    if card.priority != DEFAULT_PRIORITY:
        named["priority"] = card.priority
    columns = _filled("seat", card.seat) | _filled("depends_on", list(card.depends_on))
    details = {key: value for key, value in card.details.items() if key not in IMPLIED and value not in (None, "", [])}
    return named | columns | {key: value for key, value in details.items() if value != {}}


def _filled(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}


def _suites(rock: Card) -> list[dict[str, Any]]:
    return list(rock.details.get("suites") or ())


def _declared(suite: dict[str, Any]) -> dict[str, Any]:
    return {name: suite[name] for name in ("name", "kind", "file")}


def _inside(rock: Card, file: str) -> PurePosixPath:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise CardError(
            f"rock {rock.id} cannot be exported: its suite {file!r} lies at a path of the machine it came from",
            next_step="Name the file relative to the card file, and import it again.",
        )
    return PurePosixPath(rock.id) / path


def _free_name(taken: set[str]) -> str:
    """A name for the card file that no suite has."""
    name = CARD_FILE
    while name in taken:
        name = f"the-{name}"
    return name


def _refuse_strays(cards: Iterable[Card], epics: set[str]) -> None:
    strays = [card.id for card in cards if card.kind in WORKABLE and card.parent_id not in epics]
    if strays:
        raise CardError(
            f"these cards are part of no epic, and a file cannot say that: {', '.join(strays)}",
            next_step="Export the other rocks: orket cards export ROCK",
        )
