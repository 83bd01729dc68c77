"""What the gate says to the shipped corpus of calls (`gate.yaml`), right and wrong, and what a decision costs."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orket_pipelines.agents.gate import Allowed, Denied, judge_call
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.cards.model import CardState

CORPUS = Path(__file__).with_suffix(".yaml")
ALLOWED = "allowed"
ROUNDS = 200
"""Passes over the allowed calls while they are timed."""
_REPEATED = re.compile(r"<<(.+?)\*(\d+)>>")


@dataclass(frozen=True, slots=True)
class Case:
    """One call of the corpus. `verdict` is `allowed`, or the rule that must deny it; `arguments` an object, or JSON."""

    verdict: str
    role: str
    state: CardState
    tool: str
    arguments: Any


def measure(report: Report) -> list[Metric]:
    """The share of denied calls that are denied, how many others are, and what a decision costs."""
    cases = read_corpus()
    report(f"{len(cases)} calls")
    allowed = [case for case in cases if case.verdict == ALLOWED]
    denied = [case for case in cases if case.verdict != ALLOWED]
    blocked = sum(isinstance(decide(case), Denied) for case in denied) / len(denied)
    wrong = sum(isinstance(decide(case), Denied) for case in allowed)
    return [
        Metric("gate.block_rate", round(blocked, 4), f"of {len(denied)} calls to deny", 1.0, round(blocked, 4)),
        Metric("gate.false_blocks", float(wrong), f"of {len(allowed)} calls to allow", 0.0),
        _cost(allowed),
    ]


def read_corpus() -> list[Case]:
    """The shipped calls."""
    return [case for group in yaml.safe_load(CORPUS.read_text()) for case in _cases(group)]


def decide(case: Case) -> Allowed | Denied:
    """What the gate says to the call of a shipped role."""
    return judge_call(get_role(case.role), case.state, case.tool, case.arguments)


def _cases(group: dict[str, Any]) -> Iterator[Case]:
    for state in map(CardState, group["states"]):
        for tool, arguments in _written_out(group["calls"]):
            for path in _written_out(group.get("paths", [None])):
                given = arguments if path is None else {"path": path, **arguments}
                yield Case(group["verdict"], group["role"], state, tool, given)


def _written_out(given: Any) -> Any:
    """With every repetition in its texts."""
    if isinstance(given, str):
        return _REPEATED.sub(lambda found: found[1] * int(found[2]), given)
    if isinstance(given, list):
        return [_written_out(each) for each in given]
    return {name: _written_out(each) for name, each in given.items()} if isinstance(given, dict) else given


def _cost(allowed: list[Case]) -> Metric:
    """A decision of the gate beside the schema alone, for calls that both let through."""
    objects = [case for case in allowed if isinstance(case.arguments, dict)]
    gate = _seconds(lambda: [decide(case) for case in objects])
    schema = _seconds(lambda: [TOOLS[case.tool].arguments.model_validate(case.arguments) for case in objects])
    return against("gate.cpu", gate / len(objects) * 1e6, "µs a decision", schema / len(objects) * 1e6)


def _seconds(act: Callable[[], object]) -> float:
    """CPU of one pass."""
    began = time.process_time()
    for _ in range(ROUNDS):
        act()
    return (time.process_time() - began) / ROUNDS
