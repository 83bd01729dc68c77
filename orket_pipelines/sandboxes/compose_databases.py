"""The databases of a compose document: what makes their passwords, what runs them, and how services are told.

No password is in the document, nor in what an engine shows: it is made in a volume, when the document first runs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orket_pipelines.sandboxes.compose_text import literal
from orket_pipelines.sandboxes.databases import DATABASE_SECRETS, ENVIRONMENT, Database

SCRATCH = 16 * 1024**2
"""Bytes of sockets and process ids."""
LATER = "{password}"
"""Where the password is filled in."""


def database_services(
    databases: tuple[Database, ...], contained: dict[str, Any], images: Mapping[str, str], *, work: str
) -> dict[str, Any]:
    """The services of all databases, each with the two that prepare its volumes; `contained` holds every container,
    and `work` is a folder that every user may write to in every image."""
    services: dict[str, Any] = {}
    for each in databases:
        services[f"{each.host}_secrets"] = _secrets(each, contained, work)
        services[f"{each.host}_data"] = _data(each, contained, work)
        services[each.host] = _running(each, contained, images[each.kind])
    return services


def database_volumes(databases: tuple[Database, ...]) -> list[str]:
    """The names of their volumes."""
    return [f"{each.host}_{what}" for each in databases for what in ("secrets", "data")]


def telling(databases: tuple[Database, ...], command: list[str]) -> list[str]:
    """A service's command, with what it is told of its databases as variables; where two claim a name, the first has
    it."""
    if not databases:
        return command
    told = "".join(f". {_seen_at(each)}/{ENVIRONMENT} && " for each in reversed(databases))
    return ["sh", "-c", f'{told}exec "$@"', "sh", *command]


def secret_mounts(databases: tuple[Database, ...]) -> list[dict[str, Any]]:
    """Where a service sees what it is told."""
    return [_mount(f"{each.host}_secrets", _seen_at(each), read_only=True) for each in databases]


def readiness(databases: tuple[Database, ...]) -> dict[str, Any]:
    """What a service that talks to them waits for."""
    return {each.host: {"condition": "service_healthy"} for each in databases}


def _secrets(database: Database, contained: dict[str, Any], work: str) -> dict[str, Any]:
    exports = "".join(f"export {name}='{value}'\n" for name, value in database.settings(LATER).items())
    files = {**database.files(LATER), ENVIRONMENT: exports}
    script = Path(__file__).with_name("prepare_database.sh").read_text()
    told = [word for name, text in files.items() if name != "password" for word in (name, text)]
    return _once(contained, ["sh", "-c", script, "prepare", *told], f"{database.host}_secrets", work)


def _data(database: Database, contained: dict[str, Any], work: str) -> dict[str, Any]:
    """Its first mount decides who may write into a volume; images of databases let their own user alone."""
    return _once(contained, ["true"], f"{database.host}_data", work)


def _once(contained: dict[str, Any], command: list[str], volume: str, work: str) -> dict[str, Any]:
    mount = {"type": "volume", "source": volume, "target": work}
    return {
        **contained,
        "command": literal(command),
        "working_dir": work,
        "volumes": [mount],
        "network_mode": "none",
        "restart": "no",
    }


def _running(database: Database, contained: dict[str, Any], image: str) -> dict[str, Any]:
    facts = database.facts
    uid, gid = contained["user"].split(":")
    # With an owner: without one it takes over that of the folder in the image.
    options = f"rw,noexec,nosuid,nodev,uid={uid},gid={gid},mode=0700,size={SCRATCH}"
    scratch = [f"{target}:{options}" for target in facts.scratch]
    prepared = {"condition": "service_completed_successfully"}
    return {
        **contained,
        "image": image,
        "entrypoint": [facts.command[0]],
        "command": list(facts.command[1:]),
        "environment": {"HOME": "/tmp", **facts.environment},  # noqa: S108 - a tmpfs
        "tmpfs": [*contained["tmpfs"], *scratch],
        "volumes": [
            _mount(f"{database.host}_data", facts.data, read_only=False),
            _mount(f"{database.host}_secrets", DATABASE_SECRETS, read_only=True),
        ],
        "networks": ["sandbox"],
        "restart": "on-failure:3",
        "healthcheck": {"test": ["CMD", *literal(database.check)], "interval": "5s", "timeout": "5s", "retries": 24},
        "depends_on": {f"{database.host}_secrets": prepared, f"{database.host}_data": prepared},
    }


def _mount(volume: str, target: str, *, read_only: bool) -> dict[str, Any]:
    """As it was prepared: without `nocopy` an empty volume would take over the owner of the folder that it covers."""
    return {"type": "volume", "source": volume, "target": target, "read_only": read_only, "volume": {"nocopy": True}}


def _seen_at(database: Database) -> str:
    return f"/run/secrets/{database.host}"
