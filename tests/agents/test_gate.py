# ruff: noqa: RUF001 - look-alikes are what is tested
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.agents.gate import Allowed, Denied, judge_call
from orket_pipelines.agents.roles.model import Role
from orket_pipelines.agents.tools.model import Reach
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.model import CardState as S

READING = frozenset({"read_file", "list_files", "search"})
CODER = Role(
    "coder",
    "Writes code.",
    READING
    | {"write_file", "edit_file", "delete_file", "run_command", "run_tests", "comment", "request_state"}
    | {"start_server", "server_output", "stop_server"}
    | {"ask_to_be_excused", "card_context", "sandbox_status", "sandbox_logs", "report_bug"},
    frozenset({S.READY_FOR_TESTING, S.BLOCKED}),
    "",
)
GUARD = Role("integrity_guard", "Reviews.", READING | {"run_tests", "comment", "submit_review"}, frozenset(), "")
ARCHITECT = Role("lead_architect", "Guides.", READING | {"comment", "submit_guidance"}, frozenset(), "")
MANAGER = Role(
    "project_manager",
    "Plans.",
    READING | {"comment", "card_context", "create_issue", "nominate_card", "request_state", "ask_to_be_excused"},
    frozenset({S.READY_FOR_TESTING}),
    "",
)
ROLES = (CODER, GUARD, ARCHITECT, MANAGER)
DEEP = '{"path": ' + "[" * 100_000 + "]" * 100_000 + "}"

