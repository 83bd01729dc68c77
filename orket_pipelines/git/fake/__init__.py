"""Code without git, for tests, kill sweeps and benches that leave git out: the same port, the same meanings."""

from orket_pipelines.git.fake.code import MemoryCode

__all__ = ["MemoryCode"]
