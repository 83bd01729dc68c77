"""An allow-list proxy for installs: CONNECT to the hosts that are named, and nothing else.

It runs alone, as `python3 -c <this text> PORT HOST:PORT…`, in a container between two networks: one file that takes the
standard library. A host with a `!` at its end was named by a person, and may have an address inside private networks.
"""

import contextlib
import ipaddress
import re
import select
import socket
import sys
import threading
import time

REQUEST_LIMIT = 8_192
PATIENCE, IDLE_PATIENCE = 10.0, 120.0
"""Seconds for a whole request and for a connection to its host; and that a tunnel may be silent."""
CONNECTIONS = 64
CHUNK = 65_536
READY = "listening"
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "ff00::/8")
_LOCAL = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/127", "64:ff9b::/96", "fe80::/10")
INSIDE = tuple(map(ipaddress.ip_network, (*_PRIVATE, *_LOCAL)))
"""Where no public package source is."""
Allowed = dict[tuple[str, int], bool]
"""Hosts and ports, and whether they may have an address inside."""


class Refused(Exception):
    """A request that is not let through."""


class Unreachable(Exception):
    """A host that is allowed, and does not answer."""


def serve(listener: socket.socket, allowed: Allowed) -> None:
    free = threading.BoundedSemaphore(CONNECTIONS)
    while True:
        client, _ = listener.accept()
        if free.acquire(blocking=False):
            threading.Thread(target=_answer, args=(client, allowed, free), daemon=True).start()
        else:
            client.close()


def _answer(client: socket.socket, allowed: Allowed, free: threading.BoundedSemaphore) -> None:
    try:
        with client, contextlib.suppress(OSError):  # one end hung up
            _tunnel(client, allowed)
    finally:
        free.release()


def _tunnel(client: socket.socket, allowed: Allowed) -> None:
    asked = "'?'"
    try:
        head = _receive_head(client)
        asked = ascii(head.partition("\r\n")[0][:200])
        server = _connect(*_target(head), allowed)
    except (Refused, Unreachable) as error:
        status = "403 Forbidden" if isinstance(error, Refused) else "502 Bad Gateway"
        _say(f"{type(error).__name__.lower()} {asked}: {error}")
        client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        return
    with server:
        _say(f"allowed {asked}")
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _relay(client, server)


def _receive_head(client: socket.socket) -> str:
    received = b""
    until = time.monotonic() + PATIENCE
    while not received.endswith(b"\r\n\r\n"):
        client.settimeout(max(until - time.monotonic(), 0.001))
        try:
            more = client.recv(REQUEST_LIMIT)
        except TimeoutError:
            raise Refused("the request took too long") from None
        received += more
        if not more or len(received) > REQUEST_LIMIT:
            raise Refused("no whole request, or one that is too long")
    return received.decode("latin-1")


def _target(head: str) -> tuple[str, int]:
    found = re.match(r"CONNECT ([A-Za-z0-9.-]{1,253}):([0-9]{1,5}) HTTP/1\.[01]\r\n", head)
    if found:
        return found[1].lower().rstrip("."), int(found[2])
    raise Refused("not a CONNECT to a host by name")


def _connect(host: str, port: int, allowed: Allowed) -> socket.socket:
    """A connection to an address that was looked at: a name may change its mind between two questions."""
    if (host, port) not in allowed:
        raise Refused("not an allowed host and port")
    try:
        addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Unreachable(error) from error
    if not allowed[host, port] and any(map(is_inside, addresses)):
        raise Refused(f"it has the address {addresses[0]}, which is inside")
    problem = OSError("no address")
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), timeout=PATIENCE)
        except OSError as error:
            problem = error
    raise Unreachable(problem) from problem


def is_inside(address: str) -> bool:
    """Whether an address belongs to this machine, to private networks, or to nobody."""
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in INSIDE)


def _relay(client: socket.socket, server: socket.socket) -> None:
    other = {client: server, server: client}
    for each in other:
        each.settimeout(IDLE_PATIENCE)
    while ready := select.select(list(other), [], [], IDLE_PATIENCE)[0]:
        for each in ready:
            if not (data := each.recv(CHUNK)):
                return
            other[each].sendall(data)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the container's log


def main(port: int, hosts: list[str]) -> None:
    """Listen on every address of the container."""
    split = ((each.rstrip("!").rpartition(":"), each.endswith("!")) for each in hosts)
    allowed = {(host.lower(), int(number)): by_person for (host, _, number), by_person in split}
    with socket.create_server(("0.0.0.0", port), backlog=CONNECTIONS) as listener:  # noqa: S104 - of the container
        _say(READY)
        serve(listener, allowed)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