# Role, state of the card, tool, arguments.
ALLOWED: list[tuple[Role, S, str, Any]] = [
    (CODER, S.IN_PROGRESS, "read_file", {"path": "src/app.py"}),
    (CODER, S.IN_PROGRESS, "read_file", '{"path": "src/app.py", "start_line": 10, "line_count": 5}'),
    (CODER, S.IN_PROGRESS, "read_file", {"path": ".gitea/workflows/ci.yaml"}),
    (CODER, S.IN_PROGRESS, "read_file", {"path": ".orket/suites.yaml"}),
    (CODER, S.IN_PROGRESS, "read_file", {"path": ".gitignore"}),
    (CODER, S.IN_PROGRESS, "write_file", {"path": "a.py", "content": ""}),
    (CODER, S.IN_PROGRESS, "write_file", {"path": "./deep/er/a.py", "content": "x = 'ä'\n"}),
    (CODER, S.IN_PROGRESS, "write_file", {"path": ".gitignore", "content": "*.pyc\n"}),
    (CODER, S.IN_PROGRESS, "write_file", {"path": "docs/.github/x.md", "content": "inert"}),
    (CODER, S.IN_PROGRESS, "write_file", {"path": "..a/b..c", "content": "dots"}),
    (CODER, S.IN_PROGRESS, "write_file", '{"path": "emoji.txt", "content": "\\ud83c\\udf89"}'),
    (CODER, S.IN_PROGRESS, "write_file", {"path": "git.md", "content": "../../etc/passwd is content, not a path"}),
    (CODER, S.IN_PROGRESS, "edit_file", {"path": "a.py", "old": "x", "new": ""}),
    (CODER, S.IN_PROGRESS, "delete_file", {"path": "a.py", "confirm": True}),
    (CODER, S.IN_PROGRESS, "list_files", {}),
    (CODER, S.IN_PROGRESS, "list_files", ""),
    (CODER, S.IN_PROGRESS, "list_files", {"path": ".", "depth": 1}),
    (CODER, S.IN_PROGRESS, "search", {"pattern": "(a+)+$", "glob": "*.py"}),
    (CODER, S.IN_PROGRESS, "run_command", {"command": ["python", "-c", "print('../x')"]}),
    (CODER, S.IN_PROGRESS, "run_command", {"command": ["ls"], "timeout_seconds": 5}),
    (CODER, S.IN_PROGRESS, "run_command", {"command": ["ls"], "timeout_seconds": None}),
    (CODER, S.IN_PROGRESS, "run_tests", {}),
    (CODER, S.IN_PROGRESS, "run_tests", "  "),
    (CODER, S.IN_PROGRESS, "comment", {"body": "done\n"}),
    (CODER, S.IN_PROGRESS, "request_state", {"state": "ready_for_testing", "summary": "done"}),
    (CODER, S.IN_PROGRESS, "request_state", {"state": "blocked", "summary": "which port?", "wait_reason": "input"}),
    (CODER, S.IN_PROGRESS, "search", {"pattern": "x", "glob": "!src/**/*.md", "context": 3, "include_ignored": True}),
    (CODER, S.IN_PROGRESS, "start_server", {"name": "api", "command": ["python3", "app.py"], "wait_for": "listening"}),
    (CODER, S.IN_PROGRESS, "server_output", {"name": "api", "wait_seconds": 2}),
    (CODER, S.IN_PROGRESS, "stop_server", {"name": "api"}),
    (CODER, S.IN_PROGRESS, "card_context", {}),
    (CODER, S.BLOCKED, "card_context", {"card": "todo-api"}),
    (CODER, S.IN_PROGRESS, "sandbox_status", ""),
    (CODER, S.IN_PROGRESS, "sandbox_logs", {"service": "api", "lines": 50}),
    (CODER, S.IN_PROGRESS, "ask_to_be_excused", {"reason": "It needs a lawyer."}),
    (CODER, S.IN_PROGRESS, "report_bug", {"name": "500 on /", "description": "GET / fails.", "severity": "critical"}),
    (
        CODER,
        S.CODE_REVIEW,
        "report_bug",
        {"name": "a", "description": "b", "severity": "minor", "seen_in": "sandbox", "scenario": "GET /"},
    ),
    (MANAGER, S.IN_PROGRESS, "create_issue", {"name": "Write it down", "description": "Every command is there."}),
    (
        MANAGER,
        S.IN_PROGRESS,
        "create_issue",
        {"name": "b", "description": "c", "seat": "qa", "priority": 3, "depends_on": ["a"]},
    ),
    (MANAGER, S.IN_PROGRESS, "nominate_card", {"card": "todo-api", "reason": "All wait for it."}),
    (CODER, S.CODE_REVIEW, "read_file", {"path": "a"}),
    (CODER, S.CODE_REVIEW, "comment", {"body": "an answer"}),
    (GUARD, S.CODE_REVIEW, "read_file", {"path": "a"}),
    (GUARD, S.CODE_REVIEW, "search", {"pattern": "TODO", "path": "src"}),
    (GUARD, S.CODE_REVIEW, "run_tests", {}),
    (GUARD, S.CODE_REVIEW, "comment", {"body": "hm"}),
    (GUARD, S.CODE_REVIEW, "submit_review", {"verdict": "approve"}),
    (GUARD, S.CODE_REVIEW, "submit_review", {"verdict": "request_changes", "body": "no tests"}),
    (ARCHITECT, S.IN_PROGRESS, "list_files", {"path": "src/"}),
    (ARCHITECT, S.IN_PROGRESS, "submit_guidance", {"body": "Split it."}),
]

