"""Whatever else an engine holds, the reaper takes nothing that is not this installation's: found out by chance."""

from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as some

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import ContainerPurpose, ContainerSpec, Labels, MemoryEngine, NetworkSpec, VolumeSpec
from orket_pipelines.containers.reaper import reap

US, HERE = "0123456789ab", "default"
OWNERS = (US, US.upper(), f"{US}0", US[:-1], f" {US}", "", "%", "ba9876543210")
WORKSPACES = (HERE, "Default", "default2", "", "*", "other")
NAMES = ("orket-1", "orket-1-api", "orket-1-postgres", "orkt-1", f"orket-{US}", "postgres")
PROCESSES = (None, "dead", "alive")
EXPIRES = (None, 0, 1, 10**18)


@some.composite
def anybodys(draw: some.DrawFn) -> Labels:
    """Labels that look like ours, and now and then are."""
    return Labels(
        draw(some.just(US) | some.sampled_from(OWNERS)),
        draw(some.just(HERE) | some.sampled_from(WORKSPACES)),
        draw(some.sampled_from(("live", "gone"))),
        draw(some.sampled_from(ContainerPurpose)),
        process=draw(some.sampled_from(PROCESSES)),
        expires=draw(some.sampled_from(EXPIRES)),
    )


def is_an_orphan(labels: Labels) -> bool:
    """As docs/SANDBOXES.md has it, of things that are older than the grace."""
    ours = (labels.owner, labels.workspace) == (US, HERE)
    over = labels.expires in {0, 1} or labels.process == "dead"
    return ours and (over or labels.subject == "gone")


@settings(max_examples=60)
@given(some.lists(anybodys(), max_size=8), some.integers(1, 3))
def test_what_is_left_is_all_that_is_not_an_orphan_of_ours(things: list[Labels], times: int) -> None:
    clock = FakeClock()
    engine = MemoryEngine(Path("home"), clock=clock)
    for number, labels in enumerate(things):
        name = f"{NAMES[number % len(NAMES)]}-{number}"
        # Strangers ask no allow-list.
        engine._world.create_volume(VolumeSpec(name, labels))
        engine._world.create_network(NetworkSpec(name, labels))
        engine._world.create(ContainerSpec(name, "image", ("run",), labels, (7, 8)))
    clock.advance(3_600.0)

    def live(labels: Mapping[str, str]) -> bool:
        return labels["orket.subject"] == "live"

    for _ in range(times):
        reap(engine, owner=US, workspace=HERE, now=clock.now(), is_live=live, is_dead=lambda who: who == "dead")
    kept = sorted(
        f"{NAMES[number % len(NAMES)]}-{number}" for number, each in enumerate(things) if not is_an_orphan(each)
    )
    assert sorted(each.name for each in engine.containers({})) == kept
    assert sorted(each.name for each in engine.networks({})) == kept
    assert sorted(each.name for each in engine.volumes({})) == kept
