"""Long conversations: what is cut, what is kept, and that a session taken up again is told the same."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ThinkingPart, ToolCallPart

from orket_pipelines.agents import run_session
from orket_pipelines.agents.compaction import KEPT, characters_for, count_cut, cut_response
from orket_pipelines.agents.history import History
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.models.conversation import Conversation, ConversationTooLong
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.records import calls_of, list_sessions, turns_of
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import CardState
from orket_pipelines.workbench import MemoryWorkbenches
from orket_pipelines.workbench.fake import ended

READY = {"request_state": {"state": "ready_for_testing", "summary": "It is done."}}
SIZES = st.lists(st.tuples(st.integers(300, 5_000), st.integers(0, 300)), max_size=80)


def script(*turns: dict[str, Any]) -> Scripted:
    scene = {"purpose": "work", "turns": list(turns)}
    return Scripted(Playbook.model_validate({"cards": {"default": {"coder": [scene]}}}))


def writing(count: int) -> list[dict[str, Any]]:
    """Each turn writes a long file, after a word about why."""
    return [
        {"say": f"Step {number}.", "calls": [{"write_file": {"path": f"{number}.txt", "content": "x" * 2_000}}]}
        for number in range(count)
    ]


def history_of(desk: Desk, *, limit: int) -> History:
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        turns, calls = turns_of(tx, session.id), calls_of(tx, session.id)
    history = History.rebuilt(session, get_role("coder"), turns, calls, CardState.IN_PROGRESS)
    history.limit = limit
    return history


def said(message: ModelMessage) -> list[str]:
    """Its words, without the moment at which it was read."""
    return [str(getattr(part, "content", "") or getattr(part, "args", "")) for part in message.parts]


def size_of(messages: list[ModelMessage]) -> int:
    return sum(len(str(part)) for message in messages for part in message.parts)


@given(SIZES, st.integers(1_000, 100_000))
def test_no_more_is_cut_than_must_be_and_never_less_as_it_goes_on(sizes: list[tuple[int, int]], limit: int) -> None:
    cuts = [count_cut(sizes[:number], limit) for number in range(len(sizes) + 1)]
    assert cuts == sorted(cuts)
    assert all(cut <= max(0, number - KEPT) for number, cut in enumerate(cuts))
    if cuts[-1] < len(sizes) - KEPT:
        assert sum(size[index < cuts[-1]] for index, size in enumerate(sizes)) <= limit
    if sum(whole for whole, _ in sizes) <= limit:
        assert cuts[-1] == 0


def test_words_and_calls_stay_and_thoughts_go() -> None:
    call = ToolCallPart("write_file", {"path": "a.py", "content": "y" * 900}, "c1")
    cut = cut_response(ModelResponse(parts=[ThinkingPart("hm"), TextPart("I write it."), call]))
    assert [type(part) for part in cut.parts] == [TextPart, ToolCallPart]
    kept = cut.parts[1]
    assert isinstance(kept, ToolCallPart)
    assert kept.args_as_dict()["path"] == "a.py"
    assert "600 characters were left out here" in kept.args_as_dict()["content"]
    assert cut_response(ModelResponse(parts=[ThinkingPart("hm")])).parts == [TextPart("…")]


def test_of_a_long_conversation_the_goal_the_words_and_the_end_are_told(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script(*writing(20), {"calls": [READY]}), assignment)
    whole, cut = history_of(desk, limit=10**9).messages, history_of(desk, limit=30_000).messages
    assert said(cut[0]) == said(whole[0])
    assert list(map(said, cut[-2 * KEPT :])) == list(map(said, whole[-2 * KEPT :]))
    assert len(cut) == len(whole)
    assert all(f"Step {number}." in str(cut[1 + 2 * number]) for number in range(20))
    assert size_of(cut) < size_of(whole) * 0.8


def test_the_last_run_of_the_tests_stays_whole(desk: Desk, assignment: Assignment) -> None:
    failing = MemoryWorkbenches(lambda _checkout, _command: ended(1, "E assert 1 == 2\n" * 100))
    desk = replace(desk, workbench=failing.open(desk.workbench.checkout, name="hello"))
    turns = writing(18)
    for number in (1, 2):
        turns[number]["calls"].append({"run_tests": {}})
    run_session(desk, script(*turns, {"calls": [READY]}), assignment)
    whole, cut = history_of(desk, limit=10**9).messages, history_of(desk, limit=20_000).messages
    earlier, last = 2 + 2 * 1, 2 + 2 * 2
    assert said(cut[earlier]) != said(whole[earlier])
    assert said(cut[last]) == said(whole[last])


def test_a_model_whose_window_is_smaller_than_thought_is_told_less(
    desk: Desk, assignment: Assignment, monkeypatch: Any
) -> None:
    ask, refused = Conversation.ask, []

    def small(self: Conversation, messages: list[ModelMessage]) -> ModelResponse:
        if size_of(messages) > 45_000:
            refused.append(len(messages))
            raise ConversationTooLong("the conversation no longer fits")
        return ask(self, messages)

    monkeypatch.setattr(Conversation, "ask", small)
    outcome = run_session(desk, script(*writing(30), {"calls": [READY]}), assignment)
    assert outcome.request is CardState.READY_FOR_TESTING
    assert refused


def test_a_conversation_that_cannot_be_cut_any_further_ends(
    desk: Desk, assignment: Assignment, monkeypatch: Any
) -> None:
    def full(_self: Conversation, _messages: list[ModelMessage]) -> ModelResponse:
        raise ConversationTooLong("the conversation no longer fits")

    monkeypatch.setattr(Conversation, "ask", full)
    assert run_session(desk, script({"calls": [READY]}), assignment).failure == "the conversation no longer fits"


def test_a_window_is_kept_to_from_the_start(desk: Desk, assignment: Assignment) -> None:
    small = replace(desk, settings=desk.settings.model_copy(update={"model_context": 8_000}))
    models = script(*writing(25), {"calls": [READY]})
    run_session(small, models, assignment)
    history = history_of(desk, limit=10**9)
    history.fit(8_000)
    assert history.limit < characters_for(8_000, 0)
    assert size_of(history.messages) < size_of(history_of(desk, limit=10**9).messages) * 0.8