# The rule that denies, and the call.
DENIED: list[tuple[str, Role, S, str, Any]] = [
    ("unknown_tool", CODER, S.IN_PROGRESS, "exec", {}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "", {}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "READ_FILE", {"path": "a"}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "read_file ", {"path": "a"}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "read_file\n\x1b[2J", {"path": "a"}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "__class__", {}),
    ("unknown_tool", CODER, S.IN_PROGRESS, "x" * 100_000, {}),
    ("wait_reason", CODER, S.IN_PROGRESS, "request_state", {"state": "blocked", "summary": "x"}),
    (
        "wait_reason",
        CODER,
        S.IN_PROGRESS,
        "request_state",
        {"state": "ready_for_testing", "summary": "x", "wait_reason": "input"},
    ),
    ("role_tools", GUARD, S.CODE_REVIEW, "write_file", {"path": "a", "content": ""}),
    ("role_tools", GUARD, S.CODE_REVIEW, "edit_file", {"path": "a", "old": "a", "new": "b"}),
    ("role_tools", GUARD, S.CODE_REVIEW, "delete_file", {"path": "a", "confirm": True}),
    ("role_tools", GUARD, S.CODE_REVIEW, "run_command", {"command": ["ls"]}),
    ("role_tools", GUARD, S.CODE_REVIEW, "request_state", {"state": "blocked", "summary": "x", "wait_reason": "input"}),
    ("role_tools", CODER, S.IN_PROGRESS, "submit_review", {"verdict": "approve"}),
    ("role_tools", CODER, S.CODE_REVIEW, "submit_review", {"verdict": "approve"}),
    ("role_tools", CODER, S.IN_PROGRESS, "submit_guidance", {"body": "x"}),
    ("role_tools", ARCHITECT, S.IN_PROGRESS, "write_file", {"path": "a", "content": ""}),
    ("role_tools", ARCHITECT, S.CODE_REVIEW, "submit_review", {"verdict": "approve"}),
    ("role_tools", ARCHITECT, S.IN_PROGRESS, "run_tests", {}),
    ("role_tools", CODER, S.IN_PROGRESS, "create_issue", {"name": "a", "description": "b"}),
    ("role_tools", CODER, S.IN_PROGRESS, "nominate_card", {"card": "a", "reason": "b"}),
    ("role_tools", MANAGER, S.IN_PROGRESS, "report_bug", {"name": "a", "description": "b", "severity": "minor"}),
    ("card_state", CODER, S.DONE, "report_bug", {"name": "a", "description": "b", "severity": "minor"}),
    ("role_tools", GUARD, S.CODE_REVIEW, "create_issue", {"name": "a", "description": "b"}),
    ("role_tools", MANAGER, S.IN_PROGRESS, "run_command", {"command": ["ls"]}),
    ("role_tools", GUARD, S.CODE_REVIEW, "start_server", {"name": "api", "command": ["ls"]}),
    ("card_state", CODER, S.CODE_REVIEW, "start_server", {"name": "api", "command": ["ls"]}),
    ("card_state", CODER, S.DONE, "server_output", {"name": "api"}),
    ("card_state", CODER, S.BLOCKED, "stop_server", {"name": "api"}),
    ("role_tools", MANAGER, S.IN_PROGRESS, "submit_review", {"verdict": "approve"}),
    ("card_state", MANAGER, S.READY, "create_issue", {"name": "a", "description": "b"}),
    ("card_state", MANAGER, S.CODE_REVIEW, "nominate_card", {"card": "a", "reason": "b"}),
    ("card_state", CODER, S.DONE, "ask_to_be_excused", {"reason": "x"}),
    *(
        ("card_state", CODER, state, tool, arguments)
        for state in (S.READY, S.BLOCKED, S.READY_FOR_TESTING, S.CODE_REVIEW, S.DONE, S.CANCELED)
        for tool, arguments in (
            ("write_file", {"path": "a", "content": ""}),
            ("run_command", {"command": ["ls"]}),
            ("request_state", {"state": "ready_for_testing", "summary": "x"}),
        )
    ),
    ("card_state", CODER, S.READY_FOR_TESTING, "delete_file", {"path": "a", "confirm": True}),
    ("card_state", CODER, S.DONE, "comment", {"body": "x"}),
    ("card_state", CODER, S.DONE, "run_tests", {}),
    ("card_state", GUARD, S.IN_PROGRESS, "submit_review", {"verdict": "approve"}),
    ("card_state", GUARD, S.READY_FOR_TESTING, "submit_review", {"verdict": "approve"}),
    ("card_state", GUARD, S.DONE, "submit_review", {"verdict": "approve"}),
    ("card_state", ARCHITECT, S.CODE_REVIEW, "submit_guidance", {"body": "x"}),
    *(
        ("arguments", CODER, S.IN_PROGRESS, "write_file", arguments)
        for arguments in (
            {},
            "{}",
            "{",
            "not json",
            "null",
            "[]",
            '"path"',
            "42",
            "true",
            '{"path": "a", "content": NaN}',
            '{"path": "a", "content": "b"} trailing',
            "{'path': 'a', 'content': 'b'}",
            "\ufeff{}",
            "\x00",
            DEEP,
            '{"path": ' + "9" * 5_000 + "}",
            {"path": "a"},
            {"content": "b"},
            {"path": 1, "content": "b"},
            {"path": None, "content": "b"},
            {"path": ["a"], "content": "b"},
            {"path": {"path": "a"}, "content": "b"},
            {"path": "a", "content": 1},
            {"path": "a", "content": ["b"]},
            {"path": "a", "content": {"text": "b"}},
            {"path": "a", "content": b"bytes"},
            {"path": "a", "content": "b", "mode": "0777"},
            {"path": "a", "content": "b", "path ": "c"},
            {"Path": "a", "content": "b"},
            {"path": "a", "content": "x" * 2_000_001},
        )
    ),
    *(
        ("arguments", CODER, S.IN_PROGRESS, tool, arguments)
        for tool, arguments in (
            ("run_tests", {"command": ["rm", "-rf", "/"]}),
            ("run_command", {"command": "ls -l"}),
            ("run_command", {"command": []}),
            ("run_command", {"command": ["ls", 1]}),
            ("run_command", {"command": [["ls"]]}),
            ("run_command", {"command": ["ls"], "timeout_seconds": 0}),
            ("run_command", {"command": ["ls"], "timeout_seconds": -1}),
            ("run_command", {"command": ["ls"], "timeout_seconds": "5"}),
            ("run_command", {"command": ["ls"], "environment": {"LD_PRELOAD": "x"}}),
            ("run_command", {"command": ["ls"], "timeout_seconds": True}),
            ("run_command", {"command": ["ls"], "timeout_seconds": float("nan")}),
            ("delete_file", {"path": "a", "confirm": "true"}),
            ("delete_file", {"path": "a", "confirm": 1}),
            ("delete_file", {"path": "a", "confirm": None}),
            ("read_file", {"path": "a", "start_line": 0}),
            ("read_file", {"path": "a", "start_line": -5}),
            ("read_file", {"path": "a", "start_line": "1"}),
            ("read_file", {"path": "a", "start_line": 1.5}),
            ("read_file", {"path": "a", "start_line": True}),
            ("read_file", {"path": "a", "line_count": 10**9}),
            ("edit_file", {"path": "a", "old": "", "new": "x"}),
            ("list_files", {"depth": 21}),
            ("search", {"pattern": ""}),
            ("search", {"pattern": "x", "context": 1_000}),
            ("search", {"pattern": "x", "include_ignored": "yes"}),
            ("start_server", {"name": "../api", "command": ["ls"]}),
            ("start_server", {"name": "api", "command": "ls"}),
            ("start_server", {"name": "api", "command": ["ls"], "port": "0.0.0.0:80"}),
            ("start_server", {"name": "api", "command": ["ls"], "wait_seconds": 10**9}),
            ("server_output", {"name": ""}),
            ("server_output", {"name": "api", "wait_seconds": float("nan")}),
            ("stop_server", {"name": "api\n"}),
            ("card_context", {"card": 7}),
            ("card_context", {"rock": "other"}),
            ("sandbox_status", {"rock": "other"}),
            ("sandbox_logs", {"lines": 10**9}),
            ("sandbox_logs", {"service": "api", "follow": True}),
            ("ask_to_be_excused", {}),
            ("ask_to_be_excused", {"reason": " "}),
            ("ask_to_be_excused", {"reason": "x", "state": "done"}),
            ("comment", {"body": " \n"}),
            ("comment", {"body": "x", "author": "integrity_guard"}),
            ("request_state", {"state": "done", "summary": "trust me"}),
            ("request_state", {"state": "code_review", "summary": "x"}),
            ("request_state", {"state": "canceled", "summary": "x"}),
            ("request_state", {"state": ["blocked"], "summary": "x"}),
            ("request_state", {"state": "READY_FOR_TESTING", "summary": "x"}),
            ("request_state", {"state": "blocked", "summary": "x", "wait_reason": "tired"}),
            ("request_state", {"state": "ready_for_testing"}),
        )
    ),
    *(
        ("arguments", CODER, S.IN_PROGRESS, "report_bug", arguments)
        for arguments in (
            {"name": "a", "description": "b"},
            {"name": "a\nb", "description": "b", "severity": "minor"},
            {"name": "a", "description": "b", "severity": "urgent"},
            {"name": "a", "description": "b", "severity": "minor", "rock": "another"},
            {"name": "a", "description": "b", "severity": "minor", "seen_in": "production"},
        )
    ),
    *(
        ("arguments", MANAGER, S.IN_PROGRESS, tool, arguments)
        for tool, arguments in (
            ("create_issue", {"name": "a"}),
            ("create_issue", {"name": " ", "description": "b"}),
            ("create_issue", {"name": "a\nstate: done", "description": "b"}),
            ("create_issue", {"name": "a", "description": "b", "state": "done"}),
            ("create_issue", {"name": "a", "description": "b", "parent_id": "another-epic"}),
            ("create_issue", {"name": "a", "description": "b", "verified_by": []}),
            ("create_issue", {"name": "a", "description": "b", "priority": 1_000}),
            ("create_issue", {"name": "a", "description": "b", "depends_on": ["x"] * 21}),
            ("create_issue", {"name": "a", "description": "b", "depends_on": "x"}),
            ("nominate_card", {"card": "a"}),
            ("nominate_card", {"card": "", "reason": "x"}),
            ("nominate_card", {"card": "a", "reason": "x", "priority": 99}),
        )
    ),
    ("arguments", GUARD, S.CODE_REVIEW, "submit_review", {"verdict": "approved"}),
    ("arguments", GUARD, S.CODE_REVIEW, "submit_review", {"verdict": "merge"}),
    ("arguments", GUARD, S.CODE_REVIEW, "submit_review", {"verdict": "approve", "commit": "f" * 40}),
    ("arguments", ARCHITECT, S.IN_PROGRESS, "submit_guidance", {"body": "   "}),
    *(
        ("workspace_boundary", CODER, S.IN_PROGRESS, tool, {"path": path} | more)
        for path in (
            "",
            "..",
            "../x",
            "a/../../x",
            "/etc/passwd",
            "//x",
            "~/.ssh/id_ed25519",
            "C:\\x",
            "..\\x",
            "a\0.py",
            "a\n.py",
            "a\u202e.py",
            "．．/x",
            ".git",
            ".git/config",
            ".GIT/hooks/pre-commit",
            "sub/.git/config",
            ".git /config",
            ".git./config",
            "git~1/config",
            ".git::$INDEX_ALLOCATION/config",
            ".g\u200cit/config",
            ".ｇｉｔ/config",
            ".gіt/config",
            "x" * 300,
            "a/" * 2_000,
        )
        for tool, more in (
            ("read_file", {}),
            ("list_files", {}),
            ("write_file", {"content": "x"}),
            ("edit_file", {"old": "x", "new": "y"}),
            ("delete_file", {"confirm": True}),
            ("search", {"pattern": "x"}),
        )
    ),
    *(
        ("protected_path", CODER, S.IN_PROGRESS, tool, {"path": path} | more)
        for path in (
            ".gitea/workflows/ci.yaml",
            ".GitHub/workflows/ci.yml",
            "./.gitlab-ci.yml",
            ".gitlab-ci.yml.",
            ".orket/suites/api.yaml",
            ".forgejo/x",
        )
        for tool, more in (
            ("write_file", {"content": "x"}),
            ("edit_file", {"old": "x", "new": "y"}),
            ("delete_file", {"confirm": True}),
        )
    ),
    ("text", CODER, S.IN_PROGRESS, "write_file", {"path": "a", "content": "a\0b"}),
    ("text", CODER, S.IN_PROGRESS, "run_command", {"command": ["echo", "a\0b"]}),
    ("text", CODER, S.IN_PROGRESS, "run_command", '{"command": ["echo", "\\ud800"]}'),
    ("text", CODER, S.IN_PROGRESS, "comment", {"body": "a\0"}),
    ("text", CODER, S.IN_PROGRESS, "ask_to_be_excused", {"reason": "a\0"}),
    ("text", MANAGER, S.IN_PROGRESS, "create_issue", {"name": "a", "description": "b", "depends_on": ["\0"]}),
    ("confirmation", CODER, S.IN_PROGRESS, "delete_file", {"path": "a"}),
    ("confirmation", CODER, S.IN_PROGRESS, "delete_file", {"path": "a", "confirm": False}),
    (
        "requested_state",
        CODER,
        S.IN_PROGRESS,
        "request_state",
        {"state": "waiting_for_developer", "summary": "x", "wait_reason": "input"},
    ),
]


