"""The composition root: which store, code, forge, workbenches and models one process works with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from orket_pipelines.agents.models import Models, open_models
from orket_pipelines.agents.roles import load_roles
from orket_pipelines.cards.model import Card
from orket_pipelines.cards.records import find_card
from orket_pipelines.clock import Clock
from orket_pipelines.containers.port import Engine
from orket_pipelines.delivery.isolation import open_means
from orket_pipelines.delivery.places import demand_known_roles
from orket_pipelines.delivery.reaping import reap_orphans
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.forge import LocalForge
from orket_pipelines.forge.port import Forge
from orket_pipelines.git import GitCode, demand_git
from orket_pipelines.git.port import Code, Identity
from orket_pipelines.review import rules_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, Transaction
from orket_pipelines.workbench.model import Workbenches


@dataclass(frozen=True, slots=True)
class Factory:
    """One process's hands. Close it, or use it as a context manager: its leases are given back then.

    The home of its `settings` is absolute. Without a `stage` nothing is deployed, and what a card declares to be tried
    on a sandbox fails. `engine` is None where commands are processes; `isolation` says in a line what is isolated.
    """

    settings: Settings
    store: Store
    code: Code
    forge: Forge
    workbenches: Workbenches
    models: Models
    leases: LeaseKeeper
    stage: Stage | None = None
    engine: Engine | None = None
    isolation: str = ""
    close_means: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop renewing leases and give back connections."""
        self.close_means()
        self.leases.close()
        self.store.close()

    def checkout_of(self, card_id: str, name: str) -> Path:
        """Where the throwaway clone `name` (an attempt, `review`, a test run) of a card lies."""
        return self.settings.home.joinpath("checkouts", self.store.workspace_id, card_id, name)


@dataclass(frozen=True, slots=True)
class Project:
    """What a rock says of the code that its issues change, and of the model that works on them, None for any.

    Without a `test_command` its files say how it is tested.
    """

    repository: str
    title: str
    test_command: tuple[str, ...]
    model: str | None = None


def open_factory(settings: Settings, *, run_id: str | None = None, clock: Clock | None = None) -> Factory:
    """The factory that `settings` describe. `run_id` names the Dagster run that causes what it writes.

    What dead workers left with the engine is removed first. Raises: GitError where git is missing or too old;
    StoreError, SettingsError, EngineUnavailable.
    """
    demand_git()
    rules_of(settings)
    if settings.role_concurrency:
        demand_known_roles(settings, load_roles(settings.roles))
    # Once for all: the file system is asked for each part of a path that is resolved.
    settings = settings.model_copy(update={"home": settings.home.resolve()})
    store = Store.open(settings.store_url, workspace_id=settings.workspace, clock=clock).acting(run_id=run_id)
    code = open_code(settings)
    leases = LeaseKeeper(store, patience=settings.lease_patience)
    means = open_means(settings, store, leases)
    if means.engine is not None:
        reap_orphans(settings, store, means.engine, leases)
    return Factory(
        settings=settings,
        store=store,
        code=code,
        forge=open_forge(settings, store, code),
        workbenches=means.workbenches,
        models=open_models(settings),
        leases=leases,
        stage=means.stage,
        engine=means.engine,
        isolation=means.told,
        close_means=means.close,
    )


def open_forge(settings: Settings, store: Store, code: Code) -> Forge:
    """The forge that goes with the store."""
    return LocalForge(store, code, settings.home.resolve() / "attachments")


def open_code(settings: Settings) -> GitCode:
    """The repositories of the workspace."""
    return GitCode(settings.home.resolve() / "repositories" / settings.workspace)


def project_of(tx: Transaction, card: Card) -> Project:
    """Repository, test command and model of the card's rock (`params` of the rock); a card without one has its own."""
    rock = find_card(tx, card.rock_id) if card.rock_id else None
    owner = rock or card
    params = owner.details.get("params") or {}
    return Project(
        repository=params.get("repository") or owner.id,
        title=owner.name,
        test_command=tuple(params.get("test_command") or ()),
        model=params.get("model"),
    )


def identity_of(role: str) -> Identity:
    """The account of a role, as commits show it; one role, one identity."""
    return Identity(role, f"{role}@orket.invalid")
