"""Calls that a local model printed as text: read where its dialect says so, marked, and never guessed."""

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart

from orket_pipelines.agents.dialects import load_dialects
from orket_pipelines.agents.models.text_calls import MARK, NOTATIONS, read_text_calls

ALL = ("tags", "brackets", "json")
TOOLS = frozenset({"read_file", "run_tests"})
CALL = '{"name": "read_file", "arguments": {"path": "a.py"}}'


def read(text: str, notations: tuple[str, ...] = ALL) -> list[object]:
    parts = read_text_calls(ModelResponse(parts=[TextPart(text)]), notations, TOOLS).parts
    return [
        (part.tool_name, part.args) if isinstance(part, ToolCallPart) else getattr(part, "content", None)
        for part in parts
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"<tool_call>\n{CALL}\n</tool_call>", []),
        (f"I look.\n<tool_call>{CALL}</tool_call>\n", ["I look."]),
        (f"[TOOL_CALLS] [{CALL}]", []),
        (f"I look. [TOOL_CALLS][{CALL}]", ["I look."]),
        (CALL, []),
        (f"```json\n{CALL}\n```", []),
        (CALL.replace("arguments", "parameters"), []),
    ],
)
def test_a_printed_call_is_a_call(text: str, said: list[str]) -> None:
    assert read(text) == [*said, ("read_file", {"path": "a.py"})]


def test_several_printed_calls_are_calls_in_their_order() -> None:
    second = '{"name": "run_tests"}'
    calls = [("read_file", {"path": "a.py"}), ("run_tests", {})]
    assert read(f"<tool_call>{CALL}</tool_call>\n<tool_call>{second}</tool_call>") == calls
    assert read(f"[{CALL}, {second}]") == calls


@pytest.mark.parametrize(
    "text",
    [
        f"The file says: <tool_call>{CALL}</tool_call> which is odd.",
        f"For example {CALL}",
        "<tool_call>{broken</tool_call>",
        "<tool_call>" * 2000,
        CALL.replace("read_file", "launch_missiles"),
        f"[{CALL}, 7]",
        '{"name": "read_file", "arguments": "a.py"}',
        '{"name": ["read_file"]}',
        "[]",
        "7",
        "",
    ],
)
def test_what_is_not_plainly_a_call_stays_text(text: str) -> None:
    assert read(text) == [text]


def test_nothing_is_read_where_the_dialect_does_not_say_so() -> None:
    assert read(CALL, ()) == [CALL]
    assert read(CALL, ("tags",)) == [CALL]


def test_beside_a_real_call_text_stays_text() -> None:
    answer = ModelResponse(parts=[TextPart(CALL), ToolCallPart("run_tests", {})])
    assert read_text_calls(answer, ALL, TOOLS) is answer


def test_what_was_read_is_marked_and_what_was_thought_is_kept() -> None:
    answer = read_text_calls(ModelResponse(parts=[ThinkingPart("Hm."), TextPart(CALL)]), ALL, TOOLS)
    thought, call = answer.parts
    assert isinstance(thought, ThinkingPart)
    assert isinstance(call, ToolCallPart)
    assert answer.metadata == {MARK: [call.tool_call_id]}


def test_the_dialects_name_notations_that_there_are_and_the_large_families_none() -> None:
    dialects = load_dialects()
    assert {each for dialect in dialects.values() for each in dialect.text_calls} <= set(NOTATIONS)
    assert [dialects[name].text_calls for name in ("plain", "gpt", "claude")] == [(), (), ()]
