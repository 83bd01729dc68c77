"""Salvo: a Rust program that builds upon it."""

from orket_pipelines.sandboxes.detection.rust_crates import framework_rule

RULE = framework_rule("salvo", "salvo", 8080)
