"""How what was found is run: which service a person opens, and which requests go on to another."""

from dataclasses import asdict, replace
from typing import Any

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection import MANIFEST
from orket_pipelines.sandboxes.model import SERVING, Detection, Plan, Service, ServiceKind

API_PREFIX = "/api"
"""Where a page looks for the service beside it, unless the manifest says otherwise."""
LEAST_CONFIDENCE = 0.5
"""A service found with less was picked among equals: running it would be a guess."""
PAGES = frozenset({ServiceKind.SPA, ServiceKind.STATIC})


def plan(detection: Detection) -> Plan:
    """The page in front, where there is one, and the web service behind it; a web service alone is its own front.

    Jobs and libraries are left out: nothing asks them anything. Raises: DetectionError with what would decide.
    """
    services = tuple(service for service in detection.services if service.kind in SERVING)
    if not services:
        raise _nothing_serves(detection)
    doubtful = [service for service in services if service.confidence < LEAST_CONFIDENCE]
    if doubtful:
        what = "; ".join(detection.ambiguities) or f"too little speaks for {doubtful[0].name}"
        raise DetectionError(f"what to run cannot be decided: {what}", next_step=_write_it_down("services"))
    front = detection.front or _front(services).name
    routes = _routes(services, front) if detection.routes is None else detection.routes
    _check(services, front, routes)
    return Plan(services=services, front=front, routes=dict(sorted(routes.items())))


def plan_document(made: Plan) -> dict[str, Any]:
    """The plan as plain data, for the store and for JSON."""
    return asdict(made)


def plan_from_document(document: dict[str, Any]) -> Plan:
    """What `plan_document` wrote."""
    return Plan(
        services=tuple(_service(each) for each in document["services"]),
        front=document["front"],
        routes=dict(document["routes"]),
    )


def _service(document: dict[str, Any]) -> Service:
    found = Service(**document)
    return replace(
        found,
        kind=ServiceKind(found.kind),
        start=tuple(found.start),
        build=tuple(found.build),
        evidence=tuple(found.evidence),
        databases=tuple(found.databases),
    )


def _front(services: tuple[Service, ...]) -> Service:
    pages = [service for service in services if service.kind in PAGES]
    candidates = pages or list(services)
    if len(candidates) > 1:
        names = ", ".join(f"{each.name} ({each.folder})" for each in candidates)
        raise DetectionError(f"several services could be the front: {names}", next_step=_write_it_down("front"))
    return candidates[0]


def _routes(services: tuple[Service, ...], front: str) -> dict[str, str]:
    """`/api` to the one web service behind a page."""
    behind = [service for service in services if service.name != front and service.kind is ServiceKind.WEB]
    if len(behind) > 1:
        names = ", ".join(f"{each.name} ({each.folder})" for each in behind)
        raise DetectionError(f"several services could answer {API_PREFIX}: {names}", next_step=_write_it_down("routes"))
    pages = {service.name for service in services if service.kind in PAGES}
    return {API_PREFIX: behind[0].name} if behind and front in pages else {}


def _check(services: tuple[Service, ...], front: str, routes: dict[str, str]) -> None:
    """Raises: DetectionError where the manifest names what is not there, or what cannot be."""
    kinds = {service.name: service.kind for service in services}
    unknown = sorted({front, *routes.values()} - set(kinds))
    if unknown:
        what = f"names {', '.join(unknown)}, and found were: {', '.join(kinds)}"
    elif any(kinds[name] is not ServiceKind.WEB for name in routes.values()):
        what = "routes: they lead to web services alone, which start a program"
    elif routes and kinds[front] not in PAGES:
        what = f"routes: {front} is in front and answers for itself; only a page hands requests on"
    else:
        return
    raise DetectionError(
        f"{MANIFEST} {what}", next_step=f"Correct {MANIFEST}; docs/SANDBOXES.md shows what it may say."
    )


def _nothing_serves(detection: Detection) -> DetectionError:
    found = ", ".join(f"{each.name} ({each.kind}, {each.folder})" for each in detection.services)
    told = [*([f"found only {found}"] if found else ["no program that Orket knows was found"]), *detection.ambiguities]
    return DetectionError(f"nothing here answers HTTP: {'; '.join(told)}", next_step=_write_it_down("services"))


def _write_it_down(key: str) -> str:
    return f"Say it in {MANIFEST} at the root, under `{key}`; docs/SANDBOXES.md shows how."
