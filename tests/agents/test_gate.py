import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.agents.gate import Allowed, Denied, judge_call
from orket_pipelines.agents.roles import get_role, load_roles
from orket_pipelines.agents.roles.model import Role
from orket_pipelines.agents.tools.model import Reach
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.bench.gate import ALLOWED, Case, decide, read_corpus
from orket_pipelines.cards.model import CardState as S

CODER, GUARD, ARCHITECT = (get_role(name) for name in ("coder", "integrity_guard", "lead_architect"))
CASES = read_corpus()
PROPER = [case for case in CASES if case.verdict == ALLOWED]
WRONG = [case for case in CASES if case.verdict != ALLOWED]


def shown(case: Case) -> str:
    """Short, and the same in every run."""
    return ascii(f"{case.role} {case.state} {case.tool} {case.arguments}")[:80]


@pytest.mark.parametrize("case", PROPER, ids=shown)
def test_a_proper_call_is_allowed(case: Case) -> None:
    verdict = decide(case)
    assert isinstance(verdict, Allowed), verdict
    assert verdict.tool.name == case.tool


@pytest.mark.parametrize("case", WRONG, ids=shown)
def test_any_other_call_is_denied_by_the_right_rule(case: Case) -> None:
    verdict = decide(case)
    assert isinstance(verdict, Denied), verdict
    assert verdict.rule == case.verdict, verdict
    assert verdict.reason
    assert verdict.fix
    assert len(verdict.reason) + len(verdict.fix) < 1_500
    assert verdict.reason.isprintable()


def test_the_same_call_is_judged_alike_as_an_object_and_as_its_json() -> None:
    for case in CASES:
        if isinstance(case.arguments, dict) and "b'" not in str(case.arguments):
            again = decide(replace(case, arguments=json.dumps(case.arguments)))
            assert (ALLOWED if isinstance(again, Allowed) else again.rule) == case.verdict, case


def test_a_state_that_the_role_may_not_ask_for_is_denied() -> None:
    role = Role("odd", "", frozenset({"request_state"}), frozenset({S.BLOCKED}), "")
    verdict = judge_call(role, S.IN_PROGRESS, "request_state", {"state": "ready_for_testing", "summary": "x"})
    assert verdict == Denied("requested_state", "odd may not request ready_for_testing", "You may request: blocked.")


def test_a_wrong_field_is_named_by_its_path() -> None:
    verdict = judge_call(CODER, S.IN_PROGRESS, "run_command", {"command": ["ls", 1], "shell": True})
    assert verdict == Denied(
        "arguments",
        "the arguments of run_command are wrong: command.1: Input should be a valid string; "
        "shell: Extra inputs are not permitted",
        "run_command takes one JSON object with: command, timeout_seconds (optional).",
    )


def test_a_denial_says_what_the_role_may_do_instead() -> None:
    verdict = judge_call(ARCHITECT, S.IN_PROGRESS, "run_tests", {})
    assert isinstance(verdict, Denied)
    assert (verdict.rule, verdict.reason) == ("role_tools", "lead_architect may not call run_tests")
    assert verdict.fix == f"Your tools are: {', '.join(sorted(ARCHITECT.tools))}."


def test_each_tool_has_a_limit_of_its_own_in_a_session() -> None:
    limit = TOOLS["comment"].session_limit
    arguments = {"body": "hello"}
    other = ["read_file"] * 1_000
    assert isinstance(
        judge_call(CODER, S.IN_PROGRESS, "comment", arguments, ["comment"] * (limit - 1) + other), Allowed
    )
    verdict = judge_call(CODER, S.IN_PROGRESS, "comment", arguments, ["comment"] * limit)
    assert isinstance(verdict, Denied)
    assert verdict.rule == "rate_limit"


def test_every_pair_of_role_and_foreign_tool_is_denied_in_every_state() -> None:
    for role in load_roles().values():
        for tool in set(TOOLS) - role.tools:
            for state in S:
                assert isinstance(judge_call(role, state, tool, {}), Denied)


def test_the_corpus_knows_every_tool_from_both_sides() -> None:
    assert {case.tool for case in PROPER} == set(TOOLS)
    assert set(TOOLS) <= {case.tool for case in WRONG}
    assert len(CASES) >= 200


def test_no_tool_that_changes_the_checkout_runs_on_a_finished_or_waiting_card() -> None:
    for tool in TOOLS.values():
        if tool.reach is Reach.CHECKOUT:
            assert tool.states <= {S.IN_PROGRESS, S.CODE_REVIEW}


def test_a_role_that_names_a_tool_that_does_not_exist_may_still_not_call_it() -> None:
    role = Role("odd", "", frozenset({"sudo"}), frozenset(), "")
    verdict = judge_call(role, S.IN_PROGRESS, "sudo", {})
    assert isinstance(verdict, Denied)
    assert verdict.rule == "unknown_tool"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    tool=st.sampled_from(sorted(TOOLS)),
    arguments=st.text(max_size=60)
    | st.dictionaries(st.sampled_from(["path", "content", "command", "state", "body", "x"]), junk, max_size=4),
)
def test_whatever_a_model_sends_is_judged_and_nothing_leaves_the_checkout(tool: str, arguments: Any) -> None:
    for role in (CODER, GUARD, ARCHITECT):
        verdict = judge_call(role, S.IN_PROGRESS, tool, arguments)
        path = getattr(verdict.arguments, "path", ".") if isinstance(verdict, Allowed) else "."
        inside = Path("/checkout")
        assert Path(f"{inside}/{path}").resolve().is_relative_to(inside)
