"""A factory on a fake clock, with work for a day, a server of models that errs at random, and people around it."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from orket_pipelines.agents.approvals import decide, list_approvals
from orket_pipelines.budget_settings import Budget, Budgets
from orket_pipelines.cards.model import TERMINAL, WAITING, Card, CardKind, WaitReason
from orket_pipelines.cards.records import insert_cards, list_cards
from orket_pipelines.clock import FakeClock
from orket_pipelines.delivery import Factory, deliver_issue, deliver_rock
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store
from orket_pipelines.workbench import Execution, MemoryWorkbenches
from orket_pipelines.workbench.fake import ended

from .moods import Moods

HOUR = 3_600
ISSUES = 4
SETTINGS: dict[str, Any] = {
    "model": "big",
    "models": {
        "big": {"base_url": "http://big.example/v1", "fallback": ["qwen-small"], "input_price": 2, "output_price": 8},
        "qwen-small": {"base_url": "http://small.example/v1", "streaming": False},
    },
    "concurrency": 1,
    # Renewals come from a thread in real time, and nobody else is there to take over.
    "lease_patience": 1e9,
    "model_answer_limit": 50_000,
    "model_context": 8_000,
    "issue_timeout": 2 * HOUR,
    "turn_limit": 30,
    "approvals": "delete_file",
    "budgets": Budgets(issue=Budget(requests=40, cost=2), day=Budget(requests=900)),
}


class Day:
    """A factory on the clock, its cards, and the people around it."""

    def __init__(self, home: Path, seed: int) -> None:
        self.clock, self.random = FakeClock(), Random(seed)
        self.settings = Settings(home=home, **SETTINGS)
        self.store = Store.open(f"sqlite:///{home / 'orket.db'}", clock=self.clock)
        self.moods = Moods(self.settings, self.clock, self.random)
        self.rocks = 0
        code = MemoryCode()
        self.factory = Factory(
            settings=self.settings,
            store=self.store,
            code=code,
            forge=MemoryForge(code),
            workbenches=MemoryWorkbenches(self._run),
            models=self.moods,
            leases=LeaseKeeper(self.store, patience=self.settings.lease_patience),
        )

    def go_by(self, seconds: float) -> None:
        """Deliver what there is, over and over, until so much time has passed."""
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            if len(self.open_issues()) < ISSUES:
                self._add_rock()
            self.come_to_rest()
            self._look_in()
            self.clock.advance(300)

    def come_to_rest(self) -> None:
        """Deliver what can be delivered without anybody's help."""
        for rock in sorted({card.rock_id or "" for card in self.open_issues()}):
            deliver_rock(self.factory, rock, stop=threading.Event())

    def issues(self) -> list[Card]:
        with self.store.read() as tx:
            return list_cards(tx, kinds=frozenset({CardKind.ISSUE}))

    def open_issues(self) -> list[Card]:
        return [card for card in self.issues() if card.state not in TERMINAL]

    def _add_rock(self) -> None:
        self.rocks += 1
        rock = f"rock-{self.rocks}"
        cards = [Card(rock, CardKind.ROCK, rock, rock_id=rock)]
        cards.append(Card(f"{rock}-epic", CardKind.EPIC, "Epic", parent_id=rock, rock_id=rock))
        for at in range(ISSUES):
            needed = (f"{rock}-{at - 1}",) if at and self.random.random() < 0.3 else ()
            issue = Card(f"{rock}-{at}", CardKind.ISSUE, f"Issue {at}", parent_id=f"{rock}-epic", rock_id=rock)
            cards.append(replace(issue, depends_on=needed))
        with self.store.write() as tx:
            insert_cards(tx, cards)

    def _look_in(self) -> None:
        """People decide about calls, and send some of the cards that wait for them on."""
        with self.store.write() as tx:
            for asked in list_approvals(tx, undecided=True):
                decide(tx, asked.id, granted=self.random.random() < 0.5, by="ada", reason="")
        for card in self.open_issues():
            if card.state in WAITING and self.random.random() < 0.3:
                deliver_issue(self.factory, card.id, stop=threading.Event(), resume=WaitReason)

    def _run(self, checkout: Path, command: Sequence[str]) -> Execution:
        """Commands take their time, and some of them all there is; tests fail where a file says `broken`."""
        takes = self.random.uniform(1, 60)
        if self.random.random() < 0.05:
            takes = self.settings.command_timeout
            return replace(self._ended(takes, 124), timed_out=True)
        if command[0] == "make":
            return self._ended(takes, self.random.choice([0, 0, 2]))
        broken = any("broken" in path.read_text() for path in checkout.rglob("*.txt"))
        return self._ended(takes, int(broken))

    def _ended(self, seconds: float, exit_code: int) -> Execution:
        self.clock.advance(seconds)
        said = f"1 {'failed' if exit_code else 'passed'} in {seconds:.1f}s\n"
        return replace(ended(exit_code, said), seconds=seconds)
