"""The stacks that are known, one file each; within a language the first that finds something speaks for a folder."""

from orket_pipelines.sandboxes.detection.rule import Rule
from orket_pipelines.sandboxes.detection.stacks import fastapi, node_package, python_program, vite

RULES: tuple[Rule, ...] = (fastapi.RULE, vite.RULE, python_program.RULE, node_package.RULE)

__all__ = ["RULES"]
