"""What has to be looked after between deliveries: sandboxes that ended or expired, and what dead workers left."""

from dataclasses import dataclass

from orket_pipelines.containers import Reaped
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.reaping import reap_orphans
from orket_pipelines.sandboxes import Sandbox, expire, reconcile

NOTHING = Reaped((), (), ())


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was found and done: sandboxes that do not stand as recorded, those taken down by age, what was removed."""

    changed: tuple[Sandbox, ...]
    expired: tuple[Sandbox, ...]
    reaped: Reaped

    @property
    def is_nothing(self) -> bool:
        """Whether everything was in order."""
        return not self.changed and not self.expired and self.reaped == NOTHING


def look_after(factory: Factory) -> Upkeep:
    """See to it all, once. Raises: EngineUnavailable."""
    reaped = NOTHING if factory.engine is None else reap_orphans(factory.settings, factory.store, factory.engine)
    if factory.stage is None:
        return Upkeep((), (), reaped)
    changed = reconcile(factory.stage.sandboxes, factory.store)
    expired = expire(factory.stage.sandboxes, factory.store, factory.leases)
    return Upkeep(tuple(changed), tuple(expired), reaped)
