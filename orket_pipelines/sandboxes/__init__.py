"""Where results run: what a repository holds is found, planned, deployed on loopback, watched and removed.

`detection/` and `planning.py` say what runs; `deploying.py` brings a commit into its sandbox, on containers
(`on_engine.py`) or processes (`on_processes.py`); `upkeep.py` is for those who look after them. Names
load at their first use: who only detects what a folder holds needs neither an engine nor a store.
"""

from typing import TYPE_CHECKING

from orket_pipelines.first_use import on_first_use

if TYPE_CHECKING:
    from orket_pipelines.sandboxes.deploying import DeployedSandboxes
    from orket_pipelines.sandboxes.fake import MemorySandboxes
    from orket_pipelines.sandboxes.model import Deployment, Detection, Plan, Sandbox, Sandboxes, SandboxState, Service
    from orket_pipelines.sandboxes.opening import open_sandboxes
    from orket_pipelines.sandboxes.upkeep import expire, expired, lease_name, reconcile

__all__ = [
    "DeployedSandboxes",
    "Deployment",
    "Detection",
    "MemorySandboxes",
    "Plan",
    "Sandbox",
    "SandboxState",
    "Sandboxes",
    "Service",
    "expire",
    "expired",
    "lease_name",
    "open_sandboxes",
    "reconcile",
]

__getattr__ = on_first_use(
    __name__,
    {
        "DeployedSandboxes": "deploying",
        "Deployment": "model",
        "Detection": "model",
        "MemorySandboxes": "fake",
        "Plan": "model",
        "Sandbox": "model",
        "SandboxState": "model",
        "Sandboxes": "model",
        "Service": "model",
        "expire": "upkeep",
        "expired": "upkeep",
        "lease_name": "upkeep",
        "open_sandboxes": "opening",
        "reconcile": "upkeep",
    },
)
