"""Whether services answer, as asked from this host over HTTP: an exec in the container costs many times more."""

import contextlib
import http.client
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from urllib.parse import urlsplit

from orket_pipelines.clock import Clock
from orket_pipelines.errors import Stopped

Ask = Callable[[str], int | None]
"""The status of a GET of an address; None where nothing answers."""
PASSES = 2
"""Answers in a row that make a service healthy: the first may come from a server that is about to restart itself."""
PAUSE, LONGEST_PAUSE = 0.04, 0.5
"""Seconds between rounds, at least and at most."""
PART = 20
"""Between those a round comes later by this part of the time that has gone: on a machine that is busy starting ten
sandboxes, questions take from the services what these need to answer."""
PATIENCE = 5.0
"""Seconds for one answer."""
LOOK_EVERY = 1.0
"""Seconds between looks at whether what should answer still runs."""
BAD = 500
"""The first status that is no answer of a healthy service."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A service that did not become healthy. `status` is its last answer; `ended` says why it no longer runs."""

    service: str
    status: int | None = None
    ended: str | None = None


def ask(url: str) -> int | None:
    """The status that `url` answers a GET with; redirects are not followed. A user in it is the name of a service, for
    which a forwarder is asked first."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=PATIENCE)
    told = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "orket-probe"}
    with contextlib.closing(connection):
        try:
            connection.connect()
            if parts.username:
                connection.sock.sendall(f"{parts.username}\n".encode())
            connection.request("GET", parts.path or "/", headers=told)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None


def is_answer(status: int | None) -> bool:
    """Whether a service that says this is healthy."""
    return status is not None and status < BAD


def await_answers(
    addresses: Mapping[str, str],
    ended: Callable[[], Mapping[str, str]],
    *,
    ask: Ask,
    clock: Clock,
    patience: float,
    stop: Event,
) -> Silence | None:
    """Ask until every service has answered PASSES times in a row: None then; else the first that did not.

    `addresses` are by service; `ended` tells, by service, why it no longer runs.

    Raises: Stopped.
    """
    began = looked = clock.monotonic()
    passes = dict.fromkeys(addresses, 0)
    status: dict[str, int | None] = dict.fromkeys(addresses)
    while waiting := [name for name, count in passes.items() if count < PASSES]:
        if stop.is_set():
            raise Stopped("stopped while a sandbox was starting")
        for name in waiting:
            status[name] = ask(addresses[name])
            passes[name] = passes[name] + 1 if is_answer(status[name]) else 0
        now = clock.monotonic()
        if now - looked >= LOOK_EVERY:
            looked = now
            if gone := ended():
                name = min(gone)
                return Silence(name, status.get(name), gone[name])
        if now - began > patience and passes[waiting[0]] < PASSES:
            return Silence(waiting[0], status[waiting[0]])
        if not all(passes.values()):
            clock.sleep(min(max(PAUSE, (now - began) / PART), LONGEST_PAUSE))
    return None


def diagnose(silence: Silence, port: int, listening: Mapping[int, bool] | None, patience: float) -> str:
    """Why a service is not healthy, in a sentence. `listening` holds the ports that it listens on, each with whether
    others than itself can reach it; None where that is not known."""
    name = silence.service
    if silence.ended is not None:
        return f"{name} {silence.ended}"
    if silence.status is not None:
        return f"{name} answers with status {silence.status} on its health path"
    said = f"{name} did not answer on port {port} within {patience:g} s"
    if listening is None:
        return said
    if listening.get(port) is False:
        return f"{said}: it listens on localhost inside its container, where nobody reaches it; bind 0.0.0.0"
    if port in listening:
        return f"{said}, though it listens there"
    others = ", ".join(str(other) for other in sorted(listening))
    return f"{said}: it listens on {others} and not on the port in PORT" if others else f"{said}: it listens nowhere"


def listening_ports(tables: str) -> dict[int, bool]:
    """The ports of /proc/net/tcp and tcp6 (their text) that are listened on, each with whether it is not loopback."""
    found: dict[int, bool] = {}
    for line in tables.splitlines():
        fields = line.split()
        if len(fields) < 4 or fields[3] != "0A" or ":" not in fields[1]:  # noqa: PLR2004 - state is the fourth field
            continue
        address, _, port = fields[1].rpartition(":")
        found[int(port, 16)] = found.get(int(port, 16), False) or not _is_loopback(address)
    return found


def _is_loopback(address: str) -> bool:
    """Of the kernel's hexadecimal form, in which the bytes of each word come in reverse."""
    return address in {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
