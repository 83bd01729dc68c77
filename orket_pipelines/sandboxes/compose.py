"""A plan as a compose document that people can run by hand: portable to Compose v2 and docker-compose 1.29.

It contains what a sandbox of ours contains. The one-shot services `…_prepare` alone reach outside, for packages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orket_pipelines.containers.model import ContainerLimits
from orket_pipelines.sandboxes import gateway
from orket_pipelines.sandboxes.compose_databases import (
    database_services,
    database_volumes,
    readiness,
    secret_mounts,
    telling,
)
from orket_pipelines.sandboxes.compose_text import escaped, literal
from orket_pipelines.sandboxes.databases import Database, databases_of
from orket_pipelines.sandboxes.model import Plan, Service, ServiceKind

WORK = "/var/tmp"  # noqa: S108 - a volume of the container's own
"""Where a service's volume is mounted. A new volume takes over the mode of the folder that it covers, and this is one
that every image lets every user write to; so nothing has to run as root to give it away."""
PAGE_PORT = 8080
EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container, whose ports are published on 127.0.0.1 alone
BRIDGE = "com.docker.network.bridge"
PROGRAMS = f"{WORK}/python/bin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class ComposeFrame:
    """What a plan leaves open: the repository's folder on this host, the image with Python and Node, who runs it.

    `ports` are ports of 127.0.0.1 by service; what is not named there is reached through the front alone. `bridge` is
    the network interface's name, at most 15 characters. `database_images` are by kind; a kind without one is left out.
    """

    source: Path
    image: str
    user: tuple[int, int]
    bridge: str
    ports: Mapping[str, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: ContainerLimits = field(default_factory=ContainerLimits)
    scratch: int = 256 * 1024**2
    database_images: Mapping[str, str] = field(default_factory=dict)


def compose_document(plan: Plan, frame: ComposeFrame) -> dict[str, Any]:
    """The document, as plain data.

    No `version` and no `name`, which one of the two programs each refuses; the project is named by `-p`.
    """
    services: dict[str, Any] = {}
    for service in plan.services:
        services[f"{service.name}_prepare"] = _preparation(service, frame)
        services[service.name] = _running(service, plan, frame)
    databases = _provided(plan, frame)
    services |= database_services(databases, _contained(frame), frame.database_images, work=WORK)
    labels = dict(frame.labels)
    return {
        "services": services,
        "networks": {
            # Nothing leaves it, and published ports work: `internal` would close those, too.
            "sandbox": {
                "driver": "bridge",
                "driver_opts": {f"{BRIDGE}.enable_ip_masquerade": "false", f"{BRIDGE}.name": frame.bridge},
                "labels": labels,
            },
            "packages": {"driver": "bridge", "labels": labels},
        },
        "volumes": {
            name: {"labels": labels}
            for name in (*(service.name for service in plan.services), *database_volumes(databases))
        },
    }


def _preparation(service: Service, frame: ComposeFrame) -> dict[str, Any]:
    script = Path(__file__).with_name("prepare.sh").read_text()
    packages = "node" if service.kind is not ServiceKind.WEB else "python" if service.start[0] == "python" else "both"
    return {
        **_contained(frame),
        "command": literal(["sh", "-c", script, "prepare", packages, service.folder, *service.build]),
        "working_dir": WORK,
        "environment": {"HOME": WORK, "TMPDIR": WORK, "CI": "1", "PATH": PROGRAMS},
        "volumes": [
            {"type": "bind", "source": escaped(str(frame.source)), "target": "/source", "read_only": True},
            {"type": "volume", "source": service.name, "target": WORK},
        ],
        "networks": ["packages"],
        "restart": "no",
    }


def _running(service: Service, plan: Plan, frame: ComposeFrame) -> dict[str, Any]:
    port, is_page = port_of(service), service.kind is not ServiceKind.WEB
    command = _gateway(service, plan) if is_page else [word.replace("{port}", str(port)) for word in service.start]
    databases = tuple(each for each in _provided(plan, frame) if each.kind in service.databases)
    published = {"ports": [f"127.0.0.1:{frame.ports[service.name]}:{port}"]} if service.name in frame.ports else {}
    return {
        **_contained(frame),
        "command": literal(telling(databases, command)),
        "working_dir": escaped(f"{WORK}/project/{service.folder}"),
        "environment": {"HOME": "/tmp", "HOST": EVERYWHERE, "PORT": str(port), "PATH": PROGRAMS},  # noqa: S108 - a tmpfs
        "volumes": [
            {"type": "volume", "source": service.name, "target": WORK, "read_only": is_page},
            *secret_mounts(databases),
        ],
        "networks": ["sandbox"],
        **published,
        "restart": "on-failure:3",
        "depends_on": {
            f"{service.name}_prepare": {"condition": "service_completed_successfully"},
            **readiness(databases),
        },
    }


def _provided(plan: Plan, frame: ComposeFrame) -> tuple[Database, ...]:
    return tuple(each for each in databases_of(plan) if frame.database_images.get(each.kind))


def port_of(service: Service) -> int:
    """Where a service listens inside its container."""
    return PAGE_PORT if service.kind is not ServiceKind.WEB else service.port or 8000


def _contained(frame: ComposeFrame) -> dict[str, Any]:
    """What every container is held by."""
    limits, (uid, gid) = frame.limits, frame.user
    return {
        "image": escaped(frame.image),
        "user": f"{uid}:{gid}",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "init": True,
        "tmpfs": [f"/tmp:rw,noexec,nosuid,nodev,mode=1777,size={frame.scratch}"],  # noqa: S108 - the container's own
        "mem_limit": limits.memory,
        # The same as the memory: no swap.
        "memswap_limit": limits.memory,
        "cpus": limits.cpus,
        "pids_limit": limits.processes,
        "logging": {"driver": "local", "options": {"max-size": "5m", "max-file": "2"}},
        "labels": dict(frame.labels),
    }


def _gateway(service: Service, plan: Plan) -> list[str]:
    services = {each.name: each for each in plan.services}
    routes = plan.routes if service.name == plan.front else {}
    told = [f"{prefix}=http://{name}:{port_of(services[name])}" for prefix, name in routes.items()]
    root = f"{WORK}/project/{service.folder}/{service.output or '.'}"
    listen = ["--port", str(PAGE_PORT), "--host", EVERYWHERE]
    routed = [word for route in told for word in ("--route", route)]
    return ["python3", "-I", "-c", gateway.source(), "--root", root, *routed, *listen]
