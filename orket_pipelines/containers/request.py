"""What the engine is asked to create, from what a room asked for: pure, so that tests compare literals."""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from orket_pipelines.containers.labels import network_labels, write_labels
from orket_pipelines.containers.model import (
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    NetworkSpec,
    PublishedPort,
    Scratch,
    VolumeMount,
    VolumeSpec,
)

LOOPBACK = "127.0.0.1"
Body = dict[str, Any]
BETWEEN_NETWORKS = frozenset({ContainerPurpose.FORWARDER, ContainerPurpose.PROXY})
"""Purposes of what stands on two networks, and carries nothing from one to the other but what it means to."""


def create_container(spec: ContainerSpec, runtime: str | None = None) -> Body:
    """The body of `POST /containers/create`. Whatever `spec` says, it asks for no privilege at all.

    `runtime` is one that the engine knows, None its own.
    """
    chosen = {} if runtime is None else {"Runtime": runtime}
    body = {
        "Image": spec.image,
        # Not as Cmd alone: an image may bring an entry point, which would be run instead.
        "Entrypoint": list(spec.command[:1]),
        "Cmd": list(spec.command[1:]),
        "Healthcheck": {"Test": ["NONE"]},
        "User": f"{spec.user[0]}:{spec.user[1]}",
        "Env": [f"{name}={value}" for name, value in spec.environment.items()],
        "WorkingDir": spec.folder,
        "Labels": write_labels(spec.labels),
        "Tty": False,
        "OpenStdin": False,
        "StdinOnce": False,
        "AttachStdin": False,
        "ExposedPorts": {_port(port): {} for port in spec.ports},
        "HostConfig": _host_config(spec) | chosen,
    }
    if spec.network is not None:
        body["NetworkingConfig"] = {"EndpointsConfig": {spec.network: {"Aliases": list(spec.aliases)}}}
    return body


def create_exec(
    command: Sequence[str], *, environment: Mapping[str, str], folder: str | None, user: tuple[int, int] | None
) -> Body:
    """What the SDK's `exec_create` is called with, beside the container."""
    return {
        "cmd": list(command),
        "environment": dict(environment),
        "workdir": folder,
        "user": "" if user is None else f"{user[0]}:{user[1]}",
        "stdin": False,
        "tty": False,
        "privileged": False,
    }


def create_network(spec: NetworkSpec) -> Body:
    """What the SDK's `create_network` is called with.

    A sealed one is `internal`: containers have no route out of it. And its bridge has no address on this host
    (`inhibit_ipv4`): nobody there can be asked for. An internal bridge alone lets containers reach this host, and one
    without masquerading lets their packets leave, answers excepted. On one with published ports
    is what belongs to many sandboxes, and none of it reaches another (`enable_icc`). The bridge has a name of ours, for
    firewall rules.
    """
    pools = [] if spec.subnet is None else [{"Subnet": spec.subnet}]
    is_open = spec.egress or spec.published
    return {
        "name": spec.name,
        "check_duplicate": True,
        "driver": "bridge",
        "ipam": {"Driver": "default", "Config": pools},
        "options": {
            "com.docker.network.bridge.name": bridge_name(spec.name),
            "com.docker.network.bridge.enable_ip_masquerade": "true" if spec.egress else "false",
            **({} if is_open else {"com.docker.network.bridge.inhibit_ipv4": "true"}),
            **({"com.docker.network.bridge.enable_icc": "false"} if spec.published else {}),
            "com.docker.network.bridge.host_binding_ipv4": LOOPBACK,
        },
        "internal": not is_open,
        "labels": network_labels(spec),
    }


def create_volume(spec: VolumeSpec) -> Body:
    """What the SDK's `create_volume` is called with."""
    return {"name": spec.name, "driver": "local", "labels": write_labels(spec.labels)}


