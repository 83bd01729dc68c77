"""The seats: who may be called to a card, with which tools, and what each is told. One YAML file a role."""

from orket_pipelines.agents.roles.loader import get_role, load_roles, read_role, role_files
from orket_pipelines.agents.roles.model import Role

__all__ = ["Role", "get_role", "load_roles", "read_role", "role_files"]
