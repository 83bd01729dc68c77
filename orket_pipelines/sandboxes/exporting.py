"""A plan handed to people: the compose document that runs it on their machine, with this installation's settings."""

import hashlib
from pathlib import Path

from orket_pipelines.containers import command_user, limits_of
from orket_pipelines.sandboxes.compose import ComposeFrame, compose_document, port_of
from orket_pipelines.sandboxes.compose_text import compose_text
from orket_pipelines.sandboxes.model import Plan
from orket_pipelines.settings import Settings


def export(plan: Plan, source: Path, settings: Settings) -> str:
    """The document that runs `plan` over the files in `source`, with its front on the port that it listens on."""
    front = next(service for service in plan.services if service.name == plan.front)
    frame = ComposeFrame(
        source=source,
        image=settings.workbench_image,
        user=command_user(),
        bridge=f"orkt-{hashlib.sha256(str(source).encode()).hexdigest()[:8]}",
        labels={"orket.purpose": "compose"},
        ports={plan.front: port_of(front)},
        limits=limits_of(settings),
        database_images=settings.database_images,
    )
    return compose_text(compose_document(plan, frame))
