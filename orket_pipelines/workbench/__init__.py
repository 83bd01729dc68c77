"""Where agent steps run: one workbench per issue over its throwaway clone, one bounded command at a time.

Files of a checkout, whose content nobody may trust, are reached through `files.py` alone.
"""

from orket_pipelines.workbench.container import ContainerWorkbenches, preflight_container
from orket_pipelines.workbench.fake import MemoryWorkbenches
from orket_pipelines.workbench.model import Execution, Workbench, Workbenches
from orket_pipelines.workbench.process import Limits, ProcessWorkbenches, preflight
from orket_pipelines.workbench.watch import Bounds

__all__ = [
    "Bounds",
    "ContainerWorkbenches",
    "Execution",
    "Limits",
    "MemoryWorkbenches",
    "ProcessWorkbenches",
    "Workbench",
    "Workbenches",
    "preflight",
    "preflight_container",
]
