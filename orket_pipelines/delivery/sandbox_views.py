"""A rock's sandbox as its agents may see it: how it stands, and what it said; nothing that changes it."""

from dataclasses import dataclass

from orket_pipelines.agents.tools.model import SandboxStatus, SandboxView
from orket_pipelines.cards.model import Card
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.sandboxes.model import Sandbox, Sandboxes, SandboxState
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import Store

LOGLESS = frozenset({SandboxState.DELETED, SandboxState.CREATING})
"""States in which nothing has been said, or it is being replaced."""


@dataclass(frozen=True, slots=True)
class RockSandbox:
    """The sandbox of one rock."""

    store: Store
    sandboxes: Sandboxes
    rock_id: str

    def status(self) -> SandboxStatus | None:
        """As stored: the job that watches sandboxes keeps it true."""
        found = self._find()
        if found is None:
            return None
        services = tuple(f"{each['name']} ({each['stack']}, {each['kind']})" for each in _services(found))
        return SandboxStatus(str(found.state), found.commit, found.generation, services, found.note, found.meanwhile)

    def logs(self, *, tail: int) -> dict[str, str]:
        """As the sandbox's keeper has them."""
        found = self._find()
        return {} if found is None or found.state in LOGLESS else self.sandboxes.logs(found, tail=tail)

    def _find(self) -> Sandbox | None:
        with self.store.read() as tx:
            found = sandbox_of_rock(tx, self.rock_id)
        return found if found is not None and found.state is not SandboxState.DELETED else None


def view_of(factory: Factory, card: Card) -> SandboxView | None:
    """What agents that work on `card` see; None where nothing is deployed."""
    if factory.stage is None or card.rock_id is None:
        return None
    return RockSandbox(factory.store, factory.stage.sandboxes, card.rock_id)


def _services(sandbox: Sandbox) -> list[dict[str, str]]:
    return list(sandbox.plan.get("services") or ())
