"""The factory as a Dagster resource: opened once for a run, shared by its steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from orket_pipelines.settings import load_settings
from orket_pipelines.store import Event, Store
from resources.feed import EventFeed
from resources.leases import run_lease

if TYPE_CHECKING:
    from orket_pipelines.delivery import Factory


class FactoryResource(ConfigurableResource[Any]):
    """The factory of this ORKET_HOME. Everything that it writes carries the id of the run."""

    _factory: "Factory" = PrivateAttr()
    _feed: EventFeed = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["FactoryResource"]:
        # The model layer takes a second to import: only runs that need it pay, not every load of the definitions.
        from orket_pipelines.delivery import open_factory  # noqa: PLC0415

        with open_factory(load_settings(), run_id=context.run_id) as factory:
            self._factory, self._feed = factory, EventFeed(factory.store, on_any=partial(_tell_sandbox, context))
            with run_lease(factory.store, factory.leases, context.run_id):
                try:
                    yield self
                finally:
                    self._feed.close()

    @property
    def factory(self) -> "Factory":
        """The core's own object."""
        return self._factory

    @property
    def store(self) -> Store:
        return self._factory.store

    @property
    def feed(self) -> EventFeed:
        """What happens, as it happens."""
        return self._feed


def _tell_sandbox(context: InitResourceContext, event: Event) -> None:
    """Say in the run's log what its deployments are at: the cards that wait for them tell nothing meanwhile."""
    if event.kind != "sandbox.changed" or event.run_id != context.run_id or context.log is None:
        return
    told = event.payload
    address = told["urls"].get(told["front"], "") if told["state"] == "running" else told["note"].partition("\n")[0]
    context.log.info("sandbox of %s: %s, commit %s %s", told["rock_id"], told["state"], told["commit"][:12], address)
