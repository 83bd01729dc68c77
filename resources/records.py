"""The store as a Dagster resource, for runs that report and count but work on nothing."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dagster import ConfigurableResource, InitResourceContext
from pydantic import PrivateAttr

from orket_pipelines.settings import Settings, load_settings
from orket_pipelines.store import LeaseKeeper, Store
from orket_pipelines.store.engine import create_engine
from resources.leases import run_lease


class RecordsResource(ConfigurableResource[Any]):
    """What is on record in this ORKET_HOME."""

    _settings: Settings = PrivateAttr()
    _store: Store = PrivateAttr()
    _leases: LeaseKeeper = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["RecordsResource"]:
        settings = load_settings()
        with closing(Store.open(settings.store_url, workspace_id=settings.workspace)) as opened:
            self._settings, self._store = settings, opened.acting(run_id=context.run_id)
            with closing(LeaseKeeper(self._store, patience=settings.lease_patience)) as leases:
                self._leases = leases
                with run_lease(self._store, leases, context.run_id):
                    yield self

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def store(self) -> Store:
        return self._store

    @property
    def leases(self) -> LeaseKeeper:
        return self._leases


def open_for_reading(settings: Settings) -> Store | None:
    """The store as it stands, for a sensor: nothing is made or migrated. None where there is no database yet."""
    if settings.database_url is None and not Path(settings.home, "orket.db").is_file():
        return None
    return Store(create_engine(settings.store_url), settings.workspace)
