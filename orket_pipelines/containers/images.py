"""Fetching an image: not by the SDK, which would wait for ever for an engine that hangs."""

import json
from urllib.parse import urlencode

from docker.auth import get_config_header, resolve_repository_name
from docker.utils import parse_repository_tag

from orket_pipelines.containers.connection import Connection
from orket_pipelines.errors import ContainerError

PATIENCE = 120.0
"""Seconds without a word of progress: unpacking a large layer takes long on a busy disk."""


def pull(connection: Connection, name: str) -> None:
    """Have the engine fetch `name`, with what `docker login` kept for its registry. Raises: ContainerError."""
    attempt = f"pull image {name}"
    repository, tag = parse_repository_tag(name)
    with connection.asking(attempt) as client:
        registry, _ = resolve_repository_name(repository)
        key = get_config_header(client, registry)
    path = f"/images/create?{urlencode({'fromImage': repository, 'tag': tag or 'latest'})}"
    headers = {"X-Registry-Auth": key.decode()} if key else {}
    told = b"".join(connection.stream(attempt, path, lambda: False, headers=headers, patience=PATIENCE))
    errors = [line["error"] for line in map(json.loads, told.splitlines()) if "error" in line]
    if errors:
        raise ContainerError(f"{attempt}: {errors[-1]}", next_step=f"Try it by hand: docker pull {name}")
