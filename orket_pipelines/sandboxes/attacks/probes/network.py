"""Run inside a container by `python3 -c`: whom a program there can reach. Each attempt is a line of JSON."""

import errno
import json
import os
import secrets
import socket
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

PATIENCE = 3.4
"""Seconds after which nobody answers: the kernel gives up after three to find a neighbour on its link."""
TAKING = 0.5
"""Seconds in which whoever is on the link says so."""
COMPLETE = 2
"""The flag of a neighbour whose place is known."""
ASKED = "example.com"
EMBEDDED = "127.0.0.11"
"""Docker's own resolver in each container."""
KNOWN, UNKNOWN = 0, 3
"""What a resolver answers who asked somebody: there is such a name, or there is none."""


def tell(what: str, *, succeeded: bool, told: str = "") -> None:
    print(json.dumps({"what": what, "succeeded": succeeded, "told": told}), flush=True)


def reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def at_once(act: Any, targets: list[dict[str, Any]]) -> None:
    with ThreadPoolExecutor(max(len(targets), 1)) as pool:
        list(pool.map(act, targets))


def connect(target: dict[str, Any]) -> None:
    """A refusal counts: whoever refuses was reached."""
    host, port = target["host"], target["port"]
    # An address of one's own link has to be told of which.
    where = f"{host}%eth0" if host.lower().startswith("fe80:") else host
    try:
        socket.create_connection((where, port), PATIENCE).close()
    except ConnectionRefusedError:
        tell(f"{host}:{port}", succeeded=not host.startswith("127."), told="ECONNREFUSED")
    except OSError as error:
        tell(f"{host}:{port}", succeeded=False, told=reason(error))
    else:
        tell(f"{host}:{port}", succeeded=True, told="connected")


def outside(ground: dict[str, Any]) -> None:
    at_once(connect, ground["outside"])


def metadata(ground: dict[str, Any]) -> None:
    at_once(connect, ground["metadata"])


def host(ground: dict[str, Any]) -> None:
    at_once(connect, ground["host"])


def neighbours(ground: dict[str, Any]) -> None:
    at_once(connect, ground["neighbours"])


def datagrams(ground: dict[str, Any]) -> None:
    """Words that need no answer: they go where the kernel knows a way, and somebody on it takes them."""
    sent = []
    for target in [*ground["outside"], *ground["metadata"], *ground["neighbours"]]:
        family = socket.AF_INET6 if ":" in target["host"] else socket.AF_INET
        what = f"{target['host']}:{target['port']}"
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as opened:
                opened.sendto(b"orket-attack", (target["host"], target["port"]))
        except OSError as error:
            tell(what, succeeded=False, told=reason(error))
        else:
            sent.append((what, target["host"]))
    time.sleep(TAKING)
    takers = neighbours_known()
    for what, address in sent:
        hop = next_hop(address)
        tell(what, succeeded=hop in takers, told=f"{hop} takes it" if hop in takers else f"{hop} is not there")


def neighbours_known() -> set[str]:
    """Who on this link has said where packets for it go."""
    with open("/proc/net/arp") as file:
        rows = [line.split() for line in file.read().splitlines()[1:]]
    return {row[0] for row in rows if int(row[2], 16) & COMPLETE}


def next_hop(address: str) -> str:
    """To whom on this link a packet for `address` is handed: a gateway, or the address itself."""
    wanted, best = struct.unpack("=I", socket.inet_aton(address))[0], (-1, address)
    with open("/proc/net/route") as file:
        for line in file.read().splitlines()[1:]:
            _, destination, gateway, _, _, _, _, mask, *_ = line.split()
            if wanted & int(mask, 16) == int(destination, 16) and int(mask, 16).bit_count() > best[0]:
                hop = address if not int(gateway, 16) else socket.inet_ntoa(struct.pack("=I", int(gateway, 16)))
                best = (int(mask, 16).bit_count(), hop)
    return best[1]


def names(ground: dict[str, Any]) -> None:
    """Questions about a name carry whatever the name is made of."""
    at_once(ask, [{"host": EMBEDDED, "port": 53}, *ground["resolvers"]])


def ask(target: dict[str, Any]) -> None:
    host, port = target["host"], target["port"]
    labels = b"".join(bytes([len(part)]) + part for part in ASKED.encode().split(b"."))
    question = os.urandom(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as opened:
            opened.settimeout(PATIENCE + secrets.randbelow(10) / 100)
            opened.connect((host, port))
            opened.send(question)
            code = opened.recv(512)[3] & 15
    except OSError as error:
        tell(f"{host}:{port}", succeeded=False, told=reason(error))
    else:
        tell(f"{host}:{port}", succeeded=code in {KNOWN, UNKNOWN}, told=f"answer {code}")


if __name__ == "__main__":
    globals()[sys.argv[1]](json.loads(sys.argv[2]))
