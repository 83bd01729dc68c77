"""The asset graph: from card file, role and model over code, pull request and main line to delivery and its numbers."""

from assets.checks import CHECKS
from assets.inputs import files_of_a_rock, prompts_and_models
from assets.metrics import history_of_sessions, metrics_of_days
from assets.watching import watch_rock
from assets.work import make_issue, make_rock

ASSETS = [
    files_of_a_rock,
    prompts_and_models,
    make_rock,
    make_issue,
    watch_rock,
    metrics_of_days,
    history_of_sessions,
]

__all__ = ["ASSETS", "CHECKS"]
