"""How fast it is: each bench measures the product and, in the same run, the floor that it cannot go below."""

from orket_pipelines.bench.model import Metric, run_bench

__all__ = ["Metric", "run_bench"]
