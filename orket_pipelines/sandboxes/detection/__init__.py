"""What a repository holds that can run, told from its manifests and its syntax trees; nothing of it is ever executed.

A stack is one file under `stacks/`: a `Rule`, listed in `stacks/__init__.py`; others install theirs as entry points.
"""

from orket_pipelines.sandboxes.detection.detector import detect
from orket_pipelines.sandboxes.detection.manifest import MANIFEST
from orket_pipelines.sandboxes.detection.report import report

__all__ = ["MANIFEST", "detect", "report"]
