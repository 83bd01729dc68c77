"""What a tool is. A tool is one file beside this one and its test; `registry.py` lists them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict

from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.records import Session
from orket_pipelines.cards.model import CardState
from orket_pipelines.git.port import Code
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, Transaction
from orket_pipelines.workbench.model import Workbench


class Arguments(BaseModel):
    """What a model may say to a tool; more than that is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PathUse(StrEnum):
    """What an argument that names a path is for; the gate judges it before the call."""

    READ = "read"
    WRITE = "write"


ReadablePath = Annotated[str, PathUse.READ]
WritablePath = Annotated[str, PathUse.WRITE]


class Reach(StrEnum):
    """What a call can change, which decides what is done with one that a dead process left open.

    NOTHING: run it again. CHECKOUT: roll the checkout back to the last checkpoint, run it again.
    STORE: it is recorded in the transaction of its outcome, so it did not happen: run it again.
    SESSION: it can end the session and does nothing else; its outcome is stored with what comes before it.
    """

    NOTHING = "nothing"
    CHECKOUT = "checkout"
    STORE = "store"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """How what was merged runs. `services` are names with what each is; `note` says why where it does not run, and
    `meanwhile` which other commit serves then."""

    state: str
    commit: str
    generation: int
    services: tuple[str, ...]
    note: str
    meanwhile: str = ""


class SandboxView(Protocol):
    """A rock's sandbox, to be looked at and not to be touched."""

    def status(self) -> SandboxStatus | None:
        """None where nothing was deployed, or it was removed."""

    def logs(self, *, tail: int) -> dict[str, str]:
        """The last `tail` lines of each service, by service; empty where there are none. Raises: EngineUnavailable."""


class Follow(Protocol):
    """Stores, in the transaction that ends a session, what is to follow from it."""

    def __call__(self, tx: Transaction, session: Session, outcome: Outcome) -> None:
        """The session ends now with this outcome, unless the transaction fails."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a session works with. `store` acts as the role and carries the worker's fence.

    `sandbox` is that of the card's rock; None where nothing is ever deployed. `since` is when the worker took the issue
    up, on the store's monotonic clock; None where nobody counts its time. `follow` is called where the session ends.
    """

    store: Store
    code: Code
    workbench: Workbench
    settings: Settings
    stop: threading.Event
    sandbox: SandboxView | None = None
    since: float | None = None
    follow: Follow | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a model is told; `failed` marks an error it can mend, `denied` a call that a rule forbade.

    `outcome` ends the session. `record` is written in the transaction that stores the result.
    """

    text: str
    failed: bool = False
    denied: bool = False
    outcome: Outcome | None = None
    record: Callable[[Transaction], None] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """`name` and `description` are what the model sees, `arguments` the schema it must keep to.

    `states` are the card's states in which it may be called, `session_limit` how often in one session. An argument
    named `confirm` must be true: the gate refuses the call otherwise. `run` may raise an OrketError, which the model
    is told, but for those that no model can mend (StoreError, LeaseLost, WorkbenchError, Stopped).
    """

    name: str
    description: str
    arguments: type[Arguments]
    reach: Reach
    run: Callable[[Desk, Assignment, Any], ToolResult]
    states: frozenset[CardState] = frozenset({CardState.IN_PROGRESS})
    session_limit: int = 300
