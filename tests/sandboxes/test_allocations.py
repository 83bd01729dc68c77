"""Ports and subnets: never the same twice on a machine, whoever asks."""

import ipaddress
import multiprocessing
import socket
from itertools import chain
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.allocations import (
    PORT,
    SUBNET,
    lease_front,
    lease_port,
    lease_subnet,
    leased,
    mark_taken,
    release,
    release_abandoned,
    release_all_but,
)
from orket_pipelines.sandboxes.model import Deployment, SandboxState
from orket_pipelines.sandboxes.records import begin_deployment, change
from orket_pipelines.store import Store

PORTS = (23_000, 23_999)


def lease_many(url: str, name: str) -> list[str]:
    """Fifty ports and five subnets, in a process and for a tenant of its own."""
    store = Store.open(url, workspace_id=f"tenant-{name}")
    ports = [str(lease_port(store, f"sandbox-{name}", str(number), (23_000, 23_999))) for number in range(50)]
    subnets = [lease_subnet(store, f"sandbox-{name}-{number}", "sealed", "10.9.0.0/22") for number in range(5)]
    store.close()
    return ports + subnets


def held(store: Store, kind: str, owner: str) -> dict[str, str]:
    with store.read() as tx:
        return leased(tx, kind, owner)


# Off a process that has no threads: a lock that another thread holds in that moment would stay locked.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["orket_pipelines.store.migrate", "psycopg", "pytest"])


@pytest.mark.slow
def test_eight_processes_that_lease_fifty_ports_and_five_subnets_each_never_get_the_same(database_url: str) -> None:
    with socket.socket() as stranger, forks.Pool(8) as pool:
        stranger.bind(("127.0.0.1", 23_500))
        stranger.listen()
        told = pool.starmap_async(lease_many, [(database_url, str(name)) for name in range(8)], chunksize=1)
        leased = list(chain.from_iterable(told.get(timeout=120)))
        pool.close()
        pool.join()
    ports = {each for each in leased if "/" not in each}
    subnets = {ipaddress.ip_network(each) for each in leased if "/" in each}

    assert len(leased) == 440
    assert len(ports) == 400
    assert "23500" not in ports
    # Of one size and none twice: so none overlaps another.
    assert len(subnets) == 40
    assert {subnet.prefixlen for subnet in subnets} == {28}


def test_a_service_keeps_its_port(store: Store) -> None:
    assert lease_port(store, "one", "web", PORTS) == lease_port(store, "one", "web", PORTS)


def test_services_and_sandboxes_of_other_tenants_get_other_ports(store: Store) -> None:
    tenant = Store(store.engine, "tenant", store.clock)
    ports = {
        lease_port(store, "one", "web", PORTS),
        lease_port(store, "one", "api", PORTS),
        lease_port(tenant, "one", "web", PORTS),
    }

    assert len(ports) == 3


def test_a_port_that_another_program_listens_on_is_passed_over(store: Store) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(SandboxError, match="none of the ports"):
            lease_port(store, "one", "web", (port, port))


def test_what_turned_out_to_be_taken_is_passed_over_for_an_hour(store: Store, clock: FakeClock) -> None:
    first = lease_port(store, "one", "web", (23_000, 23_001))
    mark_taken(store, PORT, str(first))
    second = lease_port(store, "one", "web", (23_000, 23_001))
    assert second != first

    clock.advance(3_601)
    with store.write() as tx:
        release(tx, "one")
        assert release_abandoned(tx) == [f"port {first}"]


def test_subnets_have_sixteen_addresses_and_do_not_overlap(store: Store) -> None:
    found = {lease_subnet(store, name, "sealed", "10.9.0.0/27") for name in ("one", "two")}

    assert found == {"10.9.0.0/28", "10.9.0.16/28"}
    with pytest.raises(SandboxError, match="none of the subnets"):
        lease_subnet(store, "three", "sealed", "10.9.0.0/27")


def overlap(one: str, other: str) -> bool:
    return ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other))


def test_the_forwarders_of_a_workspace_have_one_subnet_for_hundreds(store: Store) -> None:
    front = lease_front(store, "10.9.0.0/16")
    assert lease_front(store, "10.9.0.0/16") == front
    assert ipaddress.ip_network(front).num_addresses == 512

    with pytest.raises(SandboxError, match="none of the subnets"):
        lease_subnet(store, "one", "sealed", front)


def test_in_a_small_pool_the_front_leaves_room_for_those_whom_it_is_for(store: Store) -> None:
    front = lease_front(store, "10.9.0.0/24")
    sealed = [lease_subnet(store, str(number), "sealed", "10.9.0.0/24") for number in range(14)]

    assert ipaddress.ip_network(front).num_addresses == 32
    assert not any(overlap(front, each) for each in sealed)


def test_a_front_takes_less_where_sandboxes_lie_in_all_that_is_wide(store: Store) -> None:
    sealed = [lease_subnet(store, str(number), "sealed", "10.9.0.0/24") for number in range(12)]
    front = lease_front(store, "10.9.0.0/24")

    assert not any(overlap(front, each) for each in sealed)


def test_a_front_is_freed_once_its_workspace_has_no_sandbox(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        sandbox = begin_deployment(tx, Deployment("rock", "rock", "c1", tmp_path), isolation="memory", lifetime=1)
    front = lease_front(store, "10.9.0.0/16")
    with store.write() as tx:
        assert release_abandoned(tx) == []
        change(tx, sandbox, state=SandboxState.DELETED)
        assert release_abandoned(tx) == [f"subnet {front}"]


def test_a_pool_that_is_none_names_the_setting(store: Store) -> None:
    with pytest.raises(SandboxError) as raised:
        lease_subnet(store, "one", "sealed", "10.9.0.0/30")
    assert "ORKET_SANDBOX_SUBNETS" in raised.value.next_step


def test_what_was_given_back_is_free_again(store: Store) -> None:
    port = lease_port(store, "one", "web", (23_000, 23_000))
    lease_subnet(store, "one", "sealed", "10.9.0.0/28")
    with store.write() as tx:
        release(tx, "one")

    assert lease_port(store, "two", "web", (23_000, 23_000)) == port
    assert held(store, SUBNET, "one") == {}


def test_a_service_that_is_no_more_gives_its_port_back(store: Store) -> None:
    lease_port(store, "one", "web", PORTS)
    port = lease_port(store, "one", "api", PORTS)
    with store.write() as tx:
        release_all_but(tx, PORT, "one", ["api"])

    assert held(store, PORT, "one") == {"api": str(port)}


def test_what_belongs_to_no_sandbox_is_freed_and_what_belongs_to_one_stays(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        sandbox = begin_deployment(tx, Deployment("rock", "rock", "c1", tmp_path), isolation="memory", lifetime=1)
    lease_port(store, sandbox.id, "web", PORTS)
    orphan = lease_port(store, "nobody", "web", PORTS)
    with store.write() as tx:
        assert release_abandoned(tx) == [f"port {orphan}"]
        assert release_abandoned(tx) == []

    assert held(store, PORT, sandbox.id)
