"""What a container may not ask for."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.containers.allow_list import check, check_network, check_volume
from orket_pipelines.containers.model import (
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    PublishedPort,
    Scratch,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.errors import SpecRefused

LABELS = Labels("0a1b2c3d4e5f", "default", "ISSUE-1", ContainerPurpose.WORKBENCH)
SERVICE = replace(LABELS, purpose=ContainerPurpose.SERVICE)
FORWARDER = replace(LABELS, purpose=ContainerPurpose.FORWARDER)
SPEC = ContainerSpec("orket-1", "orket-workbench:0.1.0", ("sleep", "infinity"), LABELS, (10_001, 10_001))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for folder in ("checkouts/ISSUE-1", "artifacts/run", "repositories/todo", "analytics/x"):
        (home / folder).mkdir(parents=True)
    (home / "orket.db").touch()
    (home / "checkouts" / "file").touch()
    return home


def test_a_modest_workbench_is_granted(home: Path) -> None:
    mounts = (
        FolderMount(home / "checkouts/ISSUE-1", "/project/checkout", read_only=False),
        VolumeMount("orket-dependencies", "/dependencies/python"),
    )
    spec = replace(SPEC, mounts=mounts, environment={"PATH": "/usr/bin"}, folder="/project/checkout")
    assert check(spec, home) == spec


def test_a_forwarder_may_have_a_network_names_and_ports(home: Path) -> None:
    network: dict[str, Any] = {"network": "orket-todo", "aliases": ("api",), "ports": (PublishedPort(80, 20_000),)}
    spec = replace(SPEC, labels=FORWARDER, restarts=3, **network)
    assert check(spec, home) == spec


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"user": (0, 10_001)}, "user 0:10001 is root"),
        ({"user": (10_001, 0)}, "user 10001:0 is root"),
        ({"user": (-1, 5)}, "or no user"),
        ({"scratch": (Scratch("/tmp", owner=(0, 0)),)}, "user 0:0 is root"),
        ({"name": "../other"}, "a name is"),
        ({"name": ""}, "a name is"),
        ({"image": "--privileged"}, "no name of an image"),
        ({"command": ()}, "command is empty"),
        ({"command": ("sh\0",)}, "holds NUL"),
        ({"environment": {"A=B": "c"}}, "'A=B' is no name of a variable"),
        ({"environment": {"": "c"}}, "'' is no name of a variable"),
        ({"environment": {"A\0": "c"}}, "no name of a variable"),
        ({"environment": {"A": "c\0d"}}, "the value of A holds NUL"),
        ({"folder": "checkout"}, "no plain absolute path"),
        ({"network": "host"}, "'host' is not a network of ours"),
        ({"network": "bridge"}, "not a network of ours"),
        ({"network": "default"}, "not a network of ours"),
        ({"network": "none"}, "not a network of ours"),
        ({"network": "container:orket-2"}, "not a network of ours"),
        ({"network": ""}, "not a network of ours"),
        ({"aliases": ("db",)}, "names and ports need a network"),
        ({"network": "orket-todo", "aliases": ("a b",)}, "a name in a network"),
        (
            {"network": "orket-todo", "ports": (PublishedPort(80, 20_000),)},
            "published by forwarders, not for workbench",
        ),
        ({"network": "n1", "labels": SERVICE, "ports": (PublishedPort(80, 20_000),)}, "published by forwarders"),
        ({"labels": FORWARDER, "ports": (PublishedPort(80, 20_000),)}, "names and ports need a network"),
        (
            {"labels": FORWARDER, "network": "n1", "ports": (PublishedPort(80, 80),)},
            "port 80 of this host lies outside",
        ),
        ({"labels": FORWARDER, "network": "n1", "ports": (PublishedPort(80, 0),)}, "port 0 of this host lies outside"),
        ({"labels": FORWARDER, "network": "n1", "ports": (PublishedPort(70_000, 2000),)}, "70000 is no port"),
        ({"restarts": 1_000}, "may be started again"),
        ({"restarts": -1}, "may be started again"),
        ({"limits": ContainerLimits(memory=2**50)}, "memory must lie between"),
        ({"limits": ContainerLimits(memory=1)}, "memory must be at least"),
        ({"limits": ContainerLimits(cpus=0)}, "cpus must lie between"),
        ({"limits": ContainerLimits(cpus=float("nan"))}, "cpus must lie between"),
        ({"limits": ContainerLimits(processes=-1)}, "processes must lie between"),
        ({"limits": ContainerLimits(open_files=10**9)}, "open files must lie between"),
        ({"limits": ContainerLimits(file_size=2**50)}, "file size must lie between"),
        ({"limits": ContainerLimits(shared_memory=2**50)}, "shared memory must lie between"),
        ({"scratch": (Scratch("/tmp", 2**50),)}, "a scratch folder must have a size"),
        ({"scratch": (Scratch("/tmp", 0),)}, "a scratch folder must have a size"),
        ({"scratch": (Scratch("/tmp"), Scratch("/tmp"))}, "two mounts have one target"),
        ({"mounts": (VolumeMount("../../etc", "/data"),)}, "no name of a volume"),
        ({"mounts": (VolumeMount("/var/run", "/data"),)}, "no name of a volume"),
    ],
)
def test_more_than_the_list_grants_is_refused(asked: Mapping[str, Any], reason: str, home: Path) -> None:
    with pytest.raises(SpecRefused, match=reason):
        check(replace(SPEC, **asked), home)


@pytest.mark.parametrize("label", ["owner", "workspace", "subject"])
def test_what_bears_no_labels_is_refused(label: str, home: Path) -> None:
    nothing: dict[str, Any] = {label: ""}
    labels = replace(LABELS, **nothing)
    attempts: list[Callable[[], object]] = [
        lambda: check(replace(SPEC, labels=labels), home),
        lambda: check_network(NetworkSpec("orket-net", labels)),
        lambda: check_volume(VolumeSpec("orket-volume", labels)),
    ]
    for attempt in attempts:
        with pytest.raises(SpecRefused, match=f"no {label} as label"):
            attempt()


def test_labels_that_would_forge_others_are_refused(home: Path) -> None:
    with pytest.raises(SpecRefused, match="cannot be printed"):
        check(replace(SPEC, labels=replace(LABELS, subject="x\norket.owner=y")), home)


@pytest.mark.parametrize(
    "target",
    ["/", "/proc", "/proc/self", "/sys", "/dev", "/dev/shm", "/etc", "/etc/passwd", "/usr/bin", "/bin", "/lib", "/run"],
)
def test_nothing_covers_what_the_system_of_the_container_is_made_of(target: str, home: Path) -> None:
    for asked in (
        {"scratch": (Scratch(target),)},
        {"mounts": (VolumeMount("orket-v", target),)},
        {"mounts": (FolderMount(home / "checkouts/ISSUE-1", target),)},
    ):
        with pytest.raises(SpecRefused, match=f"nothing may be mounted at {target}"):
            check(replace(SPEC, **asked), home)


@pytest.mark.parametrize(
    "target", ["data", "/a/../etc", "/a//b", "//a", "/a/", "/a:/b", "/a\nb", "/a\0b", "", "/a:ro", "/a/./b"]
)
def test_targets_are_plain_absolute_paths(target: str, home: Path) -> None:
    with pytest.raises(SpecRefused, match="no plain absolute path"):
        check(replace(SPEC, mounts=(VolumeMount("orket-v", target),)), home)


def test_the_engines_socket_is_refused_wherever_it_is_wanted(home: Path) -> None:
    with pytest.raises(SpecRefused, match="socket"):
        check(replace(SPEC, mounts=(VolumeMount("orket-v", "/var/run/docker.sock"),)), home)
    for source in ("/var/run/docker.sock", "/run/docker.sock", "/var/run", "/run"):
        with pytest.raises(SpecRefused, match="cannot be mounted"):
            check(replace(SPEC, mounts=(FolderMount(Path(source), "/data"),)), home)


@pytest.mark.parametrize(
    "source",
    ["", "orket.db", "repositories", "repositories/todo", "analytics", "analytics/x", "checkouts", "artifacts", "none"],
)
def test_the_home_its_database_and_repositories_are_not_mounted_even_for_reading(source: str, home: Path) -> None:
    with pytest.raises(SpecRefused, match="cannot be mounted"):
        check(replace(SPEC, mounts=(FolderMount(home / source, "/data"),)), home)


@pytest.mark.parametrize("source", ["/", "/etc", "/root", "/home", "/proc/self/root"])
def test_folders_outside_the_home_are_not_mounted(source: str, home: Path) -> None:
    with pytest.raises(SpecRefused, match="cannot be mounted"):
        check(replace(SPEC, mounts=(FolderMount(Path(source), "/data"),)), home)


def test_files_are_not_mounted(home: Path) -> None:
    with pytest.raises(SpecRefused, match="it is no folder"):
        check(replace(SPEC, mounts=(FolderMount(home / "checkouts/file", "/data"),)), home)


@pytest.mark.parametrize("source", ["checkouts/../repositories/todo", "checkouts/a:b", "checkouts/a\nb"])
def test_sources_are_plain_paths(source: str, home: Path) -> None:
    with pytest.raises(SpecRefused, match="no plain absolute path"):
        check(replace(SPEC, mounts=(FolderMount(home / source, "/data"),)), home)


@pytest.mark.parametrize("place", ["/etc", "repositories/todo", ".", "checkouts"])
def test_links_to_elsewhere_are_seen_through(place: str, home: Path) -> None:
    (home / "checkouts/ISSUE-1/link").symlink_to(home / place)
    with pytest.raises(SpecRefused, match="cannot be mounted"):
        check(replace(SPEC, mounts=(FolderMount(home / "checkouts/ISSUE-1/link", "/data"),)), home)


def test_links_that_go_in_circles_are_refused(home: Path) -> None:
    (home / "checkouts/circle").symlink_to(home / "checkouts/circle")
    with pytest.raises(SpecRefused, match="cannot be mounted"):
        check(replace(SPEC, mounts=(FolderMount(home / "checkouts/circle", "/data"),)), home)


def test_a_home_behind_a_link_is_the_home_and_what_is_asked_for_is_where_it_leads(home: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(home)
    spec = replace(SPEC, mounts=(FolderMount(tmp_path / "linked/checkouts/ISSUE-1", "/data"),))
    assert check(spec, tmp_path / "linked").mounts == (FolderMount(home / "checkouts/ISSUE-1", "/data"),)


def test_only_the_proxy_gets_a_network_with_egress() -> None:
    check_network(NetworkSpec("orket-out", replace(LABELS, purpose=ContainerPurpose.PROXY), egress=True))
    for purpose in set(ContainerPurpose) - {ContainerPurpose.PROXY}:
        with pytest.raises(SpecRefused, match="egress"):
            check_network(NetworkSpec("orket-out", replace(LABELS, purpose=purpose), egress=True))


def test_only_forwarders_get_a_network_with_ports() -> None:
    spec = NetworkSpec("orket-front", FORWARDER, published=True)
    check_network(spec)
    refused = [replace(spec, labels=replace(LABELS, purpose=each)) for each in ContainerPurpose if each != "forwarder"]
    for each in (*refused, replace(spec, labels=replace(LABELS, purpose=ContainerPurpose.PROXY), egress=True)):
        with pytest.raises(SpecRefused, match="only forwarders get one with ports"):
            check_network(each)


def test_names_of_networks_and_volumes_are_plain() -> None:
    attempts: list[Callable[[], object]] = [
        lambda: check_network(NetworkSpec("-net", LABELS)),
        lambda: check_volume(VolumeSpec("/etc", LABELS)),
    ]
    for attempt in attempts:
        with pytest.raises(SpecRefused, match="a name is"):
            attempt()
