"""Functions of a cloud, written in Java, that answer requests."""

from orket_pipelines.sandboxes.detection.cloud_functions import functions_rule
from orket_pipelines.sandboxes.detection.rule import Language

RULE = functions_rule(Language.JAVA)
