"""What a step costs and what a kill costs, measured small."""

import pytest

from orket_pipelines.bench import agent_step, gate, run_bench

pytestmark = pytest.mark.slow


def test_a_step_is_measured_beside_the_bare_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_step, "STEPS", 40)
    metrics = {metric.metric: metric for metric in run_bench("agent-step", lambda _: None)}
    assert list(metrics) == ["agent_step.cpu", "agent_step.disk", "agent_step.idle"]
    assert all(metric.value > 0 for metric in metrics.values())
    # Of what two hundred steps may take.
    assert metrics["agent_step.disk"].value < agent_step.DISK / 4
    assert metrics["agent_step.idle"].value < agent_step.IDLE / 4


def test_a_kill_in_the_midst_of_a_call_loses_no_turn_and_repeats_no_effect() -> None:
    metrics = {metric.metric: metric.value for metric in run_bench("resume", lambda _: None)}
    assert metrics["resume.killed"] == 1
    named = ("resume.lost_turns", "resume.repeated_effects", "resume.lost_effects")
    assert [metrics[name] for name in named] == [0, 0, 0]


def test_the_gate_blocks_what_it_must_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "ROUNDS", 2)
    metrics = {metric.metric: metric for metric in run_bench("gate", lambda _: None)}
    assert list(metrics) == ["gate.block_rate", "gate.false_blocks", "gate.cpu"]
    assert (metrics["gate.block_rate"].value, metrics["gate.false_blocks"].value) == (1.0, 0.0)
    assert metrics["gate.cpu"].floor
