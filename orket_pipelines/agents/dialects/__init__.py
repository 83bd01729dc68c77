"""How families of models want to be spoken to: one YAML file a family. The first whose pattern fits a name wins."""

from orket_pipelines.agents.dialects.loader import Dialect, dialect_of, get_dialect, load_dialects

__all__ = ["Dialect", "dialect_of", "get_dialect", "load_dialects"]
