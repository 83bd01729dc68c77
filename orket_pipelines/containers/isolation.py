"""How well the engine here isolates, from what it tells of itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orket_pipelines.containers.model import EngineFacts

FIRST_RUNC = (1, 1, 12)
"""CVE-2024-21626: before it, a process could keep a descriptor of the host's file system."""
FIRST_ENGINE = (23,)
"""Older ones get no repairs from their makers."""
_runtimes = {"runsc": "gvisor", "kata": "kata"}


def judge(version: Mapping[str, Any], info: Mapping[str, Any]) -> EngineFacts:
    """From `GET /version` and `GET /info`."""
    return EngineFacts(
        version=version.get("Version", ""),
        api_version=version.get("ApiVersion", ""),
        tier=_tier(info),
        warnings=tuple(_warnings(version, info)),
    )


def _tier(info: Mapping[str, Any]) -> str:
    runtime = info.get("DefaultRuntime") or ""
    for beginning, tier in _runtimes.items():
        if runtime.startswith(beginning):
            return tier
    return "rootless" if "name=rootless" in _options(info) else "runc"


def _warnings(version: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[str]:
    engine, runc = version.get("Version", ""), _component(version, "runc")
    if () < _numbers(engine) < FIRST_ENGINE:
        yield f"Engine {engine} is older than 23 and gets no repairs from its makers: upgrade it"
    if runc and _tier(info) in {"runc", "rootless"} and _numbers(runc) < FIRST_RUNC:
        yield f"runc {runc} is older than 1.1.12 (CVE-2024-21626): upgrade it, unless its distribution repaired it"
    if "name=seccomp" not in _options(info):
        yield "the engine has no seccomp: containers may make every system call"
    for fact, what in (("MemoryLimit", "memory"), ("SwapLimit", "swap"), ("PidsLimit", "processes")):
        if info.get(fact) is False:
            yield f"the kernel does not limit the {what} of containers: enable that control group"


def _options(info: Mapping[str, Any]) -> set[str]:
    """Without what comes after a comma: `name=seccomp,profile=default`."""
    return {option.partition(",")[0] for option in info.get("SecurityOptions") or ()}


def _component(version: Mapping[str, Any], name: str) -> str:
    parts = version.get("Components") or ()
    return next((str(part.get("Version", "")) for part in parts if part.get("Name") == name), "")


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
