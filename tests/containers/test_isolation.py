"""What is concluded from what an engine tells of itself."""

from typing import Any

import pytest

from orket_pipelines.containers.isolation import judge

VERSION: dict[str, Any] = {
    "Version": "27.3.1",
    "ApiVersion": "1.47",
    "Components": [{"Name": "containerd", "Version": "1.7.22"}, {"Name": "runc", "Version": "1.1.14"}],
}
INFO: dict[str, Any] = {
    "DefaultRuntime": "runc",
    "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
}


def test_a_recent_engine_gives_no_warnings() -> None:
    facts = judge(VERSION, INFO)
    assert (facts.version, facts.api_version, facts.tier, facts.warnings) == ("27.3.1", "1.47", "runc", ())


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ({"DefaultRuntime": "runsc"}, "gvisor"),
        ({"DefaultRuntime": "kata-runtime"}, "kata"),
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}, "rootless"),
    ],
)
def test_a_better_tier_is_told(told: dict[str, Any], tier: str) -> None:
    assert judge(VERSION, INFO | told).tier == tier


@pytest.mark.parametrize(
    ("version", "info", "warning"),
    [
        ({"Version": "20.10.24+dfsg1"}, {}, "Engine 20.10.24+dfsg1 is older than 23"),
        ({"Components": [{"Name": "runc", "Version": "1.1.5+ds1"}]}, {}, "CVE-2024-21626"),
        ({}, {"SecurityOptions": []}, "no seccomp"),
        ({}, {"PidsLimit": False}, "does not limit the processes"),
        ({}, {"SwapLimit": False}, "does not limit the swap"),
    ],
)
def test_what_weakens_isolation_is_warned_of(version: dict[str, Any], info: dict[str, Any], warning: str) -> None:
    (told,) = judge(VERSION | version, INFO | info).warnings
    assert warning in told


def test_what_an_engine_does_not_tell_is_no_reason_to_fail() -> None:
    assert judge({}, {}).tier == "runc"
