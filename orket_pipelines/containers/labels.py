"""Labels as the engine stores them, and the name of this installation."""

import hashlib
from pathlib import Path

from orket_pipelines.containers.model import (
    EGRESS,
    EXPIRES,
    GENERATION,
    OWNER,
    PROCESS,
    PUBLISHED,
    PURPOSE,
    RUN,
    SUBJECT,
    WORKSPACE,
    Labels,
    NetworkSpec,
)


def installation_id(home: Path) -> str:
    """The `orket.owner` of everything that the installation with this ORKET_HOME starts: 12 hexadecimal digits.

    Two homes on one engine do not reap each other's containers.
    """
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]


def write_labels(labels: Labels) -> dict[str, str]:
    """As the engine stores them; what is None is left out."""
    facts = {
        OWNER: labels.owner,
        WORKSPACE: labels.workspace,
        SUBJECT: labels.subject,
        PURPOSE: str(labels.purpose),
        PROCESS: labels.process,
        RUN: labels.run,
        EXPIRES: None if labels.expires is None else str(labels.expires),
        GENERATION: None if labels.generation is None else str(labels.generation),
    }
    return {name: value for name, value in facts.items() if value is not None}


def network_labels(spec: NetworkSpec) -> dict[str, str]:
    """As the engine stores those of a network: whose it is, and what it lets through."""
    ways = {EGRESS: spec.egress, PUBLISHED: spec.published}
    return write_labels(spec.labels) | {name: "true" for name, is_open in ways.items() if is_open}