def create_seed(spec: ContainerSpec, volumes: list[VolumeMount]) -> Body:
    """A container that is never started: through it the roots of new `volumes` are given to the user of `spec`."""
    return {
        "Image": spec.image,
        "Entrypoint": ["/bin/false"],
        "Labels": write_labels(spec.labels),
        "HostConfig": {
            "NetworkMode": "none",
            "CapDrop": ["ALL"],
            "Mounts": [_mount(VolumeMount(mount.volume, mount.target, read_only=False)) for mount in volumes],
        },
    }


def pack_folders(targets: Sequence[str], user: tuple[int, int]) -> bytes:
    """A tar of empty folders at `targets`, which belong to `user`."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for target in targets:
            folder = tarfile.TarInfo(target.removeprefix("/"))
            folder.type, folder.mode, (folder.uid, folder.gid) = tarfile.DIRTYPE, 0o755, user
            archive.addfile(folder)
    return packed.getvalue()


def bridge_name(network: str) -> str:
    """Of the host's interface: the kernel takes 15 characters; `orkt` is what firewall rules match."""
    return f"orkt{hashlib.sha256(network.encode()).hexdigest()[:10]}"


def _host_config(spec: ContainerSpec) -> Body:
    config: Body = {
        "Privileged": False,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "Init": True,
        "IpcMode": "private",
        "NetworkMode": spec.network or "none",
        "PublishAllPorts": False,
        "PortBindings": {_port(port): [_binding(port)] for port in spec.ports},
        "Mounts": [_mount(mount) for mount in spec.mounts],
        "Tmpfs": {scratch.target: _tmpfs(scratch, spec.user) for scratch in spec.scratch},
        "RestartPolicy": _restart_policy(spec.restarts),
        "LogConfig": {"Type": "local", "Config": {"max-size": "5m", "max-file": "2", "compress": "false"}},
        **_limits(spec.limits),
    }
    if spec.labels.purpose is not ContainerPurpose.PROXY:
        # Docker's own resolver still knows the siblings; nothing answers there for any other name, so that no data
        # leave as questions about names.
        config["Dns"] = [LOOPBACK]
        config["DnsOptions"] = ["timeout:1", "attempts:2"]
    if spec.labels.purpose in BETWEEN_NETWORKS:
        # Containers inherit the host's readiness to route.
        config["Sysctls"] = {"net.ipv4.ip_forward": "0"}
    return config


def _limits(limits: ContainerLimits) -> Body:
    ulimits = {"nofile": limits.open_files, "fsize": limits.file_size, "core": 0}
    return {
        "Memory": limits.memory,
        "MemorySwap": limits.memory,
        "NanoCpus": round(limits.cpus * 1_000_000_000),
        "PidsLimit": limits.processes,
        "ShmSize": limits.shared_memory,
        "Ulimits": [{"Name": name, "Soft": value, "Hard": value} for name, value in ulimits.items()],
    }


def _mount(mount: FolderMount | VolumeMount) -> Body:
    if isinstance(mount, VolumeMount):
        return {
            "Type": "volume",
            "Source": mount.volume,
            "Target": mount.target,
            "ReadOnly": mount.read_only,
            "VolumeOptions": {"NoCopy": True},
        }
    return {
        "Type": "bind",
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": mount.read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs(scratch: Scratch, user: tuple[int, int]) -> str:
    programs = "exec" if scratch.executable else "noexec"
    owner = scratch.owner or user
    return f"rw,nosuid,nodev,{programs},size={scratch.size},uid={owner[0]},gid={owner[1]},mode=0700"


def _restart_policy(restarts: int) -> Body:
    return {"Name": "on-failure", "MaximumRetryCount": restarts} if restarts else {"Name": "no"}


def _port(port: PublishedPort) -> str:
    return f"{port.container_port}/tcp"


def _binding(port: PublishedPort) -> dict[str, str]:
    return {"HostIp": LOOPBACK, "HostPort": str(port.host_port)}
