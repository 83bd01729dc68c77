"""What a repository holds that can run, told from its manifests and its syntax trees; nothing of it is ever executed.

A stack is one file under `stacks/`: a `Rule`, listed in `stacks/__init__.py`.
"""

from orket_pipelines.sandboxes.detection.detector import detect
from orket_pipelines.sandboxes.detection.manifest import MANIFEST

__all__ = ["MANIFEST", "detect"]
