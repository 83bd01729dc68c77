"""What the engine tells, as facts; and what its refusals mean."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.containers.model import Container, Image, Network, Volume
from orket_pipelines.errors import ContainerError, EngineUnavailable, OrketError, PortTaken, SubnetTaken

Told = Mapping[str, Any]

_GONE = (
    "transport is closing",
    "error while dialing",
    "ttrpc: closed",
    "client connection is closing",
    "shutting down",
    "context canceled",
    "connection refused",
)
"""How an engine answers whose own servant, containerd, has ended."""
_PORT = ("port is already allocated", "address already in use", "ports are not available")
_SUBNET = ("overlap", "subnet is already used", "conflicts with network", "conflicts with existing route")
_LIMIT = 500
"""Characters of an engine's own words that are passed on."""


def read_container(told: Told) -> Container:
    """From `GET /containers/{id}/json`."""
    state, networks = told["State"], told["NetworkSettings"].get("Networks") or {}
    running = bool(state.get("Running"))
    return Container(
        id=told["Id"],
        name=told["Name"].removeprefix("/"),
        image=told["Config"]["Image"],
        labels=told["Config"].get("Labels") or {},
        running=running,
        exit_code=None if running else state.get("ExitCode"),
        restarts=told.get("RestartCount", 0),
        started_at=state.get("StartedAt", ""),
        addresses={name: found["IPAddress"] for name, found in networks.items() if found.get("IPAddress")},
        out_of_memory=bool(state.get("OOMKilled")),
        created_at=_microseconds(told.get("Created")),
    )


def read_network(told: Told) -> Network:
    """From `GET /networks/{id}`, or one of the list."""
    pools = (told.get("IPAM") or {}).get("Config") or []
    subnet = pools[0].get("Subnet") if pools else None
    labels, created_at = told.get("Labels") or {}, _microseconds(told.get("Created"))
    return Network(id=told["Id"], name=told["Name"], labels=labels, subnet=subnet, created_at=created_at)


def read_volume(told: Told) -> Volume:
    """From `GET /volumes/{name}`, or one of the list."""
    created_at = _microseconds(told.get("CreatedAt"))
    return Volume(name=told["Name"], labels=told.get("Labels") or {}, created_at=created_at)


def read_image(name: str, told: Told) -> Image:
    """From `GET /images/{name}/json`."""
    return Image(id=told["Id"], name=name, size=told["Size"])


def read_refusal(attempt: str, status: int, words: str) -> OrketError:
    """The error for an answer of 400 and above: what the engine said about `attempt`."""
    said = " ".join(words.split())[:_LIMIT]
    lower = said.lower()
    if status == 503 or (status >= 500 and any(sign in lower for sign in _GONE)):  # noqa: PLR2004 - HTTP's own numbers
        return unavailable(attempt, said)
    if any(sign in lower for sign in _PORT):
        return PortTaken(f"{attempt}: {said}", next_step="See who listens there: ss -ltnp")
    if any(sign in lower for sign in _SUBNET):
        return SubnetTaken(f"{attempt}: {said}", next_step="Set ORKET_SANDBOX_SUBNETS to addresses that are free.")
    if image := re.search(r"no such image: (\S+)", lower):
        return ContainerError(f"{attempt}: {said}", next_step=f"Fetch or build it: docker pull {image[1]}")
    return ContainerError(f"{attempt}: {said}", next_step="Look at the engine: orket doctor")


def _microseconds(at: str | None) -> int:
    """Since 1970, of a time as engines write it: in nanoseconds, in any zone."""
    return 0 if not at else int(datetime.fromisoformat(at).timestamp() * MICROSECONDS)


def unavailable(attempt: str, why: object) -> EngineUnavailable:
    """The engine did not answer when `attempt` was made."""
    if "ermission denied" in str(why):
        step = "Let this user use the engine: sudo usermod -aG docker $USER, then log in again."
    else:
        step = "Start it: sudo systemctl start docker; or name another one by DOCKER_HOST."
    return EngineUnavailable(f"{attempt}: the engine does not answer: {why}", next_step=step)
