"""Which engine is meant, as Docker's own programs decide it.

DOCKER_CONTEXT comes before DOCKER_HOST, and that before the context that `docker context use` chose, which Docker
Desktop, Colima and rootless Docker make their own.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker.context import Context
from docker.context.config import get_current_context_name

from orket_pipelines.containers.endpoint import Endpoint

DEFAULT = "default"
"""The name that Docker has for whatever the environment says."""
UNKNOWN = "context://"
"""Before the name of a context that cannot be read: nobody can be asked there, and that is said when somebody is."""


def find_endpoint(environment: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine to talk to. Nothing is asked yet: a context that is not there is told by the first call."""
    named = environment.get("DOCKER_CONTEXT")
    if environment.get("DOCKER_HOST") and not named:
        return Endpoint.from_environment(environment)
    name = named or get_current_context_name()
    return Endpoint.from_environment(environment) if name == DEFAULT else _read(name)


def _read(name: str) -> Endpoint:
    try:
        context: Any = Context.load_context(name)
        told = context.endpoints["docker"]
        certificates = Path(context.tls_path, "docker")
    except Exception:  # noqa: BLE001 - the SDK raises bare exceptions for files that it cannot read
        return Endpoint(f"{UNKNOWN}{name}")
    found = certificates if certificates.is_dir() else None
    return Endpoint(told["Host"], found, verify=not told["SkipTLSVerify"])
