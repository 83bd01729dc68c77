"""What is asked of the engine, word for word."""

from pathlib import Path

from orket_pipelines.containers import request
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

LABELS = Labels("0a1b2c3d4e5f", "default", "ISSUE-1", ContainerPurpose.WORKBENCH)
WORKBENCH = ContainerSpec(
    name="orket-workbench",
    image="orket-workbench:0.1.0",
    command=("sleep", "infinity"),
    labels=Labels("0a1b2c3d4e5f", "default", "ISSUE-1", ContainerPurpose.WORKBENCH, "host/1", "run-7", 1_700),
    user=(1000, 1001),
    environment={"LANG": "C.UTF-8"},
    folder="/project/checkout",
    mounts=(
        FolderMount(Path("/home/me/.orket/checkouts/ISSUE-1/work"), "/project/checkout", read_only=False),
        VolumeMount("orket-dependencies", "/dependencies/python"),
    ),
    scratch=(Scratch("/tmp", 1024), Scratch("/home/worker", 2048, executable=True, owner=(1002, 1003))),
    limits=ContainerLimits(memory=1_000, cpus=1.5, processes=10, open_files=20, file_size=30, shared_memory=40),
)


def test_a_workbench_gets_this_and_nothing_else() -> None:
    assert request.create_container(WORKBENCH) == {
        "Image": "orket-workbench:0.1.0",
        "Entrypoint": ["sleep"],
        "Cmd": ["infinity"],
        "Healthcheck": {"Test": ["NONE"]},
        "User": "1000:1001",
        "Env": ["LANG=C.UTF-8"],
        "WorkingDir": "/project/checkout",
        "Labels": {
            "orket.owner": "0a1b2c3d4e5f",
            "orket.workspace": "default",
            "orket.subject": "ISSUE-1",
            "orket.purpose": "workbench",
            "orket.process": "host/1",
            "orket.run": "run-7",
            "orket.expires": "1700",
        },
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "AttachStdin": False,
        "ExposedPorts": {},
        "HostConfig": {
            "Privileged": False,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "Init": True,
            "IpcMode": "private",
            "NetworkMode": "none",
            "PublishAllPorts": False,
            "PortBindings": {},
            "Mounts": [
                {
                    "Type": "bind",
                    "Source": "/home/me/.orket/checkouts/ISSUE-1/work",
                    "Target": "/project/checkout",
                    "ReadOnly": False,
                    "BindOptions": {"Propagation": "rprivate"},
                },
                {
                    "Type": "volume",
                    "Source": "orket-dependencies",
                    "Target": "/dependencies/python",
                    "ReadOnly": True,
                    "VolumeOptions": {"NoCopy": True},
                },
            ],
            "Tmpfs": {
                "/tmp": "rw,nosuid,nodev,noexec,size=1024,uid=1000,gid=1001,mode=0700",
                "/home/worker": "rw,nosuid,nodev,exec,size=2048,uid=1002,gid=1003,mode=0700",
            },
            "RestartPolicy": {"Name": "no"},
            "LogConfig": {"Type": "local", "Config": {"max-size": "5m", "max-file": "2", "compress": "false"}},
            "Memory": 1_000,
            "MemorySwap": 1_000,
            "NanoCpus": 1_500_000_000,
            "PidsLimit": 10,
            "ShmSize": 40,
            "Ulimits": [
                {"Name": "nofile", "Soft": 20, "Hard": 20},
                {"Name": "fsize", "Soft": 30, "Hard": 30},
                {"Name": "core", "Soft": 0, "Hard": 0},
            ],
            "Dns": ["127.0.0.1"],
            "DnsOptions": ["timeout:1", "attempts:2"],
        },
    }


