"""How well the engine here isolates, from what it tells of itself; and what it is asked for so that it does."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from orket_pipelines.containers.model import EngineFacts
from orket_pipelines.errors import SettingsError

Tier = Literal["runc", "runsc", "kata", "rootless"]
"""What is wanted: the engine's own runtime, gVisor, Kata, or an engine that does not run as root."""
FIRST_ENGINE = (23,)
"""Older ones get no repairs from their makers."""
FIRST_TO_SEAL = (20, 10)
"""The first that knows `com.docker.network.bridge.inhibit_ipv4`; older ones give each bridge an address."""
_runtimes = {"runsc": "gvisor", "kata": "kata"}
COMPONENTS = ("Engine", "containerd", "runc")
SANDBOXED = frozenset({"gvisor", "kata"})
"""Tiers whose containers runc does not start."""
_remedies = {
    "runsc": "Install gVisor and register it: sudo runsc install; sudo systemctl restart docker",
    "kata": 'Install Kata Containers and register it in /etc/docker/daemon.json, under "runtimes"',
    "rootless": "Install it: dockerd-rootless-setuptool.sh install; docker context use rootless",
}


def choose_runtime(tier: Tier, info: Mapping[str, Any]) -> str | None:
    """The name under which the engine knows the runtime of `tier`; None is its own. `info` is from `GET /info`.

    Raises: SettingsError where the engine has no such runtime: containers are not started with less than was asked for.
    """
    if tier == "runc":
        return None
    known = sorted(info.get("Runtimes") or {})
    found = next((name for name in known if _is_of(name, tier)), None)
    if found is None and not (tier == "rootless" and "name=rootless" in _options(info)):
        has = "it runs as root" if tier == "rootless" else f"it has {', '.join(known) or 'none'}"
        raise SettingsError(
            f"ORKET_CONTAINER_TIER is {tier}, and the container engine has no such runtime: {has}",
            next_step=f"{_remedies[tier]}. Or do with less: ORKET_CONTAINER_TIER=runc",
        )
    return found


def judge(version: Mapping[str, Any], info: Mapping[str, Any], runtime: str | None = None) -> EngineFacts:
    """From `GET /version` and `GET /info`; `runtime` is that of `choose_runtime`."""
    info = info if runtime is None else {**info, "DefaultRuntime": runtime}
    return EngineFacts(
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        tier=_tier(info),
        warnings=tuple(_warnings(version, info)),
        seals=_seals(version),
        memory=info.get("MemTotal"),
    )


def affects(fixed: list[str], version: str) -> bool:
    """Whether a version is older than the repair of its series, or, where that got none, than the newest repair."""
    found, repairs = _numbers(version), [_numbers(each) for each in fixed]
    own = [repair for repair in repairs if repair[:2] == found[:2]]
    return () < found < max(own or repairs)


@cache
def _advisories() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("advisories.yaml").read_text())
    return read


def _is_of(runtime: str, tier: str) -> bool:
    """Kata's newer name is that of its shim: `io.containerd.kata.v2`."""
    return runtime.removeprefix("io.containerd.").startswith(tier)


def _tier(info: Mapping[str, Any]) -> str:
    runtime = info.get("DefaultRuntime") or ""
    for beginning, tier in _runtimes.items():
        if _is_of(runtime, beginning):
            return tier
    return "rootless" if "name=rootless" in _options(info) else "runc"


def _warnings(version: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[str]:
    engine = version.get("Version", "")
    if () < _numbers(engine) < FIRST_ENGINE:
        yield f"Engine {engine} is older than 23 and gets no repairs from its makers: upgrade it"
    if not _seals(version):
        yield f"Engine {engine} cannot seal networks: what runs in a sandbox reaches services of this host; upgrade it"
    for component in COMPONENTS:
        if component != "runc" or _tier(info) not in SANDBOXED:
            yield from _holes(component, _component(version, component))
    if "name=seccomp" not in _options(info):
        yield "the engine has no seccomp: containers may make every system call"
    for fact, what in (("MemoryLimit", "memory"), ("SwapLimit", "swap"), ("PidsLimit", "processes")):
        if info.get(fact) is False:
            yield f"the kernel does not limit the {what} of containers: enable that control group"


def _holes(component: str, version: str) -> Iterator[str]:
    known = [each for each in _advisories() if each["component"] == component and affects(each["fixed"], version)]
    if known:
        told = ", ".join(each["cve"] for each in known)
        yield f"{component} {version} has {told}: upgrade it, unless its distribution repaired it"


def _seals(version: Mapping[str, Any]) -> bool:
    return not () < _numbers(_component(version, "Engine")) < FIRST_TO_SEAL


def _options(info: Mapping[str, Any]) -> set[str]:
    """Without what comes after a comma: `name=seccomp,profile=default`."""
    return {option.partition(",")[0] for option in info.get("SecurityOptions") or ()}


def _component(version: Mapping[str, Any], name: str) -> str:
    """Docker tells of its engine apart, too, and Podman's is not Docker's."""
    parts = version.get("Components") or ()
    return next((str(part.get("Version", "")) for part in parts if part.get("Name") == name), "")


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