def shown(value: object) -> str:
    return ascii(value)[:60]


@pytest.mark.parametrize(("role", "state", "tool", "arguments"), ALLOWED, ids=shown)
def test_a_proper_call_is_allowed(role: Role, state: S, tool: str, arguments: Any) -> None:
    verdict = judge_call(role, state, tool, arguments)
    assert isinstance(verdict, Allowed), verdict
    assert verdict.tool.name == tool


@pytest.mark.parametrize(("rule", "role", "state", "tool", "arguments"), DENIED, ids=shown)
def test_any_other_call_is_denied_by_the_right_rule(rule: str, role: Role, state: S, tool: str, arguments: Any) -> None:
    verdict = judge_call(role, state, tool, arguments)
    assert isinstance(verdict, Denied), verdict
    assert verdict.rule == rule, verdict
    assert verdict.reason
    assert verdict.fix
    assert len(verdict.reason) + len(verdict.fix) < 1_500
    assert verdict.reason.isprintable()


def test_the_same_call_is_judged_alike_as_an_object_and_as_its_json() -> None:
    for rule, role, state, tool, arguments in DENIED:
        if isinstance(arguments, dict) and "bytes" not in str(arguments):
            verdict = judge_call(role, state, tool, json.dumps(arguments))
            assert isinstance(verdict, Denied)
            assert verdict.rule == rule


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
    fix = "Your tools are: comment, list_files, read_file, search, submit_guidance."
    assert verdict == Denied("role_tools", "lead_architect may not call run_tests", fix)


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
    for role in ROLES:
        for tool in set(TOOLS) - role.tools:
            for state in S:
                assert isinstance(judge_call(role, state, tool, {}), Denied)


def test_the_corpus_knows_every_tool_from_both_sides() -> None:
    assert {tool for _, _, tool, _ in ALLOWED} == set(TOOLS)
    assert set(TOOLS) <= {tool for _, _, _, tool, _ in DENIED}
    assert len(ALLOWED) + len(DENIED) >= 200


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
    for role in ROLES:
        verdict = judge_call(role, S.IN_PROGRESS, tool, arguments)
        path = getattr(verdict.arguments, "path", ".") if isinstance(verdict, Allowed) else "."
        inside = Path("/checkout")
        assert Path(f"{inside}/{path}").resolve().is_relative_to(inside)
