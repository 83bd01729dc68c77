"""The wheel carries the Dagster application as data, inside the one package that it installs.

Top-level `assets` or `jobs` in site-packages would overwrite other people's.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

APPLICATION = ("assets", "jobs", "sensors", "resources", "definitions.py", "workspace.yaml", "examples", "images")


class DagsterApplication(BuildHookInterface[Any]):
    """An editable install is one line in a .pth file: it uses the checkout, and must hold no copies."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_data["force_include"] |= {name: f"orket_pipelines/_app/{name}" for name in APPLICATION}
