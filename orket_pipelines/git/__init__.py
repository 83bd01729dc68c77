"""Code as git sees it: the factory's own repositories and the throwaway clones that agents work in.

The factory's repository lies outside every clone and is always addressed with explicit `--git-dir` and `--work-tree`,
hooks and fsmonitor off: nothing that was written in a clone, its `.git` least of all, is read as configuration.
"""

from orket_pipelines.git.fake import MemoryCode
from orket_pipelines.git.port import MAIN, Candidate, Code, Conflict, Identity
from orket_pipelines.git.repository import GitCode
from orket_pipelines.git.version import demand_git

__all__ = ["MAIN", "Candidate", "Code", "Conflict", "GitCode", "Identity", "MemoryCode", "demand_git"]
