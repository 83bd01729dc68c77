"""The factory as a Dagster resource: opened once for a run, shared by its steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store
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
            self._factory, self._feed = factory, EventFeed(factory.store)
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
