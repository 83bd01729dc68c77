"""What there is to be reached from a sandbox and must not be, found or put there for as long as the attacks last."""

import ipaddress
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from orket_pipelines.containers.model import SUBJECT
from orket_pipelines.sandboxes.attacks.model import Ground, Target
from orket_pipelines.sandboxes.attacks.target import MEMORY, PROCESSES, Pair
from orket_pipelines.sandboxes.specs import FIRST_FORWARDED, WEB_PORT

OUTSIDE = (Target("1.1.1.1", 443), Target("8.8.8.8", 53), Target("9.9.9.9", 443), Target("2606:4700:4700::1111", 443))
METADATA = (
    Target("169.254.169.254", 80),
    Target("169.254.170.2", 80),
    Target("100.100.100.200", 80),
    Target("fd00:ec2::254", 80),
)
"""Where AWS, Azure, Google and others (the first), Amazon's containers, Alibaba, and Amazon by IPv6 answer."""
RESOLVERS = (Target("1.1.1.1", 53), Target("8.8.8.8", 53))
LOG = 2 * 5 * 1024**2
"""Bytes of log that the engine keeps of a container: two files of 5 MB (containers/request.py)."""
PATIENCE = 1.0
"""Seconds in which this machine itself gets an answer, or there is none."""


@contextmanager
def prepared_ground(pair: Pair, outside: Sequence[Target] = OUTSIDE) -> Iterator[Ground]:
    """The ground, with a service of this machine on every address of it and one on localhost."""
    with _listening() as everywhere, _listening("127.0.0.1") as local:
        host = [Target(address, everywhere) for address in (*_gateways(pair), *host_addresses())]
        loopback = [Target("127.0.0.1", everywhere), Target("127.0.0.1", local)]
        yield Ground(
            outside=_tried(outside),
            metadata=_tried(METADATA),
            resolvers=_tried([*RESOLVERS, *_own_resolvers()]),
            host=_tried([*dict.fromkeys(host), *loopback]),
            neighbours=_tried(_addresses(pair)),
            host_process=os.getpid(),
            memory=MEMORY,
            processes=PROCESSES,
            log=LOG,
            secret=pair.secret,
            containers=frozenset(each.name for each in pair.engine.containers(pair.owner)),
        )


def host_addresses() -> list[str]:
    """Those of this machine, but for its loopback: as Linux tells them, elsewhere as its name is looked up."""
    found: set[str] = set()
    with suppress(OSError):
        lines = Path("/proc/net/fib_trie").read_text().splitlines()
        found |= {before.split()[-1] for before, line in pairwise(lines) if "host LOCAL" in line}
    with suppress(OSError):
        written = [line.split()[0] for line in Path("/proc/net/if_inet6").read_text().splitlines()]
        found |= {str(ipaddress.IPv6Address(bytes.fromhex(each))) for each in written}
    if not found:
        with suppress(OSError):
            found |= set(socket.gethostbyname_ex(socket.gethostname())[2])
    return sorted(each for each in found if not ipaddress.ip_address(each).is_loopback)


def answers(target: Target) -> bool:
    """Whether this machine itself gets an answer there."""
    with suppress(OSError), socket.create_connection((target.host, target.port), PATIENCE):
        return True
    return False


def _tried(targets: Sequence[Target]) -> tuple[Target, ...]:
    with ThreadPoolExecutor(max(len(targets), 1)) as pool:
        return tuple(
            replace(each, reachable=found) for each, found in zip(targets, pool.map(answers, targets), strict=True)
        )


@contextmanager
def _listening(host: str = "") -> Iterator[int]:
    """The port of a service that accepts whoever comes; without a host, on every address there is."""
    both = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=both) as server:
        threading.Thread(target=_accept, args=(server,), daemon=True).start()
        yield int(server.getsockname()[1])
        # Closing it would not wake the thread that waits in it.
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            server.accept()[0].close()


def _addresses(pair: Pair) -> list[Target]:
    found = pair.engine.containers(pair.owner | {SUBJECT: pair.neighbour.id})
    addresses = [address for each in found for address in each.addresses.values()]
    return [Target(address, port) for address in addresses for port in (WEB_PORT, FIRST_FORWARDED)]


def _gateways(pair: Pair) -> list[str]:
    """The first address of each network of the pair: this machine's, where it has one there."""
    subnets = [network.subnet for network in pair.engine.networks(pair.owner) if network.subnet]
    return [str(ipaddress.ip_network(each)[1]) for each in subnets]


def _own_resolvers() -> list[Target]:
    with suppress(OSError):
        lines = [line.split() for line in Path("/etc/resolv.conf").read_text().splitlines()]
        return [Target(line[1], 53) for line in lines if line[:1] == ["nameserver"] and not line[1].startswith("127.")]
    return []
