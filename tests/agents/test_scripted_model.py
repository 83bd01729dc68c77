"""The scripted model and its playbooks: the same answer every time, and a clear line where the script does not fit."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters

from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.models import open_models
from orket_pipelines.agents.models.playbook import Playbook, examples_folder, load_playbooks, read_playbook
from orket_pipelines.agents.models.scripted import NAME, Scripted
from orket_pipelines.agents.prompts import first_message
from orket_pipelines.errors import ModelError, SettingsError
from orket_pipelines.settings import Settings

READ = {"read_file": {"path": "README.md"}}


def opening(card: str = "hello", visit: int = 1, purpose: Purpose = Purpose.WORK) -> list[ModelMessage]:
    assignment = Assignment(card, 1, "coder", purpose, visit, "c0", "repo", (), "Say hello.")
    return [ModelRequest(parts=[UserPromptPart(first_message(assignment))])]


def answer(cards: dict[str, Any], messages: list[ModelMessage]) -> ModelResponse:
    """Driven by hand: it never waits for anything, so it needs no event loop."""
    model = Scripted(Playbook.model_validate({"cards": cards})).open("scripted").model
    asking = model.request(messages, None, ModelRequestParameters())
    try:
        asking.send(None)
    except StopIteration as ended:
        response: ModelResponse = ended.value
        return response
    raise AssertionError("the scripted model waited for something")


def scene(*turns: dict[str, Any], purpose: str = "work", **more: Any) -> dict[str, Any]:
    return {"purpose": purpose, "turns": list(turns), **more}


def test_it_is_labelled_and_free() -> None:
    model = Scripted(Playbook(cards={})).open("scripted")
    assert model.name == NAME == "scripted (no language model)"
    assert model.price(answer({"hello": {"coder": [scene({"say": "Hi."})]}}, opening()).usage) == 0.0


def test_the_same_messages_get_the_same_answer() -> None:
    cards = {"hello": {"coder": [scene({"say": "I look.", "calls": [READY, READ]})]}}
    first, second = answer(cards, opening()), answer(cards, opening())
    assert first.parts == second.parts
    assert [part.tool_call_id for part in first.parts if isinstance(part, ToolCallPart)] == [
        "hello-coder-work-1-1-1",
        "hello-coder-work-1-1-2",
    ]


def test_the_turn_is_counted_by_the_answers_so_far() -> None:
    cards = {"hello": {"coder": [scene({"calls": [READ]}, {"say": "Second.", "expect": "# Hello"})]}}
    told = ModelRequest(parts=[ToolReturnPart("read_file", "# Hello\n", "id")])
    messages = [*opening(), answer(cards, opening()), told]
    assert answer(cards, messages).text == "Second."


def test_a_scene_for_this_visit_goes_before_one_for_any() -> None:
    cards = {"hello": {"coder": [scene({"say": "any"}), scene({"say": "second"}, visit=2)]}}
    assert [answer(cards, opening(visit=visit)).text for visit in (1, 2, 3)] == ["any", "second", "any"]


def test_the_default_plays_cards_that_no_playbook_names() -> None:
    cards = {"default": {"coder": [scene({"say": "default"})]}, "hello": {"coder": [scene({"say": "own"})]}}
    assert [answer(cards, opening(card)).text for card in ("hello", "other")] == ["own", "default"]


def test_an_expectation_that_is_not_met_says_what_came() -> None:
    cards = {"hello": {"coder": [scene({"expect": "2 failed", "say": "x"})]}}
    with pytest.raises(ModelError, match=r"expected '2 failed' before turn 1, and this came: (.|\n)*Say hello"):
        answer(cards, opening())


def test_a_card_without_a_script_is_told_how_to_get_a_model() -> None:
    with pytest.raises(
        ModelError, match="no playbook has a script for coder called to hello for conflict, visit 1"
    ) as e:
        answer({"hello": {"coder": [scene({"say": "x"})]}}, opening(purpose=Purpose.CONFLICT))
    assert "ORKET_MODEL" in e.value.next_step
    assert "ORKET_MODEL_BASE_URL" in e.value.next_step


def test_a_script_that_is_over_says_so() -> None:
    cards = {"hello": {"coder": [scene({"say": "only"})]}}
    with pytest.raises(ModelError, match="the script of hello coder work 1 is over after 1 turns"):
        answer(cards, [*opening(), answer(cards, opening()), *opening()])


def written(folder: Path, example: str, cards: Any) -> Path:
    file = folder / example / "playbook.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(yaml.safe_dump({"cards": cards}))
    return file


def test_content_comes_from_the_solution_folder(tmp_path: Path) -> None:
    call = {"write_file": {"path": "a.py", "content_from": "hello/a.py"}}
    file = written(tmp_path, "hello", {"hello": {"coder": [scene({"calls": [call]})]}})
    source = file.parent / "solution" / "hello" / "a.py"
    source.parent.mkdir(parents=True)
    source.write_text("print('hello')\n")
    (move,) = read_playbook(file).cards["hello"]["coder"][0].turns
    assert move.calls == ({"write_file": {"path": "a.py", "content": "print('hello')\n"}},)


@pytest.mark.parametrize(
    ("name", "what"),
    [("../playbook.yaml", "lies outside solution/"), ("missing.py", "No such file"), ("/etc/passwd", "outside")],
)
def test_content_from_elsewhere_is_refused(tmp_path: Path, name: str, what: str) -> None:
    call = {"write_file": {"path": "a.py", "content_from": name}}
    file = written(tmp_path, "hello", {"hello": {"coder": [scene({"calls": [call]})]}})
    with pytest.raises(SettingsError, match=what) as caught:
        read_playbook(file)
    assert "cards.hello.coder.0.turns.0.calls.0.write_file.content_from" in str(caught.value)


@pytest.mark.parametrize(
    ("cards", "what"),
    [
        ({"hello": {"coder": [scene({"says": "x"})]}}, "cards.hello.coder.0.turns.0.says: Extra inputs"),
        ({"hello": {"coder": [scene({"say": "x"}, purpose="play")]}}, "cards.hello.coder.0.purpose: Input should be"),
        ({"hello": {"coder": [scene({"calls": [{"a": {}, "b": {}}]})]}}, "each call names one tool"),
        ({"hello": {"coder": [scene()]}}, "cards.hello.coder.0.turns: "),
        ([], "cards: Input should be"),
    ],
)
def test_a_broken_playbook_names_the_file_and_the_key(tmp_path: Path, cards: Any, what: str) -> None:
    file = written(tmp_path, "hello", cards)
    with pytest.raises(SettingsError) as caught:
        read_playbook(file)
    assert str(file) in str(caught.value)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "playbook.yaml"
    file.write_text("cards: [unclosed")
    with pytest.raises(SettingsError) as caught:
        read_playbook(file)
    assert "\n" not in str(caught.value)


def test_playbooks_of_all_examples_are_one(tmp_path: Path) -> None:
    for card in ("hello", "goodbye"):
        written(tmp_path, card, {card: {"coder": [scene({"say": card})]}})
    assert sorted(load_playbooks(Settings(playbooks=tmp_path)).cards) == ["goodbye", "hello"]


def test_a_card_that_two_playbooks_play_is_refused(tmp_path: Path) -> None:
    for example in ("one", "two"):
        written(tmp_path, example, {"hello": {"coder": [scene({"say": "x"})]}})
    with pytest.raises(SettingsError, match=r"two/playbook.yaml: cards: another playbook plays hello already"):
        load_playbooks(Settings(playbooks=tmp_path))


def test_a_folder_without_playbooks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no playbook lies there"):
        load_playbooks(Settings(playbooks=tmp_path))


def test_the_settings_default_to_the_scripted_model_and_the_examples() -> None:
    assert examples_folder().is_dir()
    assert open_models(Settings()).open("scripted").name == NAME


READY = {"request_state": {"state": "ready_for_testing", "summary": "Done."}}
