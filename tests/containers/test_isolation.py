"""What is concluded from what an engine tells of itself."""

from typing import Any

import pytest

from orket_pipelines.containers.isolation import affects, choose_runtime, judge
from orket_pipelines.errors import SettingsError

VERSION: dict[str, Any] = {
    "Version": "28.5.2",
    "ApiVersion": "1.47",
    "Components": [{"Name": "containerd", "Version": "1.7.29"}, {"Name": "runc", "Version": "1.3.3"}],
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
    assert (facts.version, facts.api_version, facts.tier, facts.warnings) == ("28.5.2", "1.47", "runc", ())


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ({"DefaultRuntime": "runsc"}, "gvisor"),
        ({"DefaultRuntime": "kata-runtime"}, "kata"),
        ({"DefaultRuntime": "io.containerd.kata.v2"}, "kata"),
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}, "rootless"),
    ],
)
def test_a_better_tier_is_told(told: dict[str, Any], tier: str) -> None:
    assert judge(VERSION, INFO | told).tier == tier


@pytest.mark.parametrize(
    ("version", "info", "warning"),
    [
        ({"Version": "20.10.24+dfsg1"}, {}, "Engine 20.10.24+dfsg1 is older than 23"),
        (
            {"Components": [{"Name": "runc", "Version": "1.1.5+ds1"}]},
            {},
            "runc 1.1.5+ds1 has CVE-2024-21626, CVE-2024-453",
        ),
        (
            {"Components": [{"Name": "containerd", "Version": "1.6.20~ds1"}]},
            {},
            "containerd 1.6.20~ds1 has CVE-2024-40635",
        ),
        ({"Components": [{"Name": "Engine", "Version": "24.0.9"}]}, {}, "Engine 24.0.9 has CVE-2024-29018"),
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


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ("1.1.9", True),
        ("1.2.7", True),
        ("1.2.8", False),
        ("1.3.2", True),
        ("1.3.3", False),
        ("1.4.0", False),
        ("", False),
    ],
)
def test_a_hole_is_repaired_in_each_series_apart(version: str, is_affected: bool) -> None:
    assert affects(["1.2.8", "1.3.3"], version) is is_affected


def test_holes_of_runc_are_no_matter_where_something_else_starts_containers() -> None:
    old = VERSION | {"Components": [{"Name": "runc", "Version": "1.0.0"}]}
    assert judge(old, INFO).warnings
    assert judge(old, INFO, "runsc").warnings == ()
    assert judge(old, INFO, "runsc").tier == "gvisor"


@pytest.mark.parametrize(
    ("tier", "told", "runtime"),
    [
        ("runc", {}, None),
        ("runsc", {"Runtimes": {"runc": {}, "runsc-kvm": {}}}, "runsc-kvm"),
        ("kata", {"Runtimes": {"io.containerd.kata.v2": {}}}, "io.containerd.kata.v2"),
        ("rootless", {"SecurityOptions": ["name=seccomp", "name=rootless"]}, None),
    ],
)
def test_a_tier_is_asked_for_by_the_name_that_the_engine_has_for_it(
    tier: Any, told: dict[str, Any], runtime: str | None
) -> None:
    assert choose_runtime(tier, INFO | told) == runtime


@pytest.mark.parametrize("tier", ["runsc", "kata", "rootless"])
def test_an_engine_without_the_tier_is_refused_rather_than_used_with_less(tier: Any) -> None:
    with pytest.raises(SettingsError, match=f"ORKET_CONTAINER_TIER is {tier}, and the container engine") as refused:
        choose_runtime(tier, INFO | {"Runtimes": {"runc": {}}})
    assert refused.value.next_step.endswith("ORKET_CONTAINER_TIER=runc")


def test_an_engine_too_old_to_seal_a_network_is_told_of() -> None:
    facts = judge(VERSION | {"Version": "19.3", "Components": [{"Name": "Engine", "Version": "19.03.15"}]}, INFO)
    assert not facts.seals
    assert any("cannot seal networks" in warning for warning in facts.warnings)
    assert judge(VERSION, INFO).seals
