"""A plan as a compose document that people can run by hand: portable to Compose v2 and docker-compose 1.29.

It contains what a sandbox of ours contains. The one-shot services `…_prepare` alone reach outside, for packages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orket_pipelines.containers.model import ContainerLimits
from orket_pipelines.sandboxes import gateway
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
    the network interface's name, at most 15 characters.
    """

    source: Path
    image: str
    user: tuple[int, int]
    bridge: str
    ports: Mapping[str, int]
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: ContainerLimits = field(default_factory=ContainerLimits)
    scratch: int = 256 * 1024**2


def compose_document(plan: Plan, frame: ComposeFrame) -> dict[str, Any]:
    """The document, as plain data.

    No `version` and no `name`, which one of the two programs each refuses; the project is named by `-p`.
    """
    services: dict[str, Any] = {}
    for service in plan.services:
        services[f"{service.name}_prepare"] = _preparation(service, frame)
        services[service.name] = _running(service, plan, frame)
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
        "volumes": {service.name: {"labels": labels} for service in plan.services},
    }


def compose_text(document: dict[str, Any]) -> str:
    """The document as YAML: the same text for the same document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=1000)


def _preparation(service: Service, frame: ComposeFrame) -> dict[str, Any]:
    script = Path(__file__).with_name("prepare.sh").read_text()
    packages = "node" if service.kind is not ServiceKind.WEB else "python" if service.start[0] == "python" else "both"
    return {
        **_contained(frame),
        "command": _literal(["sh", "-c", script, "prepare", packages, service.folder, *service.build]),
        "working_dir": WORK,
        "environment": {"HOME": WORK, "TMPDIR": WORK, "CI": "1", "PATH": PROGRAMS},
        "volumes": [
            {"type": "bind", "source": _escaped(str(frame.source)), "target": "/source", "read_only": True},
            {"type": "volume", "source": service.name, "target": WORK},
        ],
        "networks": ["packages"],
        "restart": "no",
    }


def _running(service: Service, plan: Plan, frame: ComposeFrame) -> dict[str, Any]:
    port, is_page = port_of(service), service.kind is not ServiceKind.WEB
    command = _gateway(service, plan) if is_page else [word.replace("{port}", str(port)) for word in service.start]
    published = {"ports": [f"127.0.0.1:{frame.ports[service.name]}:{port}"]} if service.name in frame.ports else {}
    return {
        **_contained(frame),
        "command": _literal(command),
        "working_dir": _escaped(f"{WORK}/project/{service.folder}"),
        "environment": {"HOME": "/tmp", "HOST": EVERYWHERE, "PORT": str(port), "PATH": PROGRAMS},  # noqa: S108 - a tmpfs
        "volumes": [{"type": "volume", "source": service.name, "target": WORK, "read_only": is_page}],
        "networks": ["sandbox"],
        **published,
        "restart": "on-failure:3",
        "depends_on": {f"{service.name}_prepare": {"condition": "service_completed_successfully"}},
    }


def port_of(service: Service) -> int:
    """Where a service listens inside its container."""
    return PAGE_PORT if service.kind is not ServiceKind.WEB else service.port or 8000


def _contained(frame: ComposeFrame) -> dict[str, Any]:
    """What every container is held by."""
    limits, (uid, gid) = frame.limits, frame.user
    return {
        "image": _escaped(frame.image),
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


def _literal(words: list[str]) -> list[str]:
    return [_escaped(word) for word in words]


def _escaped(text: str) -> str:
    """As it stands: compose programs replace `$NAME` by what their caller's environment holds."""
    return text.replace("$", "$$")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, and every value written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent)
