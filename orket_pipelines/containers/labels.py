"""Labels as the engine stores them, and the name of this installation."""

import hashlib
from pathlib import Path

from orket_pipelines.containers.model import EXPIRES, OWNER, PROCESS, PURPOSE, RUN, SUBJECT, WORKSPACE, Labels


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
    }
    return {name: value for name, value in facts.items() if value is not None}
