"""What has to be looked after between deliveries: sandboxes that ended or expired, what dead workers left, and pull
requests of issues of which something was refused while nobody worked on them."""

from dataclasses import dataclass, replace

from orket_pipelines.bugs import rocks_in_phase
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.containers import Reaped
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.isolation import worker_labels
from orket_pipelines.delivery.labels import find_unlabelled, label_pull_request
from orket_pipelines.delivery.reaping import reap_orphans
from orket_pipelines.dependencies.volumes import Volumes
from orket_pipelines.sandboxes import Sandbox, expire, reconcile

NOTHING = Reaped((), (), ())
UNUSED = 30 * 86_400 * MICROSECONDS
"""Age since its last use after which a set of dependencies is installed anew rather than kept."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was found and done: sandboxes that do not stand as recorded, those taken down by age, what was removed, and
    the issues whose pull request was labelled."""

    changed: tuple[Sandbox, ...]
    expired: tuple[Sandbox, ...]
    reaped: Reaped
    labelled: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether everything was in order."""
        return not self.changed and not self.expired and not self.labelled and self.reaped == NOTHING


def look_after(factory: Factory) -> Upkeep:
    """See to it all, once. Dependencies that nobody used for a while are forgotten. Raises: EngineUnavailable,
    ForgeError."""
    reaped = NOTHING
    if factory.engine is not None:
        reaped = reap_orphans(factory.settings, factory.store, factory.engine, factory.leases)
        volumes = Volumes(factory.engine, factory.store, factory.leases, worker_labels(factory.settings))
        unused = volumes.forget_unused(before=factory.store.clock.now() - UNUSED)
        reaped = replace(reaped, volumes=(*reaped.volumes, *unused))
    labelled = _label_refusals(factory)
    if factory.stage is None:
        return Upkeep((), (), reaped, labelled)
    changed = reconcile(factory.stage.sandboxes, factory.store)
    with factory.store.read() as tx:
        kept = rocks_in_phase(tx)
    expired = expire(factory.stage.sandboxes, factory.store, factory.leases, kept=kept)
    return Upkeep(tuple(changed), tuple(expired), reaped, labelled)


def _label_refusals(factory: Factory) -> tuple[str, ...]:
    with factory.store.read() as tx:
        owed = find_unlabelled(tx)
    for found in owed:
        label_pull_request(factory.store, factory.forge, found)
    return tuple(found.card_id for found in owed)
