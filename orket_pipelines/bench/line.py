"""The line with nothing behind it: cards, a script, and a factory whose code, forge and workbench only remember.

The author calls one tool and asks for a review, the guard approves: two turns an issue.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted, ScriptedModel
from orket_pipelines.cards.importing import import_cards
from orket_pipelines.delivery import Factory, open_factory
from orket_pipelines.errors import OrketError
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.workbench import MemoryWorkbenches
from orket_pipelines.workbench.fake import ended

TURNS = 2
PROOF = ["echo", "1 passed"]
"""The project's test command: as little as counts for a test that passed."""
CALLS = [
    {"write_file": {"path": "notes.txt", "content": "Noted.\n"}},
    {"request_state": {"state": "ready_for_testing", "summary": "done"}},
]
APPROVAL = {"submit_review": {"verdict": "approve", "body": "good"}}
SCRIPT: dict[str, Any] = {
    "cards": {
        "default": {
            "coder": [{"purpose": "work", "turns": [{"calls": CALLS}]}],
            "integrity_guard": [{"purpose": "review", "turns": [{"calls": [APPROVAL]}]}],
        }
    }
}


@dataclass(frozen=True, slots=True)
class Slow(Scripted):
    """The scripted model, which takes `seconds` for each answer."""

    seconds: float

    def open(self, name: str) -> LanguageModel:
        """The script, spoken slowly."""
        return replace(Scripted.open(self, name), model=_SlowModel(self.playbook, self.seconds))


class _SlowModel(ScriptedModel):
    def __init__(self, playbook: Playbook, seconds: float) -> None:
        super().__init__(playbook)
        self._seconds = seconds

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        await asyncio.sleep(self._seconds)
        return await super().request(messages, model_settings, model_request_parameters)


def null_factory(settings: Settings, *, latency: float = 0.0) -> Factory:
    """A factory of which the store alone is real; nothing is deployed. An answer of the model takes `latency` s."""
    code, playbook = MemoryCode(files=False), Playbook.model_validate(SCRIPT)
    models = Slow(playbook, latency) if latency else Scripted(playbook)
    made = replace(open_factory(settings), models=models, code=code, forge=MemoryForge(code))
    return replace(made, workbenches=null_workbenches(), stage=None)


def null_workbenches() -> MemoryWorkbenches:
    """Workbenches where every command says what PROOF does."""
    return MemoryWorkbenches(lambda *_: ended(output=f"{PROOF[-1]}\n"))


def import_rocks(settings: Settings, rocks: Iterable[str], issues: int, *, dependent: bool = False) -> None:
    """Rocks of so many issues in the store; `dependent`: two of three depend on two earlier ones."""
    settings.home.mkdir(parents=True, exist_ok=True)
    paths = [_write_rock(settings.home, rock, issues, dependent=dependent) for rock in rocks]
    with open_factory(settings) as factory:
        imported = import_cards(factory.store, paths, seats=frozenset({"coder", "integrity_guard"}))
    if imported.problems:
        raise OrketError(f"the bench's cards are not accepted: {imported.problems[0]}")


def _write_rock(folder: Path, rock: str, count: int, *, dependent: bool) -> Path:
    parts = {name: [name] for name in ("managers", "engines", "accessors")}
    issues = [_issue(rock, number, dependent=dependent) for number in range(1, count + 1)]
    epic = {"id": f"{rock}-all", "name": "All", "issues": issues, "architecture": parts}
    params = {"repository": rock, "test_command": PROOF}
    path = folder / f"{rock}.json"
    path.write_text(json.dumps({"rock": {"id": rock, "name": rock, "params": params, "epics": [epic]}}))
    return path


def _issue(rock: str, number: int, *, dependent: bool) -> dict[str, Any]:
    earlier = {number // 2, number // 3} - {0} if dependent and number % 3 else set()
    needed = [f"{rock}-{other:03}" for other in sorted(earlier)]
    return {"id": f"{rock}-{number:03}", "name": f"Issue {number}", "seat": "coder", "depends_on": needed}
