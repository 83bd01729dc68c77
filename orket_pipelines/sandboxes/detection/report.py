"""What was found as plain data for programs: the repository as a whole, and each of its services."""

import shlex
from typing import Any

from orket_pipelines.sandboxes.detection.databases import ordered
from orket_pipelines.sandboxes.detection.rule import Language
from orket_pipelines.sandboxes.model import SERVING, Detection, Service, ServiceKind

SERVERS = frozenset({"server", "backend", "api", "gateway"})
"""What the folder of the main one among several programs is called."""
MULTI = "multi"
"""The kind of a repository with several services."""


def report(found: Detection) -> dict[str, Any]:
    """The repository speaks with the words of its main service; several make its kind `multi`. All null where nothing
    was found.
    """
    main = min(found.services, key=_rank, default=None)
    told = _told(main) if main else dict.fromkeys(("language", "framework", "ui", "kind", "port", "start", "build"))
    uis = [service.ui for service in found.services if service.ui]
    return {
        **told,
        "ui": told["ui"] or next(iter(uis), None),
        "kind": MULTI if len(found.services) > 1 else told["kind"],
        "databases": list(ordered(name for service in found.services for name in service.databases)),
        "services": [{"path": service.folder, **_told(service)} for service in found.services],
        "confidence": min((service.confidence for service in found.services), default=0.0),
        "evidence": list(dict.fromkeys(line for service in found.services for line in service.evidence)),
        "ambiguous": list(found.ambiguities),
    }


def _rank(service: Service) -> tuple[bool, bool, bool, bool, bool, int]:
    """What serves comes first, a program before a page, what is named as the server, a server before what draws pages,
    what a framework serves, what is nearer the root.
    """
    draws = service.ui is not None and service.language == Language.NODE
    beside = service.folder != "." and SERVERS.isdisjoint(service.folder.lower().split("/"))
    depth = 0 if service.folder == "." else service.folder.count("/") + 1
    served = service.kind is ServiceKind.WEB
    return (service.kind not in SERVING, not served, beside, draws, service.framework is None, depth)


def _told(service: Service) -> dict[str, Any]:
    return {
        "language": str(service.language) or None,
        "framework": service.framework,
        "ui": service.ui,
        "kind": str(service.kind),
        "port": service.port,
        "start": _command(service.start, service.port),
        "build": _command(service.build, service.port),
    }


def _command(words: tuple[str, ...], port: int | None) -> str | None:
    """A line for a shell, with the port in its place."""
    return shlex.join(word.replace("{port}", str(port)) for word in words) if words else None
