"""How well and how cheaply circles are noticed, on the shipped corpus of sessions (`stuck.yaml`)."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orket_pipelines.agents.stuck import Watch, observe
from orket_pipelines.bench.floor import agent_steps
from orket_pipelines.bench.model import Metric, Report, against

CORPUS = Path(__file__).with_suffix(".yaml")
ROUNDS = 20
"""Passes over the corpus while it is timed."""
STEPS = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a session of the corpus; `arguments` is JSON."""

    tool: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Case:
    """One session of the corpus. `stuck`: the number of the last call by which its circle must be noticed."""

    name: str
    calls: tuple[Call, ...]
    stuck: int | None


def measure(report: Report) -> list[Metric]:
    """Precision, recall, and what it costs a call."""
    cases = read_corpus()
    report(f"{len(cases)} sessions, {sum(len(case.calls) for case in cases)} calls")
    noticed = {case.name: notice(case) for case in cases}
    stuck = [case for case in cases if case.stuck is not None]
    right = [case for case in stuck if (noticed[case.name] or len(case.calls) + 1) <= (case.stuck or 0)]
    named = [case for case in cases if noticed[case.name] is not None]
    precision = sum(case.stuck is not None for case in named) / len(named)
    return [
        Metric("stuck.precision", round(precision, 3), "of noticed", 1.0, round(precision, 3)),
        Metric("stuck.recall", round(len(right) / len(stuck), 3), "of circles", 1.0, round(len(right) / len(stuck), 3)),
        _cost(cases),
    ]


def read_corpus() -> list[Case]:
    """The shipped sessions."""
    return [
        Case(case["name"], tuple(_calls(case["calls"])), case.get("stuck"))
        for case in yaml.safe_load(CORPUS.read_text())
    ]


def notice(case: Case) -> int | None:
    """The number of the call at which the first circle is noticed."""
    watch = Watch()
    for number, call in enumerate(case.calls, 1):
        if watch.see(observe(call.tool, call.arguments, "done", call.result)) is not None:
            return number
    return None


def _calls(items: list[Any]) -> Iterator[Call]:
    for item in items:
        if not isinstance(item, dict):
            yield _call(item, "")
            continue
        for number in range(1, item["times"] + 1):
            yield from (_call(each, str(number)) for each in item["calls"])


def _call(item: list[Any], number: str) -> Call:
    tool, arguments, result = item
    return Call(tool, json.dumps(arguments).replace("{n}", number), result.replace("{n}", number))


def _cost(cases: list[Case]) -> Metric:
    """What looking on costs a call, beside a bare step of the model library, to which it is added."""
    calls = sum(len(case.calls) for case in cases)
    began = time.process_time()
    for _ in range(ROUNDS):
        for case in cases:
            notice(case)
    value = (time.process_time() - began) / (ROUNDS * calls)
    return against("stuck.cpu", value * 1e6, "µs a call", agent_steps(STEPS).cpu / STEPS * 1e6)