def test_a_forwarder_is_published_on_loopback_alone_routes_nothing_and_is_started_again_a_few_times() -> None:
    service = ContainerSpec(
        name="orket-forwarder",
        image="orket-workbench:0.1.0",
        command=("python3",),
        labels=Labels("0a1b2c3d4e5f", "default", "todo", ContainerPurpose.FORWARDER),
        user=(1000, 1000),
        network="orket-todo",
        aliases=("front",),
        ports=(PublishedPort(8000, 20_001),),
        restarts=3,
    )
    asked = request.create_container(service)
    assert asked["ExposedPorts"] == {"8000/tcp": {}}
    assert asked["NetworkingConfig"] == {"EndpointsConfig": {"orket-todo": {"Aliases": ["front"]}}}
    assert asked["HostConfig"]["NetworkMode"] == "orket-todo"
    assert asked["HostConfig"]["PortBindings"] == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}
    assert asked["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert asked["HostConfig"]["Sysctls"] == {"net.ipv4.ip_forward": "0"}


def test_a_command_gets_no_terminal_no_input_and_no_privileges() -> None:
    assert request.create_exec(["ls"], environment={"A": "b"}, folder="/project", user=(5, 6)) == {
        "cmd": ["ls"],
        "environment": {"A": "b"},
        "workdir": "/project",
        "user": "5:6",
        "stdin": False,
        "tty": False,
        "privileged": False,
    }


def test_a_network_has_no_way_out_and_none_to_this_host() -> None:
    assert request.create_network(NetworkSpec("orket-todo", LABELS, "10.213.0.16/28")) == {
        "name": "orket-todo",
        "check_duplicate": True,
        "driver": "bridge",
        "ipam": {"Driver": "default", "Config": [{"Subnet": "10.213.0.16/28"}]},
        "options": {
            "com.docker.network.bridge.name": "orkt9fbc508761",
            "com.docker.network.bridge.enable_ip_masquerade": "false",
            "com.docker.network.bridge.inhibit_ipv4": "true",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
        },
        "internal": True,
        "labels": {
            "orket.owner": "0a1b2c3d4e5f",
            "orket.workspace": "default",
            "orket.subject": "ISSUE-1",
            "orket.purpose": "workbench",
        },
    }


def test_a_network_with_egress_says_so_in_a_label() -> None:
    proxy = Labels("0a1b2c3d4e5f", "default", "install", ContainerPurpose.PROXY)
    asked = request.create_network(NetworkSpec("orket-out", proxy, egress=True))
    assert asked["options"]["com.docker.network.bridge.enable_ip_masquerade"] == "true"
    assert (asked["labels"]["orket.egress"], "orket.published" in asked["labels"]) == ("true", False)
    assert not asked["internal"]
    assert asked["ipam"] == {"Driver": "default", "Config": []}


def test_a_network_with_ports_has_a_way_to_this_host_and_says_so_in_a_label() -> None:
    forwarder = Labels("0a1b2c3d4e5f", "default", "todo", ContainerPurpose.FORWARDER)
    asked = request.create_network(NetworkSpec("orket-front", forwarder, published=True))
    assert asked["options"] == {
        "com.docker.network.bridge.name": request.bridge_name("orket-front"),
        "com.docker.network.bridge.enable_ip_masquerade": "false",
        "com.docker.network.bridge.enable_icc": "false",
        "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
    }
    assert (asked["labels"]["orket.published"], "orket.egress" in asked["labels"]) == ("true", False)
    assert not asked["internal"]


def test_the_name_of_a_bridge_fits_the_kernel() -> None:
    assert len(request.bridge_name("orket-" + "x" * 100)) <= 15


def test_a_volume_is_a_local_one_with_labels() -> None:
    assert request.create_volume(VolumeSpec("orket-dependencies", LABELS)) == {
        "name": "orket-dependencies",
        "driver": "local",
        "labels": {
            "orket.owner": "0a1b2c3d4e5f",
            "orket.workspace": "default",
            "orket.subject": "ISSUE-1",
            "orket.purpose": "workbench",
        },
    }


def test_volumes_are_given_away_by_a_container_that_has_no_privileges_and_never_runs() -> None:
    asked = request.create_seed(WORKBENCH, [VolumeMount("orket-dependencies", "/dependencies/python", read_only=False)])
    assert asked["Entrypoint"] == ["/bin/false"]
    assert asked["HostConfig"]["CapDrop"] == ["ALL"]
    assert [mount["Type"] for mount in asked["HostConfig"]["Mounts"]] == ["volume"]
