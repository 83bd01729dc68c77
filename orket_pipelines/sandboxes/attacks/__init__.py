"""Attacks on a live sandbox: each disproves a sentence of what sandboxes promise, or does not.

`catalog.py` lists them; what runs inside a container lies in `probes/`, and `judging.py` says what comes of it. The
tests and `orket doctor --attack` run the very same ones, from a checkout that means harm (`target.py`).
"""

from orket_pipelines.sandboxes.attacks.catalog import ATTACKS
from orket_pipelines.sandboxes.attacks.model import Attack, Outcome, Target, Verdict
from orket_pipelines.sandboxes.attacks.running import attack

__all__ = ["ATTACKS", "Attack", "Outcome", "Target", "Verdict", "attack"]
