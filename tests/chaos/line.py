"""A factory of shipped fakes whose world, kept in files, outlives its process; and what such a process does."""

import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.analytics import drain
from orket_pipelines.cards.importing import import_cards
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import get_card
from orket_pipelines.clock import Clock
from orket_pipelines.containers import MemoryEngine
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.delivery import Factory, deliver_rock
from orket_pipelines.delivery.isolation import worker_labels
from orket_pipelines.delivery.reaping import reap_orphans
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.dependencies import ContainerInstaller
from orket_pipelines.dependencies.sources import Configured
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MAIN, MemoryCode
from orket_pipelines.sandboxes import open_sandboxes
from orket_pipelines.settings import load_settings
from orket_pipelines.store import LeaseKeeper, Store
from orket_pipelines.verification.container_browsers import ContainerBrowsers
from orket_pipelines.workbench import ContainerWorkbenches
from tests.kills import do_and_die

from .machines import Programs, try_suite

HERE = Path(__file__).parent
ROCKS = {"fire": "cards.yaml", "smoke": "smoke.yaml"}
SEATS = frozenset({"coder", "integrity_guard", "lead_architect", "project_manager"})
SOURCES = Configured(npm_default=("https://npm.example/",), pip_default=("pip.example",))
PLAYBOOK = Playbook.model_validate(yaml.safe_load((HERE / "playbook.yaml").read_text()))
PATIENCE = 60.0
"""Seconds that one fake waits for another issue."""

# What is loaded late in a process that works is loaded once, before the forks.
PHASES = ("orket_pipelines.delivery.bug_phases", "orket_pipelines.delivery.nightly")
"""No delivery loads them; they have names in the registry all the same."""
for late in ("orket_pipelines.store.migrate", "genai_prices.data", *PHASES):
    importlib.import_module(late)


class Line:
    """The factory as `open_factory` makes it, of fakes, on the database that the home names.

    `once_reaped` is called before anything is delivered.
    """

    def __init__(
        self,
        home: Path,
        *,
        clock: Clock | None = None,
        once_reaped: Callable[[MemoryEngine], None] = lambda _: None,
        engine_patience: float = PATIENCE,
    ) -> None:
        self.home = home
        self._once_reaped = once_reaped
        # How much memory this machine has free decides nothing here.
        known = {"engine_patience": engine_patience, "sandbox_beside": "always"}
        settings = load_settings(home=home, concurrency=3, model="scripted", **known)
        store = Store.open(settings.store_url, clock=clock)
        self.code = MemoryCode(home / "code.jsonl")
        self.forge = MemoryForge(self.code, home / "forge.jsonl")
        self.engine = MemoryEngine(home, Programs(home, self._keep_order), path=home / "engine.jsonl")
        leases, labels = LeaseKeeper(store, patience=settings.lease_patience), worker_labels(settings)
        self.installer, for_browsers = (
            ContainerInstaller(
                self.engine,
                store,
                settings.model_copy(update={"workbench_image": image}),
                leases=leases,
                labels=labels,
                user=command_user(),
                ask=lambda: SOURCES,
            )
            for image in (settings.workbench_image, settings.e2e_image)
        )
        sandboxes = open_sandboxes(settings, store, self.installer, engine=self.engine, process=labels.process)
        browsers = ContainerBrowsers(self.engine, for_browsers, settings, labels)
        self.factory = Factory(
            settings=settings,
            store=store,
            code=self.code,
            forge=self.forge,
            workbenches=ContainerWorkbenches(
                self.engine, self.installer, image=settings.workbench_image, labels=labels, clock=store.clock
            ),
            models=Scripted(PLAYBOOK),
            leases=leases,
            stage=Stage(replace(sandboxes, ask=lambda _: 200), browsers, run_suite=try_suite),
            engine=self.engine,
        )

    def deliver(self) -> None:
        """Reap, import, deliver, drain: all that a process of the line does."""
        with self.factory as factory:
            self.reap()
            self._once_reaped(self.engine)
            import_cards(factory.store, [HERE / file for file in ROCKS.values()], seats=SEATS)
            for rock in ROCKS:
                deliver_rock(factory, rock, stop=threading.Event())
            drain(factory.store, self.home / "analytics")

    def reap(self) -> None:
        """As `open_factory` does."""
        reap_orphans(self.factory.settings, self.factory.store, self.engine, self.factory.leases)

    def _keep_order(self, card_id: str) -> None:
        """Each card waits in its tests for what `waits_for` says.

        So `second` conflicts with main, `fifth` and `fourth` have merged trees that nobody has tested, and every merge
        is deployed, one after the other.
        """
        waits_for = {
            "first": lambda: self._has_branch("second") and self._has_branch("fifth"),
            "second": lambda: self._is_done("first"),
            "fifth": lambda: self._is_done("second") and self._has_branch("fourth"),
            "fourth": lambda: self._is_done("fifth"),
        }
        deadline = time.monotonic() + PATIENCE
        while not waits_for.get(card_id, lambda: True)():
            assert time.monotonic() < deadline, f"{card_id} waited in vain"
            time.sleep(0.02)

    def _has_branch(self, card_id: str) -> bool:
        return self.code.head("fire", f"orket/default/{card_id}/1") is not None

    def _is_done(self, card_id: str) -> bool:
        with self.factory.store.read() as tx:
            return get_card(tx, card_id).state is CardState.DONE


def run(home: Path, *failpoints: str, count: int = 1, open_line: Callable[[Path], Line] = Line) -> str:
    """Deliver in a process of its own; at which of `failpoints` it died, nothing where it came to its end."""
    return do_and_die(lambda: open_line(home).deliver(), *failpoints, count=count)


def head_of_main(line: Line) -> str:
    return line.code.head("fire", MAIN) or ""
