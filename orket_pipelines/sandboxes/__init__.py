"""Where results run: what a repository holds is found, planned, deployed on loopback, watched and removed.

`detection/` and `planning.py` say what runs; `deploying.py` brings a commit into its sandbox, on containers
(`on_engine.py`) or processes (`on_processes.py`); `upkeep.py` is for those who look after them.
"""

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
