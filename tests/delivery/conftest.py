"""A line of shipped fakes over a real store."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.delivery import Delivery, Factory, deliver_rock
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MAIN, MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store
from orket_pipelines.workbench import Execution, MemoryWorkbenches
from orket_pipelines.workbench.fake import ended

Turns = list[dict[str, Any]]
READY = {"request_state": {"state": "ready_for_testing", "summary": "done"}}
APPROVE = {"submit_review": {"verdict": "approve", "body": "good"}}


def scene(purpose: str, *calls: dict[str, Any], visit: int | None = None) -> dict[str, Any]:
    """One scene of one turn."""
    return {"purpose": purpose, "visit": visit, "turns": [{"calls": list(calls)}]}


def write(path: str, content: str) -> dict[str, Any]:
    """A call that writes a file."""
    return {"write_file": {"path": path, "content": content}}


class Line:
    """A rock `rock` with one epic, delivered by fakes. `scripts` holds, by card and role, the scenes to play.

    What it does not name is played by `default`: the author writes a file named as the card, the guard approves.
    The project's tests fail while a file of the checkout says `broken`.
    """

    def __init__(self, store: Store, home: Path, **settings: Any) -> None:
        self.scripts: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self.during_tests: Callable[[Path], None] = lambda _checkout: None
        self.settings = Settings(home=home, **({"concurrency": 2} | settings))
        self.store = store
        self.code = MemoryCode()
        self.forge = MemoryForge(self.code)
        self.leases = LeaseKeeper(store, patience=self.settings.lease_patience)
        epic = Card("epic", CardKind.EPIC, "Epic", parent_id="rock", rock_id="rock")
        with store.write() as tx:
            insert_cards(tx, [Card("rock", CardKind.ROCK, "Rock", rock_id="rock"), epic])

    @property
    def factory(self) -> Factory:
        """As the scripts are now."""
        return self.another(self.leases)

    def another(self, leases: LeaseKeeper) -> Factory:
        """The hands of another process on the same world."""
        default = {
            "coder": [scene("work", write("work.txt", "done\n"), READY)],
            "integrity_guard": [scene("review", APPROVE)],
        }
        playbook = Playbook.model_validate({"cards": {"default": default, **self.scripts}})
        return Factory(
            settings=self.settings,
            store=self.store,
            code=self.code,
            forge=self.forge,
            workbenches=MemoryWorkbenches(self._run_tests),
            models=Scripted(playbook),
            leases=leases,
        )

    def add(self, *names: str, **values: Any) -> None:
        """Issues of the rock; `depends_on`, `priority` and other fields of a card apply to each."""
        cards = [Card(name, CardKind.ISSUE, name, parent_id="epic", rock_id="rock", **values) for name in names]
        with self.store.write() as tx:
            insert_cards(tx, cards)

    def deliver(self, factory: Factory | None = None) -> dict[str, Delivery]:
        """Deliver the rock; what became of each issue."""
        delivered = deliver_rock(factory or self.factory, "rock", stop=threading.Event())
        return {found.card.id: found for found in delivered}

    def files(self, path: Path) -> dict[str, str]:
        """What stands on main."""
        self.code.check_out("rock", self.code.head("rock", MAIN) or "", path)
        return {found.name: found.read_text() for found in path.iterdir() if found.is_file()}

    def _run_tests(self, checkout: Path, _command: Sequence[str]) -> Execution:
        self.during_tests(checkout)
        broken = [path for path in checkout.iterdir() if path.is_file() and "broken" in path.read_text()]
        return ended(1, "1 failed in 0.01s\n") if broken else ended(0, "1 passed in 0.01s\n")


@pytest.fixture
def line(store: Store, tmp_path: Path) -> Iterator[Line]:
    line = Line(store, tmp_path / "home")
    yield line
    line.leases.close()
