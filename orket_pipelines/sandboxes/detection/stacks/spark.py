"""Spark: a program that declares it."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule("spark", ("com.sparkjava:spark-core",), 4567)
