"""Stacks that people often begin with, each as the `orket.yaml` of its repository: one file a stack.

They are for repositories that do not hold enough yet to be found out about, and for models that are to fill one.
"""

import re
from pathlib import Path

from orket_pipelines.errors import SandboxError

__all__ = ["about_preset", "preset_names", "read_preset"]


def preset_names() -> list[str]:
    """All that there are."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.yaml"))


def read_preset(name: str) -> str:
    """The text of one. Raises: SandboxError where there is none of that name."""
    if name not in preset_names():
        raise SandboxError(
            f"there is no preset {name}: there are {', '.join(preset_names())}",
            next_step="See them: orket sandboxes presets",
        )
    return Path(__file__).with_name(f"{name}.yaml").read_text()


def about_preset(name: str) -> str:
    """What one is, in a sentence: the first of its file."""
    return re.split(r"\.\s", read_preset(name).replace("\n# ", " ").removeprefix("# "), maxsplit=1)[0]
