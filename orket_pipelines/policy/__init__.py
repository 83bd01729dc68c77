"""Policy violations: what was refused, why, and how to fix it; stored in a transaction of their own, so that a refusal
is on record even where the work that led to it is rolled back."""

from orket_pipelines.policy.model import Violation
from orket_pipelines.policy.records import find_violation, list_violations, record_violation, refusals_on_record

__all__ = ["Violation", "find_violation", "list_violations", "record_violation", "refusals_on_record"]
